package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// HoldOptions says which runs to hold or release.
type HoldOptions struct {
	APIURL, APIKey string
	Stdout         io.Writer
	Runs           []string
	// Tag is held or released beside the runs.
	Tag string
	// As says what for; to list held runs, only those.
	As string
	// Release lets them go.
	Release bool
}

// Hold keeps runs from clean-ups, or releases them, or lists the held ones if none is named; it returns an exit code.
func Hold(ctx context.Context, o HoldOptions) (int, error) {
	c := newClient(o.APIURL, o.APIKey)
	defer c.close()
	if len(o.Runs) == 0 && o.Tag == "" {
		return o.list(ctx, c)
	}
	if o.Tag != "" {
		if err := o.tag(ctx, c); err != nil {
			return reached(ctx, err)
		}
	}
	for _, id := range o.Runs {
		path, done := runPath(id)+"/hold", "Held"
		body, err := json.Marshal(map[string]string{"as": o.As})
		if err != nil {
			return exitCodeOf(err), platformError("the request can't be written: %s", err)
		}
		if o.Release {
			path, done, body = runPath(id)+"/release", "Released", nil
		}
		if err := c.call(ctx, http.MethodPost, path, body, "", nil); err != nil {
			return reached(ctx, err)
		}
		fmt.Fprintf(o.Stdout, "%s: %s\n", done, clean(id))
	}
	return ExitPassed, nil
}

// tag holds or releases all runs with a tag.
func (o *HoldOptions) tag(ctx context.Context, c *client) error {
	path, method, done := "/api/held-tags/"+url.PathEscape(o.Tag), http.MethodPut, "Held"
	body, err := json.Marshal(map[string]string{"as": o.As})
	if err != nil {
		return platformError("the request can't be written: %s", err)
	}
	if o.Release {
		method, done, body = http.MethodDelete, "Released", nil
	}
	if err := c.call(ctx, method, path, body, "", nil); err != nil {
		return err
	}
	fmt.Fprintf(o.Stdout, "%s: tag %s\n", done, clean(o.Tag))
	return nil
}

func (o *HoldOptions) list(ctx context.Context, c *client) (int, error) {
	query := url.Values{"limit": {"200"}}
	if o.As != "" {
		query.Set("as", o.As)
	}
	held, err := items[struct {
		TestRunID string    `json:"testRunId"`
		Title     string    `json:"title"`
		As        string    `json:"as"`
		HeldSince time.Time `json:"heldSince"`
	}](ctx, c, "/api/holds?"+query.Encode())
	if err != nil {
		return reached(ctx, err)
	}
	tags, err := items[struct {
		Tag       string    `json:"tag"`
		As        string    `json:"as"`
		HeldSince time.Time `json:"heldSince"`
		Runs      int       `json:"runs"`
	}](ctx, c, "/api/held-tags")
	if err != nil {
		return reached(ctx, err)
	}
	shown := 0
	for _, t := range tags {
		if o.As != "" && t.As != o.As {
			continue
		}
		shown++
		line := fmt.Sprintf("%-36s  %8s  %s  %s", "tag "+clean(t.Tag), age(time.Since(t.HeldSince)), count(t.Runs, "run"), clean(t.As))
		fmt.Fprintln(o.Stdout, strings.TrimRight(line, " "))
	}
	if len(held) == 0 && shown == 0 {
		fmt.Fprintln(o.Stdout, "No run is held.")
	}
	for _, h := range held {
		line := fmt.Sprintf("%-36s  %8s  %s  %s", clean(h.TestRunID), age(time.Since(h.HeldSince)), clean(h.Title), clean(h.As))
		fmt.Fprintln(o.Stdout, strings.TrimRight(line, " "))
	}
	return ExitPassed, nil
}

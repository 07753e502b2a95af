package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// CleanupOptions says how to clean up, and how to show it.
type CleanupOptions struct {
	APIURL, APIKey string
	Stdout, Stderr io.Writer
	// Terminal says that Stderr is a terminal: progress is written over itself there.
	Terminal bool
	// JSON writes one document on standard output.
	JSON bool

	DryRun bool
	// OlderThanDays replaces the days that things are kept; negative: as the settings say.
	OlderThanDays float64
	// PollInterval is how often progress is asked for.
	PollInterval time.Duration
}

// apiAmount is how much of a kind went.
type apiAmount struct {
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
}

// apiCleanup is a clean-up as the API shows it.
type apiCleanup struct {
	CleanupID string `json:"cleanupId"`
	Status    string `json:"status"`
	DryRun    bool   `json:"dryRun"`
	Error     string `json:"error,omitempty"`
	Progress  struct {
		Percentage int    `json:"percentage"`
		Message    string `json:"message"`
	} `json:"progress"`
	Report json.RawMessage `json:"report,omitempty"`
}

type apiReport struct {
	Removed    map[string]apiAmount `json:"removed"`
	Total      apiAmount            `json:"total"`
	Held       int64                `json:"held"`
	Problems   []string             `json:"problems"`
	StartedAt  time.Time            `json:"startedAt"`
	FinishedAt time.Time            `json:"finishedAt"`
}

const cleanupPoll = 500 * time.Millisecond

// Cleanup cleans up, shows how far that is and what went, and returns an exit code.
func Cleanup(ctx context.Context, o CleanupOptions) (int, error) {
	c := newClient(o.APIURL, o.APIKey)
	defer c.close()
	request := map[string]any{"dryRun": o.DryRun}
	if o.OlderThanDays >= 0 {
		request["olderThanDays"] = o.OlderThanDays
	}
	body, err := json.Marshal(request)
	if err != nil {
		return exitCodeOf(err), platformError("the request can't be written: %s", err)
	}
	var at apiCleanup
	if err := c.call(ctx, http.MethodPost, "/api/cleanups", body, "", &at); err != nil {
		return reached(ctx, err)
	}
	if at, err = o.follow(ctx, c, at.CleanupID); err != nil {
		if ctx.Err() != nil {
			fmt.Fprintf(o.Stderr, "The clean-up goes on without you. Its report: %s\n", c.link("/api/cleanups/"+url.PathEscape(at.CleanupID)))
		}
		return reached(ctx, err)
	}
	if o.JSON {
		if err := writeJSON(o.Stdout, at); err != nil {
			return exitCodeOf(err), err
		}
	} else if at.Status == "completed" {
		if err := o.write(at); err != nil {
			return exitCodeOf(err), err
		}
	}
	if at.Status != "completed" {
		return ExitPlatform, platformError("the clean-up failed: %s", clean(at.Error))
	}
	return ExitPassed, nil
}

// follow waits until a clean-up has ended.
func (o *CleanupOptions) follow(ctx context.Context, c *client, id string) (apiCleanup, error) {
	interval := o.PollInterval
	if interval <= 0 {
		interval = cleanupPoll
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	said := ""
	for {
		at := apiCleanup{CleanupID: id}
		if err := c.get(ctx, "/api/cleanups/"+url.PathEscape(id), &at); err != nil {
			return apiCleanup{CleanupID: id}, err
		}
		line := fmt.Sprintf("%3d%%  %s", at.Progress.Percentage, clean(at.Progress.Message))
		ended := at.Status == "completed" || at.Status == "failed"
		if at.Progress.Message == "" {
			line = "Waiting for a worker"
		}
		switch {
		case o.Terminal && ended:
			fmt.Fprint(o.Stderr, "\r\x1b[K")
		case o.Terminal:
			fmt.Fprint(o.Stderr, "\r\x1b[K"+truncate(line, 79))
		case line != said && !ended:
			fmt.Fprintln(o.Stderr, line)
		}
		said = line
		if ended {
			return at, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return at, errors.New("interrupted")
		}
	}
}

// write shows what went, a line a kind.
func (o *CleanupOptions) write(at apiCleanup) error {
	var r apiReport
	if err := json.Unmarshal(at.Report, &r); err != nil {
		return platformError("the report can't be read: %s", err)
	}
	verb := "Removed"
	if at.DryRun {
		verb = "Would remove"
	}
	if len(r.Removed) == 0 {
		fmt.Fprintln(o.Stdout, verb+" nothing: nothing is old enough, or too much.")
	} else {
		fmt.Fprintf(o.Stdout, "%s:\n", verb)
		kinds := make([]string, 0, len(r.Removed))
		for kind := range r.Removed {
			kinds = append(kinds, kind)
		}
		slices.Sort(kinds)
		for _, kind := range kinds {
			line := fmt.Sprintf("  %-20s %10d  %10s", clean(kind), r.Removed[kind].Count, sizeOf(r.Removed[kind].Bytes))
			fmt.Fprintln(o.Stdout, strings.TrimRight(line, " "))
		}
		fmt.Fprintf(o.Stdout, "  %-20s %10d  %10s\n", "in all", r.Total.Count, sizeOf(r.Total.Bytes))
	}
	if r.Held > 0 {
		fmt.Fprintf(o.Stdout, "Kept, as they are held: %s.\n", count(int(r.Held), "run"))
	}
	for _, problem := range r.Problems {
		fmt.Fprintln(o.Stdout, "Not cleaned up: "+clean(problem))
	}
	fmt.Fprintf(o.Stdout, "It took %s. Clean-up %s\n", r.FinishedAt.Sub(r.StartedAt).Round(time.Millisecond), clean(at.CleanupID))
	return nil
}

// sizeOf is a number of bytes for people; nothing for none.
func sizeOf(bytes int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	size, unit := float64(bytes), 0
	for size >= 1024 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	switch {
	case bytes == 0:
		return ""
	case unit == 0:
		return fmt.Sprintf("%d B", bytes)
	default:
		return fmt.Sprintf("%.1f %s", size, units[unit])
	}
}

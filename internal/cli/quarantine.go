package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// QuarantineOptions says which cases go into quarantine, or leave it.
type QuarantineOptions struct {
	SuiteOptions

	// Cases are ids of stored cases, or files.
	Cases      []string
	By, Reason string
	// Passes is how many passes in a row it takes to leave; 0 leaves that to the API.
	Passes int
	// Remove takes them out.
	Remove bool
}

// apiQuarantined is a case in quarantine as the API shows it.
type apiQuarantined struct {
	TestCaseID string    `json:"testCaseId"`
	Reason     string    `json:"reason"`
	By         string    `json:"by"`
	Since      time.Time `json:"since"`
	Passes     int       `json:"passes"`
	Passed     int       `json:"passed"`
	Runs       int       `json:"runs"`
	Failed     int       `json:"failed"`
}

// Quarantine puts cases in quarantine or takes them out, and returns an exit code.
func Quarantine(ctx context.Context, o QuarantineOptions) (int, error) {
	if !o.Remove && (strings.TrimSpace(o.By) == "" || strings.TrimSpace(o.Reason) == "") {
		return ExitUsage, usageError("say why, and who says so: --reason TEXT --by NAME")
	}
	ids := make([]string, len(o.Cases))
	for i, name := range o.Cases {
		var err error
		if ids[i], err = caseID(name); err != nil {
			return exitCodeOf(err), err
		}
	}
	request := map[string]any{"by": o.By, "reason": o.Reason}
	if o.Passes > 0 {
		request["passes"] = o.Passes
	}
	body, err := json.Marshal(request)
	if err != nil {
		return ExitPlatform, fmt.Errorf("encoding the request: %w", err)
	}
	c := o.client()
	defer c.close()
	put := []json.RawMessage{}
	for _, id := range ids {
		path := "/api/test-cases/" + url.PathEscape(id) + "/quarantine"
		if o.Remove {
			if err := c.call(ctx, http.MethodDelete, path, nil, "", nil); err != nil {
				return reached(ctx, err)
			}
			if !o.JSON {
				fmt.Fprintf(o.Stdout, "%s counts again.\n", clean(id))
			}
			continue
		}
		var text json.RawMessage
		var q apiQuarantined
		if err := c.call(ctx, http.MethodPut, path, body, "", &text); err != nil {
			return reached(ctx, err)
		}
		if err := json.Unmarshal(text, &q); err != nil {
			return reached(ctx, c.notOurs("its quarantine can't be read: "+err.Error()))
		}
		if put = append(put, text); !o.JSON {
			fmt.Fprintf(o.Stdout, "%s is in quarantine: its failures fail no suite until it has passed %s.\n", clean(id), times(q.Passes))
		}
	}
	if o.JSON {
		if err := writeJSON(o.Stdout, map[string]any{"items": put}); err != nil {
			return exitCodeOf(err), err
		}
	}
	return ExitPassed, nil
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times in a row"
}

// caseID is the id that runs of a case have: of a stored one its own, of a file that which its title makes.
func caseID(name string) (string, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !strings.HasSuffix(name, ".json"):
		return name, nil
	case err != nil:
		return "", usageError("%s: %s", name, plain(err))
	case info.IsDir():
		return name, nil // an id may be the name of a folder here
	}
	c, wrong := read(name)
	if len(wrong) > 0 {
		return "", invalidFiles(wrong, 1)
	}
	return testcase.InlineID(c.Title), nil
}

// ListQuarantine lists the cases in quarantine and returns an exit code.
func ListQuarantine(ctx context.Context, o SuiteOptions) (int, error) {
	c := o.client()
	defer c.close()
	cases := []json.RawMessage{}
	rows := [][]string{{"CASE", "PASSED", "RUNS", "FAILED", "BY", "SINCE", "REASON"}}
	for after := ""; ; {
		page, err := items[json.RawMessage](ctx, c, "/api/quarantine?"+url.Values{"after": {after}}.Encode())
		if err != nil {
			return reached(ctx, err)
		}
		if len(page) == 0 {
			break
		}
		for _, item := range page {
			var q apiQuarantined
			if err := json.Unmarshal(item, &q); err != nil {
				return reached(ctx, c.notOurs("its quarantine can't be read: "+err.Error()))
			}
			rows = append(rows, []string{
				clean(q.TestCaseID), fmt.Sprintf("%d of %d", q.Passed, q.Passes), strconv.Itoa(q.Runs), strconv.Itoa(q.Failed), clean(q.By), ago(q.Since), clean(q.Reason),
			})
			cases, after = append(cases, item), q.TestCaseID
		}
	}
	if err := o.show("items", cases, rows, "No case is in quarantine: every failure counts."); err != nil {
		return ExitPlatform, err
	}
	return ExitPassed, nil
}

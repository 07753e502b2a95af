package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// SuiteOptions says which API keeps the suites, and how to show them.
type SuiteOptions struct {
	APIURL, APIKey string
	Stdout         io.Writer
	// JSON asks for one JSON document instead of a table.
	JSON bool
}

func (o SuiteOptions) client() *client { return newClient(strings.TrimRight(o.APIURL, "/"), o.APIKey) }

// apiSuite is a stored suite as the API shows it.
type apiSuite struct {
	SuiteID string `json:"suiteId"`
	Title   string `json:"title"`
	Suite   struct {
		Cases []string `json:"cases"`
	} `json:"suite"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// ListSuites lists the stored suites.
func ListSuites(ctx context.Context, o SuiteOptions) error {
	c := o.client()
	defer c.close()
	suites := []json.RawMessage{}
	rows := [][]string{{"SUITE", "TITLE", "CASES", "CHANGED"}}
	for after := ""; ; {
		page, err := items[json.RawMessage](ctx, c, "/api/suites?"+url.Values{"after": {after}}.Encode())
		if err != nil {
			return coded("the suites can't be listed", err)
		}
		if len(page) == 0 {
			break
		}
		for _, item := range page {
			var s apiSuite
			if err := json.Unmarshal(item, &s); err != nil {
				return platformError("the suites can't be listed: %s", err)
			}
			rows = append(rows, []string{s.SuiteID, clean(s.Title), strconv.Itoa(len(s.Suite.Cases)), ago(s.UpdatedAt)})
			suites, after = append(suites, item), s.SuiteID
		}
	}
	return o.show("suites", suites, rows, "There are no stored suites. Store a folder as one: cinnamon suite save ID FOLDER.")
}

// ListSuiteRuns lists the newest suite runs: those of a stored suite, or all.
func ListSuiteRuns(ctx context.Context, o SuiteOptions, suiteID string, limit int) error {
	c := o.client()
	defer c.close()
	runs, err := items[json.RawMessage](ctx, c, suiteRunsPath(suiteID)+"?limit="+strconv.Itoa(limit))
	if err != nil {
		return coded("the suite runs can't be listed", err)
	}
	rows := [][]string{{"SUITE RUN", "SUITE", "STATUS", "PASSED", "FAILED", "CANCELLED", "OPEN", "DURATION", "BEGAN"}}
	for _, item := range runs {
		var r apiSuiteRun
		if err := json.Unmarshal(item, &r); err != nil {
			return platformError("the suite runs can't be listed: %s", err)
		}
		n := r.Counts
		duration := ""
		if r.DurationMS > 0 {
			duration = humane(time.Duration(r.DurationMS) * time.Millisecond)
		}
		failed := strconv.Itoa(n.Failed)
		if n.Quarantined > 0 {
			failed += fmt.Sprintf(" (%d in quarantine)", n.Quarantined)
		}
		rows = append(rows, []string{
			r.SuiteRunID, clean(r.Title), r.Status, fmt.Sprintf("%d/%d", n.Completed+n.Adapted, n.Total), failed,
			strconv.Itoa(n.Cancelled), strconv.Itoa(n.Pending + n.Running), duration, ago(r.CreatedAt),
		})
	}
	return o.show("suiteRuns", runs, rows, "No suite has run yet. Run a stored one with cinnamon suite run ID, or a folder with cinnamon run FOLDER --parallel 4.")
}

// CancelSuiteRun ends a suite run: what runs is cancelled, the rest does not start.
func CancelSuiteRun(ctx context.Context, o SuiteOptions, id string) error {
	c := o.client()
	defer c.close()
	if err := c.cancel(ctx, suiteRunPath(id)); err != nil {
		return coded(id, err)
	}
	_, err := fmt.Fprintf(o.Stdout, "%s is being cancelled.\n", clean(id))
	return err
}

// SaveSuite stores the cases of a folder, each as SUITE.NAME, and the suite of them that its suite file describes.
func SaveSuite(ctx context.Context, o SuiteOptions, id, folder string) error {
	groups, problems := suites([]Group{{Paths: []string{folder}}})
	names, err := find(folder)
	if err != nil {
		problems = append(problems, problem{File: folder, Message: err.Error()})
	}
	definitions := map[string]*testcase.Case{}
	ids := make([]string, 0, len(names))
	files := distinct(problems) + len(names)
	for _, name := range names {
		c, wrong := read(name)
		caseID := caseIDOf(id, folder, name)
		if definitions[caseID] != nil {
			wrong = append(wrong, problem{File: name, Message: fmt.Sprintf("another file is stored as %q as well: rename one of them", caseID)})
		}
		problems = append(problems, wrong...)
		definitions[caseID] = c
		ids = append(ids, caseID)
	}
	if len(problems) > 0 {
		return notUsable("nothing was stored", problems, files)
	}
	c := o.client()
	defer c.close()
	for _, caseID := range ids {
		if err := c.call(ctx, http.MethodPut, "/api/test-cases/"+url.PathEscape(caseID), definitions[caseID].JSON(), "", nil); err != nil {
			return coded(caseID, err)
		}
	}
	body, err := json.Marshal(definitionOf(groups[0], ids))
	if err != nil {
		return fmt.Errorf("encoding the suite: %w", err)
	}
	if err := c.call(ctx, http.MethodPut, "/api/suites/"+url.PathEscape(id), body, "", nil); err != nil {
		return coded(id, err)
	}
	_, err = fmt.Fprintf(o.Stdout, "%s with %s is stored as %s: cinnamon suite run %s runs it.\n", clean(suiteTitle(groups[0])), count(len(ids), "case"), clean(id), clean(id))
	return err
}

// suiteDefinition is the body of PUT /api/suites/ID.
type suiteDefinition struct {
	Title    string          `json:"title"`
	Cases    []string        `json:"cases"`
	Parallel *int            `json:"parallel,omitempty"`
	FailFast *bool           `json:"failFast,omitempty"`
	Priority json.RawMessage `json:"priority,omitempty"`
	Config   json.RawMessage `json:"config,omitempty"`
}

func definitionOf(group Group, ids []string) suiteDefinition {
	d := suiteDefinition{Title: suiteTitle(group), Cases: ids}
	if group.suite != nil {
		said := group.suite.Suite
		d.Parallel, d.FailFast, d.Priority, d.Config = said.Parallel, said.FailFast, said.Priority, said.Config.JSON()
	}
	return d
}

var noID = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// caseIDOf names a case of a suite after its file: that of smoke in the file account/sign in.json is smoke.account.sign-in.
func caseIDOf(suiteID, folder, name string) string {
	inner, err := filepath.Rel(folder, name)
	if err != nil || inner == "." {
		inner = filepath.Base(name)
	}
	parts := strings.Split(strings.TrimSuffix(filepath.ToSlash(inner), filepath.Ext(inner)), "/")
	for i, part := range parts {
		parts[i] = strings.Trim(noID.ReplaceAllString(part, "-"), "-")
	}
	return suiteID + "." + strings.Join(parts, ".")
}

// show writes a JSON document, or a table, or that there is nothing.
func (o SuiteOptions) show(name string, items []json.RawMessage, rows [][]string, none string) error {
	if o.JSON {
		if items == nil {
			items = []json.RawMessage{}
		}
		return writeJSON(o.Stdout, map[string]any{name: items})
	}
	if len(items) == 0 {
		_, err := fmt.Fprintln(o.Stdout, none)
		return err
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = min(max(widths[i], textWidth(cell)), maxTitleWidth)
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(fit(cell, widths[i]) + columnGap)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(o.Stdout, b.String())
	return err
}

// ago says when something was.
func ago(t time.Time) string {
	switch since := time.Since(t); {
	case since < time.Minute:
		return "just now"
	case since < 24*time.Hour:
		return humane(since.Round(time.Minute)) + " ago"
	default:
		return t.Local().Format("2006-01-02 15:04")
	}
}

package cli

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// apiSuiteRun is a suite run as the API shows it.
type apiSuiteRun struct {
	SuiteRunID string      `json:"suiteRunId"`
	SuiteID    string      `json:"suiteId,omitempty"`
	Title      string      `json:"title"`
	UserID     string      `json:"userId,omitempty"`
	Status     string      `json:"status"`
	Counts     suiteCounts `json:"counts"`
	Error      string      `json:"error,omitempty"`
	DurationMS int64       `json:"duration,omitempty"`
	CreatedAt  time.Time   `json:"createdAt"`
	Links      links       `json:"links"`
}

type suiteCounts struct {
	Total     int `json:"total"`
	Pending   int `json:"pending"`
	Running   int `json:"running"`
	Completed int `json:"completed"`
	Adapted   int `json:"adapted"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	Flaky     int `json:"flaky"`
	// Quarantined are those of the failed ones that don't count.
	Quarantined int `json:"quarantined"`
}

// passed says that nothing of the suite run is to be run again.
func (r apiSuiteRun) passed() bool { return r.Counts.Failed+r.Counts.Cancelled == 0 }

// earlier finds the suite run whose failed cases are to be run again: that of the id, or the newest one of these.
func (c *client) earlier(ctx context.Context, id string, newest url.Values, of string) (apiSuiteRun, error) {
	var run apiSuiteRun
	if id != Latest {
		if err := c.get(ctx, suiteRunPath(id), &run); err != nil {
			return run, err
		}
	} else {
		newest.Set("limit", "1")
		runs, err := items[apiSuiteRun](ctx, c, suiteRunsPath("")+"?"+newest.Encode())
		if err != nil {
			return run, err
		}
		if len(runs) == 0 {
			return run, usageError("%s has never run yet: run it without --only-failed first", of)
		}
		run = runs[0]
	}
	if run.Status == statusRunning {
		return run, usageError("suite run %s has not ended yet: wait for it, or cancel it with `cinnamon suite cancel %s`", run.SuiteRunID, run.SuiteRunID)
	}
	return run, nil
}

// runsOfSuite returns all runs of a suite run.
func (c *client) runsOfSuite(ctx context.Context, suiteRunID string) ([]apiRun, error) {
	const page = 200
	var runs []apiRun
	for {
		query := url.Values{"limit": {strconv.Itoa(page)}, "offset": {strconv.Itoa(len(runs))}}
		more, err := items[apiRun](ctx, c, suiteRunPath(suiteRunID)+"/runs?"+query.Encode())
		if err != nil {
			return nil, err
		}
		runs = append(runs, more...)
		if len(more) < page {
			return runs, nil
		}
	}
}

// onlyFailed leaves the tests that did not pass in the earlier suite run of their group, as their files are now. The notes
// say what else there is to know.
func onlyFailed(ctx context.Context, c *client, o *Options, tests []test) (left []test, notes []string, err error) {
	missing := 0
	for g, group := range o.Groups {
		title := suiteTitle(group)
		run, err := c.earlier(ctx, o.OnlyFailed, url.Values{"title": {title}}, fmt.Sprintf("as a suite, %q", title))
		if err != nil {
			return nil, nil, err
		}
		if run.passed() {
			notes = append(notes, fmt.Sprintf("Nothing is to be run again: all %s of suite run %s passed.", count(run.Counts.Total, "test"), run.SuiteRunID))
			continue
		}
		runs, err := c.runsOfSuite(ctx, run.SuiteRunID)
		if err != nil {
			return nil, nil, err
		}
		failed := map[string]bool{}
		for _, r := range runs {
			if r.Status == statusFailed || r.Status == statusCancelled {
				failed[r.Title] = true
			}
		}
		for i := range tests {
			if tests[i].group == g && failed[tests[i].title] {
				left = append(left, tests[i])
			}
		}
		for _, t := range left {
			delete(failed, t.title)
		}
		gone := make([]string, 0, len(failed))
		for name := range failed {
			gone = append(gone, name)
		}
		slices.Sort(gone)
		missing += len(gone)
		for _, name := range gone {
			notes = append(notes, fmt.Sprintf("%q, which did not pass in suite run %s, is not in %s any more: it is left out.", name, run.SuiteRunID, title))
		}
	}
	if len(left) == 0 && missing > 0 {
		return nil, nil, usageError("none of the %s is there any more that did not pass: cases are found by their titles", count(missing, "test"))
	}
	return left, notes, nil
}

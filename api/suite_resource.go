package api

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/cinnamon-qa/cinnamon/store"
)

// suiteResource is a stored suite as clients see it.
type suiteResource struct {
	SuiteID   string          `json:"suiteId"`
	Title     string          `json:"title"`
	Suite     json.RawMessage `json:"suite"`
	CreatedAt time.Time       `json:"createdAt"`
	UpdatedAt time.Time       `json:"updatedAt"`
}

func suiteOf(s store.Suite) suiteResource {
	return suiteResource{SuiteID: s.ID, Title: s.Title, Suite: s.Definition, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt}
}

// suiteRunResource is a suite run as clients see it.
type suiteRunResource struct {
	SuiteRunID string          `json:"suiteRunId"`
	SuiteID    string          `json:"suiteId,omitempty"`
	Title      string          `json:"title"`
	UserID     string          `json:"userId,omitempty"`
	Status     store.RunStatus `json:"status"`
	Parallel   int             `json:"parallel"` // 0: as many as there are workers for
	FailFast   bool            `json:"failFast"`
	Counts     suiteCounts     `json:"counts"`
	// Settings are what the request said of the runs, Defaults the suite's config. Lists leave them out.
	Settings   json.RawMessage `json:"settings,omitempty"`
	Defaults   json.RawMessage `json:"defaults,omitempty"`
	Error      string          `json:"error,omitempty"`
	Duration   *int64          `json:"duration,omitempty"` // milliseconds, from acceptance to the last end
	CreatedAt  time.Time       `json:"createdAt"`
	StartedAt  *time.Time      `json:"startedAt,omitempty"`
	FinishedAt *time.Time      `json:"finishedAt,omitempty"`
	Links      suiteRunLinks   `json:"links"`
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

type suiteRunLinks struct {
	Self     string `json:"self"`
	Runs     string `json:"runs"`
	Temporal string `json:"temporal"`
}

func (a addresses) suiteRun(id string) string {
	return a.public + "/api/suite-runs/" + url.PathEscape(id)
}

func (a addresses) suiteResource(r store.SuiteRun) suiteRunResource {
	out := suiteRunResource{
		SuiteRunID: r.ID, SuiteID: r.SuiteID, Title: r.Title, UserID: r.UserID, Status: r.Status, Parallel: r.Parallel,
		FailFast: r.FailFast, Counts: suiteCounts(r.Counts), Settings: r.Settings, Defaults: r.Defaults, Error: r.Error, CreatedAt: r.CreatedAt,
		StartedAt: present(r.StartedAt), FinishedAt: present(r.FinishedAt),
		Links: suiteRunLinks{
			Self: a.suiteRun(r.ID), Runs: a.suiteRun(r.ID) + "/runs", Temporal: a.workflow(r.WorkflowID, r.WorkflowRunID),
		},
	}
	if !r.FinishedAt.IsZero() {
		ms := r.FinishedAt.Sub(r.CreatedAt).Milliseconds()
		out.Duration = &ms
	}
	return out
}

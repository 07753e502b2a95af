package store

import (
	"encoding/json"
	"time"
)

// Suite is a stored list of test cases that run together.
type Suite struct {
	ID         string
	Title      string
	Definition json.RawMessage
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// SuiteRun is one run of many cases.
type SuiteRun struct {
	ID       string
	SuiteID  string // empty if the cases came with the request
	Title    string
	UserID   string
	Status   RunStatus // running until all have ended, then completed, failed or cancelled
	Parallel int       // how many runs at once; 0 = as many as there are workers for
	FailFast bool
	// Settings are what the request said of the runs, Defaults the suite's config, which counts where a case says nothing:
	// of a single suite run, never in lists.
	Settings, Defaults json.RawMessage
	Error              string
	Counts             SuiteCounts

	WorkflowID    string
	WorkflowRunID string

	CreatedAt  time.Time
	StartedAt  time.Time // of its first run
	FinishedAt time.Time
}

// SuiteCounts says how many runs of a suite are in which state.
type SuiteCounts struct {
	Total, Pending, Running, Completed, Adapted, Failed, Cancelled, Flaky int
	// Quarantined are those of the failed ones that don't count.
	Quarantined int
}

// SuiteRunsOf says which suite runs are asked for: all, if it is empty.
type SuiteRunsOf struct {
	SuiteID string
	// Title is that of suite runs whose cases came with the request.
	Title string
}

// NewSuiteRun is a suite run to be created with all its runs, in the order in which they are to start.
type NewSuiteRun struct {
	SuiteRun
	Runs           []NewRun
	IdempotencyKey string
	RequestHash    string
	WorkflowInput  json.RawMessage
}

// SuiteStart is what is needed to start the workflow of a suite run.
type SuiteStart struct {
	ID            string
	UserID        string
	Title         string
	WorkflowInput json.RawMessage
}

// SuiteChild is a run of a suite that its workflow is to start.
type SuiteChild struct {
	RunID         string
	Place         int // from 1
	TestCaseID    string
	Title         string
	WorkflowInput json.RawMessage
	Quarantined   bool // its failure does not count
}

// SuiteCase is a case that a suite run had.
type SuiteCase struct {
	TestCaseID string          // of a stored case, else empty
	Definition json.RawMessage // of one that came with the request
}

package store

import (
	"encoding/json"
	"time"
)

// Cleanup is what is kept of a clean-up for longer than its job.
type Cleanup struct {
	ID     string // the job's
	DryRun bool
	// Report is package cleanup's; nil until it has ended.
	Report     json.RawMessage
	StartedAt  time.Time
	FinishedAt time.Time
}

// HeldRun is a run that no clean-up takes.
type HeldRun struct {
	RunID      string
	TestCaseID string
	Title      string
	Status     RunStatus
	Since      time.Time
	As         string // what for
}

// HeldTag is a tag whose runs no clean-up takes.
type HeldTag struct {
	Tag   string
	Since time.Time
	As    string // what for
	Runs  int    // how many have it
}

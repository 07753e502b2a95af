package store

import (
	"encoding/json"

	"github.com/cinnamon-qa/cinnamon/queue"
)

// NewJob is a job to be created that carries out no test run: its record is all that there is of it.
type NewJob struct {
	// WorkflowInput starts the workflow, now or after a crash in between.
	WorkflowInput json.RawMessage
	// Added is the job's first change.
	Added queue.Change
	// Shown says that Redis shows the job already: a client added it there.
	Shown bool
}

// JobOutcome is how an attempt of such a job ended.
type JobOutcome struct {
	// Error is why it failed; empty if it did not.
	Error string
	// Final says that no further attempt would help.
	Final bool
	// Result is what clients read as the job's return value, Progress the last progress that they were shown.
	Result   json.RawMessage
	Progress json.RawMessage
}

// Carried is an open run, or a job without one, that a workflow carries out.
type Carried struct {
	RunID         string
	WorkflowRunID string
}

package activities

import (
	"cmp"
	"time"

	"github.com/cinnamon-qa/cinnamon/store"
)

// AttemptInput tells ExecuteAttempt which run to attempt.
type AttemptInput struct {
	Queue string `json:"queue"`
	RunID string `json:"testRunId"`
	// JobID is the queue's id of the job, if it is not the run's.
	JobID string `json:"jobId,omitempty"`
	// Made is how many attempts of the run have ended before this one.
	Made int `json:"made"`
	// Timeout bounds the browser's part of the attempt, in milliseconds.
	Timeout int64 `json:"timeout"`
	// Expires is until when the attempt may wait to begin; zero: for as long as it takes.
	Expires time.Time `json:"expires,omitzero"`
}

func (in AttemptInput) jobID() string { return cmp.Or(in.JobID, in.RunID) }

// AttemptResult is how an attempt ended and what is to follow.
type AttemptResult struct {
	// Attempt counts from 1, those included that a dying worker cut short.
	Attempt int `json:"attempt"`
	// Result is the documented result of the job.
	Result Result `json:"result"`
	// Steps is the table of steps, for people who look at the workflow.
	Steps []StepLine `json:"steps,omitempty"`
	// Finished says that the run has ended; otherwise another attempt may start at RetryAt.
	Finished bool      `json:"finished"`
	RetryAt  time.Time `json:"retryAt,omitzero"`
	// Made is how many attempts of the run have ended by now.
	Made int `json:"made,omitempty"`
	// Waits says why no attempt was made: the job is delayed, or another consumer of the queue has it.
	Waits string `json:"waits,omitempty"`
}

// Result is the documented result of a test-execution job.
type Result = store.Result

// Progress is the documented progress record of a run.
type Progress struct {
	TestRunID   string    `json:"testRunId"`
	CurrentStep int       `json:"currentStep"`
	TotalSteps  int       `json:"totalSteps"`
	Percentage  int       `json:"percentage"`
	Message     string    `json:"message,omitempty"`
	StepData    *StepData `json:"stepData,omitempty"`
}

// StepData is the documented state of the current step.
type StepData struct {
	Action   string `json:"action"`
	Status   string `json:"status"` // running, completed, failed or adapted
	Duration int64  `json:"duration,omitempty"`
	Error    string `json:"error,omitempty"`
}

// StepLine is one line of the table of steps in the Temporal Web UI.
type StepLine struct {
	Number      int              `json:"number"`
	Description string           `json:"description"`
	Status      store.StepStatus `json:"status"`
	Duration    int64            `json:"duration"` // milliseconds
	Error       string           `json:"error,omitempty"`
	Note        string           `json:"note,omitempty"` // of an adapted step: what helped
}

// EndRunInput tells EndRun how to end a run that no attempt ended.
type EndRunInput struct {
	Queue  string          `json:"queue"`
	RunID  string          `json:"testRunId"`
	Status store.RunStatus `json:"status"`
	Class  store.Class     `json:"class,omitempty"` // why it fails
	Reason string          `json:"reason"`
}

// EndRunResult says how the run has ended.
type EndRunResult struct {
	// Left says that it has not: another consumer of the queue drives it.
	Left   bool            `json:"left,omitempty"`
	Status store.RunStatus `json:"status,omitempty"`
	Reason string          `json:"reason,omitempty"`
	// Quarantined says that a failure fails no suite.
	Quarantined bool `json:"quarantined,omitempty"`
}

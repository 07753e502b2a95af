package activities

import (
	"time"

	"github.com/cinnamon-qa/cinnamon/store"
)

// AttemptInput tells ExecuteAttempt which run to attempt.
type AttemptInput struct {
	Queue string `json:"queue"`
	RunID string `json:"testRunId"`
	// Made is how many attempts of the run have ended before this one.
	Made int `json:"made"`
	// Timeout bounds the browser's part of the attempt, in milliseconds.
	Timeout int64 `json:"timeout"`
}

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
}

// Result is the documented result of a test-execution job.
type Result struct {
	TestRunID      string          `json:"testRunId"`
	Status         store.RunStatus `json:"status"`
	TotalSteps     int             `json:"totalSteps"`
	CompletedSteps int             `json:"completedSteps"`
	FailedSteps    int             `json:"failedSteps"`
	AdaptedSteps   int             `json:"adaptedSteps"`
	Duration       int64           `json:"duration"` // milliseconds
	Error          string          `json:"error,omitempty"`
}

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
}

// EndRunInput tells EndRun how to end a run that no attempt ended.
type EndRunInput struct {
	Queue  string          `json:"queue"`
	RunID  string          `json:"testRunId"`
	Status store.RunStatus `json:"status"`
	Reason string          `json:"reason"`
}

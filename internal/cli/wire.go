package cli

import (
	"cmp"
	"encoding/json"
	"time"
)

// startRequest is the body of POST /api/test-runs.
type startRequest struct {
	Case     json.RawMessage `json:"case"`
	UserID   string          `json:"userId,omitempty"`
	Priority json.RawMessage `json:"priority,omitempty"`
	Attempts int             `json:"attempts,omitempty"`
	Config   *runConfig      `json:"config,omitempty"`
}

// suiteRequest is the body of POST /api/suite-runs, and without cases of POST /api/suites/ID/runs.
type suiteRequest struct {
	Title    string          `json:"title,omitempty"`
	Cases    []suiteCase     `json:"cases,omitempty"`
	UserID   string          `json:"userId,omitempty"`
	Priority json.RawMessage `json:"priority,omitempty"`
	Attempts int             `json:"attempts,omitempty"`
	Config   *runConfig      `json:"config,omitempty"`
	Defaults json.RawMessage `json:"defaults,omitempty"`
	Parallel int             `json:"parallel,omitempty"`
	FailFast bool            `json:"failFast,omitempty"`
	FailedOf string          `json:"failedOf,omitempty"`
}

type suiteCase struct {
	Case      json.RawMessage `json:"case"`
	TestRunID string          `json:"testRunId"`
}

// acceptedSuite is the answer to it.
type acceptedSuite struct {
	SuiteRunID string `json:"suiteRunId"`
}

type runConfig struct {
	runSettings
	Tags []string `json:"tags,omitempty"`
}

type runSettings struct {
	Timeout      int64  `json:"timeout,omitempty"`      // milliseconds
	QueueTimeout int64  `json:"queueTimeout,omitempty"` // milliseconds
	BaseURL      string `json:"baseUrl,omitempty"`
	// Environment is one of the case's.
	Environment string `json:"environment,omitempty"`
	// AdaptiveMode is off, suggest or heal.
	AdaptiveMode string `json:"adaptiveMode,omitempty"`
}

// accepted is the answer to a start.
type accepted struct {
	TestRunID string `json:"testRunId"`
	Links     links  `json:"links"`
}

type links struct {
	Self      string `json:"self,omitempty"`
	Steps     string `json:"steps,omitempty"`
	Artifacts string `json:"artifacts,omitempty"`
	Temporal  string `json:"temporal,omitempty"`
}

// The statuses of a run.
const (
	statusPending   = "pending"
	statusRunning   = "running"
	statusCompleted = "completed"
	statusFailed    = "failed"
	statusAdapted   = "adapted"
	statusCancelled = "cancelled"
)

// apiRun is a run as the API shows it.
type apiRun struct {
	TestRunID      string   `json:"testRunId"`
	TestCaseID     string   `json:"testCaseId"`
	Title          string   `json:"title"`
	Status         string   `json:"status"`
	Attempt        int      `json:"attempt"`
	MaxAttempts    int      `json:"maxAttempts"`
	Flaky          bool     `json:"flaky"`
	Quarantined    bool     `json:"quarantined"`
	TotalSteps     int      `json:"totalSteps"`
	CompletedSteps int      `json:"completedSteps"`
	FailedSteps    int      `json:"failedSteps"`
	AdaptedSteps   int      `json:"adaptedSteps"`
	Progress       progress `json:"progress"`
	DurationMS     int64    `json:"duration"`
	Error          string   `json:"error"`
	Failure        failure  `json:"failure"`
	Links          links    `json:"links"`
}

// failure says what kind of failure it was.
type failure struct {
	Class string `json:"class"`
}

type progress struct {
	CurrentStep int    `json:"currentStep"`
	TotalSteps  int    `json:"totalSteps"`
	Message     string `json:"message"`
}

// duration is the time that the newest attempt took.
func (r apiRun) duration() time.Duration { return time.Duration(r.DurationMS) * time.Millisecond }

// apiStep is a step of a run as the API shows it.
type apiStep struct {
	Number      int    `json:"number"`
	Attempt     int    `json:"attempt"`
	Action      string `json:"action"`
	Description string `json:"description"`
	Status      string `json:"status"`
	Error       string `json:"error"`
	Screenshot  string `json:"screenshot"`
}

// apiArtifact is a file of a run as the API lists it.
type apiArtifact struct {
	Kind     string `json:"kind"`
	Attempt  int    `json:"attempt"`
	Step     int    `json:"step"`
	Bytes    int64  `json:"bytes"`
	Note     string `json:"note"`
	Download string `json:"download"`
	Viewer   string `json:"viewer"`
}

// apiAdaptation is how a run found an element again, or why not.
type apiAdaptation struct {
	Attempt        int     `json:"attempt"`
	StepNumber     int     `json:"stepNumber"`
	AdaptationType string  `json:"adaptationType"`
	Reason         string  `json:"reason"`
	Successful     bool    `json:"successful"`
	OldLocator     string  `json:"oldLocator,omitempty"`
	NewLocator     string  `json:"newLocator,omitempty"`
	Score          float64 `json:"score,omitempty"`
	Confidence     float64 `json:"confidence,omitempty"`
	Screenshots    struct {
		Before string `json:"before,omitempty"`
		After  string `json:"after,omitempty"`
	} `json:"screenshots,omitzero"`
}

// address is where to look at the file: a trace in its viewer.
func (a apiArtifact) address() string { return cmp.Or(a.Viewer, a.Download) }

// apiProblem is an error of the API (application/problem+json).
type apiProblem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Errors []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

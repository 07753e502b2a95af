package store

import (
	"encoding/json"
	"fmt"
)

// JobData is the documented data of a test-execution job.
type JobData struct {
	TestCaseID string `json:"testCaseId"`
	TestRunID  string `json:"testRunId"`
	UserID     string `json:"userId,omitempty"`
	// Config is a RunConfig, or the part of one that its author cared to give.
	Config json.RawMessage `json:"config,omitempty"`
	// TraceParent is the W3C trace context of who asked for the run, if that is followed.
	TraceParent string `json:"traceparent,omitempty"`
}

// Over lays the given part of a configuration over a whole one.
func (d JobData) Over(c RunConfig) (RunConfig, error) {
	if len(d.Config) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(d.Config, &c); err != nil {
		return c, fmt.Errorf("reading config: %w", err)
	}
	return c, nil
}

// Result is the documented result of a test-execution job.
type Result struct {
	TestRunID      string    `json:"testRunId"`
	Status         RunStatus `json:"status"`
	TotalSteps     int       `json:"totalSteps"`
	CompletedSteps int       `json:"completedSteps"`
	FailedSteps    int       `json:"failedSteps"`
	AdaptedSteps   int       `json:"adaptedSteps"`
	Duration       int64     `json:"duration"` // milliseconds
	Error          string    `json:"error,omitempty"`
	// Quarantined says that a failure fails no suite.
	Quarantined bool `json:"quarantined,omitempty"`
	// Adaptations are the attempt's, bounded: the API has them whole.
	Adaptations []ResultAdaptation `json:"adaptations,omitempty"`
}

// ResultAdaptation is the documented short form of an adaptation; the locators, the score and the confidence are additions.
type ResultAdaptation struct {
	StepNumber     int            `json:"stepNumber"`
	AdaptationType AdaptationType `json:"adaptationType"`
	Reason         string         `json:"reason"`
	Successful     bool           `json:"successful"`
	OldLocator     string         `json:"oldLocator,omitempty"`
	NewLocator     string         `json:"newLocator,omitempty"`
	Score          float64        `json:"score,omitempty"`
	Confidence     float64        `json:"confidence,omitempty"`
}

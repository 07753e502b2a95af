package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// submitter submits and cancels what schedules ask for.
type submitter interface {
	SubmitScheduled(ctx context.Context, in SubmitScheduledInput) (Scheduled, error)
	Cancel(ctx context.Context, runID string) error
	CancelSuite(ctx context.Context, suiteRunID string) error
}

// endedStore knows whether runs have ended.
type endedStore interface {
	Run(ctx context.Context, id string) (store.Run, error)
	SuiteRun(ctx context.Context, id string) (store.SuiteRun, error)
}

// ScheduledRun holds the activities of the workflow of that name.
type ScheduledRun struct {
	starter submitter
	store   endedStore
}

// NewScheduledRun makes the activities.
func NewScheduledRun(starter submitter, records endedStore) *ScheduledRun {
	return &ScheduledRun{starter: starter, store: records}
}

// SubmitScheduledInput asks for the run of a schedule.
type SubmitScheduledInput struct {
	ScheduleID string          `json:"scheduleId"`
	Definition json.RawMessage `json:"definition"`
	// Key makes a repeated call find what the first one submitted.
	Key string `json:"key"`
}

// Scheduled is what a schedule has started: one of them.
type Scheduled struct {
	TestRunID  string `json:"testRunId,omitempty"`
	SuiteRunID string `json:"suiteRunId,omitempty"`
}

// SubmitScheduled submits the run of a schedule.
func (s *ScheduledRun) SubmitScheduled(ctx context.Context, in SubmitScheduledInput) (Scheduled, error) {
	started, err := s.starter.SubmitScheduled(ctx, in)
	if err != nil {
		return Scheduled{}, fmt.Errorf("submitting what schedule %s asks for: %w", in.ScheduleID, err)
	}
	return started, nil
}

// ScheduledState says how far what a schedule has started is. What is not there any more has been cleaned up: it has ended.
func (s *ScheduledRun) ScheduledState(ctx context.Context, started Scheduled) (store.RunStatus, error) {
	var status store.RunStatus
	var err error
	if started.SuiteRunID != "" {
		var run store.SuiteRun
		run, err = s.store.SuiteRun(ctx, started.SuiteRunID)
		status = run.Status
	} else {
		var run store.Run
		run, err = s.store.Run(ctx, started.TestRunID)
		status = run.Status
	}
	switch {
	case fault.Of(err) == fault.NotFound:
		return store.RunCancelled, nil
	case err != nil:
		return "", fmt.Errorf("looking whether what the schedule started has ended: %w", err)
	}
	return status, nil
}

// CancelScheduled cancels what a schedule has started, unless it has ended.
func (s *ScheduledRun) CancelScheduled(ctx context.Context, started Scheduled) (struct{}, error) {
	var err error
	if started.SuiteRunID != "" {
		err = s.starter.CancelSuite(ctx, started.SuiteRunID)
	} else {
		err = s.starter.Cancel(ctx, started.TestRunID)
	}
	if code := fault.Of(err); err != nil && code != fault.Conflict && code != fault.NotFound {
		return struct{}{}, fmt.Errorf("cancelling what the schedule started: %w", err)
	}
	return struct{}{}, nil
}

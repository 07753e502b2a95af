package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cinnamon-qa/cinnamon/store"
)

// suiteStore knows the runs of suites.
type suiteStore interface {
	NextOfSuite(ctx context.Context, suiteRunID string, after, limit int) ([]store.SuiteChild, error)
	UnfinishedOfSuite(ctx context.Context, suiteRunID string, limit int) ([]string, error)
	EndWaiting(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) (ended bool, err error)
	FinishSuiteRun(ctx context.Context, id string, cancelled bool, reason string, now time.Time) error
	SuiteRun(ctx context.Context, id string) (store.SuiteRun, error)
	Run(ctx context.Context, id string) (store.Run, error)
}

// SuiteExecution holds the activities of the SuiteExecution workflow. All of them are local: they must not queue for a
// browser behind the very runs that they are about.
type SuiteExecution struct {
	store suiteStore
}

// NewSuiteExecution makes the activities.
func NewSuiteExecution(records suiteStore) *SuiteExecution { return &SuiteExecution{store: records} }

// NextOfSuiteInput asks for the runs after a place.
type NextOfSuiteInput struct {
	SuiteRunID string `json:"suiteRunId"`
	After      int    `json:"after"`
	Limit      int    `json:"limit"`
}

// NextOfSuite are the next runs, as many as there is room for in the workflow's history, and one at least.
type NextOfSuite struct {
	Children []SuiteChild `json:"children"`
}

// SuiteChild is a run to be started.
type SuiteChild struct {
	RunID      string          `json:"testRunId"`
	Place      int             `json:"place"`
	TestCaseID string          `json:"testCaseId"`
	Summary    string          `json:"summary"`
	Input      json.RawMessage `json:"input"` // of its workflow
	// Quarantined says that its failure does not count.
	Quarantined bool `json:"quarantined,omitempty"`
}

// NextOfSuite names the next runs of a suite that have not ended.
func (s *SuiteExecution) NextOfSuite(ctx context.Context, in NextOfSuiteInput) (NextOfSuite, error) {
	children, err := s.store.NextOfSuite(ctx, in.SuiteRunID, in.After, in.Limit)
	if err != nil {
		return NextOfSuite{}, fmt.Errorf("reading the next runs: %w", err)
	}
	next := NextOfSuite{Children: make([]SuiteChild, 0, len(children))}
	size := 0
	for _, c := range children {
		child := SuiteChild{RunID: c.RunID, Place: c.Place, TestCaseID: c.TestCaseID, Summary: Summary(c.Title), Input: c.WorkflowInput, Quarantined: c.Quarantined}
		text, err := json.Marshal(child)
		if err != nil {
			return NextOfSuite{}, fmt.Errorf("encoding a run of the suite: %w", err)
		}
		if size += len(text) + 1; size > mostTable && len(next.Children) > 0 {
			break
		}
		next.Children = append(next.Children, child)
	}
	return next, nil
}

// Summary fits a title into Temporal's limit for the summary of a workflow.
func Summary(title string) string {
	const longest = 150
	return bounded(title, longest)
}

// EndSuiteInput tells how a suite ends.
type EndSuiteInput struct {
	SuiteRunID string `json:"suiteRunId"`
	Queue      string `json:"queue"`
	Cancelled  bool   `json:"cancelled,omitempty"`
	// Reason is why it ends before all its runs were started; those will not start. Empty if they were.
	Reason string `json:"reason,omitempty"`
}

// SuiteEnd says how far the end has come.
type SuiteEnd struct {
	// Finished says that it is recorded, More that there are more runs to end at once.
	Finished bool            `json:"finished"`
	More     bool            `json:"more,omitempty"`
	Status   store.RunStatus `json:"status,omitempty"`
}

// endAtOnce is how many runs one call ends: it must not take longer than a local activity may.
const endAtOnce = 200

// EndSuite ends the runs of a suite that will not start, if it ends early, and then the suite itself.
func (s *SuiteExecution) EndSuite(ctx context.Context, in EndSuiteInput) (SuiteEnd, error) {
	open, err := s.store.UnfinishedOfSuite(ctx, in.SuiteRunID, endAtOnce)
	if err != nil {
		return SuiteEnd{}, fmt.Errorf("looking for runs that have not ended: %w", err)
	}
	ended := 0
	if in.Reason != "" {
		for _, id := range open {
			done, err := s.skip(ctx, in, id)
			if err != nil {
				return SuiteEnd{}, err
			}
			if done {
				ended++
			}
		}
	}
	if len(open) > 0 && (ended < len(open) || len(open) == endAtOnce) {
		return SuiteEnd{More: ended > 0}, nil
	}
	if err := s.store.FinishSuiteRun(ctx, in.SuiteRunID, in.Cancelled, in.Reason, time.Now()); err != nil {
		return SuiteEnd{}, fmt.Errorf("recording the end of the suite: %w", err)
	}
	suite, err := s.store.SuiteRun(ctx, in.SuiteRunID)
	if err != nil {
		return SuiteEnd{}, fmt.Errorf("reading how the suite ended: %w", err)
	}
	return SuiteEnd{Finished: true, Status: suite.Status}, nil
}

// skip ends a run that will not start.
func (s *SuiteExecution) skip(ctx context.Context, in EndSuiteInput, runID string) (ended bool, err error) {
	run, err := s.store.Run(ctx, runID)
	if err != nil {
		return false, fmt.Errorf("reading a run of the suite: %w", err)
	}
	o, err := EndOf(run, store.RunCancelled, "", "Not run: "+in.Reason)
	if err != nil {
		return false, err
	}
	ended, err = s.store.EndWaiting(ctx, in.Queue, runID, o, time.Now())
	if err != nil {
		return false, fmt.Errorf("ending a run of the suite: %w", err)
	}
	return ended, nil
}

package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// endStore ends runs that no attempt ends.
type endStore interface {
	EndRun(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) error
	EndUntaken(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) (ended bool, err error)
	EndOverdue(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) (ended bool, err error)
	Overdue(ctx context.Context, queueName, runID string, limit int) ([]store.Wait, error)
}

// EndOf is how a run ends that no attempt ends, with its result. class is empty unless it fails.
func EndOf(run store.Run, status store.RunStatus, class store.Class, reason string) (store.Outcome, error) {
	o := run.Ended(status, class, reason)
	var err error
	if o.Result, err = json.Marshal(resultOf(run.ID, o)); err != nil {
		return o, fmt.Errorf("encoding the result: %w", err)
	}
	return o, nil
}

// EndRun ends a run that no attempt ended, and says how it has ended: somebody else may have been faster.
func (t *TestExecution) EndRun(ctx context.Context, in EndRunInput) (EndRunResult, error) {
	run, err := t.Store.Run(ctx, in.RunID)
	if err != nil {
		return EndRunResult{}, fmt.Errorf("reading the run: %w", err)
	}
	if run.Status.Finished() {
		return EndRunResult{Status: run.Status, Reason: bounded(run.Error, mostError)}, nil
	}
	o, err := EndOf(run, in.Status, in.Class, in.Reason)
	if err != nil {
		return EndRunResult{}, err
	}
	ended := true
	if in.Class == store.Expired {
		ended, err = t.Store.EndUntaken(ctx, in.Queue, in.RunID, o, time.Now())
	} else {
		err = t.Store.EndRun(ctx, in.Queue, in.RunID, o, time.Now())
	}
	if fault.Of(err) == fault.NotFound || err == nil && !ended { // its job was removed, or somebody else ended it, or drives it
		run, readErr := t.Store.Run(ctx, in.RunID)
		switch {
		case readErr != nil:
			return EndRunResult{}, fmt.Errorf("reading the run: %w", readErr)
		case run.Status.Finished():
			return EndRunResult{Status: run.Status, Reason: bounded(run.Error, mostError)}, nil
		case err == nil:
			return EndRunResult{Left: true}, nil
		}
	}
	if err != nil {
		return EndRunResult{}, fmt.Errorf("ending the run: %w", err)
	}
	return EndRunResult{Status: in.Status, Reason: bounded(in.Reason, mostError)}, nil
}

// expired says that the attempt may not wait any longer.
func (in AttemptInput) expired(now time.Time) bool {
	return !in.Expires.IsZero() && now.After(in.Expires)
}

// overdue ends the run of an attempt that could not begin in time, unless it did not wait all the while: an attempt that was
// given back waits anew. ended says that there is nothing more to attempt.
func (t *TestExecution) overdue(ctx context.Context, in AttemptInput) (ended bool, result AttemptResult, err error) {
	run, err := t.Store.Run(ctx, in.RunID)
	if err != nil {
		return false, result, fmt.Errorf("reading the run: %w", err)
	}
	if !run.Status.Finished() {
		waits, err := t.Store.Overdue(ctx, in.Queue, in.RunID, 1)
		if err != nil || len(waits) == 0 {
			return false, result, err
		}
		o, err := EndOf(run, store.RunFailed, store.Expired, waits[0].Reason())
		if err != nil {
			return false, result, err
		}
		ended, err := t.Store.EndOverdue(ctx, in.Queue, in.RunID, o, time.Now())
		if err != nil || !ended {
			return false, result, err
		}
		run.Status, run.Error = o.Status, o.Error
		t.Log.WarnContext(ctx, "a run has waited for a worker for too long and has failed", "test_run_id", in.RunID,
			"waited_ms", waits[0].Waited.Milliseconds())
	}
	return true, AttemptResult{Finished: true, Result: resultOf(run.ID, run.Ended(run.Status, "", run.Error))}, nil
}

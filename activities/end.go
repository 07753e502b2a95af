package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// endStore ends runs that no attempt ends.
type endStore interface {
	EndRun(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) error
	EndUntaken(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) (ended bool, err error)
	expirer
	Overdue(ctx context.Context, queueName, runID string, limit int) ([]store.Wait, error)
}

// EndOf is how a run ends that no attempt ends, with its result. class is empty unless it fails.
func EndOf(run store.Run, status store.RunStatus, class store.Class, reason string) (store.Outcome, error) {
	o := run.Ended(status, class, reason)
	var err error
	if o.Result, err = json.Marshal(resultOf(run, o)); err != nil {
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
		return EndRunResult{Status: run.Status, Reason: bounded(run.Error, mostError), Quarantined: run.Quarantined}, nil
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
			return EndRunResult{Status: run.Status, Reason: bounded(run.Error, mostError), Quarantined: run.Quarantined}, nil
		case err == nil:
			return EndRunResult{Left: true}, nil
		}
	}
	if err != nil {
		return EndRunResult{}, fmt.Errorf("ending the run: %w", err)
	}
	return EndRunResult{Status: in.Status, Reason: bounded(in.Reason, mostError), Quarantined: run.Quarantined}, nil
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
		ended, err := Expire(ctx, t.Store, run, waits[0], t.Log)
		if err != nil || !ended {
			return false, result, err
		}
		run.Status, run.Error = store.RunFailed, waits[0].Reason()
	}
	return true, AttemptResult{Finished: true, Result: resultOf(run, run.Ended(run.Status, "", run.Error))}, nil
}

// expirer ends runs that have waited too long.
type expirer interface {
	EndOverdue(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) (ended bool, err error)
}

// Expire ends a run that has waited for a worker for too long, and says whether it did: it may have been taken since.
func Expire(ctx context.Context, records expirer, run store.Run, wait store.Wait, log *slog.Logger) (ended bool, err error) {
	o, err := EndOf(run, store.RunFailed, store.Expired, wait.Reason())
	if err != nil {
		return false, err
	}
	ended, err = records.EndOverdue(ctx, wait.Queue, wait.RunID, o, time.Now())
	if ended {
		log.WarnContext(ctx, "a run has waited for a worker for too long and has failed", "test_run_id", wait.RunID,
			"waited_ms", wait.Waited.Milliseconds())
	}
	return ended, err
}

package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

const (
	// recordWithin is how long a database may be away without undoing what the browser did, tryWithin bounds one try.
	recordWithin = 45 * time.Second
	tryWithin    = 8 * time.Second
)

// persist writes, again and again while the database is away.
func (a *attempt) persist(ctx context.Context, write func(context.Context) error) error {
	return persist(ctx, a.log, write)
}

func persist(ctx context.Context, log *slog.Logger, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		try, done := context.WithTimeout(ctx, tryWithin)
		err := write(try)
		done()
		if err == nil || fault.Of(err) != fault.Unavailable {
			return err
		}
		log.WarnContext(ctx, "a record could not be written yet", "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// finish records the outcome. The browser's work is done by now: neither a cancellation nor a database that is away for a
// while must undo it.
func (a *attempt) finish(ctx context.Context, o store.Outcome) (queue.Job, error) {
	result, err := json.Marshal(a.result(o))
	if err != nil {
		return queue.Job{}, fmt.Errorf("encoding the result: %w", err)
	}
	o.Result, o.Progress = result, a.progress
	var job queue.Job
	err = recordOutcome(ctx, a.log, func(ctx context.Context) (err error) {
		job, err = a.Store.FinishAttempt(ctx, a.in.Queue, a.in.RunID, a.claim.Attempt, o, time.Now())
		return err
	})
	return job, err
}

// release gives the attempt back: its worker stops.
func (a *attempt) release(ctx context.Context) {
	giveBack(ctx, a.log, func(ctx context.Context) error {
		return a.Store.ReleaseAttempt(ctx, a.in.Queue, a.in.RunID, a.claim.Attempt)
	})
}

var errUnsure = errors.New("the outcome may be recorded already; the next claim tells")

// recordOutcome records how an attempt of any job ended.
func recordOutcome(ctx context.Context, log *slog.Logger, record func(context.Context) error) error {
	unsure := false // an earlier try may have been carried out although the answer was lost
	err := persist(context.WithoutCancel(ctx), log, func(ctx context.Context) error {
		err := record(ctx)
		switch {
		case isLost(err) && unsure:
			return errUnsure
		case isLost(err):
			return superseded(err)
		case err != nil:
			unsure = true
			return fmt.Errorf("recording the outcome: %w", err)
		default:
			return nil
		}
	})
	if errors.Is(err, errUnsure) {
		return fault.Wrap(fault.Unavailable, err, "asking again")
	}
	return err
}

// giveBack lets go of an attempt of any job.
func giveBack(ctx context.Context, log *slog.Logger, release func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryWithin)
	defer cancel()
	if err := release(ctx); err != nil && !isLost(err) {
		log.WarnContext(ctx, "the attempt could not be given back; it will count as a stall", "error", err)
	}
}

// isLost says that the attempt does not own its job any more.
func isLost(err error) bool {
	return errors.Is(err, queue.ErrSuperseded) || errors.Is(err, queue.ErrFinished)
}

// sayEnd writes how the attempt ended.
func (a *attempt) sayEnd(ctx context.Context, job queue.Job, o store.Outcome) {
	message := obs.JobFailed
	switch {
	case o.Status == store.RunCompleted, o.Status == store.RunAdapted:
		message = obs.JobCompleted
	case o.Status == store.RunCancelled:
		message = obs.JobCancelled
	case !job.State.Finished():
		message = obs.JobRetried
	}
	attrs := []any{"queue", a.in.Queue, "status", o.Status, "duration_ms", o.Duration.Milliseconds(), "steps", o.TotalSteps}
	if o.Error != "" {
		attrs = append(attrs, "reason", bounded(o.Error, mostError))
	}
	a.log.InfoContext(ctx, message, attrs...) //nolint:sloglint // each is a constant
}

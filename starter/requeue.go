package starter

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// Requeue makes a failed run wait again, with all its attempts before it, and starts its workflow. A fault of code Conflict
// says why that can't be done.
func (s *Starter) Requeue(ctx context.Context, runID string) (store.Run, error) {
	start, err := s.requeue(ctx, runID)
	if err != nil {
		return store.Run{}, err
	}
	s.StartAgain(ctx, start)
	return s.Store.Run(ctx, runID)
}

func (s *Starter) requeue(ctx context.Context, runID string) (store.Start, error) {
	start, err := s.Store.Requeue(ctx, queue.TestExecution, runID, func(st store.Start) (json.RawMessage, error) {
		return inputAgain(st, 0, time.Time{})
	})
	if err == nil {
		s.Log.InfoContext(ctx, "failed job requeued", "queue", start.Queue, "test_run_id", runID, "test_case_id", start.TestCaseID)
	}
	return start, err
}

// againEvery is how soon it is seen that the workflow that carried a run out before has ended: it is about to.
const againEvery = 20 * time.Millisecond

// StartAgain starts the workflow of a run, or of a job without one, that had ended and waits again; if it can't, the sweep will.
func (s *Starter) StartAgain(ctx context.Context, start store.Start) {
	soon, cancel := context.WithTimeout(ctx, temporalWithin)
	defer cancel()
	s.startAgain(soon, start)
}

func (s *Starter) startAgain(ctx context.Context, start store.Start) (started bool) {
	err := s.start(ctx, start)
	for errors.Is(err, errNotEnded) && ctx.Err() == nil {
		select {
		case <-time.After(againEvery):
			err = s.start(ctx, start)
		case <-ctx.Done():
		}
	}
	if err != nil {
		s.Log.WarnContext(ctx, "the workflow of a job that runs again could not be started yet; it will be",
			"queue", start.Queue, idName(start), start.RunID, "error", err)
	}
	return err == nil
}

// MostRequeued is how many runs one call of RequeueAll takes.
const MostRequeued = 200

// recordAtOnce is how many runs are recorded at the same time: each takes a connection to the database.
const recordAtOnce = 4

// Requeued says what became of one run that was to be requeued.
type Requeued struct {
	RunID string
	Err   error // why it was not; nil if it was
}

// RequeueAll requeues runs, as Requeue does, and says of each what became of it.
func (s *Starter) RequeueAll(ctx context.Context, runIDs []string) []Requeued {
	results := make([]Requeued, len(runIDs))
	soon, cancel := context.WithTimeout(ctx, temporalWithin)
	defer cancel()
	var away atomic.Bool // Temporal does not answer: the sweep starts what is left
	var group errgroup.Group
	group.SetLimit(recordAtOnce)
	seen := make(map[string]bool, len(runIDs))
	for i, id := range runIDs {
		results[i].RunID = id
		if seen[id] {
			results[i].Err = fault.New(fault.Conflict, "test run %q is named twice", id)
			continue
		}
		seen[id] = true
		group.Go(func() error {
			start, err := s.requeue(ctx, id)
			results[i].Err = err
			if err == nil && !away.Load() && !s.startAgain(soon, start) && soon.Err() != nil {
				away.Store(true)
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return no errors
	return results
}

package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// EndWaiting ends a run that no worker has at the moment and says whether it did: it leaves a run alone that is being
// driven or has ended.
func (s *Store) EndWaiting(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) (ended bool, err error) {
	return s.endUnless(ctx, queueName, runID, o, now, func(_ pgx.Tx, j queue.Job) (bool, error) {
		return j.State.Finished() || j.State == queue.Active, nil
	})
}

// EndUntaken ends a run that no worker of this system has, and says whether it did: it leaves a run alone that another
// consumer of the queue drives, or that has ended.
func (s *Store) EndUntaken(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) (ended bool, err error) {
	return s.endUnless(ctx, queueName, runID, o, now, func(_ pgx.Tx, j queue.Job) (bool, error) {
		return j.State.Finished() || j.State == queue.Active && j.Foreign, nil
	})
}

// EndOverdue ends a run that has waited for a worker for longer than it may, and says whether it did.
func (s *Store) EndOverdue(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) (ended bool, err error) {
	return s.endUnless(ctx, queueName, runID, o, now, func(tx pgx.Tx, j queue.Job) (bool, error) {
		var overdue bool
		err := tx.QueryRow(ctx, s.query["job_overdue"], j.Queue, j.ID).Scan(&overdue)
		return !overdue, err
	})
}

// EndRun ends a run from outside of an attempt: cancelled before it began, or given up. A run that has ended stays as it is.
func (s *Store) EndRun(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) error {
	_, err := s.endUnless(ctx, queueName, runID, o, now, func(_ pgx.Tx, j queue.Job) (bool, error) { return j.State.Finished(), nil })
	return err
}

func (s *Store) endUnless(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time, leave func(pgx.Tx, queue.Job) (bool, error)) (ended bool, err error) {
	o.Final = true
	err = s.changeJob(ctx, queueName, runID, func(tx pgx.Tx, job *queue.Job) ([]queue.Change, error) {
		left, err := leave(tx, *job)
		if err != nil {
			return nil, err
		}
		if left {
			return nil, queue.ErrSuperseded
		}
		change := s.endAttempt(job, o, now)
		return []queue.Change{change}, s.writeOutcome(ctx, tx, change, o)
	})
	if errors.Is(err, queue.ErrSuperseded) {
		return false, nil
	}
	return err == nil, err
}

// Overdue lists runs that have waited for a worker for longer than they may, the longest first: of a queue, or one of its
// runs, or, if these are empty, of all. Runs that their suite has yet to start are not among all.
func (s *Store) Overdue(ctx context.Context, queueName, runID string, limit int) ([]store.Wait, error) {
	return collect(ctx, s, "runs that have waited too long could not be listed", func(row pgx.CollectableRow) (store.Wait, error) {
		var w store.Wait
		var waited, most int64
		err := row.Scan(&w.Queue, &w.RunID, &waited, &most)
		w.Waited, w.Limit = time.Duration(waited)*time.Millisecond, time.Duration(most)*time.Millisecond
		return w, err
	}, s.query["job_list_overdue"], null(queueName), null(runID), limit)
}

package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// DeadLetters lists dead letters, the newest first.
func (s *Store) DeadLetters(ctx context.Context, f store.LetterFilter) ([]store.DeadLetter, error) {
	return collect(ctx, s, "the dead letters could not be listed", func(row pgx.CollectableRow) (store.DeadLetter, error) {
		var l store.DeadLetter
		err := row.Scan(&l.ID, &l.Queue, &l.JobID, &l.RunID, &l.TestCaseID, &l.Title, &l.SuiteRunID, &l.Class, &l.Reason, &l.Attempts, &l.DiedAt)
		return l, err
	}, s.query["letter_list"], append(filtered(f), f.Limit)...)
}

// CountDeadLetters counts the dead letters that a filter means, whatever its limit.
func (s *Store) CountDeadLetters(ctx context.Context, f store.LetterFilter) (n int, err error) {
	if err := s.pool.QueryRow(ctx, s.query["letter_count"], filtered(f)...).Scan(&n); err != nil {
		return 0, coded(err, "the dead letters could not be counted")
	}
	return n, nil
}

func filtered(f store.LetterFilter) []any {
	var after *int64
	if f.After > 0 {
		after = &f.After
	}
	return []any{null(f.Queue), null(string(f.Class)), null(f.TestCaseID), nullTime(f.Since), nullTime(f.Until), after, f.Counting}
}

// writeLetter queues the dead letter of a job that failed for good.
func (s *Store) writeLetter(batch *pgx.Batch, job queue.Job, class store.Class, reason string) error {
	record, err := recordOf(job)
	if err != nil {
		return err
	}
	if class == "" {
		class = store.Platform
	}
	batch.Queue(s.query["letter_insert"], job.Queue, job.Run(), job.ID, string(class), clean(reason), job.AttemptsMade,
		job.FinishedAt, record)
	return nil
}

// Requeue makes a failed run and its job wait again, with all attempts before them; again makes the input of its workflow, which is the caller's to start;
// if that fails, the run is among those that are not started. A fault of code Conflict says, in words, why a run that
// has not failed, or whose job is gone, can't be requeued.
func (s *Store) Requeue(ctx context.Context, queueName, runID string, again func(store.Start) (json.RawMessage, error)) (store.Start, error) {
	var start store.Start
	var outside error
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		job, known, err := s.lockDead(ctx, tx, queueName, runID)
		if err != nil {
			return err
		}
		change := job.Requeue()
		r := store.Reconciled{After: job}
		if err := s.readStart(ctx, tx, &r); err != nil {
			return err
		}
		start = r.Start
		if start.WorkflowInput, outside = again(start); outside != nil {
			return outside
		}
		batch := &pgx.Batch{}
		if known {
			err = s.updateJob(batch, job)
		} else {
			err = s.insertJob(batch, job)
		}
		if err != nil {
			return err
		}
		batch.Queue(s.query["run_reopened"], runID, string(start.WorkflowInput))
		batch.Queue(s.query["letter_delete"], queueName, runID)
		if err := s.appendOutbox(batch, change); err != nil {
			return err
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if outside != nil {
		return start, outside
	}
	return start, err
}

// lockDead locks and reads the job of a failed run: known is false if only its dead letter has it.
func (s *Store) lockDead(ctx context.Context, tx pgx.Tx, queueName, runID string) (job queue.Job, known bool, err error) {
	job, err = s.lockJob(ctx, tx, "job_lock_of_run", queueName, runID)
	known = err == nil
	gone := fault.Of(err) == fault.NotFound
	if err != nil && !gone {
		return job, false, err
	}
	if gone {
		job, err = s.lockJob(ctx, tx, "letter_lock", queueName, runID)
		if err != nil && fault.Of(err) != fault.NotFound {
			return job, false, err
		}
	}
	noJob := err != nil
	var status store.RunStatus
	switch err := tx.QueryRow(ctx, s.query["run_status"], runID).Scan(&status); {
	case errors.Is(err, pgx.ErrNoRows):
		return job, false, fault.New(fault.NotFound, "there is no test run %q", runID)
	case err != nil:
		return job, false, err
	case status != store.RunFailed:
		return job, false, fault.New(fault.Conflict, "test run %q is %s: only a failed one can be requeued", runID, status)
	case noJob, known && !job.State.Finished():
		return job, false, fault.New(fault.Conflict, "the job of test run %q was removed from the queue: start a new run", runID)
	}
	if !known {
		_, err := s.lockJob(ctx, tx, "job_lock", queueName, job.ID)
		if err == nil {
			return job, false, fault.New(fault.Conflict, "the job id of test run %q was given to another job since: start a new run", runID)
		}
		if fault.Of(err) != fault.NotFound {
			return job, false, err
		}
	}
	return job, known, nil
}

// OlderFinished lists the jobs of a queue that ended in a state, but for so many of the newest.
func (s *Store) OlderFinished(ctx context.Context, queueName string, state queue.State, newest int) ([]string, error) {
	return collect(ctx, s, "the jobs could not be listed", pgx.RowTo[string], s.query["job_older_finished"], queueName, string(state), newest)
}

// ForgetJobs forgets jobs that have ended and that Redis does not show any more. Their runs and dead letters stay.
func (s *Store) ForgetJobs(ctx context.Context, queueName string, ids []string) error {
	if _, err := s.pool.Exec(ctx, s.query["job_forget"], queueName, ids); err != nil {
		return coded(err, "jobs that ended could not be forgotten")
	}
	return nil
}

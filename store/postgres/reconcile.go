package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// Look says what Redis shows of a job. position is how far the queue's changes were shown when the job was locked.
type Look func(ctx context.Context, job queue.Job, position int64) (store.Sight, error)

// Tell lets a job's workflow know, before the record says so: if it fails, the record stays as it was, and the next
// reconciliation begins again. For a job that is to run again it returns the input of its next workflow, which is the caller's to
// start when that is recorded; if that fails, the job is among those that are not started.
type Tell func(ctx context.Context, r store.Reconciled) (input json.RawMessage, err error)

// Reconcile makes a job's record follow what clients and other consumers did to the job in Redis. look is called while
// the job is locked, and only if all its own changes have reached Redis. changed is false when there was nothing to do.
func (s *Store) Reconcile(ctx context.Context, queueName, jobID string, look Look, tell Tell) (r store.Reconciled, changed bool, err error) {
	var outside error // look's or tell's own error, kept apart from the database's
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		changed = false
		job, err := s.lockJob(ctx, tx, "job_lock", queueName, jobID)
		if err != nil {
			return err
		}
		var pending bool
		var position int64
		batch := &pgx.Batch{}
		batch.Queue(s.query["job_pending"], queueName, jobID).QueryRow(func(row pgx.Row) error { return row.Scan(&pending) })
		batch.Queue(s.query["outbox_position"], queueName).QueryRow(func(row pgx.Row) error { return row.Scan(&position) })
		if err := tx.SendBatch(ctx, batch).Close(); err != nil || pending {
			return err
		}
		sight, err := look(ctx, job, position)
		if err != nil {
			outside = err
			return err
		}
		if sight.Same {
			return nil
		}
		r = store.Reconciled{Before: job, After: job, Gone: sight.Gone, Dropped: sight.Dropped, Lost: sight.Lost}
		if sight.Lost {
			shown := r.After.Show()
			changed = true
			batch := &pgx.Batch{}
			if err := s.updateJob(batch, r.After); err != nil {
				return err
			}
			if err := s.appendOutbox(batch, shown); err != nil {
				return err
			}
			return tx.SendBatch(ctx, batch).Close()
		}
		if !sight.Gone && !r.After.Adopt(sight.Seen) {
			return nil
		}
		if err := s.readStart(ctx, tx, &r); err != nil {
			return err
		}
		input, err := tell(ctx, r)
		if err != nil {
			outside = err
			return err
		}
		changed = true
		if r.Again() {
			r.Start.WorkflowInput = input
		}
		return s.follow(ctx, tx, r)
	})
	if outside != nil {
		return r, false, outside
	}
	return r, changed && err == nil, err
}

func (s *Store) readStart(ctx context.Context, tx pgx.Tx, r *store.Reconciled) error {
	var input string
	r.Start = store.Start{RunID: r.After.Run(), Queue: r.After.Queue}
	if !queue.CarriesTestRuns(r.After.Queue) {
		return s.readJobStart(ctx, tx, r)
	}
	err := tx.QueryRow(ctx, s.query["run_start"], r.Start.RunID).Scan(&r.Start.TestCaseID, &r.Start.UserID, &r.Start.Title,
		&r.Start.Priority, &input, &r.Start.Ended, &r.Running)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, "job %s has no run %q", r.After.ID, r.Start.RunID)
	}
	r.Start.Priority = r.After.Options.Priority
	r.Start.WorkflowInput = json.RawMessage(input)
	return err
}

// follow writes the new record of a job, and what it means for the run.
func (s *Store) follow(ctx context.Context, tx pgx.Tx, r store.Reconciled) error {
	if !queue.CarriesTestRuns(r.After.Queue) {
		return s.followJob(ctx, tx, r)
	}
	runID, job := r.Start.RunID, r.After
	batch := &pgx.Batch{}
	if r.Gone {
		batch.Queue(s.query["job_delete"], job.Queue, job.ID)
		if !r.Dropped {
			batch.Queue(s.query["letter_delete"], job.Queue, runID)
		}
		switch {
		case r.Planned():
			batch.Queue(s.query["run_delete"], runID)
		case r.Running:
			batch.Queue(s.query["run_removed"], runID, removedReason, time.Now())
			batch.Queue(s.query["step_skip"], runID, job.AttemptsStarted)
		}
		return tx.SendBatch(ctx, batch).Close()
	}
	if err := s.updateJob(batch, job); err != nil {
		return err
	}
	if job.Options.Priority != r.Before.Options.Priority {
		batch.Queue(s.query["run_priority"], runID, job.Options.Priority)
	}
	switch {
	case job.State.Finished() && !r.Before.State.Finished():
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		return s.writeOutcome(ctx, tx, queue.Change{Job: job}, outcomeOf(job))
	case r.Again():
		batch.Queue(s.query["run_reopened"], runID, string(r.Start.WorkflowInput))
		batch.Queue(s.query["letter_delete"], job.Queue, runID)
	case job.State == queue.Active && job.Foreign:
		batch.Queue(s.query["run_followed"], runID, string(store.RunRunning), job.AttemptsStarted, nullTime(job.StartedAt), nil)
	case r.Before.State == queue.Active && !job.State.Finished():
		batch.Queue(s.query["run_followed"], runID, string(store.RunPending), job.AttemptsStarted, nil, null(clean(job.FailedReason)))
		batch.Queue(s.query["step_skip"], runID, job.AttemptsStarted)
	}
	return tx.SendBatch(ctx, batch).Close()
}

const removedReason = "Removed from the queue"

// outcomeOf reads what another consumer of the queue returned: the documented result, if it keeps to it.
func outcomeOf(job queue.Job) store.Outcome {
	o := store.Outcome{Status: store.RunCompleted, Result: job.ReturnValue, Final: true}
	var result store.Result
	if json.Unmarshal(job.ReturnValue, &result) == nil && result.Status.Finished() && result.Status != "" {
		o.Status, o.Error = result.Status, result.Error
		o.TotalSteps, o.CompletedSteps = result.TotalSteps, result.CompletedSteps
		o.FailedSteps, o.AdaptedSteps = result.FailedSteps, result.AdaptedSteps
		o.Duration = time.Duration(result.Duration) * time.Millisecond
	}
	if job.State == queue.Failed {
		o.Status, o.Error = store.RunFailed, job.FailedReason
	}
	if o.Status == store.RunFailed {
		o.Class = store.External
	}
	return o
}

// JobOfRun reads a run's job.
func (s *Store) JobOfRun(ctx context.Context, queueName, runID string) (queue.Job, error) {
	jobs, err := s.jobs(ctx, "job_of_run", queueName, runID)
	if err != nil {
		return queue.Job{}, err
	}
	if len(jobs) == 0 {
		return queue.Job{}, fault.New(fault.NotFound, "run %q has no job in queue %s", runID, queueName)
	}
	return jobs[0], nil
}

// JobsAmong reads those of a queue's jobs with these ids that are known, by id. The ids may be anybody's.
func (s *Store) JobsAmong(ctx context.Context, queueName string, ids []string) (map[string]queue.Job, error) {
	found, err := s.jobsWithIDs(ctx, "job_list", queueName, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]queue.Job, len(found))
	for _, job := range found {
		byID[job.ID] = job
	}
	return byID, nil
}

// JobStates calls visit with the jobs of a queue, in pages: all open ones, and the finished ones that Redis may show.
func (s *Store) JobStates(ctx context.Context, queueName string, visit func([]store.JobState) error) error {
	const page = 5000
	after := ""
	for {
		states, err := collect(ctx, s, "the jobs could not be listed", func(row pgx.CollectableRow) (store.JobState, error) {
			var j store.JobState
			var due *time.Time
			err := row.Scan(&j.ID, &j.State, &j.Seq, &j.CreatedAt, &due, &j.Priority, &j.Pending)
			j.DueAt = orZero(due)
			return j, err
		}, s.query["job_states"], queueName, page, after)
		if err != nil {
			return err
		}
		if len(states) > 0 {
			if err := visit(states); err != nil {
				return err
			}
			after = states[len(states)-1].ID
		}
		if len(states) < page {
			return nil
		}
	}
}

// Pending says whether changes of a run's job are on their way to Redis, and how far the queue's have got there.
func (s *Store) Pending(ctx context.Context, queueName, jobID string) (pending bool, position int64, err error) {
	batch := &pgx.Batch{}
	batch.Queue(s.query["job_pending"], queueName, jobID).QueryRow(func(row pgx.Row) error { return row.Scan(&pending) })
	batch.Queue(s.query["outbox_position"], queueName).QueryRow(func(row pgx.Row) error { return row.Scan(&position) })
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return false, 0, coded(err, "the outbox could not be read")
	}
	return pending, position, nil
}

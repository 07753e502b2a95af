package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// CreateJob creates a job that carries out no test run, with its first change. created is false if there is one of that id.
func (s *Store) CreateJob(ctx context.Context, n store.NewJob) (created bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		created, err = s.createJob(ctx, tx, n)
		return err
	})
	return created && err == nil, err
}

func (s *Store) createJob(ctx context.Context, tx pgx.Tx, n store.NewJob) (created bool, err error) {
	job := n.Added.Job
	record, err := recordOf(job)
	if err != nil {
		return false, err
	}
	tag, err := tx.Exec(ctx, s.query["job_create"], job.Queue, job.ID, string(job.State), job.Seq, record, job.CreatedAt,
		string(n.WorkflowInput))
	created = err == nil && tag.RowsAffected() == 1
	if err != nil || !created || n.Shown {
		return created, err
	}
	batch := &pgx.Batch{}
	if err := s.appendOutbox(batch, n.Added); err != nil {
		return false, err
	}
	return true, tx.SendBatch(ctx, batch).Close()
}

// Job reads a job that carries out no test run, with the Temporal run that carries it out, if it is known to have started.
func (s *Store) Job(ctx context.Context, queueName, id string) (job queue.Job, workflowRunID string, err error) {
	var record string
	err = s.pool.QueryRow(ctx, s.query["job_get"], queueName, id).Scan(&record, &workflowRunID)
	if errors.Is(err, pgx.ErrNoRows) {
		return job, "", fault.New(fault.NotFound, "there is no job %q in queue %s", id, queueName)
	}
	if err != nil {
		return job, "", coded(err, "the job could not be read")
	}
	if err := json.Unmarshal([]byte(record), &job); err != nil {
		return job, "", fault.Wrap(fault.Internal, err, "decoding job %s", id)
	}
	return job, workflowRunID, nil
}

// JobStarted notes the Temporal run that carries a job out.
func (s *Store) JobStarted(ctx context.Context, queueName, id, workflowRunID string) error {
	if _, err := s.pool.Exec(ctx, s.query["job_started"], queueName, id, workflowRunID); err != nil {
		return coded(err, "the start of the workflow could not be noted")
	}
	return nil
}

// JobsNotStarted lists jobs without a test run that have waited since before that time and have no workflow yet.
func (s *Store) JobsNotStarted(ctx context.Context, before time.Time, limit int) ([]store.Start, error) {
	return collect(ctx, s, "jobs without a workflow could not be listed", func(row pgx.CollectableRow) (store.Start, error) {
		var st store.Start
		var input string
		err := row.Scan(&st.Queue, &st.RunID, &st.Priority, &input)
		st.WorkflowInput = json.RawMessage(input)
		return st, err
	}, s.query["job_not_started"], before, limit)
}

// ClaimJob begins the attempt that follows so many made ones of a job without a test run, as ClaimAttempt does for one with
// one. The job is returned also with queue.ErrFinished and queue.ErrRecorded.
func (s *Store) ClaimJob(ctx context.Context, queueName, id, worker string, made int, now time.Time, taken *queue.Taken) (queue.Job, error) {
	var after queue.Job
	err := s.changeJob(ctx, queueName, id, func(_ pgx.Tx, job *queue.Job) ([]queue.Change, error) {
		changes, err := job.Start(worker, made, now, taken)
		after = *job
		return changes, err
	})
	return after, err
}

// FinishJob records how an attempt of such a job ended, if it still owns the job, and returns the job as it stands then.
func (s *Store) FinishJob(ctx context.Context, queueName, id string, attempt int, o store.JobOutcome, now time.Time) (queue.Job, error) {
	return s.endJobIf(ctx, queueName, id, o, now, func(job *queue.Job) error { return job.Owned(attempt) })
}

// ReleaseJob gives an attempt back whose worker stops, if it still owns the job.
func (s *Store) ReleaseJob(ctx context.Context, queueName, id string, attempt int) error {
	return s.changeJob(ctx, queueName, id, func(_ pgx.Tx, job *queue.Job) ([]queue.Change, error) {
		if err := job.Owned(attempt); err != nil {
			return nil, err
		}
		return []queue.Change{job.Release()}, nil
	})
}

// EndJob ends a job from outside of an attempt and says whether it did: one that has ended stays as it is.
func (s *Store) EndJob(ctx context.Context, queueName, id, reason string, now time.Time) (ended bool, err error) {
	o := store.JobOutcome{Error: reason, Final: true}
	_, err = s.endJobIf(ctx, queueName, id, o, now, func(job *queue.Job) error {
		if job.State.Finished() {
			return queue.ErrFinished
		}
		return nil
	})
	if errors.Is(err, queue.ErrFinished) {
		return false, nil
	}
	return err == nil, err
}

func (s *Store) endJobIf(ctx context.Context, queueName, id string, o store.JobOutcome, now time.Time, may func(*queue.Job) error) (queue.Job, error) {
	var after queue.Job
	err := s.changeJob(ctx, queueName, id, func(_ pgx.Tx, job *queue.Job) ([]queue.Change, error) {
		after = *job
		if err := may(job); err != nil {
			return nil, err
		}
		if len(o.Progress) > 0 {
			job.Progress = o.Progress
		}
		var change queue.Change
		if o.Error == "" {
			change = job.Complete(o.Result, now)
		} else {
			change = job.Fail(clean(o.Error), clean(o.Error), o.Result, o.Final, now)
		}
		after = change.Job
		return []queue.Change{change}, nil
	})
	return after, err
}

// readJobStart reads what starts the workflow of a job without a test run again.
func (s *Store) readJobStart(ctx context.Context, tx pgx.Tx, r *store.Reconciled) error {
	var input string
	r.Running = !r.Before.State.Finished()
	err := tx.QueryRow(ctx, s.query["job_start"], r.After.Queue, r.After.ID).Scan(&input, &r.Start.Ended)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, "job %s of queue %s has no workflow", r.After.ID, r.After.Queue)
	}
	r.Start.Priority = r.After.Options.Priority
	r.Start.WorkflowInput = json.RawMessage(input)
	return err
}

// followJob writes the new record of a job without a test run.
func (s *Store) followJob(ctx context.Context, tx pgx.Tx, r store.Reconciled) error {
	batch := &pgx.Batch{}
	if r.Gone {
		batch.Queue(s.query["job_delete"], r.After.Queue, r.After.ID)
		return tx.SendBatch(ctx, batch).Close()
	}
	if err := s.updateJob(batch, r.After); err != nil {
		return err
	}
	if r.Again() {
		batch.Queue(s.query["job_again"], r.After.Queue, r.After.ID, string(r.Start.WorkflowInput))
	}
	return tx.SendBatch(ctx, batch).Close()
}

// OpenAmong says which of these runs, or jobs without one, have not ended. The ids may be anybody's.
func (s *Store) OpenAmong(ctx context.Context, ids []string) (map[string]bool, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), unstorable)
	found, err := collect(ctx, s, "open jobs could not be listed", pgx.RowTo[string], s.query["job_open_among"], ids)
	open := make(map[string]bool, len(found))
	for _, id := range found {
		open[id] = true
	}
	return open, err
}

// CarriedOut lists open runs of a queue, or jobs without one, that a workflow carries out and that have been where they are
// since before that time, by id.
func (s *Store) CarriedOut(ctx context.Context, queueName string, before time.Time, after string, limit int) ([]store.Carried, error) {
	return collect(ctx, s, "open jobs could not be listed", pgx.RowToStructByPos[store.Carried], s.query["job_carried"], queueName, before, after, limit)
}

// KnownAmong says which of these runs, or jobs without one, have a record. The ids may be anybody's.
func (s *Store) KnownAmong(ctx context.Context, queueName string, ids []string) (map[string]bool, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), unstorable)
	found, err := collect(ctx, s, "jobs could not be listed", pgx.RowTo[string], s.query["job_known_among"], queueName, ids)
	known := make(map[string]bool, len(found))
	for _, id := range found {
		known[id] = true
	}
	return known, err
}

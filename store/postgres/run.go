package postgres

import (
	"bytes"
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

// CreateRun creates a run, its job and the job's first change together. A repeated idempotency key finds the run of
// the first request: created is false then.
func (s *Store) CreateRun(ctx context.Context, n store.NewRun) (runID string, created bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		if err := s.queueRun(batch, n, "", 0); err != nil {
			return err
		}
		insert := batch.QueuedQueries[0]
		tag, err := tx.Exec(ctx, insert.SQL, insert.Arguments...)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			runID, err = s.earlierRun(ctx, tx, n)
			return err
		}
		runID, created = n.ID, true
		batch.QueuedQueries = batch.QueuedQueries[1:]
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return "", false, err
	}
	return runID, created, nil
}

// queueRun queues what creates a run, its row first, with its place in a suite run if it belongs to one.
func (s *Store) queueRun(batch *pgx.Batch, n store.NewRun, suiteRunID string, place int) error {
	config, err := json.Marshal(n.Config)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding the configuration of run %s", n.ID)
	}
	job := n.Added.Job
	batch.Queue(s.query["run_insert"], n.ID, n.TestCaseID, clean(n.Title), null(string(n.Definition)),
		null(n.UserID), string(config), job.Options.Priority, n.MaxAttempts, n.TotalSteps, n.WorkflowID,
		string(n.WorkflowInput), null(n.IdempotencyKey), null(n.RequestHash), n.CreatedAt, null(job.OtherID()),
		null(suiteRunID), place)
	if err := s.insertJob(batch, job); err != nil {
		return err
	}
	if !n.Shown {
		if err := s.appendOutbox(batch, n.Added); err != nil {
			return err
		}
	}
	if job.State == queue.Active { // another consumer was faster than we
		batch.Queue(s.query["run_followed"], n.ID, string(store.RunRunning), job.AttemptsStarted, nullTime(job.StartedAt), nil)
	}
	return nil
}

func (s *Store) insertJob(batch *pgx.Batch, job queue.Job) error {
	record, err := recordOf(job)
	if err != nil {
		return err
	}
	batch.Queue(s.query["job_insert"], job.Queue, job.ID, job.Run(), string(job.State), job.Seq, record, job.CreatedAt,
		nullTime(job.DueAt), job.QueueTimeout)
	return nil
}

func (s *Store) earlierRun(ctx context.Context, tx pgx.Tx, n store.NewRun) (string, error) {
	if n.IdempotencyKey != "" {
		var id, hash string
		err := tx.QueryRow(ctx, s.query["run_by_idempotency_key"], n.IdempotencyKey).Scan(&id, &hash)
		switch {
		case err == nil && hash == n.RequestHash:
			return id, nil
		case err == nil:
			return "", fault.New(fault.Conflict, "this Idempotency-Key was used with a different request (test run %s)", id)
		case !errors.Is(err, pgx.ErrNoRows):
			return "", err
		}
	}
	return "", fault.New(fault.Conflict, "there is a test run %q already", n.ID)
}

// Run reads one run.
func (s *Store) Run(ctx context.Context, id string) (store.Run, error) {
	runs, err := s.Runs(ctx, []string{id}, 1)
	if err != nil {
		return store.Run{}, err
	}
	if len(runs) == 0 {
		return store.Run{}, fault.New(fault.NotFound, "there is no test run %q", id)
	}
	return runs[0], nil
}

// Runs reads the named runs, or the newest ones when ids is nil.
func (s *Store) Runs(ctx context.Context, ids []string, limit int) ([]store.Run, error) {
	return collect(ctx, s, "the test runs could not be read", scanRun, s.query["run_list"], ids, limit)
}

func scanRun(row pgx.CollectableRow) (store.Run, error) {
	var r store.Run
	var config string
	var duration int64
	var started, finished *time.Time
	err := row.Scan(&r.ID, &r.TestCaseID, &r.Title, &r.UserID, &r.Status, &config, &r.Attempt, &r.MaxAttempts, &r.Flaky,
		&r.TotalSteps, &r.CompletedSteps, &r.FailedSteps, &r.AdaptedSteps, &duration, &r.Error, &r.WorkflowID,
		&r.WorkflowRunID, &r.CreatedAt, &started, &finished, &r.JobID,
		&r.SuiteRunID, &r.Class, &r.Quarantined)
	if err != nil {
		return r, err
	}
	r.Duration = time.Duration(duration) * time.Millisecond
	r.StartedAt, r.FinishedAt = orZero(started), orZero(finished)
	if err := json.Unmarshal([]byte(config), &r.Config); err != nil {
		return r, fault.Wrap(fault.Internal, err, "decoding the configuration of run %s", r.ID)
	}
	return r, nil
}

// RunStarted notes the Temporal run that carries a run out.
func (s *Store) RunStarted(ctx context.Context, runID, workflowRunID string) error {
	if _, err := s.pool.Exec(ctx, s.query["run_started"], runID, workflowRunID); err != nil {
		return coded(err, "the start of the workflow could not be noted")
	}
	return nil
}

// OpenRuns counts the runs of a user that have not ended, up to store.MostCounted. Runs without a user belong to "".
func (s *Store) OpenRuns(ctx context.Context, userID string) (open int, err error) {
	if err := s.pool.QueryRow(ctx, s.query["run_open"], userID, store.MostCounted).Scan(&open); err != nil {
		return 0, coded(err, "the open runs could not be counted")
	}
	return open, nil
}

// NotStarted lists runs that were accepted before that time and have no workflow yet, most urgent first.
func (s *Store) NotStarted(ctx context.Context, before time.Time, limit int) ([]store.Start, error) {
	return collect(ctx, s, "runs without a workflow could not be listed", func(row pgx.CollectableRow) (store.Start, error) {
		var st store.Start
		var input string
		err := row.Scan(&st.RunID, &st.Queue, &st.TestCaseID, &st.UserID, &st.Title, &st.Priority, &input)
		st.WorkflowInput = json.RawMessage(input)
		return st, err
	}, s.query["run_not_started"], before, limit)
}

// ClaimAttempt begins the attempt that follows so many made ones: the job becomes active and counts it. A job that is
// still active lost its worker; that is recorded as a stall. queue.ErrFinished and queue.ErrRecorded say that there is
// nothing to do any more; the claim holds the job then.
//
// taken is what Redis said when the attempt took the job there; nil if it begins without Redis. What clients changed of
// the job's data meanwhile becomes part of the run.
func (s *Store) ClaimAttempt(ctx context.Context, queueName, runID, worker string, made int, now time.Time, taken *queue.Taken) (store.Claim, error) {
	c := store.Claim{Run: store.Run{ID: runID}}
	err := s.changeJob(ctx, queueName, runID, func(tx pgx.Tx, job *queue.Job) ([]queue.Change, error) {
		before := job.Data
		changes, err := job.Start(worker, made, now, taken)
		c.Job = *job
		if err != nil {
			return nil, err
		}
		if taken != nil && !bytes.Equal(before, job.Data) {
			if err := s.editRun(ctx, tx, runID, job.Data); err != nil {
				return nil, err
			}
		}
		c.Attempt = job.AttemptsStarted
		c.Run.Attempt, c.Run.CreatedAt = job.AttemptsStarted, job.CreatedAt
		var config, definition, defaults string
		batch := &pgx.Batch{}
		batch.Queue(s.query["step_skip"], runID, c.Attempt-1)
		batch.Queue(s.query["run_claimed"], runID, c.Attempt, now).QueryRow(func(row pgx.Row) error {
			return row.Scan(&c.Run.TestCaseID, &c.Run.Title, &c.Run.UserID, &config, &c.Run.MaxAttempts, &c.Run.TotalSteps, &definition,
				&c.Run.WorkflowRunID, &defaults, &c.Run.Quarantined)
		})
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return nil, err
		}
		c.Defaults, c.Definition = optional(defaults), optional(definition)
		if err := json.Unmarshal([]byte(config), &c.Run.Config); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "decoding the configuration of run %s", runID)
		}
		return changes, nil
	})
	return c, err
}

// editRun makes what a client wrote into a job's data part of the run: another case, another configuration.
func (s *Store) editRun(ctx context.Context, tx pgx.Tx, runID string, data json.RawMessage) error {
	var edited store.JobData
	if err := json.Unmarshal(data, &edited); err != nil {
		return fault.Wrap(fault.Invalid, err, "the job's data can't be read any more")
	}
	var text string
	if err := tx.QueryRow(ctx, s.query["run_config"], runID).Scan(&text); err != nil {
		return err
	}
	var config store.RunConfig
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return fault.Wrap(fault.Internal, err, "decoding the configuration of run %s", runID)
	}
	config, err := edited.Over(config)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the job's data can't be read any more")
	}
	updated, err := json.Marshal(config)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding the configuration of run %s", runID)
	}
	_, err = tx.Exec(ctx, s.query["run_edit"], runID, edited.TestCaseID, string(updated))
	return err
}

// FinishAttempt records how an attempt ended, if it still owns the job, and returns the job as it stands then: ended,
// or waiting or delayed for another attempt.
func (s *Store) FinishAttempt(ctx context.Context, queueName, runID string, attempt int, o store.Outcome, now time.Time) (queue.Job, error) {
	var after queue.Job
	err := s.changeJob(ctx, queueName, runID, func(tx pgx.Tx, job *queue.Job) ([]queue.Change, error) {
		if err := job.Owned(attempt); err != nil {
			return nil, err
		}
		change := s.endAttempt(job, o, now)
		after = change.Job
		return []queue.Change{change}, s.writeOutcome(ctx, tx, change, o)
	})
	return after, err
}

// ReleaseAttempt gives an attempt back whose worker stops, if it still owns the job: another worker begins again.
func (s *Store) ReleaseAttempt(ctx context.Context, queueName, runID string, attempt int) error {
	return s.changeJob(ctx, queueName, runID, func(tx pgx.Tx, job *queue.Job) ([]queue.Change, error) {
		if err := job.Owned(attempt); err != nil {
			return nil, err
		}
		batch := &pgx.Batch{}
		batch.Queue(s.query["step_skip"], runID, attempt)
		batch.Queue(s.query["run_released"], runID)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return nil, err
		}
		return []queue.Change{job.Release()}, nil
	})
}

func (s *Store) endAttempt(job *queue.Job, o store.Outcome, now time.Time) queue.Change {
	if len(o.Progress) > 0 {
		job.Progress = o.Progress
	}
	if o.Status == store.RunCompleted || o.Status == store.RunAdapted {
		return job.Complete(o.Result, now)
	}
	return job.Fail(clean(o.Error), clean(o.Stack), o.Result, o.Final, now)
}

// writeOutcome writes the run's side of a change of its job.
func (s *Store) writeOutcome(ctx context.Context, tx pgx.Tx, change queue.Change, o store.Outcome) error {
	status := o.Status
	if !change.Job.State.Finished() {
		status = store.RunPending // another attempt follows
	}
	flaky := change.Job.State == queue.Completed && change.Job.AttemptsMade > 1
	batch := &pgx.Batch{}
	batch.Queue(s.query["run_ended"], change.Job.Run(), string(status), o.CompletedSteps, o.FailedSteps, o.AdaptedSteps,
		o.TotalSteps, o.Duration.Milliseconds(), null(clean(o.Error)), null(string(o.Result)), flaky,
		nullTime(change.Job.FinishedAt), null(string(o.Class)), null(o.Environment), null(o.CaseVersion))
	batch.Queue(s.query["step_skip"], change.Job.Run(), change.Job.AttemptsStarted)
	if err := s.queueAdaptations(batch, change.Job.Run(), o.Adaptations); err != nil {
		return err
	}
	if change.Job.State == queue.Failed && status == store.RunFailed {
		if err := s.writeLetter(batch, change.Job, o.Class, o.Error); err != nil {
			return err
		}
	}
	if change.Job.State.Finished() {
		batch.Queue(s.query["learning_note"], change.Job.Run()) // after its adaptations
		passed := !flaky && (status == store.RunCompleted || status == store.RunAdapted)
		unsure := flaky || status == store.RunFailed && !slices.Contains(store.SaysNothing(), o.Class)
		batch.Queue(s.query["quarantine_count"], change.Job.Run(), passed, unsure, nullTime(change.Job.FinishedAt))
		batch.Queue(s.query["suite_run_again"], change.Job.Run())
	}
	return tx.SendBatch(ctx, batch).Close()
}

// changeJob locks a run's job, lets decide change it, and writes the job and its changes in the same transaction.
func (s *Store) changeJob(ctx context.Context, queueName, runID string, decide func(pgx.Tx, *queue.Job) ([]queue.Change, error)) error {
	var decision error
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		job, err := s.lockJob(ctx, tx, "job_lock_of_run", queueName, runID)
		if err != nil {
			return err
		}
		changes, err := decide(tx, &job)
		if isDecision(err) {
			decision = err
			return pgx.ErrTxClosed // rolled back: nothing is to be written
		}
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		if err := s.updateJob(batch, job); err != nil {
			return err
		}
		if err := s.appendOutbox(batch, changes...); err != nil {
			return err
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if decision != nil {
		return decision
	}
	return err
}

// isDecision tells what the state machine says of a job from trouble.
func isDecision(err error) bool {
	for _, decision := range []error{queue.ErrFinished, queue.ErrRecorded, queue.ErrSuperseded, queue.ErrTaken} {
		if errors.Is(err, decision) {
			return true
		}
	}
	return false
}

func (s *Store) lockJob(ctx context.Context, tx pgx.Tx, query, queueName, id string) (queue.Job, error) {
	var record string
	var job queue.Job
	err := tx.QueryRow(ctx, s.query[query], queueName, id).Scan(&record)
	if errors.Is(err, pgx.ErrNoRows) {
		return job, fault.New(fault.NotFound, "there is no job %q in queue %s", id, queueName)
	}
	if err != nil {
		return job, err
	}
	if err := json.Unmarshal([]byte(record), &job); err != nil {
		return job, fault.Wrap(fault.Internal, err, "decoding job %s", id)
	}
	return job, nil
}

func (s *Store) updateJob(batch *pgx.Batch, job queue.Job) error {
	record, err := recordOf(job)
	if err != nil {
		return err
	}
	batch.Queue(s.query["job_update"], job.Queue, job.ID, string(job.State), job.AttemptsStarted, job.Seq, record,
		nullTime(job.FinishedAt), nullTime(job.DueAt), job.QueueTimeout)
	return nil
}

// recordOf is a job as its record has it.
func recordOf(job queue.Job) (string, error) {
	record, err := json.Marshal(job)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "encoding job %s", job.ID)
	}
	return string(record), nil
}

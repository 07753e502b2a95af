package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// jobStore owns the state of jobs that carry out no test run.
type jobStore interface {
	ClaimJob(ctx context.Context, queueName, id, worker string, made int, now time.Time, taken *queue.Taken) (queue.Job, error)
	FinishJob(ctx context.Context, queueName, id string, attempt int, o store.JobOutcome, now time.Time) (queue.Job, error)
	ReleaseJob(ctx context.Context, queueName, id string, attempt int) error
	EndJob(ctx context.Context, queueName, id, reason string, now time.Time) (ended bool, err error)
	JobStarted(ctx context.Context, queueName, id, workflowRunID string) error
}

// JobsConfig is what the activities of every queue need whose jobs carry out no test run.
type JobsConfig struct {
	Store    jobStore
	Gate     gate
	Progress publisher
	// Metrics counts what is done; nil counts nothing.
	Metrics *metrics.Runs
	Worker  string
	Log     *slog.Logger
}

// Jobs carries out attempts of jobs that carry out no test run: the claim, the lock, the outcome, what counts as an attempt
// and what as a stall. What is to be done for a job is the Work that a queue's own activity hands it.
type Jobs struct{ JobsConfig }

// NewJobs makes the activities.
func NewJobs(cfg JobsConfig) *Jobs { return &Jobs{cfg} }

// Work does what a job is for. show shows progress to whoever watches the job. The result is the job's return value. An error
// with the code Unavailable means that the platform failed: another attempt begins again, and nothing is counted. With
// Invalid, NotFound or Conflict no attempt would help. Any other error has failed the attempt.
//
// The worker that begins again after one that died must find out from the records how far that one came.
type Work func(ctx context.Context, job queue.Job, show func(progress any)) (result any, err error)

// JobAttemptInput tells an activity which job to attempt.
type JobAttemptInput struct {
	Queue string `json:"queue"`
	JobID string `json:"jobId"`
	// Made is how many attempts have ended before this one.
	Made int `json:"made"`
}

// JobAttemptResult is how an attempt ended and what is to follow.
type JobAttemptResult struct {
	// Finished says that the job has ended; otherwise another attempt may start at RetryAt.
	Finished bool      `json:"finished"`
	RetryAt  time.Time `json:"retryAt,omitzero"`
	Made     int       `json:"made,omitempty"`
	// Waits says why no attempt was made.
	Waits string `json:"waits,omitempty"`
	// Cancelled says that the job was cancelled or removed.
	Cancelled bool `json:"cancelled,omitempty"`
	// Error is why the attempt failed; empty if it did not.
	Error string `json:"error,omitempty"`
	// Result is the job's return value.
	Result json.RawMessage `json:"result,omitempty"`
}

const (
	cancelledOnRequest = "Cancelled on request"
	// mostResult bounds a return value: it is in the workflow's history, and in Redis twice.
	mostResult = 24 << 10
)

// Attempt carries out one attempt of a job. It returns an error only where the platform failed.
func (j *Jobs) Attempt(ctx context.Context, in JobAttemptInput, work Work) (JobAttemptResult, error) {
	defer beat(ctx)()
	grant, err := enter(ctx, j.Gate, in.Queue, in.JobID, j.Worker)
	if err != nil {
		return JobAttemptResult{}, err
	}
	switch grant.Kind {
	case queue.Later:
		return JobAttemptResult{RetryAt: grant.At, Waits: grant.Why}, nil
	case queue.Removed:
		return removedJob(), nil
	case queue.Granted, queue.Held:
	}
	job, err := j.Store.ClaimJob(ctx, in.Queue, in.JobID, j.Worker, in.Made, time.Now(), grant.Taken)
	switch {
	case errors.Is(err, queue.ErrFinished), errors.Is(err, queue.ErrRecorded): // its worker died before it could report it
		return endedAs(job), nil
	case errors.Is(err, queue.ErrTaken):
		elsewhere := TakenElsewhere(time.Now())
		return JobAttemptResult{RetryAt: elsewhere.RetryAt, Waits: elsewhere.Waits, Made: job.AttemptsMade}, nil
	case fault.Of(err) == fault.NotFound:
		return removedJob(), nil
	case err != nil:
		return JobAttemptResult{}, fmt.Errorf("claiming the attempt: %w", err)
	}
	execution := activity.GetInfo(ctx).WorkflowExecution
	log := j.Log.With("job_id", in.JobID, "attempt", job.AttemptsStarted, "workflow_id", execution.ID, "workflow_run_id", execution.RunID)
	log.InfoContext(ctx, obs.JobStarted, "queue", in.Queue, "worker", j.Worker, "stalls", job.Stalls)
	if err := j.Store.JobStarted(ctx, in.Queue, in.JobID, execution.RunID); err != nil { // a schedule's workflow may have started it
		log.WarnContext(ctx, "the job's workflow could not be noted", "error", err)
	}
	if job.AttemptsStarted == 1 {
		j.Metrics.AttemptStarted(in.Queue, job.StartedAt.Sub(job.CreatedAt)-time.Duration(job.Options.Delay)*time.Millisecond)
	}
	a := jobAttempt{Jobs: j, in: in, job: job, log: log, began: time.Now()}
	if grant.Taken != nil && grant.Taken.Deferred != "" {
		return a.finish(ctx, nil, fault.New(fault.Invalid, "%s", grant.Taken.Deferred))
	}
	return a.run(ctx, work)
}

// EndJob ends a job that no attempt ended.
func (j *Jobs) EndJob(ctx context.Context, in EndJobInput) (EndJobResult, error) {
	ended, err := j.Store.EndJob(ctx, in.Queue, in.JobID, in.Reason, time.Now())
	if fault.Of(err) == fault.NotFound { // it was removed
		return EndJobResult{}, nil
	}
	if err != nil {
		return EndJobResult{}, fmt.Errorf("ending the job: %w", err)
	}
	return EndJobResult{Ended: ended}, nil
}

// EndJobInput tells EndJob which job to end, and why.
type EndJobInput struct {
	Queue  string `json:"queue"`
	JobID  string `json:"jobId"`
	Reason string `json:"reason"`
}

// EndJobResult says whether EndJob ended the job; otherwise it had ended before, or is gone.
type EndJobResult struct {
	Ended bool `json:"ended"`
}

func removedJob() JobAttemptResult {
	return JobAttemptResult{Finished: true, Cancelled: true, Error: "Removed from the queue"}
}

// endedAs says how an attempt ended after which the job stands like this.
func endedAs(job queue.Job) JobAttemptResult {
	r := JobAttemptResult{Finished: job.State.Finished(), RetryAt: job.DueAt, Made: job.AttemptsMade}
	if job.State == queue.Completed {
		r.Result = job.ReturnValue
	} else {
		r.Error = bounded(job.FailedReason, mostError)
		r.Cancelled = job.FailedReason == cancelledOnRequest
	}
	return r
}

// jobAttempt is one attempt of a job while it is carried out.
type jobAttempt struct {
	*Jobs
	in       JobAttemptInput
	job      queue.Job
	log      *slog.Logger
	began    time.Time
	progress json.RawMessage
}

func (a *jobAttempt) run(ctx context.Context, work Work) (JobAttemptResult, error) {
	var result any
	var err error
	if a.job.Stalls > maxStalls {
		err = fault.New(fault.Invalid, "job stalled more than allowable limit: %d attempts ended because a worker or its database did", a.job.Stalls)
	} else {
		result, err = work(ctx, a.job, a.show)
	}
	if interrupted(ctx) {
		a.observe(givenBack)
		a.release(ctx)
		return JobAttemptResult{}, fault.New(fault.Unavailable, "this worker stops or lost its hold of the attempt; another one takes the job over")
	}
	if fault.Of(err) == fault.Unavailable && !cancelRequested(ctx) {
		a.observe(platformTrouble)
		a.log.WarnContext(ctx, "the platform failed during an attempt", "error", err)
		return JobAttemptResult{}, err
	}
	return a.finish(ctx, result, err)
}

// finish records the outcome.
func (a *jobAttempt) finish(ctx context.Context, result any, failure error) (JobAttemptResult, error) {
	o, err := a.outcome(ctx, result, failure)
	if err != nil {
		return JobAttemptResult{}, err
	}
	var job queue.Job
	err = recordOutcome(ctx, a.log, func(ctx context.Context) (err error) {
		job, err = a.Store.FinishJob(ctx, a.in.Queue, a.in.JobID, a.job.AttemptsStarted, o, time.Now())
		return err
	})
	switch {
	case fault.Of(err) == fault.NotFound: // a client deleted the job meanwhile
		return removedJob(), nil
	case err != nil:
		return JobAttemptResult{}, err
	}
	a.say(ctx, job, o)
	return endedAs(job), nil
}

func (a *jobAttempt) outcome(ctx context.Context, result any, failure error) (store.JobOutcome, error) {
	o := store.JobOutcome{Progress: a.progress}
	switch {
	case cancelRequested(ctx):
		o.Error, o.Final = cancelledOnRequest, true
		return o, nil
	case failure != nil:
		code := fault.Of(failure)
		o.Error = words(failure)
		o.Final = code == fault.Invalid || code == fault.NotFound || code == fault.Conflict
		return o, nil
	}
	text, err := json.Marshal(result)
	if err != nil {
		return o, fmt.Errorf("encoding the result: %w", err)
	}
	if len(text) > mostResult {
		return o, fault.New(fault.Internal, "the result of job %s is larger than %d KiB", a.in.JobID, mostResult>>10)
	}
	o.Result = text
	return o, nil
}

func (a *jobAttempt) release(ctx context.Context) {
	giveBack(ctx, a.log, func(ctx context.Context) error {
		return a.Store.ReleaseJob(ctx, a.in.Queue, a.in.JobID, a.job.AttemptsStarted)
	})
}

// show publishes progress.
func (a *jobAttempt) show(progress any) {
	record, err := json.Marshal(progress)
	if err != nil {
		a.log.Error("progress could not be encoded", "error", err)
		return
	}
	a.progress = record
	a.Progress.Publish(a.in.Queue, a.in.JobID, a.in.JobID, a.job.AttemptsStarted, record)
}

func (a *jobAttempt) observe(outcome string) {
	a.Metrics.AttemptEnded(metrics.AttemptEnd{Queue: a.in.Queue, Outcome: outcome, Took: time.Since(a.began)})
}

// say writes how the attempt ended, and counts it.
func (a *jobAttempt) say(ctx context.Context, job queue.Job, o store.JobOutcome) {
	message, outcome := obs.JobCompleted, store.RunCompleted
	switch {
	case o.Error == cancelledOnRequest:
		message, outcome = obs.JobCancelled, store.RunCancelled
	case o.Error != "" && job.State.Finished():
		message, outcome = obs.JobFailed, store.RunFailed
	case o.Error != "":
		message, outcome = obs.JobRetried, store.RunFailed
	}
	took := time.Since(a.began)
	attrs := []any{"queue", a.in.Queue, "duration_ms", took.Milliseconds()}
	if o.Error != "" {
		attrs = append(attrs, "reason", bounded(o.Error, mostError))
	}
	a.log.InfoContext(ctx, message, attrs...) //nolint:sloglint // each is a constant
	a.observe(string(outcome))
}

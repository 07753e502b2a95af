package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/secret"
	"github.com/cinnamon-qa/cinnamon/store"
)

// runStore records runs and owns the state of their jobs.
type runStore interface {
	ClaimAttempt(ctx context.Context, queueName, runID, worker string, made int, now time.Time, taken *queue.Taken) (store.Claim, error)
	FinishAttempt(ctx context.Context, queueName, runID string, attempt int, o store.Outcome, now time.Time) (queue.Job, error)
	ReleaseAttempt(ctx context.Context, queueName, runID string, attempt int) error
	RunStarted(ctx context.Context, runID, workflowRunID string) error
	endStore
}

// stepStore records steps.
type stepStore interface {
	PlanSteps(ctx context.Context, runID string, attempt int, steps []store.Step, now time.Time) error
	EndStep(ctx context.Context, queueName string, st store.Step, shot *store.Artifact, now time.Time) error
	Steps(ctx context.Context, runID string) ([]store.Step, error)
}

// runReader reads a run that has ended.
type runReader interface {
	Run(ctx context.Context, id string) (store.Run, error)
}

// publisher shows progress to whoever watches. It must not block.
type publisher interface {
	Publish(queueName, jobID, runID string, attempt int, progress json.RawMessage)
}

// gate says whether an attempt may begin: the queue may be paused, a client may have changed or removed the job, another
// consumer may have taken it.
type gate interface {
	Claim(ctx context.Context, queueName, jobID, worker string) (queue.Grant, error)
}

// Config of the activities.
type Config struct {
	Store interface {
		runStore
		stepStore
		runReader
		caseReader
		artifactRecords
		adaptStore
	}
	Gate      gate
	Browsers  browser.Opener
	Artifacts artifactStore
	// Rules say which artifacts are kept, unless a run says otherwise.
	Rules    artifact.Rules
	Progress publisher
	// Metrics counts what is done; nil counts nothing.
	Metrics *metrics.Runs
	// Worker names this worker on the jobs that it runs.
	Worker string
	Log    *slog.Logger
}

// TestExecution holds the activities of the TestExecution workflow.
type TestExecution struct {
	Config

	logins *states
}

// NewTestExecution makes the activities.
func NewTestExecution(cfg Config) *TestExecution {
	return &TestExecution{Config: cfg, logins: &states{}}
}

const (
	// maxStalls is how many dying workers a run may outlive. A run that kills its worker each time must not go on for ever.
	maxStalls = 5
	// heartbeatEvery is how soon a cancellation is noticed.
	heartbeatEvery = 500 * time.Millisecond
	// holdEvery is how soon a resumed queue is noticed, holdWithin how long an attempt waits for that on its worker, holdAgain
	// when it comes again. It must not keep others off for long: an attempt whose worker has died may go on meanwhile.
	holdEvery  = 250 * time.Millisecond
	holdWithin = 2 * time.Second
	holdAgain  = time.Second
)

// ExecuteAttempt carries out one attempt of a run. It returns an error only where the platform failed.
func (t *TestExecution) ExecuteAttempt(ctx context.Context, in AttemptInput) (AttemptResult, error) {
	defer beat(ctx)()
	grant, err := t.enter(ctx, in)
	if err != nil && ctx.Err() == nil && grant.Kind == queue.Held && in.expired(time.Now()) {
		if ended, result, overErr := t.overdue(ctx, in); ended || overErr != nil {
			return result, overErr
		}
	}
	if err != nil {
		return AttemptResult{}, err
	}
	switch grant.Kind {
	case queue.Later:
		return AttemptResult{RetryAt: grant.At, Waits: grant.Why}, nil
	case queue.Removed:
		return removed(in, 0), nil
	case queue.Granted, queue.Held:
	}
	claim, err := t.Store.ClaimAttempt(ctx, in.Queue, in.RunID, t.Worker, in.Made, time.Now(), grant.Taken)
	switch {
	case errors.Is(err, queue.ErrFinished), errors.Is(err, queue.ErrRecorded):
		return t.recorded(ctx, in, claim.Job)
	case errors.Is(err, queue.ErrTaken):
		elsewhere := TakenElsewhere(time.Now())
		elsewhere.Made = claim.Job.AttemptsMade
		return elsewhere, nil
	case fault.Of(err) == fault.NotFound:
		if _, err := t.Store.Run(ctx, in.RunID); err != nil {
			return AttemptResult{}, fmt.Errorf("claiming the attempt: %w", err)
		}
		return removed(in, 0), nil // the run is there, its job is not
	case err != nil:
		return AttemptResult{}, fmt.Errorf("claiming the attempt: %w", err)
	}
	execution := activity.GetInfo(ctx).WorkflowExecution
	log := t.Log.With("job_id", in.jobID(), "test_run_id", in.RunID, "attempt", claim.Attempt,
		"workflow_id", execution.ID, "workflow_run_id", execution.RunID)
	log.InfoContext(ctx, obs.JobStarted, "queue", in.Queue, "worker", t.Worker, "stalls", claim.Job.Stalls)

	if claim.Run.WorkflowRunID == "" { // a suite's workflow started it
		if err := t.Store.RunStarted(ctx, in.RunID, execution.RunID); err != nil {
			log.WarnContext(ctx, "the run's workflow could not be noted", "error", err)
		}
	}
	a := attempt{TestExecution: t, in: in, claim: claim, log: log, began: time.Now(), secrets: &secret.Redactor{}}
	if grant.Taken != nil {
		a.deferred = grant.Taken.Deferred
	}
	a.observeStart()
	outcome, err := a.execute(ctx)
	if interrupted(ctx) {
		a.observeTrouble(givenBack)
		a.release(ctx)
		return AttemptResult{}, fault.New(fault.Unavailable, "this worker stops or lost its hold of the attempt; another one takes the run over")
	}
	if err != nil {
		a.observeTrouble(platformTrouble)
		log.WarnContext(ctx, "the platform failed during an attempt", "error", err)
		return AttemptResult{}, err
	}
	job, err := a.finish(ctx, outcome)
	if fault.Of(err) == fault.NotFound { // a client deleted the job while it ran
		return removed(in, claim.Attempt), nil
	}
	if err != nil {
		return AttemptResult{}, err
	}
	a.sayEnd(ctx, job, outcome)
	a.observeEnd(job, outcome)
	if outcome.Status == store.RunCompleted || outcome.Status == store.RunAdapted {
		a.adapter.remember(ctx)
	}
	result := a.result(outcome)
	return AttemptResult{
		Attempt: claim.Attempt, Result: result, Steps: lines(a.steps, notesOf(outcome.Adaptations), room(result)),
		Finished: job.State.Finished(), RetryAt: job.DueAt, Made: job.AttemptsMade,
	}, nil
}

// TakenElsewhere answers that another consumer of the queue has the job, and when to look after it if nobody says anything.
func TakenElsewhere(now time.Time) AttemptResult {
	return AttemptResult{RetryAt: now.Add(time.Minute), Waits: "Another consumer of the queue has the job"}
}

// enter asks whether the attempt may begin, and waits while no job of the queue may. A long wait is given back: the
// attempt then comes again, on any worker.
func (t *TestExecution) enter(ctx context.Context, in AttemptInput) (queue.Grant, error) {
	return enter(ctx, t.Gate, in.Queue, in.jobID(), t.Worker)
}

func enter(ctx context.Context, g gate, queueName, jobID, worker string) (queue.Grant, error) {
	deadline := time.Now().Add(holdWithin)
	for {
		grant, err := g.Claim(ctx, queueName, jobID, worker)
		if err != nil {
			return grant, fmt.Errorf("asking whether the attempt may begin: %w", err)
		}
		if grant.Kind != queue.Held {
			return grant, nil
		}
		if time.Now().After(deadline) {
			return grant, &heldError{grant.Why}
		}
		select {
		case <-time.After(holdEvery):
		case <-ctx.Done():
			if cancelRequested(ctx) {
				return grant, context.Cause(ctx)
			}
			return grant, &heldError{"this worker stops"}
		}
	}
}

// heldError gives an attempt back that could not begin yet.
type heldError struct{ why string }

func (e *heldError) Error() string { return "the attempt has not begun: " + e.why }

// removed answers for a run whose job was deleted in the queue. Whoever noticed has ended the run.
func removed(in AttemptInput, attempt int) AttemptResult {
	return AttemptResult{
		Attempt: attempt, Finished: true,
		Result: Result{TestRunID: in.RunID, Status: store.RunCancelled, Error: "Removed from the queue"},
	}
}

// recorded answers for an attempt that had ended before: its worker died between recording the outcome and reporting it.
func (t *TestExecution) recorded(ctx context.Context, in AttemptInput, job queue.Job) (AttemptResult, error) {
	run, err := t.Store.Run(ctx, in.RunID)
	if err != nil {
		return AttemptResult{}, fmt.Errorf("reading the recorded run: %w", err)
	}
	steps, err := t.Store.Steps(ctx, in.RunID)
	if err != nil {
		return AttemptResult{}, fmt.Errorf("reading the recorded steps: %w", err)
	}
	status := run.Status
	if !job.State.Finished() {
		status = store.RunFailed // the run itself is pending again
	}
	newest := make([]store.Step, 0, len(steps))
	for _, s := range steps {
		if s.Attempt == run.Attempt {
			newest = append(newest, s)
		}
	}
	adaptations, err := t.Store.Adaptations(ctx, in.RunID)
	if err != nil {
		return AttemptResult{}, fmt.Errorf("reading the recorded adaptations: %w", err)
	}
	adaptations = slices.DeleteFunc(adaptations, func(a store.Adaptation) bool { return a.Attempt != run.Attempt })
	result := resultOf(run, store.Outcome{
		Status: status, TotalSteps: run.TotalSteps, CompletedSteps: run.CompletedSteps, FailedSteps: run.FailedSteps,
		AdaptedSteps: run.AdaptedSteps, Duration: run.Duration, Error: run.Error, Adaptations: adaptations,
	})
	return AttemptResult{
		Attempt: run.Attempt, Steps: lines(newest, notesOf(adaptations), room(result)), Finished: job.State.Finished(), RetryAt: job.DueAt,
		Made: job.AttemptsMade, Result: result,
	}, nil
}

// beat heartbeats until the returned function is called. Without it, neither a dead worker nor a cancellation is noticed.
func beat(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(heartbeatEvery)
		defer ticker.Stop()
		for {
			activity.RecordHeartbeat(ctx)
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

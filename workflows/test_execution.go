package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// TestExecutionInput starts a TestExecution workflow.
type TestExecutionInput struct {
	Queue string `json:"queue"`
	RunID string `json:"testRunId"`
	// JobID is the queue's id of the job, if it is not the run's.
	JobID  string `json:"jobId,omitempty"`
	Title  string `json:"title"`
	Policy Policy `json:"policy"`
	Rerun
	// TraceParent is the trace that the run belongs to, for who starts the workflow.
	TraceParent string `json:"traceparent,omitempty"`
}

// Rerun is the part of a workflow's input that says that a job that had ended runs again.
type Rerun struct {
	// Made is how many attempts had ended when the workflow was started.
	Made int `json:"made,omitempty"`
	// After is the Temporal run that carried the job out before.
	After string `json:"after,omitempty"`
	// Again says that it does run again.
	Again bool `json:"again,omitempty"`
}

// JobChanged is the signal that tells a workflow that something was done to its job: it looks again.
const JobChanged = "job-changed"

// Policy holds the tunables of a run, frozen when it is submitted.
type Policy struct {
	// DueAt delays the first attempt; zero starts it at once.
	DueAt time.Time `json:"dueAt,omitzero"`
	// AttemptTimeout bounds the browser's part of one attempt, in milliseconds.
	AttemptTimeout int64 `json:"attemptTimeout"`
	// QueueTimeout is how long the run may wait for a worker each time it is due, in milliseconds; 0: for as long as it takes.
	QueueTimeout int64 `json:"queueTimeout,omitempty"`
	// HeartbeatTimeout is how long a worker may be silent before the attempt is given to another one, in milliseconds.
	HeartbeatTimeout int64 `json:"heartbeatTimeout"`
}

// TestExecution carries out one test run: attempt after attempt until one passes or none is left. Failing the test is a
// result of the workflow, not its failure.
func TestExecution(ctx workflow.Context, in TestExecutionInput) (activities.Result, error) {
	r := testRun{in: in}
	result, err := r.run(ctx)
	if err != nil {
		return r.end(ctx, err)
	}
	r.conclude(ctx, result.Status)
	if result.Status == store.RunCancelled {
		return result, temporal.NewCanceledError(result.Error)
	}
	return result, nil
}

type testRun struct {
	in       TestExecutionInput
	attempts []activities.AttemptResult
	made     int
}

func (r *testRun) run(ctx workflow.Context) (activities.Result, error) {
	if err := r.in.validate(); err != nil {
		return activities.Result{}, err
	}
	r.made = r.in.Made
	if err := r.sleepUntil(ctx, r.in.Policy.DueAt, "Delayed"); err != nil {
		return activities.Result{}, err
	}
	var act *activities.TestExecution
	attemptCtx := workflow.WithActivityOptions(ctx, attemptOptions(r.in.Policy))
	for {
		r.describe(ctx, "Waiting for a worker, or running")
		due := workflow.Now(ctx)
		attempt, err := call(attemptCtx, act.ExecuteAttempt, activities.AttemptInput{
			Queue: r.in.Queue, RunID: r.in.RunID, JobID: r.in.JobID, Made: r.made, Timeout: r.in.Policy.AttemptTimeout,
			Expires: r.in.Policy.expires(due),
		})
		if untaken(err) {
			attempt, err = r.expire(ctx, due)
		}
		if err != nil {
			return activities.Result{}, err
		}
		why := attempt.Waits
		if why == "" {
			if attempt.Attempt > 0 {
				r.attempts = append(r.attempts, attempt)
			}
			why = "Backing off after a failed attempt"
			r.made++
		}
		r.made = max(r.made, attempt.Made)
		if attempt.Finished {
			r.describe(ctx, "Ended: "+string(attempt.Result.Status))
			return attempt.Result, nil
		}
		if err := r.sleepUntil(ctx, attempt.RetryAt, why); err != nil {
			return activities.Result{}, err
		}
	}
}

// expires is until when an attempt that is due then may wait for a worker.
func (p Policy) expires(due time.Time) time.Time {
	if p.QueueTimeout <= 0 {
		return time.Time{}
	}
	return due.Add(milliseconds(p.QueueTimeout))
}

// untaken says that no worker took an attempt in time.
func untaken(err error) bool {
	timeout, ok := errors.AsType[*temporal.TimeoutError](err)
	return ok && timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START
}

// expire ends the run, which has waited for a worker since it was due, unless another consumer of the queue drives it.
func (r *testRun) expire(ctx workflow.Context, due time.Time) (activities.AttemptResult, error) {
	wait := store.Wait{Waited: workflow.Now(ctx).Sub(due), Limit: milliseconds(r.in.Policy.QueueTimeout)}
	var act *activities.TestExecution
	end, err := callLocal(workflow.WithLocalActivityOptions(ctx, recordOptions()), act.EndRun, activities.EndRunInput{
		Queue: r.in.Queue, RunID: r.in.RunID, Status: store.RunFailed, Class: store.Expired, Reason: wait.Reason(),
	})
	if err != nil {
		return activities.AttemptResult{}, err
	}
	if end.Left {
		return activities.TakenElsewhere(workflow.Now(ctx)), nil
	}
	return activities.AttemptResult{
		Finished: true, Result: activities.Result{TestRunID: r.in.RunID, Status: end.Status, Error: end.Reason, Quarantined: end.Quarantined},
	}, nil
}

func (in TestExecutionInput) validate() error {
	if in.RunID == "" || in.Queue == "" || in.Policy.AttemptTimeout <= 0 || in.Policy.HeartbeatTimeout <= 0 {
		return temporal.NewNonRetryableApplicationError(
			"queue, testRunId, policy.attemptTimeout and policy.heartbeatTimeout are required", "invalid", nil)
	}
	return nil
}

// sleepUntil waits until then, or until something is done to the job.
func (r *testRun) sleepUntil(ctx workflow.Context, due time.Time, why string) error {
	return sleepUntil(ctx, due, why, r.describe)
}

// sleepUntil waits until then, and says so, or until something is done to the job.
func sleepUntil(ctx workflow.Context, due time.Time, why string, describe func(workflow.Context, string)) error {
	wait := due.Sub(workflow.Now(ctx))
	if due.IsZero() || wait <= 0 {
		return nil
	}
	describe(ctx, fmt.Sprintf("%s, next attempt due at %s", why, due.UTC().Format(time.RFC3339)))
	timing, stop := workflow.WithCancel(ctx)
	defer stop()
	var err error
	workflow.NewSelector(ctx).
		AddFuture(workflow.NewTimerWithOptions(timing, wait, workflow.TimerOptions{Summary: why}), func(f workflow.Future) { err = f.Get(ctx, nil) }).
		AddReceive(workflow.GetSignalChannel(ctx, JobChanged), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
		Select(ctx)
	return err
}

// end records the end of a run that no attempt ended: it was cancelled in between, or the platform failed.
func (r *testRun) end(ctx workflow.Context, cause error) (activities.Result, error) {
	status, class, reason := store.RunFailed, store.Platform, "The platform could not carry out the test: "+rootMessage(cause)
	if app, ok := errors.AsType[*temporal.ApplicationError](cause); ok && app.Type() == string(fault.Invalid) {
		class = store.Invalid
	}
	cancelled := temporal.IsCanceledError(cause) || errors.Is(ctx.Err(), workflow.ErrCanceled)
	if cancelled {
		status, class, reason = store.RunCancelled, "", "Cancelled on request"
	}
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	var act *activities.TestExecution
	_, err := callLocal(workflow.WithLocalActivityOptions(ctx, recordOptions()), act.EndRun, activities.EndRunInput{
		Queue: r.in.Queue, RunID: r.in.RunID, Status: status, Class: class, Reason: reason,
	})
	r.describe(ctx, "Ended: "+string(status)+". "+reason)
	r.conclude(ctx, status)
	if err != nil {
		workflow.GetLogger(ctx).Error("the end of the run could not be recorded", "error", err, "cause", cause)
		return activities.Result{}, err
	}
	if cancelled {
		return activities.Result{}, temporal.NewCanceledError(reason)
	}
	return activities.Result{}, cause
}

// conclude makes the verdict searchable.
func (r *testRun) conclude(ctx workflow.Context, status store.RunStatus) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, Status.ValueSet(string(status))); err != nil {
		workflow.GetLogger(ctx).Warn("the verdict could not be made searchable", "error", err)
	}
}

// describe shows the run's state and steps on the workflow's page of the Temporal Web UI.
func (r *testRun) describe(ctx workflow.Context, state string) {
	workflow.SetCurrentDetails(ctx, details(r.in.Title, state, r.attempts))
}

// rootMessage is the innermost message of an activity's error: what a person can use.
func rootMessage(err error) string {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return app.Message()
	}
	return err.Error()
}

const (
	detailSteps     = 60
	detailCellWidth = 120
)

// details renders the attempts as Markdown, the newest two of them, bounded.
func details(title, state string, attempts []activities.AttemptResult) string {
	var b strings.Builder
	b.WriteString("**" + cell(title) + "**\n\n" + state + "\n")
	for i := len(attempts) - 1; i >= 0 && i >= len(attempts)-2; i-- {
		writeAttempt(&b, attempts[i])
	}
	return b.String()
}

func writeAttempt(b *strings.Builder, a activities.AttemptResult) {
	took := milliseconds(a.Result.Duration)
	heading := fmt.Sprintf("\n### Attempt %d: %s in %s\n\n", a.Attempt, a.Result.Status, took)
	b.WriteString(heading)
	if a.Result.Error != "" {
		b.WriteString(cell(a.Result.Error) + "\n\n")
	}
	b.WriteString("| # | Step | Status | Duration | Error, or what was adapted |\n|--:|---|---|--:|---|\n")
	for _, s := range a.Steps[:min(len(a.Steps), detailSteps)] {
		line := fmt.Sprintf("| %d | %s | %s | %d ms | %s |\n", s.Number, cell(s.Description), s.Status, s.Duration, cell(cmp.Or(s.Error, s.Note)))
		b.WriteString(line)
	}
	if more := len(a.Steps) - detailSteps; more > 0 {
		b.WriteString("\n… and " + strconv.Itoa(more) + " more steps\n")
	}
}

// cell makes text fit into a table: one line, no markup, bounded.
func cell(s string) string {
	s = strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ", "<", "&lt;", "`", "'").Replace(s)
	if r := []rune(s); len(r) > detailCellWidth {
		return string(r[:detailCellWidth]) + "…"
	}
	return s
}

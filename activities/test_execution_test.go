package activities_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// requireSame compares results, however their times were written.
func requireSame(t *testing.T, want, got activities.AttemptResult) {
	t.Helper()
	require.WithinDuration(t, want.RetryAt, got.RetryAt, 0)
	want.RetryAt, got.RetryAt = time.Time{}, time.Time{}
	require.Equal(t, want, got)
}

func TestRecordedOutcomeIsReportedAgain(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]map[int]outcome{
		"ended":     nil,
		"due again": {2: fails(browser.NotFound, "no such element")},
		"final":     {1: fails(browser.Unsupported, "no such thing")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.script.steps = steps
			id := b.add(threeSteps)
			first := b.attempt(b.input(id, 0))
			before := b.job(id)
			again := b.attempt(b.input(id, 0))
			requireSame(t, first, again)
			require.Len(t, b.script.opened, 1, "the browser is not opened again")
			require.Equal(t, before, b.job(id))
		})
	}
}

// away is a store whose outcomes get lost on the way there, or whose answers on the way back.
type away struct {
	*postgres.Store

	times      int
	carriesOut bool
}

func (a *away) FinishAttempt(ctx context.Context, queueName, runID string, attempt int, o store.Outcome, now time.Time) (queue.Job, error) {
	if a.times == 0 {
		return a.Store.FinishAttempt(ctx, queueName, runID, attempt, o, now)
	}
	a.times--
	if a.carriesOut {
		if _, err := a.Store.FinishAttempt(ctx, queueName, runID, attempt, o, now); err != nil {
			return queue.Job{}, err
		}
	}
	return queue.Job{}, fault.New(fault.Unavailable, "the connection broke")
}

func TestOutcomeIsHeldWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	broken := &away{Store: b.records, times: 3}
	b.cfg.Store = broken
	id := b.add(threeSteps)
	result := b.attempt(b.input(id, 0))
	require.Zero(t, broken.times)
	require.True(t, result.Finished)
	require.Equal(t, store.RunCompleted, b.run(id).Status)
	require.Len(t, b.script.opened, 1)
}

func TestOutcomeWhoseAnswerWasLostCounts(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]map[int]outcome{"passed": nil, "failed": {1: fails(browser.Assertion, "no")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.script.steps = steps
			b.cfg.Store = &away{Store: b.records, times: 1, carriesOut: true}
			id := b.add(threeSteps)
			_, err := b.try(b.input(id, 0))
			requireFailure(t, err, "unavailable", "may be recorded already")
			result := b.attempt(b.input(id, 0)) // Temporal tries again
			require.Equal(t, 1, result.Attempt)
			require.Equal(t, steps == nil, result.Finished)
			require.Len(t, b.script.opened, 1)
		})
	}
}

func TestRunThatKillsItsWorkersIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(threeSteps)
	claim := func() {
		_, err := b.records.ClaimAttempt(t.Context(), b.def.Name, id, "doomed", 0, time.Now(), nil)
		require.NoError(t, err)
	}
	for range 6 {
		claim()
	}
	result := b.attempt(b.input(id, 0))
	require.True(t, result.Finished)
	require.Equal(t, store.RunFailed, result.Result.Status)
	require.Equal(t, "job stalled more than allowable limit: 6 attempts to run this test ended because a worker, its browser or its database did", result.Result.Error)
	require.Equal(t, 3, result.Result.TotalSteps)
	require.Empty(t, b.script.opened)
	require.Equal(t, queue.Failed, b.job(id).State)
}

func TestRunOutlivesAFewWorkers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(threeSteps)
	for range 5 {
		_, err := b.records.ClaimAttempt(t.Context(), b.def.Name, id, "doomed", 0, time.Now(), nil)
		require.NoError(t, err)
	}
	result := b.attempt(b.input(id, 0))
	require.Equal(t, store.RunCompleted, result.Result.Status)
	require.Equal(t, 6, result.Attempt)
}

func TestCaseThatCannotBeRunIsFinal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ definition, words string }{
		"deleted": {"", `there is no test case "search"; it may have been deleted`},
		"invalid": {`{"title":"x","steps":[{"type":"teleport"}]}`, "the test case is not valid: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.add(test.definition)
			result := b.attempt(b.input(id, 0))
			require.True(t, result.Finished)
			require.Equal(t, store.RunFailed, result.Result.Status)
			require.Contains(t, result.Result.Error, test.words)
			require.Equal(t, result.Result.Error, b.run(id).Error)
			require.Empty(t, b.script.opened)
		})
	}
}

func TestStoredCaseIsRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.records.SaveCase(t.Context(), store.TestCase{ID: "search", Title: "Search", Definition: []byte(threeSteps)})
	require.NoError(t, err)
	require.Equal(t, store.RunCompleted, b.attempt(b.input(b.add(""), 0)).Result.Status)
}

func TestSupersededAttemptChangesNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]outcome{
		"its step passed": func(context.Context) error { return nil },
		"its step failed": fails(browser.NotFound, "no such element"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.add(threeSteps)
			b.script.steps = map[int]outcome{2: func(ctx context.Context) error {
				require.Eventually(t, func() bool { return b.steps(id, 1)[0].Status == store.StepSuccess }, 10*time.Second, 5*time.Millisecond)
				_, err := b.records.ClaimAttempt(ctx, b.def.Name, id, "worker-2", 0, time.Now(), nil)
				require.NoError(t, err)
				return end(ctx)
			}}
			_, err := b.try(b.input(id, 0))
			requireFailure(t, err, "conflict", "its outcome does not count")
			job := b.job(id)
			require.Equal(t, queue.Active, job.State)
			require.Equal(t, "worker-2", job.Worker)
			require.Empty(t, job.FailedReason)
			require.Equal(t, store.RunRunning, b.run(id).Status)
			require.Equal(t, []store.StepStatus{store.StepSuccess, store.StepSkipped, store.StepSkipped}, statuses(b.steps(id, 1)))
			done := []string{"navigate", "click"}
			if name == "its step passed" {
				done = append(done, "assertTitle") // what became of a step's record is known when the next one has ended
			}
			require.Equal(t, done, b.script.done)
		})
	}
}

func TestRunThatIsNotThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.try(b.input("no-such-run", 0))
	requireFailure(t, err, "not_found", "no-such-run")
	require.Empty(t, b.script.opened)
}

func (b *bundle) end(in activities.EndRunInput) error {
	b.t.Helper()
	act := activities.NewTestExecution(b.cfg)
	env := b.environment()
	env.RegisterActivityWithOptions(act.EndRun, activity.RegisterOptions{Name: "EndRun"})
	_, err := env.ExecuteActivity("EndRun", in)
	return err
}

func TestEndRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(threeSteps)
	in := activities.EndRunInput{Queue: b.def.Name, RunID: id, Status: store.RunCancelled, Reason: "Cancelled on request"}
	require.NoError(t, b.end(in))
	require.NoError(t, b.end(in), "once more")
	run, job := b.run(id), b.job(id)
	require.Equal(t, store.RunCancelled, run.Status)
	require.Equal(t, "Cancelled on request", run.Error)
	require.Equal(t, 3, run.TotalSteps)
	require.Equal(t, queue.Failed, job.State)
	require.Zero(t, job.AttemptsMade)
	require.JSONEq(t, `{"testRunId":"`+id+`","status":"cancelled","totalSteps":3,"completedSteps":0,"failedSteps":0,
		"adaptedSteps":0,"duration":0,"error":"Cancelled on request"}`, string(job.ReturnValue))

	require.Error(t, b.end(activities.EndRunInput{Queue: b.def.Name, RunID: "no-such-run", Status: store.RunFailed}))
}

func TestEndRunLeavesAnEndedRunAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(threeSteps)
	b.attempt(b.input(id, 0))
	before := b.run(id)
	require.NoError(t, b.end(activities.EndRunInput{Queue: b.def.Name, RunID: id, Status: store.RunFailed, Reason: "late"}))
	require.Equal(t, before, b.run(id))
}

func TestFailure(t *testing.T) {
	t.Parallel()
	for _, code := range []fault.Code{fault.Invalid, fault.NotFound, fault.Conflict, fault.Internal, fault.Unavailable} {
		cause := fault.New(code, "what happened")
		err := activities.Failure(fmt.Errorf("doing it: %w", cause))
		app, ok := err.(*temporal.ApplicationError) //nolint:errorlint // it must be the outermost
		require.True(t, ok)
		require.Equal(t, string(code), app.Type())
		require.False(t, app.NonRetryable(), "the policies in package workflows say which types are final")
		require.Equal(t, "doing it: what happened", app.Message())
		require.ErrorIs(t, err, cause)
		require.Same(t, app, activities.Failure(app), "once is enough")

		wrapped, ok := activities.Failure(fmt.Errorf("around it: %w", app)).(*temporal.ApplicationError) //nolint:errorlint // as above
		require.True(t, ok, "a wrapped one is made the outermost again")
		require.Equal(t, string(code), wrapped.Type())
	}
	requireFailure(t, activities.Failure(errors.New("a bug")), "internal", "a bug")
	requireFailure(t, activities.Failure(context.DeadlineExceeded), "unavailable", "deadline")
	require.NoError(t, activities.Failure(nil))
	for _, err := range []error{context.Canceled, fmt.Errorf("doing it: %w", context.Canceled), temporal.NewCanceledError()} {
		require.Equal(t, err, activities.Failure(err), "a cancellation stays one")
	}
}

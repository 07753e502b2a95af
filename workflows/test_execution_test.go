package workflows_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

// bundle is a workflow environment whose time skips.
type bundle struct {
	*testsuite.TestWorkflowEnvironment
	act   *activities.TestExecution
	input workflows.TestExecutionInput
}

func setup(t *testing.T) *bundle {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	b := &bundle{
		TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(),
		input: workflows.TestExecutionInput{
			Queue: "test-execution", RunID: "run-1", Title: "Checkout | with <b>markup</b>",
			Policy: workflows.Policy{AttemptTimeout: 60_000, HeartbeatTimeout: 10_000},
		},
	}
	workflows.Register(b)
	b.RegisterActivity(&activities.TestExecution{})
	return b
}

func (b *bundle) result(t *testing.T) activities.Result {
	t.Helper()
	return resultOf[activities.Result](t, b.TestWorkflowEnvironment)
}

// resultOf is what a workflow has returned.
func resultOf[T any](t *testing.T, env *testsuite.TestWorkflowEnvironment) T {
	t.Helper()
	require.True(t, env.IsWorkflowCompleted())
	require.NoError(t, env.GetWorkflowError())
	var r T
	require.NoError(t, env.GetWorkflowResult(&r))
	return r
}

func attemptOf(made int) any {
	return mock.MatchedBy(func(in activities.AttemptInput) bool { return in.Made == made && in.RunID == "run-1" })
}

func TestPassingRunTakesOneActivity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, attemptOf(0)).Once().Return(activities.AttemptResult{
		Attempt: 1, Finished: true, Result: activities.Result{TestRunID: "run-1", Status: store.RunCompleted, TotalSteps: 2, CompletedSteps: 2},
	}, nil)
	b.ExecuteWorkflow("TestExecution", b.input)
	require.Equal(t, store.RunCompleted, b.result(t).Status)
	b.AssertExpectations(t)
}

func TestFailedAttemptsBackOffAsTheJobSays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	began := b.Now()
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, attemptOf(0)).Once().Return(activities.AttemptResult{
		Attempt: 1, RetryAt: began.Add(2 * time.Second), Result: activities.Result{Status: store.RunFailed, Error: "no such element"},
	}, nil)
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, attemptOf(1)).Once().Return(activities.AttemptResult{
		Attempt: 2, RetryAt: began.Add(6 * time.Second), Result: activities.Result{Status: store.RunFailed},
	}, nil)
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, attemptOf(2)).Once().Return(activities.AttemptResult{
		Attempt: 3, Finished: true, Result: activities.Result{Status: store.RunCompleted},
	}, nil)
	b.ExecuteWorkflow("TestExecution", b.input)
	require.Equal(t, store.RunCompleted, b.result(t).Status)
	require.GreaterOrEqual(t, b.Now().Sub(began), 6*time.Second)
	b.AssertExpectations(t)
}

func TestFailedTestIsAResultNotAFailure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, mock.Anything).Return(activities.AttemptResult{
		Attempt: 1, Finished: true, Result: activities.Result{Status: store.RunFailed, Error: "expected 2, received 3"},
	}, nil)
	b.ExecuteWorkflow("TestExecution", b.input)
	require.Equal(t, store.RunFailed, b.result(t).Status)
}

func TestDelayedRunWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.input.Policy.DueAt = b.Now().Add(time.Hour)
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.AttemptInput) (activities.AttemptResult, error) {
			require.False(t, b.Now().Before(b.input.Policy.DueAt), "the first attempt began before its time")
			return activities.AttemptResult{Finished: true, Result: activities.Result{Status: store.RunCompleted}}, nil
		})
	b.ExecuteWorkflow("TestExecution", b.input)
	require.Equal(t, store.RunCompleted, b.result(t).Status)
}

func TestCancelledBetweenAttemptsIsRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.input.Policy.DueAt = b.Now().Add(time.Hour)
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Minute)
	b.OnActivity(b.act.EndRun, mock.Anything, mock.MatchedBy(func(in activities.EndRunInput) bool {
		return in.Status == store.RunCancelled && in.RunID == "run-1"
	})).Once().Return(activities.EndRunResult{}, nil)
	b.ExecuteWorkflow("TestExecution", b.input)
	require.True(t, b.IsWorkflowCompleted())
	require.True(t, temporal.IsCanceledError(b.GetWorkflowError()))
	b.AssertExpectations(t)
}

func TestCancelledWithinAnAttemptEndsAsCancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, mock.Anything).Return(activities.AttemptResult{
		Attempt: 1, Finished: true, Result: activities.Result{Status: store.RunCancelled, Error: "Cancelled on request"},
	}, nil)
	b.ExecuteWorkflow("TestExecution", b.input)
	require.True(t, temporal.IsCanceledError(b.GetWorkflowError()))
}

func TestPlatformFailureIsRecordedAndFailsTheWorkflow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, mock.Anything).Once().
		Return(activities.AttemptResult{}, temporal.NewNonRetryableApplicationError("the row is unreadable", "internal", nil))
	b.OnActivity(b.act.EndRun, mock.Anything, mock.MatchedBy(func(in activities.EndRunInput) bool {
		return in.Status == store.RunFailed && strings.Contains(in.Reason, "the row is unreadable")
	})).Once().Return(activities.EndRunResult{}, nil)
	b.ExecuteWorkflow("TestExecution", b.input)
	require.ErrorContains(t, b.GetWorkflowError(), "the row is unreadable")
	b.AssertExpectations(t)
}

func TestUnavailableServicesAreTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, mock.Anything).Times(7).
		Return(activities.AttemptResult{}, temporal.NewApplicationError("the database is away", "unavailable"))
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, attemptOf(0)).Once().Return(activities.AttemptResult{
		Finished: true, Result: activities.Result{Status: store.RunCompleted},
	}, nil)
	b.ExecuteWorkflow("TestExecution", b.input)
	require.Equal(t, store.RunCompleted, b.result(t).Status)
}

func TestInvalidInputFailsBeforeAnyCommand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.input.Policy.AttemptTimeout = 0
	b.OnActivity(b.act.EndRun, mock.Anything, mock.Anything).Maybe().Return(activities.EndRunResult{}, nil)
	b.ExecuteWorkflow("TestExecution", b.input)
	require.ErrorContains(t, b.GetWorkflowError(), "required")
}

func TestRunThatNoWorkerTakesExpires(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.input.Policy.QueueTimeout = 5 * time.Minute.Milliseconds()
	began := b.Now()
	untaken := temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)
	b.OnActivity(b.act.ExecuteAttempt, mock.Anything, mock.MatchedBy(func(in activities.AttemptInput) bool {
		return !in.Expires.Before(began.Add(5 * time.Minute))
	})).Twice().Return(activities.AttemptResult{}, untaken)
	end := b.OnActivity(b.act.EndRun, mock.Anything, mock.MatchedBy(func(in activities.EndRunInput) bool {
		return in.Status == store.RunFailed && in.Class == store.Expired && strings.Contains(in.Reason, "its queue timeout is 5m0s")
	})).Once()
	end.Return(activities.EndRunResult{Left: true}, nil) // another consumer of the queue has it: it is looked after again
	b.OnActivity(b.act.EndRun, mock.Anything, mock.Anything).Once().
		Return(activities.EndRunResult{Status: store.RunFailed, Reason: "no worker took it"}, nil)
	b.ExecuteWorkflow("TestExecution", b.input)
	require.Equal(t, activities.Result{TestRunID: "run-1", Status: store.RunFailed, Error: "no worker took it"}, b.result(t))
	require.GreaterOrEqual(t, b.Now().Sub(began), time.Minute)
	b.AssertExpectations(t)
}

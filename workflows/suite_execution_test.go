package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

// suiteBundle is a workflow environment in which the runs of a suite end as they are told to.
type suiteBundle struct {
	*testsuite.TestWorkflowEnvironment
	act    *activities.SuiteExecution
	total  int
	fails  map[string]bool
	excuse map[string]bool // failures that don't count
	takes  time.Duration
	mu     sync.Mutex
	began  []string
	active int
	most   int
	ended  activities.EndSuiteInput
}

func setupSuite(t *testing.T, total int) *suiteBundle {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	b := &suiteBundle{
		TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), total: total, fails: map[string]bool{}, excuse: map[string]bool{}, takes: time.Minute,
	}
	b.RegisterWorkflowWithOptions(workflows.SuiteExecution, workflow.RegisterOptions{Name: "SuiteExecution"})
	b.RegisterWorkflowWithOptions(b.child, workflow.RegisterOptions{Name: "TestExecution"})
	b.RegisterActivity(&activities.SuiteExecution{})
	b.OnActivity(b.act.NextOfSuite, mock.Anything, mock.Anything).Return(b.next)
	b.OnActivity(b.act.EndSuite, mock.Anything, mock.Anything).Return(b.end)
	return b
}

// child is a run that takes a while.
func (b *suiteBundle) child(ctx workflow.Context, in workflows.TestExecutionInput) (activities.Result, error) {
	b.change(func() {
		b.began = append(b.began, in.RunID)
		b.active++
		b.most = max(b.most, b.active)
	})
	defer b.change(func() { b.active-- })
	if err := workflow.Sleep(ctx, b.takes); err != nil {
		return activities.Result{}, err //nolint:wrapcheck // it was cancelled
	}
	status := store.RunCompleted
	if b.fails[in.RunID] || b.excuse[in.RunID] {
		status = store.RunFailed
	}
	return activities.Result{TestRunID: in.RunID, Status: status, Quarantined: b.excuse[in.RunID]}, nil
}

func (b *suiteBundle) change(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
}

func (b *suiteBundle) next(_ context.Context, in activities.NextOfSuiteInput) (activities.NextOfSuite, error) {
	var out activities.NextOfSuite
	for place := in.After + 1; place <= b.total && len(out.Children) < in.Limit; place++ {
		id := fmt.Sprintf("run-%d", place)
		input, err := json.Marshal(workflows.TestExecutionInput{Queue: "test-execution", RunID: id, Title: id})
		if err != nil {
			return out, err
		}
		out.Children = append(out.Children, activities.SuiteChild{RunID: id, Place: place, TestCaseID: "case", Summary: id, Input: input})
	}
	return out, nil
}

func (b *suiteBundle) end(_ context.Context, in activities.EndSuiteInput) (activities.SuiteEnd, error) {
	b.ended = in
	status := store.RunCompleted
	switch {
	case in.Cancelled:
		status = store.RunCancelled
	case len(b.fails) > 0:
		status = store.RunFailed
	}
	return activities.SuiteEnd{Finished: true, Status: status}, nil
}

func (b *suiteBundle) execute(in workflows.SuiteExecutionInput) {
	in.SuiteRunID, in.Queue, in.Title, in.Total = "suite-1", "test-execution", "Nightly", b.total
	b.ExecuteWorkflow("SuiteExecution", in)
}

func (b *suiteBundle) result(t *testing.T) workflows.SuiteResult {
	t.Helper()
	return resultOf[workflows.SuiteResult](t, b.TestWorkflowEnvironment)
}

func TestSuiteRunsItsCasesInOrderAndAtMostSoManyAtOnce(t *testing.T) {
	t.Parallel()
	b := setupSuite(t, 50)
	b.execute(workflows.SuiteExecutionInput{Parallel: 3})
	r := b.result(t)
	require.Equal(t, store.RunCompleted, r.Status)
	require.Equal(t, workflows.Tally{Passed: 50}, r.Tally)
	require.Equal(t, 3, b.most)
	require.Len(t, b.began, 50)
	for i, id := range b.began { // those that are started together may begin in any order
		place, err := strconv.Atoi(strings.TrimPrefix(id, "run-"))
		require.NoError(t, err)
		require.InDelta(t, i+1, place, 2, "%v", b.began)
	}
}

func TestSuiteWithoutALimitStartsAllAtOnce(t *testing.T) {
	t.Parallel()
	b := setupSuite(t, 50)
	b.execute(workflows.SuiteExecutionInput{})
	require.Equal(t, 50, b.result(t).Passed)
	require.Equal(t, 50, b.most)
}

func TestSuiteCountsFailuresAndGoesOn(t *testing.T) {
	t.Parallel()
	b := setupSuite(t, 10)
	b.fails["run-2"], b.fails["run-7"] = true, true
	b.execute(workflows.SuiteExecutionInput{Parallel: 2})
	r := b.result(t)
	require.Equal(t, store.RunFailed, r.Status)
	require.Equal(t, workflows.Tally{Passed: 8, Failed: 2}, r.Tally)
	require.Empty(t, b.ended.Reason)
}

func TestSuiteStopsAtItsFirstFailureIfAskedTo(t *testing.T) {
	t.Parallel()
	b := setupSuite(t, 100)
	b.fails["run-2"] = true
	b.execute(workflows.SuiteExecutionInput{Parallel: 4, FailFast: true})
	r := b.result(t)
	require.Equal(t, store.RunFailed, r.Status)
	require.Equal(t, 1, r.Failed)
	require.Less(t, len(b.began), 10)
	require.Zero(t, b.active, "what ran was cancelled and waited for")
	require.Equal(t, "the suite stops at its first failure: run-2", b.ended.Reason)
	require.False(t, b.ended.Cancelled)
}

func TestFailuresInQuarantineStopNoSuite(t *testing.T) {
	t.Parallel()
	b := setupSuite(t, 5)
	b.excuse["run-2"] = true
	b.execute(workflows.SuiteExecutionInput{FailFast: true})
	r := b.result(t)
	require.Equal(t, store.RunCompleted, r.Status)
	require.Equal(t, workflows.Tally{Passed: 4, Quarantined: 1}, r.Tally)
	require.Empty(t, b.ended.Reason)
}

func TestCancelledSuiteCancelsItsRuns(t *testing.T) {
	t.Parallel()
	b := setupSuite(t, 20)
	b.RegisterDelayedCallback(b.CancelWorkflow, 90*time.Second)
	b.execute(workflows.SuiteExecutionInput{Parallel: 2})
	require.True(t, b.IsWorkflowCompleted())
	require.True(t, temporal.IsCanceledError(b.GetWorkflowError()), b.GetWorkflowError())
	require.Len(t, b.began, 4)
	require.Zero(t, b.active)
	require.True(t, b.ended.Cancelled)
	require.Equal(t, "the suite was cancelled on request", b.ended.Reason)
}

func TestSuiteContinuesAsNewWhereItIs(t *testing.T) {
	t.Parallel()
	b := setupSuite(t, 20)
	b.fails["run-1"] = true
	b.RegisterDelayedCallback(func() { b.SetContinueAsNewSuggested(true) }, 90*time.Second)
	b.execute(workflows.SuiteExecutionInput{Parallel: 2})
	require.True(t, b.IsWorkflowCompleted())
	again, ok := errors.AsType[*workflow.ContinueAsNewError](b.GetWorkflowError())
	require.True(t, ok, b.GetWorkflowError())
	require.Zero(t, b.active, "what ran was waited for: it would be lost")
	var in workflows.SuiteExecutionInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &in))
	require.Equal(t, 4, in.Place)
	require.Equal(t, workflows.Tally{Passed: 3, Failed: 1}, in.Tally)
	require.Equal(t, 20, in.Total)

	b = setupSuite(t, 20)
	b.fails["run-1"] = true
	b.execute(in)
	require.Equal(t, workflows.Tally{Passed: 19, Failed: 1}, b.result(t).Tally)
	require.Equal(t, "run-5", b.began[0])
}

package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// seen makes a look at Redis that shows this.
func seen(s queue.Seen) func(context.Context, queue.Job, int64) (store.Sight, error) {
	return func(context.Context, queue.Job, int64) (store.Sight, error) { return store.Sight{Seen: s}, nil }
}

// told counts how often a workflow was told, and answers with the input of the next one.
type told struct {
	times int
	err   error
}

func (w *told) tell(context.Context, store.Reconciled) (json.RawMessage, error) {
	w.times++
	return json.RawMessage(`{"made":1}`), w.err
}

// relayed empties the outbox.
func (f *fixture) relayed(t *testing.T) {
	t.Helper()
	f.exec(t, "DELETE FROM outbox")
}

func testReconcile(t *testing.T, f *fixture) {
	f.migrated(t)
	ctx := t.Context()
	f.create(t, newRun(t, "run-1", threeAttempts))

	// While its own changes are on their way to Redis, what is there says nothing.
	w := &told{}
	_, changed, err := f.Reconcile(ctx, queue.TestExecution, "run-1", seen(queue.Seen{State: queue.Failed}), w.tell)
	require.NoError(t, err)
	require.False(t, changed)
	f.relayed(t)

	// Another consumer takes it, fails an attempt, and completes the next one.
	started := now.Add(time.Second)
	r, changed, err := f.Reconcile(ctx, queue.TestExecution, "run-1",
		seen(queue.Seen{State: queue.Active, AttemptsStarted: 1, StartedAt: started, Foreign: true, Worker: "legacy"}), w.tell)
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, queue.Waiting, r.Before.State)
	require.Equal(t, store.RunRunning, f.run(t, "run-1").Status)
	_, err = f.ClaimAttempt(ctx, queue.TestExecution, "run-1", "worker", 0, now, nil)
	require.ErrorIs(t, err, queue.ErrTaken)

	back := queue.Seen{State: queue.Waiting, AttemptsStarted: 1, AttemptsMade: 1, FailedReason: "boom"}
	_, changed, err = f.Reconcile(ctx, queue.TestExecution, "run-1", seen(back), w.tell)
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, store.RunPending, f.run(t, "run-1").Status)
	_, changed, err = f.Reconcile(ctx, queue.TestExecution, "run-1", seen(back), w.tell)
	require.NoError(t, err)
	require.False(t, changed, "seen twice")
	require.Equal(t, 2, w.times)

	result := json.RawMessage(`{"status":"adapted","totalSteps":4,"completedSteps":4,"adaptedSteps":1,"duration":1500}`)
	done := queue.Seen{State: queue.Completed, AttemptsStarted: 2, AttemptsMade: 2, FinishedAt: started.Add(time.Second), ReturnValue: result}
	_, changed, err = f.Reconcile(ctx, queue.TestExecution, "run-1", seen(done), w.tell)
	require.NoError(t, err)
	require.True(t, changed)
	run := f.run(t, "run-1")
	require.Equal(t, store.RunAdapted, run.Status)
	require.Equal(t, 4, run.CompletedSteps)
	require.True(t, run.Flaky)
	require.Empty(t, f.waiting(t), "Redis shows all of that already")

	// Its workflow can't be told: nothing is written, and the next look begins again.
	again := queue.Seen{State: queue.Waiting, AttemptsStarted: 2, AttemptsMade: 2}
	w.err = errors.New("no Temporal is there")
	_, changed, err = f.Reconcile(ctx, queue.TestExecution, "run-1", seen(again), w.tell)
	require.ErrorIs(t, err, w.err)
	require.False(t, changed)
	require.Equal(t, store.RunAdapted, f.run(t, "run-1").Status)
	w.err = nil
	r, changed, err = f.Reconcile(ctx, queue.TestExecution, "run-1", seen(again), w.tell)
	require.NoError(t, err)
	require.True(t, changed)
	run = f.run(t, "run-1")
	require.Equal(t, store.RunPending, run.Status)
	require.True(t, run.FinishedAt.IsZero())
	require.Empty(t, run.WorkflowRunID, "its next workflow is the caller's to start")
	require.JSONEq(t, `{"made":1}`, string(r.Start.WorkflowInput))
	starts, err := f.NotStarted(ctx, time.Now().Add(time.Minute), 10)
	require.NoError(t, err)
	require.Len(t, starts, 1, "if it dies over that, somebody else does")
	require.JSONEq(t, `{"made":1}`, string(starts[0].WorkflowInput))

	// A client deletes it.
	gone := func(context.Context, queue.Job, int64) (store.Sight, error) { return store.Sight{Gone: true}, nil }
	r, changed, err = f.Reconcile(ctx, queue.TestExecution, "run-1", gone, w.tell)
	require.NoError(t, err)
	require.True(t, changed)
	require.True(t, r.Running)
	run = f.run(t, "run-1")
	require.Equal(t, store.RunCancelled, run.Status)
	require.Equal(t, "Removed from the queue", run.Error)
	require.Zero(t, f.count(t, "jobs"))
}

// testPlannedRun: the next job of a scheduler is deleted before, and after, an attempt of its run has begun.
func testPlannedRun(t *testing.T, f *fixture) {
	f.migrated(t)
	gone := func(context.Context, queue.Job, int64) (store.Sight, error) { return store.Sight{Gone: true}, nil }
	for id, begun := range map[string]bool{"planned": false, "begun": true} {
		n := newRun(t, id, threeAttempts)
		n.Added.Job.Scheduler = "hourly"
		f.create(t, n)
		if begun {
			_, err := f.ClaimAttempt(t.Context(), queue.TestExecution, id, "worker", 0, now, nil)
			require.NoError(t, err)
		}
		f.relayed(t)
		w := &told{}
		r, changed, err := f.Reconcile(t.Context(), queue.TestExecution, id, gone, w.tell)
		require.NoError(t, err)
		require.True(t, changed)
		require.Equal(t, !begun, r.Planned())
		require.Equal(t, 1, w.times)
	}
	require.Equal(t, store.RunCancelled, f.run(t, "begun").Status)
	_, err := f.Run(t.Context(), "planned")
	require.Equal(t, fault.NotFound, fault.Of(err))
	f.create(t, newRun(t, "planned", threeAttempts)) // the id is free
}

func testAttemptThatRedisGranted(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	_, err := f.SaveCase(t.Context(), store.TestCase{ID: "other", Title: "Another", Definition: json.RawMessage(`{"title":"Another","steps":[]}`)})
	require.NoError(t, err)
	taken := &queue.Taken{
		Started: 3, At: now.Add(time.Minute), Priority: 7,
		Data: json.RawMessage(`{"testCaseId":"other","testRunId":"run-1","config":{"headless":false}}`),
	}
	c, err := f.ClaimAttempt(t.Context(), queue.TestExecution, "run-1", "worker", 0, now, taken)
	require.NoError(t, err)
	require.Equal(t, 3, c.Attempt, "attempts of others count")
	require.Equal(t, "other", c.Run.TestCaseID, "a client named another case")
	require.Contains(t, string(c.Definition), "Another")
	require.False(t, c.Run.Config.Headless)
	require.Equal(t, 1280, c.Run.Config.Viewport.Width, "what it said nothing of stays")
	require.Equal(t, 7, c.Job.Options.Priority)
}

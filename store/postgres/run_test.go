package postgres_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

func testRunIsCreated(t *testing.T, f *fixture) {
	f.migrated(t)
	n := newRun(t, "run-1", threeAttempts)
	f.create(t, n)

	r := f.run(t, "run-1")
	require.WithinDuration(t, now, r.CreatedAt, 0)
	r.CreatedAt = n.CreatedAt
	want := n.Run
	want.Status = store.RunPending
	require.Equal(t, want, r)
	require.Equal(t, []string{"run-1 1 added"}, f.waiting(t))
	steps, err := f.Steps(t.Context(), "run-1")
	require.NoError(t, err)
	require.Empty(t, steps)

	require.NoError(t, f.RunStarted(t.Context(), "run-1", "temporal-1"))
	require.NoError(t, f.RunStarted(t.Context(), "run-1", "temporal-2"))
	require.Equal(t, "temporal-1", f.run(t, "run-1").WorkflowRunID, "a second start changes nothing")
}

func testRunIDIsTakenOnce(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	for _, key := range []string{"", "a-key"} {
		again := newRun(t, "run-1", threeAttempts)
		again.Title, again.IdempotencyKey = "another", key
		_, created, err := f.CreateRun(t.Context(), again)
		require.Equal(t, fault.Conflict, fault.Of(err))
		require.ErrorContains(t, err, `"run-1"`)
		require.False(t, created)
	}
	require.Equal(t, "Logging in", f.run(t, "run-1").Title)
	require.Equal(t, []string{"run-1 1 added"}, f.waiting(t))
}

func testIdempotencyKeyFindsTheFirstRun(t *testing.T, f *fixture) {
	f.migrated(t)
	first := newRun(t, "run-1", threeAttempts)
	first.IdempotencyKey, first.RequestHash = "a-key", "a-hash"
	f.create(t, first)

	again := newRun(t, "run-2", threeAttempts)
	again.IdempotencyKey, again.RequestHash = "a-key", "a-hash"
	id, created, err := f.CreateRun(t.Context(), again)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, "run-1", id)

	again.RequestHash = "another hash"
	_, created, err = f.CreateRun(t.Context(), again)
	require.Equal(t, fault.Conflict, fault.Of(err))
	require.ErrorContains(t, err, "different request")
	require.False(t, created)

	_, err = f.Run(t.Context(), "run-2")
	require.Equal(t, fault.NotFound, fault.Of(err))
	require.Equal(t, []string{"run-1 1 added"}, f.waiting(t))
}

func testIdempotencyKeyIsUsedByMany(t *testing.T, f *fixture) {
	f.migrated(t)
	const many = 20
	runs := make([]store.NewRun, many)
	for i := range runs {
		runs[i] = newRun(t, fmt.Sprintf("run-%d", i), threeAttempts)
		runs[i].IdempotencyKey, runs[i].RequestHash = "a-key", "a-hash"
	}
	ids := make([]string, many)
	var created atomic.Int64
	var group errgroup.Group
	for i, n := range runs {
		group.Go(func() error {
			id, isNew, err := f.CreateRun(t.Context(), n)
			ids[i] = id
			if isNew {
				created.Add(1)
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.EqualValues(t, 1, created.Load())
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
	require.Equal(t, []string{ids[0] + " 1 added"}, f.waiting(t))
	require.Equal(t, 1, f.count(t, "test_runs"))
	require.Equal(t, 1, f.count(t, "jobs"))
}

func testRunsAreRead(t *testing.T, f *fixture) {
	f.migrated(t)
	for i := range 5 {
		n := newRun(t, fmt.Sprintf("run-%d", i), threeAttempts)
		n.CreatedAt = now.Add(time.Duration(i) * time.Second)
		f.create(t, n)
	}
	read := func(ids []string, limit int) []string {
		runs, err := f.Runs(t.Context(), ids, limit)
		require.NoError(t, err)
		list := make([]string, len(runs))
		for i, r := range runs {
			list[i] = r.ID
		}
		return list
	}
	require.Equal(t, []string{"run-4", "run-3", "run-2"}, read(nil, 3), "the newest")
	require.Equal(t, []string{"run-3", "run-0"}, read([]string{"run-0", "no-such-run", "run-3"}, 10))
	require.Empty(t, read([]string{}, 10), "none is not all")
}

func testNotStarted(t *testing.T, f *fixture) {
	f.migrated(t)
	add := func(id string, priority int, age time.Duration) {
		o := threeAttempts
		o.Priority = priority
		n := newRun(t, id, o)
		n.CreatedAt = now.Add(-age)
		f.create(t, n)
	}
	add("low", 0, 10*time.Minute)
	add("urgent-new", 10, 2*time.Minute)
	add("urgent-old", 10, 3*time.Minute)
	add("normal", 5, 5*time.Minute)
	add("just-now", 100, time.Second)
	add("has-a-workflow", 100, time.Hour)
	add("ended", 100, time.Hour)
	require.NoError(t, f.RunStarted(t.Context(), "has-a-workflow", "temporal-1"))
	require.NoError(t, f.EndRun(t.Context(), queue.TestExecution, "ended", store.Outcome{Status: store.RunCancelled}, now))

	list := func(limit int) (ids []string) {
		starts, err := f.NotStarted(t.Context(), now.Add(-time.Minute), limit)
		require.NoError(t, err)
		for _, s := range starts {
			ids = append(ids, s.RunID)
		}
		return ids
	}
	require.Equal(t, []string{"urgent-old", "urgent-new", "normal", "low"}, list(10))
	require.Equal(t, []string{"urgent-old", "urgent-new"}, list(2))

	starts, err := f.NotStarted(t.Context(), now.Add(-time.Minute), 1)
	require.NoError(t, err)
	require.Len(t, starts, 1)
	require.JSONEq(t, `{"runId":"urgent-old"}`, string(starts[0].WorkflowInput))
	starts[0].WorkflowInput = nil
	require.Equal(t, store.Start{
		RunID: "urgent-old", Queue: queue.TestExecution, TestCaseID: "login", UserID: "ada", Title: "Logging in", Priority: 10,
	}, starts[0])
}

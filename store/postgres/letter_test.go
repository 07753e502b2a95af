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

var once = queue.Options{Attempts: 1}

// died creates a run whose only attempt fails.
func (f *fixture) died(t *testing.T, id string, class store.Class) {
	t.Helper()
	c := f.begun(t, id, once)
	o := failed
	o.Class = class
	f.finish(t, id, c.Attempt, o)
}

// letters are the ids of the runs in the dead letters, the newest first.
func (f *fixture) letters(t *testing.T, filter store.LetterFilter) []string {
	t.Helper()
	if filter.Limit == 0 {
		filter.Limit = 10
	}
	list, err := f.DeadLetters(t.Context(), filter)
	require.NoError(t, err)
	ids := []string{}
	for _, l := range list {
		ids = append(ids, l.RunID)
	}
	return ids
}

// input makes the input of a workflow that runs again.
func input(st store.Start) (json.RawMessage, error) {
	return json.RawMessage(`{"runId": "` + st.RunID + `", "after": "` + st.Ended + `"}`), nil
}

func (f *fixture) requeue(t *testing.T, id string) store.Start {
	t.Helper()
	start, err := f.Requeue(t.Context(), queue.TestExecution, id, input)
	require.NoError(t, err)
	return start
}

func (f *fixture) requireRefused(t *testing.T, id, words string) {
	t.Helper()
	_, err := f.Requeue(t.Context(), queue.TestExecution, id, input)
	require.Equal(t, fault.Conflict, fault.Of(err), "%v", err)
	require.ErrorContains(t, err, words)
}

// testDeadLetter: the letter comes with the end, not before, and says why.
func testDeadLetter(t *testing.T, f *fixture) {
	f.migrated(t)
	c := f.begun(t, "run-1", queue.Options{Attempts: 2})
	o := failed
	o.Class = store.Timeout
	f.finish(t, "run-1", c.Attempt, o)
	require.Empty(t, f.letters(t, store.LetterFilter{}), "an attempt is left")
	require.Equal(t, store.Timeout, f.run(t, "run-1").Class)
	c = f.claim(t, "run-1", 1)
	o.Class = store.NotFound
	f.finish(t, "run-1", c.Attempt, o)
	list, err := f.DeadLetters(t.Context(), store.LetterFilter{Limit: 1})
	require.NoError(t, err)
	require.Len(t, list, 1)
	died := list[0].DiedAt
	require.True(t, died.Equal(now.Truncate(time.Microsecond)), died)
	require.Equal(t, store.DeadLetter{
		ID: list[0].ID, Queue: queue.TestExecution, JobID: "run-1", RunID: "run-1", TestCaseID: "login", Title: "Logging in",
		Class: store.NotFound, Reason: "no such element", Attempts: 2, DiedAt: died,
	}, list[0])
	require.Equal(t, store.NotFound, f.run(t, "run-1").Class)

	// Whoever cancels a run, or passes, leaves none.
	f.create(t, newRun(t, "run-2", once))
	require.NoError(t, f.EndRun(t.Context(), queue.TestExecution, "run-2", store.Outcome{Status: store.RunCancelled, Error: "Cancelled"}, now))
	c = f.begun(t, "run-3", once)
	f.finish(t, "run-3", c.Attempt, passed)
	// Neither does a transaction that fails: the letter is written with the outcome.
	c = f.begun(t, "run-4", once)
	f.exec(t, "ALTER TABLE dead_letters ADD CONSTRAINT none CHECK (run_id <> 'run-4')")
	_, err = f.FinishAttempt(t.Context(), queue.TestExecution, "run-4", c.Attempt, failed, now)
	require.Error(t, err)
	require.Equal(t, store.RunRunning, f.run(t, "run-4").Status)
	require.Equal(t, []string{"run-1"}, f.letters(t, store.LetterFilter{}))
}

func testLettersAreFiltered(t *testing.T, f *fixture) {
	f.migrated(t)
	f.died(t, "run-1", store.Assertion)
	f.died(t, "run-2", store.Timeout)
	f.died(t, "run-3", store.Assertion)
	f.exec(t, "UPDATE dead_letters SET died_at = $1 WHERE run_id = 'run-1'", now.Add(-time.Hour))
	f.exec(t, "UPDATE dead_letters SET test_case_id = 'checkout' WHERE run_id = 'run-2'")

	require.Equal(t, []string{"run-3", "run-2", "run-1"}, f.letters(t, store.LetterFilter{}))
	for _, test := range []struct {
		filter store.LetterFilter
		want   []string
	}{
		{store.LetterFilter{Class: store.Assertion}, []string{"run-3", "run-1"}},
		{store.LetterFilter{TestCaseID: "checkout"}, []string{"run-2"}},
		{store.LetterFilter{Queue: queue.Cleanup}, []string{}},
		{store.LetterFilter{Since: now.Add(-time.Minute)}, []string{"run-3", "run-2"}},
		{store.LetterFilter{Until: now.Add(-time.Minute)}, []string{"run-1"}},
		{store.LetterFilter{Class: store.Assertion, Since: now.Add(-time.Minute), Queue: queue.TestExecution}, []string{"run-3"}},
	} {
		require.Equal(t, test.want, f.letters(t, test.filter), "%+v", test.filter)
		n, err := f.CountDeadLetters(t.Context(), test.filter)
		require.NoError(t, err)
		require.Len(t, test.want, n)
	}
	first, err := f.DeadLetters(t.Context(), store.LetterFilter{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"run-1"}, f.letters(t, store.LetterFilter{After: first[1].ID}), "the second page")
}

// testRequeue: the run begins anew, with all attempts before it, and its letter goes.
func testRequeue(t *testing.T, f *fixture) {
	f.migrated(t)
	f.died(t, "run-1", store.Assertion)
	require.NoError(t, f.RunStarted(t.Context(), "run-1", "temporal-1"))
	f.relayed(t)
	start := f.requeue(t, "run-1")
	require.Equal(t, "temporal-1", start.Ended)
	require.JSONEq(t, `{"runId": "run-1", "after": "temporal-1"}`, string(start.WorkflowInput))
	run := f.run(t, "run-1")
	require.Equal(t, store.RunPending, run.Status)
	require.Empty(t, run.Class)
	require.Empty(t, run.Error)
	require.Empty(t, run.WorkflowRunID)
	require.True(t, run.FinishedAt.IsZero())
	require.Empty(t, f.letters(t, store.LetterFilter{}))
	require.Equal(t, []string{"run-1 4 requeued"}, f.waiting(t))

	f.requireRefused(t, "run-1", `test run "run-1" is pending: only a failed one can be requeued`)
	missed, err := f.NotStarted(t.Context(), time.Now().Add(time.Minute), 10)
	require.NoError(t, err)
	require.Len(t, missed, 1, "its workflow has not started: the sweep finds it")
	require.JSONEq(t, string(start.WorkflowInput), string(missed[0].WorkflowInput))
	young, err := f.NotStarted(t.Context(), time.Now().Add(-time.Minute), 10)
	require.NoError(t, err)
	require.Empty(t, young, "who requeued it has some time to start it")

	c := f.claim(t, "run-1", 0)
	require.Equal(t, 2, c.Attempt, "attempts are told apart for ever")
	f.finish(t, "run-1", c.Attempt, passed)
	require.Equal(t, store.RunCompleted, f.run(t, "run-1").Status)
	f.requireRefused(t, "run-1", "is completed")
	_, err = f.Requeue(t.Context(), queue.TestExecution, "run-9", input)
	require.Equal(t, fault.NotFound, fault.Of(err))

	// What makes the input may fail: nothing is changed then.
	f.died(t, "run-2", store.Assertion)
	boom := errors.New("boom")
	_, err = f.Requeue(t.Context(), queue.TestExecution, "run-2", func(store.Start) (json.RawMessage, error) { return nil, boom })
	require.ErrorIs(t, err, boom)
	require.Equal(t, []string{"run-2"}, f.letters(t, store.LetterFilter{}))
}

// testLetterAndRedis: what happens to the job in Redis after its death.
func testLetterAndRedis(t *testing.T, f *fixture) {
	f.migrated(t)
	w := &told{}
	reconcile := func(id string, s store.Sight) {
		t.Helper()
		f.relayed(t)
		look := func(context.Context, queue.Job, int64) (store.Sight, error) { return s, nil }
		_, changed, err := f.Reconcile(t.Context(), queue.TestExecution, id, look, w.tell)
		require.NoError(t, err)
		require.True(t, changed)
	}
	for _, id := range []string{"retried", "removed", "dropped"} {
		f.died(t, id, store.Assertion)
	}
	reconcile("retried", store.Sight{Seen: queue.Seen{State: queue.Waiting, AttemptsStarted: 1, AttemptsMade: 1}})
	reconcile("removed", store.Sight{Gone: true})
	reconcile("dropped", store.Sight{Gone: true, Dropped: true})
	require.Equal(t, []string{"dropped"}, f.letters(t, store.LetterFilter{}), "Redis keeps the newest only, that is nobody's wish")
	f.requireRefused(t, "removed", "was removed from the queue: start a new run")

	// Its job is gone, its letter has it.
	f.requeue(t, "dropped")
	require.Equal(t, []string{"dropped 4 requeued"}, f.waiting(t))
	c := f.claim(t, "dropped", 0)
	f.finish(t, "dropped", c.Attempt, failed)
	require.Equal(t, []string{"dropped"}, f.letters(t, store.LetterFilter{}), "and it may die again")

	// Another consumer fails a job.
	f.create(t, newRun(t, "foreign", once))
	reconcile("foreign", store.Sight{Seen: queue.Seen{State: queue.Failed, AttemptsStarted: 1, AttemptsMade: 1, FinishedAt: now, FailedReason: "theirs"}})
	list, err := f.DeadLetters(t.Context(), store.LetterFilter{Class: store.External, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "theirs", list[0].Reason)
	require.Equal(t, store.External, f.run(t, "foreign").Class)

	// A Redis that lost its data shows the newest failed jobs: the others are forgotten, their letters are not.
	older, err := f.OlderFinished(t.Context(), queue.TestExecution, queue.Failed, 1)
	require.NoError(t, err)
	require.Len(t, older, 1)
	require.NoError(t, f.ForgetJobs(t.Context(), queue.TestExecution, older))
	require.Len(t, f.letters(t, store.LetterFilter{}), 2)
	f.requeue(t, older[0])
}

// testRequeueInSuite: a suite that has ended is judged again as its runs are.
func testRequeueInSuite(t *testing.T, f *fixture) {
	f.migrated(t)
	n := store.NewSuiteRun{SuiteRun: store.SuiteRun{ID: "suite-1", Title: "Smoke", Status: store.RunRunning, CreatedAt: now, WorkflowID: "suite/suite-1"}}
	n.WorkflowInput = json.RawMessage(`{}`)
	for _, id := range []string{"run-1", "run-2"} {
		n.Runs = append(n.Runs, newRun(t, id, once))
	}
	_, created, err := f.CreateSuiteRun(t.Context(), n)
	require.NoError(t, err)
	require.True(t, created)
	for _, id := range []string{"run-1", "run-2"} {
		f.finish(t, id, f.claim(t, id, 0).Attempt, failed)
	}
	require.NoError(t, f.FinishSuiteRun(t.Context(), "suite-1", false, "", now))

	judge := func(id string, o store.Outcome) (store.RunStatus, store.SuiteCounts) {
		t.Helper()
		f.requeue(t, id)
		missed, err := f.NotStarted(t.Context(), time.Now().Add(time.Minute), 10)
		require.NoError(t, err)
		require.Len(t, missed, 1, "no suite starts it any more")
		f.finish(t, id, f.claim(t, id, 0).Attempt, o)
		suite, err := f.SuiteRun(t.Context(), "suite-1")
		require.NoError(t, err)
		return suite.Status, suite.Counts
	}
	status, counts := judge("run-1", passed)
	require.Equal(t, store.RunFailed, status)
	require.Equal(t, store.SuiteCounts{Total: 2, Completed: 1, Failed: 1}, counts)
	status, counts = judge("run-2", passed)
	require.Equal(t, store.RunCompleted, status)
	require.Equal(t, store.SuiteCounts{Total: 2, Completed: 2}, counts)
}

// testQueueTimeout: the wait is counted anew each time a job is due.
func testQueueTimeout(t *testing.T, f *fixture) {
	f.migrated(t)
	ctx := t.Context()
	expired := store.Outcome{Status: store.RunFailed, Class: store.Expired, Error: "no worker took it"}
	limited := func(id string, o queue.Options, ms int64) {
		t.Helper()
		n := newRun(t, id, o)
		n.Added.Job.QueueTimeout = ms
		f.create(t, n)
	}
	overdue := func() []string {
		t.Helper()
		waits, err := f.Overdue(ctx, "", "", 10)
		require.NoError(t, err)
		ids := []string{}
		for _, w := range waits {
			require.Equal(t, time.Millisecond, w.Limit)
			require.GreaterOrEqual(t, w.Waited, w.Limit)
			require.Contains(t, w.Reason(), "its queue timeout is 1ms")
			ids = append(ids, w.RunID)
		}
		return ids
	}
	become := func(want ...string) {
		t.Helper()
		require.Eventually(t, func() bool { return len(overdue()) == len(want) }, 5*time.Second, 5*time.Millisecond)
		require.ElementsMatch(t, want, overdue())
	}
	delayed := once
	delayed.Delay = 24 * time.Hour.Milliseconds()
	limited("waits", once, 1)
	limited("patient", once, time.Hour.Milliseconds())
	limited("endless", once, 0)
	limited("taken", threeAttempts, 1)
	limited("delayed", delayed, 1) // from the time of the tests, long ago
	n := newRun(t, "later", queue.Options{Attempts: 1, Delay: time.Since(now).Milliseconds() + time.Hour.Milliseconds()})
	n.Added.Job.QueueTimeout = 1
	f.create(t, n)
	c := f.claim(t, "taken", 0)
	become("waits", "delayed")

	// An attempt that is given back waits anew, one that failed when it is due again.
	require.NoError(t, f.ReleaseAttempt(ctx, queue.TestExecution, "taken", c.Attempt))
	become("waits", "delayed", "taken")
	f.finish(t, "taken", f.claim(t, "taken", 0).Attempt, failed)
	become("waits", "delayed", "taken")
	f.claim(t, "taken", 1)

	for id, want := range map[string]bool{"waits": true, "patient": false, "taken": false, "delayed": true} {
		ended, err := f.EndOverdue(ctx, queue.TestExecution, id, expired, now)
		require.NoError(t, err)
		require.Equal(t, want, ended, id)
		if want {
			require.Equal(t, store.Expired, f.run(t, id).Class)
		}
	}
	require.Empty(t, overdue())
	require.ElementsMatch(t, []string{"waits", "delayed"}, f.letters(t, store.LetterFilter{Class: store.Expired}))
	f.requeue(t, "waits")
	become("waits")

	// What another consumer of the queue drives does not expire.
	ended, err := f.EndUntaken(ctx, queue.TestExecution, "patient", expired, now)
	require.NoError(t, err)
	require.True(t, ended)
	f.relayed(t)
	_, _, err = f.Reconcile(ctx, queue.TestExecution, "endless", seen(queue.Seen{State: queue.Active, AttemptsStarted: 1, StartedAt: now, Foreign: true}), (&told{}).tell)
	require.NoError(t, err)
	ended, err = f.EndUntaken(ctx, queue.TestExecution, "endless", expired, now)
	require.NoError(t, err)
	require.False(t, ended)
}

// testQueueTimeoutOfSuite: a run whose suite has not come to it waits for its turn, not for a worker.
func testQueueTimeoutOfSuite(t *testing.T, f *fixture) {
	f.migrated(t)
	n := store.NewSuiteRun{SuiteRun: store.SuiteRun{ID: "suite-1", Title: "Smoke", Status: store.RunRunning, CreatedAt: now, WorkflowID: "suite/suite-1"}}
	n.WorkflowInput = json.RawMessage(`{}`)
	for _, id := range []string{"run-1", "run-2"} {
		run := newRun(t, id, once)
		run.Added.Job.QueueTimeout = 1
		n.Runs = append(n.Runs, run)
	}
	_, _, err := f.CreateSuiteRun(t.Context(), n)
	require.NoError(t, err)
	require.NoError(t, f.RunStarted(t.Context(), "run-2", "temporal-1"))
	await := func(runID string, want ...string) {
		t.Helper()
		require.Eventually(t, func() bool {
			waits, err := f.Overdue(t.Context(), "", runID, 10)
			require.NoError(t, err)
			return len(waits) == len(want) && waits[0].RunID == want[0]
		}, 5*time.Second, 5*time.Millisecond)
	}
	await("", "run-2")
	await("run-1", "run-1") // its workflow, which knows when it began, asks for it by name
}

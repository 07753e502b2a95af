package queue_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/queue"
)

var now = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func newJob(t *testing.T, o queue.Options) queue.Job {
	t.Helper()
	def, ok := queue.Find(queue.TestExecution)
	require.True(t, ok)
	job, change := queue.New(def, "run-1", json.RawMessage(`{}`), o, now)
	require.Equal(t, queue.Added, change.Transition)
	require.EqualValues(t, 1, change.Job.Seq)
	require.Equal(t, job, change.Job)
	return job
}

func transitions(changes []queue.Change) []queue.Transition {
	names := make([]queue.Transition, len(changes))
	for i, c := range changes {
		names[i] = c.Transition
	}
	return names
}

func TestJobThatPassesAtOnce(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 3})
	require.Equal(t, queue.Waiting, job.State)

	changes, err := job.Start("w1", 0, now, nil)
	require.NoError(t, err)
	require.Equal(t, []queue.Transition{queue.Started}, transitions(changes))
	require.NoError(t, job.Owned(1))

	change := job.Complete(json.RawMessage(`{"ok":true}`), now)
	require.Equal(t, queue.Succeeded, change.Transition)
	require.Equal(t, queue.Completed, job.State)
	require.Equal(t, 1, job.AttemptsMade)
	require.EqualValues(t, 3, job.Seq)
	require.ErrorIs(t, job.Owned(1), queue.ErrFinished)
}

func TestJobBacksOffExponentiallyUntilItsAttemptsRunOut(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 3, Backoff: &queue.Backoff{Type: "exponential", Delay: 2000}})
	for made, wait := range []time.Duration{2 * time.Second, 4 * time.Second} {
		_, err := job.Start("w", made, now, nil)
		require.NoError(t, err)
		change := job.Fail("no such element", "", nil, false, now)
		require.Equal(t, queue.BackedOff, change.Transition)
		require.Equal(t, now.Add(wait), job.DueAt)
		require.Equal(t, wait.Milliseconds(), job.Delay())
	}
	_, err := job.Start("w", 2, now, nil)
	require.NoError(t, err)
	require.True(t, job.DueAt.IsZero())
	change := job.Fail("no such element", "the stack", json.RawMessage(`{"status":"failed"}`), false, now)
	require.Equal(t, queue.Exhausted, change.Transition)
	require.Equal(t, 3, job.AttemptsMade)
	require.Equal(t, []string{"no such element", "no such element", "the stack"}, job.Stacktrace)
	require.JSONEq(t, `{"status":"failed"}`, string(job.ReturnValue))
}

func TestJobWithoutBackoffIsRetriedAtOnce(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 2})
	_, err := job.Start("w", 0, now, nil)
	require.NoError(t, err)
	require.Equal(t, queue.Retried, job.Fail("", "", nil, false, now).Transition)
	require.NotEmpty(t, job.FailedReason, "a failed job always has a reason")
}

func TestFinalFailureUsesNoFurtherAttempt(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 3})
	_, err := job.Start("w", 0, now, nil)
	require.NoError(t, err)
	require.Equal(t, queue.Exhausted, job.Fail("the case is gone", "", nil, true, now).Transition)
	_, err = job.Start("w", 1, now, nil)
	require.ErrorIs(t, err, queue.ErrFinished)
}

func TestJobThatEndsBeforeItBeganMadeNoAttempt(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 1, Delay: 60000})
	change := job.Fail("Cancelled on request", "", nil, true, now)
	require.Equal(t, queue.Exhausted, change.Transition)
	require.Zero(t, job.AttemptsMade)
}

func TestJobOfADeadWorkerStallsAndFencesIt(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 1})
	_, err := job.Start("dead", 0, now, nil)
	require.NoError(t, err)
	changes, err := job.Start("alive", 0, now, nil)
	require.NoError(t, err)
	require.Equal(t, []queue.Transition{queue.Stalled, queue.Started}, transitions(changes))
	require.Equal(t, queue.Waiting, changes[0].Job.State)
	require.Equal(t, 1, job.Stalls)
	require.Equal(t, 0, job.AttemptsMade, "a stall is not an attempt")
	require.ErrorIs(t, job.Owned(1), queue.ErrSuperseded)
	require.NoError(t, job.Owned(2))
}

func TestAttemptThatIsGivenBackCountsForNothing(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 1})
	_, err := job.Start("stops", 0, now, nil)
	require.NoError(t, err)
	require.Equal(t, queue.Retried, job.Release().Transition)
	changes, err := job.Start("stays", 0, now, nil)
	require.NoError(t, err)
	require.Equal(t, []queue.Transition{queue.Started}, transitions(changes))
	require.Zero(t, job.Stalls)
	require.Zero(t, job.AttemptsMade)
	require.Equal(t, 2, job.AttemptsStarted)
}

func TestOutcomeIsRecordedOnce(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 2, Backoff: &queue.Backoff{Type: "fixed", Delay: 50}})
	_, err := job.Start("w", 0, now, nil)
	require.NoError(t, err)
	job.Fail("boom", "", nil, false, now)
	_, err = job.Start("w", 0, now, nil)
	require.ErrorIs(t, err, queue.ErrRecorded, "the same attempt, reported again")
}

func TestDelayedJob(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 1, Delay: 1500})
	require.Equal(t, queue.Delayed, job.State)
	require.Equal(t, now.Add(1500*time.Millisecond), job.DueAt)
	require.EqualValues(t, 1500, job.Delay())
}

func TestBackoffIsBounded(t *testing.T) {
	t.Parallel()
	b := &queue.Backoff{Type: "exponential", Delay: 2000}
	require.Equal(t, 24*time.Hour, b.After(400))
	require.Zero(t, (*queue.Backoff)(nil).After(1))
	require.Equal(t, 3*time.Second, (&queue.Backoff{Type: "fixed", Delay: 3000}).After(7))
}

func TestStacktracesAreBounded(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 100})
	for made := range 30 {
		_, err := job.Start("w", made, now, nil)
		require.NoError(t, err)
		job.Fail("boom", "", nil, false, now)
	}
	require.Len(t, job.Stacktrace, 10)
}

func TestQueuesAreDeclaredOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, def := range queue.All() {
		require.NotEmpty(t, def.JobName)
		require.False(t, seen[def.Name], def.Name)
		seen[def.Name] = true
	}
	_, ok := queue.Find("no-such-queue")
	require.False(t, ok)
}

func TestRequeuedJobHasAllItsAttemptsAgain(t *testing.T) {
	t.Parallel()
	job := newJob(t, queue.Options{Attempts: 1})
	_, err := job.Start("dead", 0, now, nil)
	require.NoError(t, err)
	_, err = job.Start("w", 0, now, nil)
	require.NoError(t, err)
	job.Fail("boom", "the stack", json.RawMessage(`{"status":"failed"}`), false, now)

	change := job.Requeue()
	require.Equal(t, queue.Requeued, change.Transition)
	require.Equal(t, queue.Waiting, job.State)
	require.Zero(t, job.AttemptsMade)
	require.Zero(t, job.Stalls)
	require.Equal(t, 2, job.AttemptsStarted, "it tells the attempts apart")
	require.Equal(t, []string{"the stack"}, job.Stacktrace)
	require.Empty(t, job.FailedReason)
	require.Nil(t, job.ReturnValue)
	require.True(t, job.FinishedAt.IsZero())
	_, err = job.Start("w", 0, now, nil)
	require.NoError(t, err)
}

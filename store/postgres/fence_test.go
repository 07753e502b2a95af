package postgres_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// openJob reads the record of a job that has not ended.
func (f *fixture) openJob(t *testing.T, id string) (job queue.Job) {
	t.Helper()
	require.NoError(t, f.OpenJobs(t.Context(), queue.TestExecution, store.Any, func(jobs []queue.Job) error {
		for _, j := range jobs {
			if j.ID == id {
				job = j
			}
		}
		return nil
	}))
	require.Equal(t, id, job.ID)
	return job
}

// snapshot is all that a zombie's writes could have changed.
type snapshot struct {
	Run       store.Run
	Steps     []store.Step
	Job       queue.Job
	Waiting   []string
	Artifacts int
}

func (f *fixture) snapshot(t *testing.T, id string) snapshot {
	t.Helper()
	steps, err := f.Steps(t.Context(), id)
	require.NoError(t, err)
	return snapshot{
		Run: f.run(t, id), Steps: steps, Job: f.openJob(t, id), Waiting: f.waiting(t), Artifacts: f.count(t, "artifacts"),
	}
}

func testStalledAttemptIsFenced(t *testing.T, f *fixture) {
	f.migrated(t)
	zombie := f.begun(t, "run-1", threeAttempts)
	alive := f.claim(t, "run-1", 0)
	require.Equal(t, 2, alive.Attempt)
	require.Equal(t, 1, alive.Job.Stalls)
	require.Zero(t, alive.Job.AttemptsMade, "a stall is not an attempt")
	require.Equal(t, []string{"run-1 1 added", "run-1 2 started", "run-1 3 stalled", "run-1 4 started"}, f.waiting(t))
	f.plan(t, "run-1", alive.Attempt)

	before := f.snapshot(t, "run-1")
	step := store.Step{RunID: "run-1", Attempt: zombie.Attempt, Number: 1, Status: store.StepFailed, Error: "from the grave"}
	require.ErrorIs(t, f.EndStep(t.Context(), queue.TestExecution, step, nil, now), queue.ErrSuperseded)
	require.ErrorIs(t, f.EndStep(t.Context(), queue.TestExecution, step, screenshot("run-1", zombie.Attempt, 1), now), queue.ErrSuperseded)
	_, err := f.FinishAttempt(t.Context(), queue.TestExecution, "run-1", zombie.Attempt, passed, now)
	require.ErrorIs(t, err, queue.ErrSuperseded)
	require.NoError(t, f.PlanSteps(t.Context(), "run-1", zombie.Attempt, make([]store.Step, 9), now))
	require.Equal(t, before, f.snapshot(t, "run-1"), "nothing changed")

	f.endStep(t, store.Step{RunID: "run-1", Attempt: alive.Attempt, Number: 1, Status: store.StepSuccess}, nil)
	require.Equal(t, queue.Completed, f.finish(t, "run-1", alive.Attempt, passed).State)
	require.False(t, f.run(t, "run-1").Flaky)
	require.ErrorIs(t, f.EndStep(t.Context(), queue.TestExecution, step, nil, now), queue.ErrSuperseded)
	_, err = f.FinishAttempt(t.Context(), queue.TestExecution, "run-1", zombie.Attempt, failed, now)
	require.ErrorIs(t, err, queue.ErrFinished)
}

func testStepWaitsForAClaim(t *testing.T, f *fixture) {
	f.migrated(t)
	c := f.begun(t, "run-1", threeAttempts)

	// What a claim does, stopped before its commit.
	claim, err := f.connect(t).Begin(t.Context())
	require.NoError(t, err)
	_, err = claim.Exec(t.Context(), "SELECT FROM jobs WHERE id = 'run-1' FOR UPDATE")
	require.NoError(t, err)
	_, err = claim.Exec(t.Context(), "UPDATE test_steps SET status = 'skipped'")
	require.NoError(t, err)
	_, err = claim.Exec(t.Context(), "UPDATE jobs SET attempts_started = 2")
	require.NoError(t, err)

	var group errgroup.Group
	for _, shot := range []*store.Artifact{nil, screenshot("run-1", c.Attempt, 2)} {
		step := store.Step{RunID: "run-1", Attempt: c.Attempt, Number: 1, Status: store.StepSuccess}
		group.Go(func() error { return f.EndStep(t.Context(), queue.TestExecution, step, shot, now) })
	}
	f.awaitLocks(t, 2)
	require.NoError(t, claim.Commit(t.Context()))
	require.ErrorIs(t, group.Wait(), queue.ErrSuperseded)
	require.Equal(t, []string{"1.1 skipped", "1.2 skipped", "1.3 skipped"}, f.statuses(t, "run-1"))
	require.Zero(t, f.count(t, "artifacts"))
}

// awaitLocks returns when so many statements wait for another's transaction.
func (f *fixture) awaitLocks(t *testing.T, want int) {
	t.Helper()
	conn := f.connect(t)
	require.Eventually(t, func() bool {
		var n int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		return err == nil && n == want
	}, 20*time.Second, 5*time.Millisecond)
}

func testOutcomeIsRecordedOnce(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	f.finish(t, "run-1", 1, failed)
	before := f.snapshot(t, "run-1")

	_, err := f.FinishAttempt(t.Context(), queue.TestExecution, "run-1", 1, passed, now)
	require.ErrorIs(t, err, queue.ErrSuperseded)
	c, err := f.ClaimAttempt(t.Context(), queue.TestExecution, "run-1", "another", 0, now, nil)
	require.ErrorIs(t, err, queue.ErrRecorded)
	require.Equal(t, queue.Delayed, c.Job.State, "the claim holds the job")
	require.Equal(t, "no such element", c.Job.FailedReason)
	require.Equal(t, before, f.snapshot(t, "run-1"), "nothing changed")

	f.finish(t, "run-1", f.claim(t, "run-1", 1).Attempt, passed)
	c, err = f.ClaimAttempt(t.Context(), queue.TestExecution, "run-1", "another", 1, now, nil)
	require.ErrorIs(t, err, queue.ErrFinished)
	require.Equal(t, queue.Completed, c.Job.State)
	require.JSONEq(t, `{"status":"completed"}`, string(c.Job.ReturnValue))
}

func testWorkersClaimAtTheSameTime(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	const workers = 8
	var owners atomic.Int64
	var group errgroup.Group
	for range workers {
		group.Go(func() error {
			c, err := f.ClaimAttempt(t.Context(), queue.TestExecution, "run-1", "worker", 0, now, nil)
			if errors.Is(err, queue.ErrFinished) {
				return nil // another one was quicker by far
			}
			if err != nil {
				return err
			}
			_, err = f.FinishAttempt(t.Context(), queue.TestExecution, "run-1", c.Attempt, passed, now)
			if errors.Is(err, queue.ErrSuperseded) || errors.Is(err, queue.ErrFinished) {
				return nil
			}
			owners.Add(1)
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.EqualValues(t, 1, owners.Load())

	var seqs []int64
	var last queue.Change
	_, err := f.Relay(t.Context(), queue.TestExecution, 100, func(_ context.Context, rows []store.OutboxRow, _ postgres.Advance) (map[int64]string, error) {
		for _, row := range rows {
			last = row.Change
			seqs = append(seqs, row.Change.Job.Seq)
		}
		return nil, nil
	})
	require.NoError(t, err)
	for i, seq := range seqs {
		require.EqualValues(t, i+1, seq, "no change is lost or doubled")
	}
	require.Equal(t, queue.Succeeded, last.Transition)
	require.Equal(t, 1, last.Job.AttemptsMade)
	require.JSONEq(t, string(passed.Result), string(last.Job.ReturnValue))
}

package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

func testReleasedAttempt(t *testing.T, f *fixture) {
	f.migrated(t)
	c := f.begun(t, "run-1", threeAttempts)
	require.NoError(t, f.ReleaseAttempt(t.Context(), queue.TestExecution, "run-1", c.Attempt))
	require.Equal(t, store.RunPending, f.run(t, "run-1").Status)
	job := f.openJob(t, "run-1")
	require.Equal(t, queue.Waiting, job.State)
	require.Zero(t, job.AttemptsMade)
	require.ErrorIs(t, f.ReleaseAttempt(t.Context(), queue.TestExecution, "run-1", c.Attempt), queue.ErrSuperseded)

	again := f.claim(t, "run-1", 0)
	require.Equal(t, 2, again.Attempt)
	require.Zero(t, again.Job.Stalls, "a worker that stops did not die")
	require.ErrorIs(t, f.ReleaseAttempt(t.Context(), queue.TestExecution, "run-1", c.Attempt), queue.ErrSuperseded)
	require.Equal(t, queue.Active, f.openJob(t, "run-1").State)
}

func testEndWaiting(t *testing.T, f *fixture) {
	f.migrated(t)
	cancelled := store.Outcome{Status: store.RunCancelled, Error: "Cancelled on request", TotalSteps: 3}
	f.create(t, newRun(t, "waits", threeAttempts))
	ended, err := f.EndWaiting(t.Context(), queue.TestExecution, "waits", cancelled, now)
	require.NoError(t, err)
	require.True(t, ended)
	require.Equal(t, store.RunCancelled, f.run(t, "waits").Status)

	ended, err = f.EndWaiting(t.Context(), queue.TestExecution, "waits", cancelled, now)
	require.NoError(t, err)
	require.False(t, ended, "it has ended")

	f.begun(t, "runs", threeAttempts)
	ended, err = f.EndWaiting(t.Context(), queue.TestExecution, "runs", cancelled, now)
	require.NoError(t, err)
	require.False(t, ended, "a worker has it")
	require.Equal(t, store.RunRunning, f.run(t, "runs").Status)
}

// testReadOnly is what a failover and a full disk look like.
func testReadOnly(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	f.exec(t, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$")
	f.exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	require.Eventually(t, func() bool {
		_, err := f.ClaimAttempt(t.Context(), queue.TestExecution, "run-1", "worker", 0, now, nil)
		require.Equal(t, fault.Unavailable, fault.Of(err), "%v", err)
		refused, ok := errors.AsType[*pgconn.PgError](err)
		return ok && refused.Code == "25006" // not only the connections that broke
	}, 10*time.Second, 10*time.Millisecond)
}

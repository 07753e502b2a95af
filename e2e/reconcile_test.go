package e2e_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/cinnamon-qa/cinnamon/cleanup"
)

// psql makes a command that carries out SQL in the stack's database.
func (s *stack) psql(t *testing.T, sql string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("psql")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
		if len(found) == 0 {
			t.Skip("needs psql")
		}
		program = found[len(found)-1]
	}
	return exec.CommandContext(t.Context(), program, s.Database, "-v", "ON_ERROR_STOP=1", "-qAtc", sql)
}

func (s *stack) sql(t *testing.T, sql string) string {
	t.Helper()
	out, err := s.psql(t, sql).CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.TrimSpace(string(out))
}

// TestWhatTemporalAndPostgresDisagreeOnEnds has a run whose workflow was terminated, one whose workflow was deleted, and a workflow
// whose run was deleted.
func TestWhatTemporalAndPostgresDisagreeOnEnds(t *testing.T) {
	t.Parallel()
	s := ownStack(t)
	later := map[string]any{"delay": 600_000}
	terminated, lost, orphan := s.submit(t, exampleCase(t, "login.json"), later), s.submit(t, exampleCase(t, "login.json"), later), s.submit(t, exampleCase(t, "login.json"), later)
	jobs := newClient(t, s.Redis, "bullmq6", "cleanup")
	var job jobSeen
	jobs.queue(&job, "add", "cleanup", map[string]any{"dryRun": true}, later)
	for _, id := range []string{"test-execution/" + terminated.TestRunID, "test-execution/" + lost.TestRunID, "test-execution/" + orphan.TestRunID, "cleanup/" + job.ID} {
		await(t, soon, "workflow "+id, func() bool {
			described, err := s.client.DescribeWorkflowExecution(t.Context(), id, "")
			return err == nil && described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		})
	}
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), "test-execution/"+terminated.TestRunID, "", "a test"))
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), "cleanup/"+job.ID, "", "a test"))
	_, err := s.client.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: "test-execution/" + lost.TestRunID},
	})
	require.NoError(t, err)
	s.sql(t, `DELETE FROM jobs WHERE run_id = '`+orphan.TestRunID+`'; DELETE FROM test_runs WHERE id = '`+orphan.TestRunID+`'`)

	runs := newClient(t, s.Redis, "bullmq6", "test-execution")
	r := s.awaitEnd(t, terminated.TestRunID, time.Minute)
	require.Equal(t, "cancelled", r.Status)
	await(t, soon, "Redis to show it", func() bool { return runs.state(terminated.TestRunID) == "failed" })
	require.Equal(t, "Terminated in Temporal", runs.get(terminated.TestRunID).FailedReason)
	await(t, time.Minute, "the end of the job", func() bool { return jobs.state(job.ID) == "failed" })
	require.Equal(t, "Terminated in Temporal", jobs.get(job.ID).FailedReason)

	r = s.awaitEnd(t, lost.TestRunID, time.Minute)
	require.Equal(t, "failed", r.Status)
	require.Contains(t, r.Error, "Temporal does not know its workflow any more")
	await(t, soon, "Redis to show it", func() bool { return runs.state(lost.TestRunID) == "failed" })
	await(t, time.Minute, "the end of the workflow without a run", func() bool {
		described, err := s.client.DescribeWorkflowExecution(t.Context(), "test-execution/"+orphan.TestRunID, "")
		return err == nil && described.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	})
}

// TestCleanupGoesOnAfterItsWorkerWasKilled kills a worker in the middle of a clean-up, which the test holds up by a lock: the
// next one goes on, and its report has all that went, once.
func TestCleanupGoesOnAfterItsWorkerWasKilled(t *testing.T) {
	t.Parallel()
	s := ownStack(t, "--without", "worker")
	const many = "5000"
	s.sql(t, `INSERT INTO test_runs (id, test_case_id, title, status, config, max_attempts, total_steps, workflow_id, workflow_input, created_at, finished_at)
		SELECT 'run-' || n, 'login', 'Logging in', 'completed', '{}', 1, 1, 'w', '{}', now(), now() - interval '300 days' + n * interval '1 second'
		FROM generate_series(1, `+many+`) n`)
	holding, release := context.WithCancel(t.Context())
	defer release()
	lock := s.psql(t, `BEGIN; SELECT 1 FROM test_runs WHERE id = 'run-2600' FOR UPDATE; SELECT pg_sleep(120)`)
	require.NoError(t, lock.Start())
	go func() {
		<-holding.Done()
		_ = lock.Process.Kill()
	}()
	t.Cleanup(func() { release(); _ = lock.Wait() })

	worker := func() *process {
		p, err := start(os.Getenv("CINNAMON_BIN"), []string{"worker"}, append(s.environment(), "METRICS_ADDR=127.0.0.1:0")...)
		require.NoError(t, err)
		return p
	}
	first := worker()
	var accepted cleaned
	s.request(t, http.MethodPost, "/api/cleanups", "", http.StatusAccepted, &accepted)
	await(t, soon, "half of it", func() bool {
		return s.sql(t, `SELECT count(*) FROM test_runs WHERE id LIKE 'run-%' AND finished_at < now() - interval '299 days'`) == "2500"
	})
	first.kill(t)
	release()
	s.sql(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(120)%' AND pid <> pg_backend_pid()`)
	second := worker()
	t.Cleanup(func() { require.NoError(t, second.stop(25*time.Second)) })
	done := s.awaitCleanup(t, accepted.CleanupID)
	require.Equal(t, "completed", done.Status, done.Error)
	require.EqualValues(t, 5000, done.Report.Removed[cleanup.Runs].Count)
	require.Equal(t, "0", s.sql(t, `SELECT count(*) FROM test_runs`))
	job, _, err := s.store.Job(t.Context(), "cleanup", accepted.CleanupID)
	require.NoError(t, err)
	require.Equal(t, 1, job.Stalls)
	s.requireReplay(t, "Cleanup-worker-killed", "cleanup/"+accepted.CleanupID)
}

package e2e_test

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/store"
)

// slowCase is in the middle of its second step for seconds.
const slowCase = `{"title": "Takes its time", "steps": [
	{"type": "navigate", "url": "/"},
	{"type": "navigate", "url": "/slow?ms=3000", "timeout": 20000},
	{"type": "waitForElement", "selectors": [["h1"]]}]}`

// TestWorkerThatDiesInTheMiddleOfARun kills the worker process. Another one takes the run over: it ends once, and every
// store says the same.
func TestWorkerThatDiesInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	s := ownStack(t, "--without", "worker")
	judge := newJudge(t, s.Redis, "bullmq6")
	startWorker := func(name string) *process {
		w, err := start(os.Getenv("CINNAMON_BIN"), []string{"worker"}, append(s.environment(), "WORKER_NAME="+name)...)
		require.NoError(t, err)
		return w
	}
	first := startWorker("first")
	accepted := s.submit(t, slowCase, map[string]any{"attempts": 1})
	await(t, soon, "the second step", func() bool {
		steps := s.steps(t, accepted.TestRunID)
		return len(steps) == 3 && steps[0].Status == "success" && steps[1].Status == "running"
	})
	first.kill(t)
	require.Equal(t, "running", s.run(t, accepted.TestRunID).Status)

	second := startWorker("second")
	t.Cleanup(func() { require.NoError(t, second.stop(20*time.Second)) })
	ended := s.awaitEnd(t, accepted.TestRunID, 60*time.Second)
	require.Equal(t, "completed", ended.Status, ended.Error)
	require.Equal(t, 3, ended.CompletedSteps)
	require.False(t, ended.Flaky, "the death of a worker is not the test's fault")

	var seen observation
	await(t, soon, "the end of the job in Redis", func() bool {
		seen = judge.observe(t, accepted.JobID)
		names := seen.eventNames()
		return seen.State == "completed" && len(names) > 0 && names[len(names)-1] == "completed"
	})
	require.Equal(t, []string{"added", "waiting", "active", "waiting", "stalled", "active", "completed"},
		without(seen.eventNames(), "progress"))
	require.Equal(t, 1, seen.Job.AttemptsMade)
	require.Equal(t, 2, seen.Job.AttemptsStarted)
	require.Equal(t, 1, seen.Job.StalledCounter)
	require.Equal(t, "second", seen.Job.ProcessedBy)

	steps := s.steps(t, accepted.TestRunID)
	require.Len(t, steps, 6)
	require.Equal(t, []string{"success", "skipped", "skipped", "success", "success", "success"}, statuses(steps))
	recorded, err := s.store.Run(t.Context(), accepted.TestRunID)
	require.NoError(t, err)
	require.Equal(t, store.RunCompleted, recorded.Status)
	s.awaitWorkflow(t, accepted.TestRunID, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	s.requireReplay(t, "TestExecution-worker-died", "test-execution/"+accepted.TestRunID)
}

func statuses(steps []step) []string {
	list := make([]string, len(steps))
	for i, s := range steps {
		list[i] = s.Status
	}
	return list
}

// TestRedisAwayForAWholeRun takes Redis away before a run and brings it back, empty, after it. The run neither fails nor
// waits, and Redis is right within two seconds of coming back.
func TestRedisAwayForAWholeRun(t *testing.T) {
	t.Parallel()
	var redis testkit.Redis
	t.Cleanup(redis.Stop)
	s := ownStack(t, "--redis-url", redis.URL(t))
	judge := newJudge(t, s.Redis, "bullmq6")

	before := s.submit(t, exampleCase(t, "login.json"), nil)
	began := time.Now()
	require.Equal(t, "completed", s.awaitEnd(t, before.TestRunID, soon).Status)
	usual := time.Since(began)
	await(t, soon, "the first job in Redis", func() bool { return judge.observe(t, before.JobID).State == "completed" })

	redis.Kill(t)
	began = time.Now()
	during := s.submit(t, exampleCase(t, "login.json"), nil)
	delayed := s.submit(t, exampleCase(t, "login.json"), map[string]any{"delay": 3600000})
	ended := s.awaitEnd(t, during.TestRunID, soon)
	require.Equal(t, "completed", ended.Status, ended.Error)
	require.Less(t, time.Since(began), usual+5*time.Second, "the run waited for Redis")
	var health struct {
		Status string `json:"status"`
	}
	s.request(t, http.MethodGet, "/api/health", "", http.StatusOK, &health)
	require.Equal(t, "degraded", health.Status)

	redis.Restart(t)
	back := time.Now()
	var seen observation
	await(t, soon, "Redis to be right again", func() bool {
		seen = judge.observe(t, during.JobID)
		return seen.State == "completed" && len(seen.eventNames()) >= 4 &&
			seen.Counts["completed"] == 2 && seen.Counts["delayed"] == 1 && seen.Record != nil &&
			judge.observe(t, before.JobID).State == "completed" && judge.observe(t, delayed.JobID).State == "delayed"
	})
	t.Logf("Redis was right %s after it came back", time.Since(back).Round(time.Millisecond))
	require.Equal(t, []string{"added", "waiting", "active", "completed"}, without(seen.eventNames(), "progress"))
	require.EqualValues(t, 100, seen.Record["percentage"])
	require.EqualValues(t, 100, seen.Job.Progress["percentage"])
}

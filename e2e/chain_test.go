package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdkpb "go.temporal.io/api/sdk/v1"

	"github.com/cinnamon-qa/cinnamon/store"
)

const soon = 30 * time.Second

// failingCase asks for what no page of the shop has.
const failingCase = `{"title": "Asks for a unicorn", "timeout": 3000, "steps": [
	{"type": "navigate", "url": "/"},
	{"type": "customStep", "name": "assertText", "parameters": {"selectors": [["h1"]], "text": "Unicorns"}},
	{"type": "click", "selectors": [["#never-reached"]]}]}`

// TestRunIsTheSameInEveryStore starts a run through HTTP and reads it with the real bullmq library, from Postgres and
// from Temporal.
func TestRunIsTheSameInEveryStore(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	judge := newJudge(t, s.Redis, "bullmq6")

	accepted := s.submit(t, exampleCase(t, "checkout.json"), map[string]any{"userId": "ada", "priority": "high"})
	require.Equal(t, "test-execution", accepted.Queue)
	require.Equal(t, "pending", accepted.Status)
	ended := s.awaitEnd(t, accepted.TestRunID, soon)
	require.Equal(t, "completed", ended.Status, ended.Error)
	require.Equal(t, ended.TotalSteps, ended.CompletedSteps)
	total := ended.TotalSteps

	// As BullMQ's clients see it.
	var seen observation
	await(t, soon, "the end of the job in Redis", func() bool {
		seen = judge.observe(t, accepted.JobID)
		names := seen.eventNames()
		return seen.State == "completed" && len(names) > 0 && names[len(names)-1] == "completed"
	})
	require.Equal(t, "execute-test", seen.Job.Name)
	require.Equal(t, accepted.TestRunID, seen.Job.Data["testRunId"])
	require.Equal(t, ended.TestCaseID, seen.Job.Data["testCaseId"])
	require.Equal(t, "ada", seen.Job.Data["userId"])
	require.EqualValues(t, 10, seen.Job.Opts["priority"])
	require.Equal(t, 1, seen.Job.AttemptsMade)
	require.Equal(t, 1, seen.Job.AttemptsStarted)
	require.NotEmpty(t, seen.Job.ProcessedBy)
	require.Equal(t, "completed", seen.Job.ReturnValue["status"])
	require.EqualValues(t, total, seen.Job.ReturnValue["completedSteps"])
	require.EqualValues(t, 100, seen.Job.Progress["percentage"])
	require.GreaterOrEqual(t, seen.Counts["completed"], 1)
	require.Equal(t, []string{"added", "waiting", "active"}, seen.eventNames()[:3])
	require.Equal(t, 2*total, strings.Count(strings.Join(seen.eventNames(), " "), "progress"), "a progress event at the beginning and the end of each step")
	require.Equal(t, accepted.TestRunID, seen.Record["testRunId"])
	require.EqualValues(t, total, seen.Record["currentStep"])
	require.EqualValues(t, total, seen.Record["totalSteps"])
	require.InDelta(t, 24*60*60, seen.TTL, 60)
	require.Positive(t, seen.Published)
	require.NotContains(t, seen.Waiting, accepted.JobID)

	// In Postgres.
	recorded, err := s.store.Run(t.Context(), accepted.TestRunID)
	require.NoError(t, err)
	require.Equal(t, store.RunCompleted, recorded.Status)
	steps, err := s.store.Steps(t.Context(), accepted.TestRunID)
	require.NoError(t, err)
	require.Len(t, steps, total)
	for _, st := range steps {
		require.Equal(t, store.StepSuccess, st.Status, st.Description)
	}

	// In Temporal.
	require.NoError(t, s.client.GetWorkflow(t.Context(), recorded.WorkflowID, recorded.WorkflowRunID).Get(t.Context(), nil))
	described, err := s.client.DescribeWorkflowExecution(t.Context(), recorded.WorkflowID, recorded.WorkflowRunID)
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, described.GetWorkflowExecutionInfo().GetStatus())
	answer, err := s.client.QueryWorkflow(t.Context(), recorded.WorkflowID, recorded.WorkflowRunID, "__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(t, answer.Get(&metadata))
	details := metadata.GetCurrentDetails()
	require.Contains(t, details, "| # | Step | Status |")
	require.Equal(t, total, strings.Count(details, "| success |"), details)
	require.LessOrEqual(t, described.GetWorkflowExecutionInfo().GetHistoryLength(), int64(15), "orchestration is to be nearly free")
}

func TestOlderClientsSeeTheSame(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	for _, client := range []string{"bullmq534", "bullmq5"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			judge := newJudge(t, s.Redis, client)
			accepted := s.submit(t, exampleCase(t, "login.json"), nil)
			require.Equal(t, "completed", s.awaitEnd(t, accepted.TestRunID, soon).Status)
			await(t, soon, "the end of the job in Redis", func() bool {
				o := judge.observe(t, accepted.JobID)
				return o.State == "completed" && o.Job.ReturnValue["status"] == "completed" && len(o.Events) > 3
			})
		})
	}
}

func TestFailingTestUsesItsAttemptsAndKeepsEvidence(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	judge := newJudge(t, s.Redis, "bullmq6")
	accepted := s.submit(t, failingCase, map[string]any{"attempts": 2})
	ended := s.awaitEnd(t, accepted.TestRunID, soon)
	require.Equal(t, "failed", ended.Status)
	require.Contains(t, ended.Error, "Unicorns")
	require.Equal(t, 2, ended.Attempt)
	require.Equal(t, 1, ended.FailedSteps)

	steps := s.steps(t, accepted.TestRunID)
	require.Len(t, steps, 6)
	for _, attempt := range [][]step{steps[:3], steps[3:]} {
		require.Equal(t, "success", attempt[0].Status)
		require.Equal(t, "failed", attempt[1].Status)
		require.Equal(t, "skipped", attempt[2].Status)
		require.NotEmpty(t, attempt[1].Screenshot)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, absolute(s, attempt[1].Screenshot), http.NoBody)
		require.NoError(t, err)
		req.Header.Set("X-API-Key", s.APIKey)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Equal(t, "image/png", res.Header.Get("Content-Type"))
	}

	var seen observation
	await(t, soon, "the end of the job in Redis", func() bool {
		seen = judge.observe(t, accepted.JobID)
		names := seen.eventNames()
		return seen.State == "failed" && len(names) > 0 && names[len(names)-1] == "retries-exhausted"
	})
	require.Equal(t, []string{
		"added", "waiting", "active", "delayed", "waiting", "active", "failed", "retries-exhausted",
	}, without(seen.eventNames(), "progress"))
	require.Contains(t, seen.Job.FailedReason, "Unicorns")
	require.Len(t, seen.Job.Stacktrace, 2)
	require.Equal(t, 2, seen.Job.AttemptsMade)
	require.Equal(t, "failed", seen.Job.ReturnValue["status"], "the result of a failed job is kept")
}

func absolute(s *stack, link string) string {
	if strings.HasPrefix(link, "/") {
		return s.API + link
	}
	return link
}

func without(names []string, name string) []string {
	kept := make([]string, 0, len(names))
	for _, n := range names {
		if n != name {
			kept = append(kept, n)
		}
	}
	return kept
}

// TestFlakyTestIsMarked runs against a page that is wrong the first time only.
func TestFlakyTestIsMarked(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	visits := make(chan struct{}, 1)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		select {
		case visits <- struct{}{}:
			http.Error(w, "warming up", http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("<!doctype html><title>Ready</title><h1>Ready</h1>"))
		}
	}))
	t.Cleanup(page.Close)
	accepted := s.submit(t, `{"title": "Comes up late", "timeout": 500, "steps": [
		{"type": "navigate", "url": "/"},
		{"type": "customStep", "name": "assertTitle", "parameters": {"title": "Ready"}}]}`,
		map[string]any{"config": map[string]any{"baseUrl": page.URL}})
	ended := s.awaitEnd(t, accepted.TestRunID, soon)
	require.Equal(t, "completed", ended.Status, ended.Error)
	require.True(t, ended.Flaky)
	require.Equal(t, 2, ended.Attempt)
}

func TestCancelEndsARunWithinSeconds(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	t.Run("while it runs", func(t *testing.T) {
		t.Parallel()
		accepted := s.submit(t, `{"title": "Waits long", "steps": [
			{"type": "navigate", "url": "/"},
			{"type": "waitForExpression", "expression": "false", "timeout": 60000}]}`, map[string]any{"config": map[string]any{"baseUrl": s.Shop, "timeout": 120000}})
		await(t, soon, "the second step", func() bool {
			steps := s.steps(t, accepted.TestRunID)
			return len(steps) == 2 && steps[1].Status == "running"
		})
		asked := time.Now()
		s.request(t, http.MethodPost, "/api/test-runs/"+accepted.TestRunID+"/cancel", "", http.StatusAccepted, nil)
		ended := s.awaitEnd(t, accepted.TestRunID, soon)
		require.Equal(t, "cancelled", ended.Status)
		require.Less(t, time.Since(asked), soon)
		s.awaitWorkflow(t, accepted.TestRunID, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED)
		s.request(t, http.MethodPost, "/api/test-runs/"+accepted.TestRunID+"/cancel", "", http.StatusConflict, nil)
	})
	t.Run("before it began", func(t *testing.T) {
		t.Parallel()
		judge := newJudge(t, s.Redis, "bullmq6")
		accepted := s.submit(t, exampleCase(t, "login.json"), map[string]any{"delay": 3600000})
		await(t, soon, "the delayed job in Redis", func() bool { return judge.observe(t, accepted.JobID).State == "delayed" })
		s.request(t, http.MethodPost, "/api/test-runs/"+accepted.TestRunID+"/cancel", "", http.StatusAccepted, nil)
		require.Equal(t, "cancelled", s.awaitEnd(t, accepted.TestRunID, soon).Status)
		s.awaitWorkflow(t, accepted.TestRunID, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED)
		await(t, soon, "the end of the job in Redis", func() bool { return judge.observe(t, accepted.JobID).State == "failed" })
	})
}

// TestCancelDoesNotWaitForOtherTests cancels runs while longer ones have all the browsers.
func TestCancelDoesNotWaitForOtherTests(t *testing.T) {
	t.Parallel()
	s := ownStack(t, "--concurrency", "1")
	blocking := s.submit(t, `{"title": "Takes all browsers", "steps": [
		{"type": "navigate", "url": "/"},
		{"type": "waitForExpression", "expression": "false", "timeout": 20000}]}`, map[string]any{"attempts": 1})
	await(t, soon, "the blocking run", func() bool { return s.run(t, blocking.TestRunID).Status == "running" })
	waiting := s.submit(t, exampleCase(t, "login.json"), nil)
	delayed := s.submit(t, exampleCase(t, "login.json"), map[string]any{"delay": 3600000})
	for _, r := range []run{waiting, delayed} {
		s.request(t, http.MethodPost, "/api/test-runs/"+r.TestRunID+"/cancel", "", http.StatusAccepted, nil)
		require.Equal(t, "cancelled", s.run(t, r.TestRunID).Status)
		s.awaitWorkflow(t, r.TestRunID, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED)
	}
	require.Equal(t, "running", s.run(t, blocking.TestRunID).Status)
	s.request(t, http.MethodPost, "/api/test-runs/"+blocking.TestRunID+"/cancel", "", http.StatusAccepted, nil)
	require.Equal(t, "cancelled", s.awaitEnd(t, blocking.TestRunID, soon).Status)
}

// TestWorkflowThatIsTerminatedInTemporalEndsItsRun does what somebody does who presses Terminate in the Web UI.
func TestWorkflowThatIsTerminatedInTemporalEndsItsRun(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	judge := newJudge(t, s.Redis, "bullmq6")
	r := s.submit(t, exampleCase(t, "login.json"), map[string]any{"delay": 3600000})
	await(t, soon, "the delayed job in Redis", func() bool { return judge.observe(t, r.JobID).State == "delayed" })
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), "test-execution/"+r.TestRunID, "", "by hand"))
	ended := s.awaitEnd(t, r.TestRunID, soon)
	require.Equal(t, "cancelled", ended.Status)
	require.Equal(t, "Terminated in Temporal", ended.Error)
	await(t, soon, "the end of the job in Redis", func() bool { return judge.observe(t, r.JobID).State == "failed" })
}

func (s *stack) awaitWorkflow(t *testing.T, runID string, status enumspb.WorkflowExecutionStatus) {
	t.Helper()
	await(t, 10*time.Second, "the end of the workflow", func() bool {
		described, err := s.client.DescribeWorkflowExecution(t.Context(), "test-execution/"+runID, "")
		require.NoError(t, err)
		return described.GetWorkflowExecutionInfo().GetStatus() == status
	})
}

func TestTimeoutEndsAnAttempt(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	accepted := s.submit(t, `{"title": "Never gets there", "steps": [
		{"type": "navigate", "url": "/"},
		{"type": "waitForExpression", "expression": "false", "timeout": 60000}]}`,
		map[string]any{"attempts": 1, "config": map[string]any{"baseUrl": s.Shop, "timeout": 1500}})
	ended := s.awaitEnd(t, accepted.TestRunID, soon)
	require.Equal(t, "failed", ended.Status)
	require.Contains(t, ended.Error, "longer than its timeout of 1.5s")
}

func TestDelayedRunStartsWhenItIsDue(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	judge := newJudge(t, s.Redis, "bullmq6")
	asked := time.Now()
	accepted := s.submit(t, exampleCase(t, "login.json"), map[string]any{"delay": 1500})
	ended := s.awaitEnd(t, accepted.TestRunID, soon)
	require.Equal(t, "completed", ended.Status, ended.Error)
	require.GreaterOrEqual(t, time.Since(asked), 1500*time.Millisecond)
	await(t, soon, "the end of the job in Redis", func() bool { return judge.observe(t, accepted.JobID).State == "completed" })
	require.Equal(t, []string{"added", "delayed", "waiting", "active", "completed"},
		without(judge.observe(t, accepted.JobID).eventNames(), "progress"))
}

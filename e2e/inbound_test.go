package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
)

// inbound is a stack with a stored case and a client of the queue that somebody else wrote.
type inbound struct {
	*stack
	t      *testing.T
	client *client
	quick  string // a case that passes at once
	slow   string // a case that takes some seconds
	broken string // a case that fails
}

const (
	quickCase  = `{"title": "Quick", "steps": [{"type": "navigate", "url": "/"}]}`
	tardyCase  = `{"title": "Slow", "timeout": 60000, "steps": [{"type": "navigate", "url": "/"}, {"type": "waitForExpression", "expression": "new Promise(done => setTimeout(() => done(true), 4000))"}]}`
	brokenCase = `{"title": "Broken", "timeout": 500, "steps": [{"type": "navigate", "url": "/"}, {"type": "click", "selectors": ["#no-such-thing"]}]}`
)

func newInbound(t *testing.T, library string) *inbound {
	t.Helper()
	s := ownStack(t)
	in := &inbound{stack: s, t: t, client: newClient(t, s.Redis, library, "test-execution")}
	in.quick, in.slow, in.broken = in.save("quick", quickCase), in.save("slow", tardyCase), in.save("broken", brokenCase)
	return in
}

// save stores a case on the shop's pages.
func (in *inbound) save(id, definition string) string {
	in.t.Helper()
	definition = strings.Replace(definition, `{"title"`, `{"baseUrl": "`+in.Shop+`", "title"`, 1)
	in.request(in.t, http.MethodPut, "/api/test-cases/"+id, definition, http.StatusCreated, nil)
	return id
}

// workflow returns how the workflow of a run stands.
func (in *inbound) workflow(runID string) enumspb.WorkflowExecutionStatus {
	in.t.Helper()
	described, err := in.stack.client.DescribeWorkflowExecution(in.t.Context(), "test-execution/"+runID, "")
	require.NoError(in.t, err)
	return described.GetWorkflowExecutionInfo().GetStatus()
}

// awaitRun waits until a run is there, and has one of the statuses if any are given.
func (in *inbound) awaitRun(runID string, statuses ...string) run {
	in.t.Helper()
	var r run
	await(in.t, 30*time.Second, "run "+runID+" to be "+strings.Join(statuses, " or "), func() bool {
		found, err := in.store.Run(in.t.Context(), runID)
		if err != nil {
			return false
		}
		r = in.run(in.t, runID)
		return len(statuses) == 0 || slices.Contains(statuses, string(found.Status))
	})
	return r
}

func (in *inbound) awaitState(jobID, state string) {
	in.t.Helper()
	got := ""
	await(in.t, 20*time.Second, "job "+jobID+" to be "+state, func() bool {
		got = in.client.state(jobID)
		return got == state
	})
}

func (in *inbound) awaitWorkflow(runID string, status enumspb.WorkflowExecutionStatus) {
	in.t.Helper()
	await(in.t, 20*time.Second, "workflow of "+runID+" to be "+status.String(), func() bool { return in.workflow(runID) == status })
}

func newRunID() string { return "run-" + uuid.NewString() }

// TestClientsOfTheQueueActOnRuns does with the real library all that it can do to a queue, and looks at what becomes of
// the runs in Postgres and of the workflows in Temporal.
func TestClientsOfTheQueueActOnRuns(t *testing.T) {
	t.Parallel()
	for _, library := range []string{"bullmq6", "bullmq5", "bullmq534"} {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			in := newInbound(t, library)
			for _, c := range inboundCases {
				t.Run(c.name, func(t *testing.T) { //nolint:paralleltest // they share one queue, some pause it
					in.t, in.client.t = t, t
					c.test(t, in)
				})
			}
		})
	}
}

var inboundCases = []struct {
	name string
	test func(*testing.T, *inbound)
}{
	{"add", func(t *testing.T, in *inbound) {
		id := newRunID()
		job := in.client.add(in.quick, id, map[string]any{"attempts": 3, "backoff": map[string]any{"type": "exponential", "delay": 2000}, "removeOnComplete": 100})
		in.awaitState(job, "completed")
		in.awaitRun(id, "completed")
		in.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		seen := in.client.get(job)
		require.Equal(t, 1, seen.AttemptsMade)
		require.Equal(t, "completed", seen.ReturnValue["status"])
		require.Equal(t, id, seen.ReturnValue["testRunId"])
		require.NotEmpty(t, seen.ProcessedBy)
		require.InDelta(t, 100, seen.Opts["removeOnComplete"], 0)
	}},
	{"add delayed, promote", func(t *testing.T, in *inbound) {
		id := newRunID()
		job := in.client.add(in.quick, id, map[string]any{"delay": 600_000})
		in.awaitRun(id, "pending")
		in.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
		in.client.job(nil, job, "promote")
		in.awaitRun(id, "completed")
		in.awaitState(job, "completed")
	}},
	{"changeDelay", func(t *testing.T, in *inbound) {
		id := newRunID()
		job := in.client.add(in.quick, id, map[string]any{"delay": 600_000})
		in.awaitRun(id, "pending")
		in.client.job(nil, job, "changeDelay", 300)
		in.awaitRun(id, "completed")
	}},
	{"retry a failed job", func(t *testing.T, in *inbound) {
		id := newRunID()
		job := in.client.add(in.broken, id, map[string]any{"attempts": 1})
		in.awaitRun(id, "failed")
		in.awaitState(job, "failed")
		in.save2("broken-"+id, id, job)
	}},
	{"remove a job that waits", func(t *testing.T, in *inbound) {
		id := newRunID()
		job := in.client.add(in.quick, id, map[string]any{"delay": 600_000})
		in.awaitRun(id, "pending")
		in.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
		in.client.job(nil, job, "remove")
		r := in.awaitRun(id, "cancelled")
		require.Equal(t, "Removed from the queue", r.Error)
		in.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED)
		require.Equal(t, "unknown", in.client.state(job))
	}},
	{"pause and resume", func(t *testing.T, in *inbound) {
		in.client.queue(nil, "pause")
		id := newRunID()
		job := in.client.add(in.quick, id, nil)
		in.awaitRun(id, "pending")
		in.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
		require.Never(t, func() bool { return in.run(t, id).Status != "pending" }, time.Second, 100*time.Millisecond)
		in.client.queue(nil, "resume")
		in.awaitRun(id, "completed")
		in.awaitState(job, "completed")
	}},
	{"updateData", func(t *testing.T, in *inbound) {
		id := newRunID()
		in.client.queue(nil, "pause")
		job := in.client.add(in.broken, id, nil)
		in.awaitRun(id, "pending")
		in.client.job(nil, job, "updateData", map[string]any{"testCaseId": in.quick, "testRunId": id})
		in.client.queue(nil, "resume")
		r := in.awaitRun(id, "completed")
		require.Equal(t, in.quick, r.TestCaseID)
	}},
	{"drain", func(t *testing.T, in *inbound) {
		in.client.queue(nil, "pause")
		waiting, delayed := newRunID(), newRunID()
		in.client.add(in.quick, waiting, nil)
		in.client.add(in.quick, delayed, map[string]any{"delay": 600_000})
		in.awaitRun(waiting, "pending")
		in.awaitRun(delayed, "pending")
		in.client.queue(nil, "drain", true)
		in.awaitRun(waiting, "cancelled")
		in.awaitRun(delayed, "cancelled")
		in.client.queue(nil, "resume")
		in.awaitWorkflow(waiting, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED)
	}},
	{"jobs that can't be understood", func(t *testing.T, in *inbound) {
		for _, c := range []struct {
			name   string
			data   any
			reason string
		}{
			{"execute-test", "text", "the job's data must be an object with testCaseId and testRunId"},
			{"execute-test", map[string]any{"testRunId": newRunID()}, "the job's data has no testCaseId"},
			{"execute-test", map[string]any{"testCaseId": in.quick}, "the job's data has no testRunId"},
			{"execute-test", map[string]any{"testCaseId": "no-such-case", "testRunId": newRunID()}, `there is no test case "no-such-case"`},
			{"do-something", map[string]any{"testCaseId": in.quick, "testRunId": newRunID()}, `are named "execute-test"`},
		} {
			var added jobSeen
			in.client.queue(&added, "add", c.name, c.data)
			in.awaitState(added.ID, "failed")
			require.Contains(t, in.client.get(added.ID).FailedReason, c.reason)
		}
	}},
	{"a legacy worker takes a job", func(t *testing.T, in *inbound) {
		in.client.queue(nil, "pause")
		id := newRunID()
		job := in.client.add(in.slow, id, nil)
		in.awaitRun(id, "pending")
		require.Empty(t, in.client.ask(map[string]any{"on": "worker", "delay": 500}, nil))
		in.client.queue(nil, "resume")
		in.awaitState(job, "completed")
		in.awaitRun(id, "completed")
		in.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		require.Empty(t, in.client.ask(map[string]any{"on": "stop"}, nil))
	}},
}

// save2 repairs a case's page by running another case under the same job: data is what a retry reads.
func (in *inbound) save2(_, runID, jobID string) {
	in.t.Helper()
	in.client.job(nil, jobID, "updateData", map[string]any{"testCaseId": in.quick, "testRunId": runID})
	in.client.job(nil, jobID, "retry")
	in.awaitRun(runID, "completed")
	in.awaitState(jobID, "completed")
	seen := in.client.get(jobID)
	require.Equal(in.t, 2, seen.AttemptsMade)
}

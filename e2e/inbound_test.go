package e2e_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
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
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing { // the run is accepted before its workflow starts
		return enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED
	}
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
				t.Run(c.name, func(t *testing.T) {
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
	{"add delayed, promote", func(_ *testing.T, in *inbound) {
		id := newRunID()
		job := in.client.add(in.quick, id, map[string]any{"delay": 600_000})
		in.awaitRun(id, "pending")
		in.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
		in.client.job(nil, job, "promote")
		in.awaitRun(id, "completed")
		in.awaitState(job, "completed")
	}},
	{"changeDelay", func(_ *testing.T, in *inbound) {
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
		// The job's data is what the next attempt goes by.
		in.client.job(nil, job, "updateData", map[string]any{"testCaseId": in.quick, "testRunId": id})
		in.client.job(nil, job, "retry")
		in.awaitRun(id, "completed")
		in.awaitState(job, "completed")
		require.Equal(t, 2, in.client.get(job).AttemptsMade)
		in.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	}},
	{"retryJobs", func(t *testing.T, in *inbound) {
		ids := []string{newRunID(), newRunID()}
		jobs := make([]string, len(ids))
		for i, id := range ids {
			jobs[i] = in.client.add(in.broken, id, nil)
		}
		for i, id := range ids {
			in.awaitRun(id, "failed")
			in.awaitState(jobs[i], "failed")
		}
		in.client.queue(nil, "retryJobs", map[string]any{"state": "failed"})
		for i := range ids {
			await(t, 30*time.Second, "the second attempt", func() bool { return in.client.get(jobs[i]).AttemptsMade == 2 })
			in.awaitRun(ids[i], "failed")
		}
	}},
	{"promoteJobs", func(_ *testing.T, in *inbound) {
		ids := []string{newRunID(), newRunID()}
		for _, id := range ids {
			in.client.add(in.quick, id, map[string]any{"delay": 600_000, "priority": 5})
		}
		in.awaitRun(ids[1], "pending")
		in.client.queue(nil, "promoteJobs")
		for _, id := range ids {
			in.awaitRun(id, "completed")
		}
	}},
	{"changePriority", func(t *testing.T, in *inbound) {
		// Both slots are taken, so that what waits has an order.
		busy := []string{newRunID(), newRunID()}
		for _, id := range busy {
			in.client.add(in.slow, id, map[string]any{"priority": 20})
		}
		for _, id := range busy {
			in.awaitRun(id, "running")
		}
		ids := []string{newRunID(), newRunID(), newRunID()}
		jobs := make([]string, len(ids))
		for i, id := range ids {
			jobs[i] = in.client.add(in.slow, id, map[string]any{"priority": 1})
			in.awaitRun(id, "pending")
			in.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
		}
		in.client.job(nil, jobs[2], "changePriority", map[string]any{"priority": 20})
		in.awaitRun(ids[2], "running")
		later, err := in.store.Run(t.Context(), ids[1])
		require.NoError(t, err)
		require.EqualValues(t, "pending", later.Status, "the urgent one overtook it")
		for _, id := range ids {
			in.request(t, http.MethodPost, "/api/test-runs/"+id+"/cancel", "", http.StatusAccepted, nil)
			in.awaitRun(id, "cancelled")
		}
		for i := range ids {
			in.awaitState(jobs[i], "failed")
		}
	}},
	{"addBulk, duplicate ids, lifo", func(t *testing.T, in *inbound) {
		in.client.queue(nil, "pause")
		ids := make([]string, 5)
		bulk := make([]map[string]any, len(ids))
		for i := range ids {
			ids[i] = newRunID()
			bulk[i] = map[string]any{
				"name": "execute-test", "data": map[string]any{"testCaseId": in.quick, "testRunId": ids[i]},
				"opts": map[string]any{"jobId": "job-" + ids[i], "lifo": i%2 == 0},
			}
		}
		var added, again []jobSeen
		in.client.queue(&added, "addBulk", bulk)
		in.client.queue(&again, "addBulk", bulk)
		require.Len(t, added, len(ids))
		in.client.queue(nil, "resume")
		for _, id := range ids {
			r := in.awaitRun(id, "completed")
			require.Equal(t, "job-"+id, r.JobID)
			in.awaitState("job-"+id, "completed")
			require.Equal(t, 1, in.client.get("job-"+id).AttemptsStarted)
		}
	}},
	{"the same run twice", func(t *testing.T, in *inbound) {
		id := newRunID()
		first := in.client.add(in.quick, id, nil)
		in.awaitState(first, "completed")
		second := in.client.add(in.quick, id, nil)
		in.awaitState(second, "failed")
		require.Contains(t, in.client.get(second).FailedReason, "there is a test run")
	}},
	{"global concurrency", func(t *testing.T, in *inbound) {
		in.client.queue(nil, "setGlobalConcurrency", 1)
		ids := []string{newRunID(), newRunID()}
		for _, id := range ids {
			in.client.add(in.slow, id, nil)
		}
		for _, id := range ids {
			await(t, 20*time.Second, "the runs to be there", func() bool {
				_, err := in.store.Run(t.Context(), id)
				return err == nil
			})
		}
		most := 0
		await(t, 60*time.Second, "both to end", func() bool {
			var counts map[string]int
			in.client.queue(&counts, "getJobCounts", "active")
			most = max(most, counts["active"])
			return in.run(t, ids[0]).Status == "completed" && in.run(t, ids[1]).Status == "completed"
		})
		require.Equal(t, 1, most)
		require.Empty(t, in.client.ask(map[string]any{"on": "queue", "method": "setGlobalConcurrency", "args": []any{100}}, nil))
	}},
	{"clean what is completed", func(t *testing.T, in *inbound) {
		id := newRunID()
		job := in.client.add(in.quick, id, nil)
		in.awaitState(job, "completed")
		var gone []string
		in.client.queue(&gone, "clean", 0, 1000, "completed")
		require.Contains(t, gone, job)
		await(t, 10*time.Second, "the record of the job to go", func() bool {
			known, err := in.store.JobsAmong(t.Context(), "test-execution", []string{job})
			require.NoError(t, err)
			return len(known) == 0
		})
		in.awaitRun(id, "completed") // the run stays
	}},
	{"obliterate, and ids that begin anew", func(_ *testing.T, in *inbound) {
		in.client.queue(nil, "pause")
		waiting, delayed := newRunID(), newRunID()
		in.client.add(in.quick, waiting, nil)
		in.client.add(in.quick, delayed, map[string]any{"delay": 600_000})
		in.awaitRun(waiting, "pending")
		in.awaitRun(delayed, "pending")
		in.client.queue(nil, "obliterate", map[string]any{"force": true})
		in.awaitRun(waiting, "cancelled")
		in.awaitRun(delayed, "cancelled")
		in.client.queue(nil, "resume")
		id := newRunID()
		job := in.client.add(in.quick, id, nil)
		in.awaitState(job, "completed")
		in.awaitRun(id, "completed")
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
	{"drain", func(_ *testing.T, in *inbound) {
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
	{"a job scheduler", func(t *testing.T, in *inbound) {
		name := "each-" + newRunID()
		template := map[string]any{"name": "execute-test", "data": map[string]any{"testCaseId": in.quick}}
		in.client.queue(nil, "upsertJobScheduler", name, map[string]any{"every": 1500, "limit": 3}, template)
		ended := func() (ids []string) {
			runs, err := in.store.Runs(t.Context(), nil, 50)
			require.NoError(t, err)
			for _, r := range runs {
				if strings.HasPrefix(r.ID, name) && r.Status == "completed" {
					ids = append(ids, r.ID)
				}
			}
			return ids
		}
		await(t, 40*time.Second, "three runs of the scheduler", func() bool { return len(ended()) >= 3 })
		var schedulers []struct {
			Key string `json:"key"`
		}
		in.client.queue(&schedulers, "getJobSchedulers")
		require.Equal(t, name, schedulers[len(schedulers)-1].Key)

		// A scheduler that Redis loses goes on, too.
		lasting := "lasting-" + newRunID()
		in.client.queue(nil, "upsertJobScheduler", lasting, map[string]any{"every": 2000}, template)
		kept := func() (ids []string) {
			list, err := in.store.Schedulers(t.Context(), "test-execution")
			require.NoError(t, err)
			for _, js := range list {
				ids = append(ids, js.ID)
			}
			return ids
		}
		await(t, 10*time.Second, "the scheduler to be kept", func() bool { return slices.Contains(kept(), lasting) })
		require.Empty(t, in.client.ask(map[string]any{"on": "redis", "commands": [][]string{{"flushall"}}}, nil))
		await(t, 40*time.Second, "three runs of it", func() bool {
			runs, err := in.store.Runs(t.Context(), nil, 50)
			require.NoError(t, err)
			n := 0
			for _, r := range runs {
				if strings.HasPrefix(r.ID, lasting) && r.Status == "completed" {
					n++
				}
			}
			return n >= 3
		})
		in.client.queue(nil, "removeJobScheduler", lasting)
		await(t, 10*time.Second, "the scheduler to be forgotten", func() bool { return !slices.Contains(kept(), lasting) })
		in.client.queue(nil, "removeJobScheduler", name) // the limit of 3 is not known to 5.34.5
		in.client.queue(&schedulers, "getJobSchedulers")
		require.Empty(t, schedulers)
	}},
	{"a legacy worker that dies", func(t *testing.T, in *inbound) {
		// All slots of our own worker are taken, so that it is the other one that takes the job.
		long := in.save("long", strings.Replace(tardyCase, "4000", "50000", 1))
		busy := []string{newRunID(), newRunID()}
		for _, run := range busy {
			in.client.add(long, run, nil)
			in.awaitRun(run, "running")
		}
		id := newRunID()
		doomed := newClient(t, in.Redis, "bullmq6", "test-execution")
		require.Empty(t, doomed.ask(map[string]any{"on": "worker", "delay": 600_000, "lock": 2000}, nil))
		job := in.client.add(in.quick, id, nil)
		in.awaitRun(id, "running")
		require.Equal(t, "legacy", in.client.get(job).ProcessedBy)
		doomed.node.Kill()
		for _, run := range busy {
			in.request(t, http.MethodPost, "/api/test-runs/"+run+"/cancel", "", http.StatusAccepted, nil)
		}
		in.awaitRun(id, "completed")
		in.awaitState(job, "completed")
		seen := in.client.get(job)
		require.Equal(t, 2, seen.AttemptsStarted)
		require.Equal(t, 1, seen.AttemptsMade)
		require.NotEqual(t, "legacy", seen.ProcessedBy)
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

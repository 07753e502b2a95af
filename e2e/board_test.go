package e2e_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
)

// board is a person who looks after the queue with Bull Board.
type board struct {
	*inbound
	*page
	t    *testing.T
	long string // a case that takes longer than a test needs
}

const (
	absentCase = `{"title": "Absent", "steps": [{"type": "navigate", "url": "/"}, {"type": "click", "selectors": ["#no-such-thing"], "timeout": 300}]}`
	longCase   = `{"title": "Long", "timeout": 120000, "steps": [{"type": "navigate", "url": "/"}, {"type": "waitForExpression", "expression": "new Promise(done => setTimeout(() => done(true), 90000))"}]}`
)

// later is an option of jobs that would begin when everybody has gone home.
var later = map[string]any{"delay": 3_600_000}

// TestBullBoardWorks presses every button of the page in a real browser, and looks each time at what the page shows, at
// what became of the runs, and of their workflows.
//
//nolint:tparallel // the cases share one queue, some pause it
func TestBullBoardWorks(t *testing.T) {
	t.Parallel()
	in := newInbound(t, "bullmq6")
	in.broken = in.save("absent", absentCase)
	long := in.save("long", longCase)
	var queues []string
	for _, def := range queue.All() {
		queues = append(queues, def.Name)
	}
	for _, library := range []string{"bullmq6"} {
		passed := t.Run(library, func(t *testing.T) {
			in.client = newClient(t, in.Redis, library, queue.TestExecution)
			b := &board{inbound: in, page: openBoard(t, in.Redis, library, queues...), long: long}
			for _, c := range boardCases {
				if !t.Run(c.name, func(t *testing.T) {
					b.t, b.inbound.t, b.page.t, b.browser.t, b.client.t = t, t, t, t, t
					c.test(t, b)
					b.picture("done")
					require.Empty(t, b.troubles())
				}) {
					t.FailNow() // the next one would begin in the midst of what this one left
				}
			}
		})
		if !passed {
			return
		}
	}
}

// added adds a job beside the page and waits until it is taken over.
func (b *board) added(caseID string, opts map[string]any) (runID, jobID string) {
	b.t.Helper()
	runID = newRunID()
	jobID = b.client.add(caseID, runID, opts)
	b.awaitRun(runID)
	return runID, jobID
}

// ended waits until a run, its job's page and its workflow say the same.
func (b *board) ended(runID, jobID, status string) run {
	b.t.Helper()
	r := b.awaitRun(runID, status)
	b.awaitState(jobID, map[string]string{"completed": "completed", "failed": "failed", "cancelled": "unknown"}[status])
	b.awaitWorkflow(runID, map[string]enumspb.WorkflowExecutionStatus{
		"completed": enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED,
		"failed":    enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED,
		"cancelled": enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED,
	}[status])
	return r
}

// cancel ends a run that takes too long, and leaves nothing of it that could be retried.
func (b *board) cancel(runID, jobID string) {
	b.t.Helper()
	b.request(b.t, http.MethodPost, "/api/test-runs/"+runID+"/cancel", "", http.StatusAccepted, nil)
	b.awaitRun(runID, "cancelled")
	b.awaitState(jobID, "failed")
	b.client.job(nil, jobID, "remove")
}

// still makes sure that nothing begins: neither soon, nor after another job had the time to be looked at.
func (b *board) still(runID string) {
	b.t.Helper()
	require.Never(b.t, func() bool { return b.run(b.t, runID).Status != "pending" }, 1500*time.Millisecond, 100*time.Millisecond)
}

// counts waits until the page shows as many jobs of each status as the library counts.
func (b *board) counts(want map[string]int) {
	b.t.Helper()
	for _, status := range []string{"Active", "Waiting", "Waiting Children", "Prioritized", "Completed", "Failed", "Delayed"} {
		b.shows(status, want[status])
	}
}

// planned waits until the run of a scheduler that begins at a time of day has a workflow.
func (b *board) planned(scheduler, at string) (runID string) {
	b.t.Helper()
	await(b.t, patience*time.Millisecond, "the run at "+at, func() bool {
		for _, r := range b.runsOf(scheduler) {
			slot := slotOf(b.t, strings.ReplaceAll(r.ID, "-", ":"))
			if time.UnixMilli(slot).UTC().Format("15:04") == at && b.workflow(r.ID) == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
				runID = r.ID
			}
		}
		return runID != ""
	})
	return runID
}

var boardCases = []struct {
	name string
	test func(*testing.T, *board)
}{
	{"lists", func(_ *testing.T, b *board) {
		completed, completedJob := b.added(b.quick, nil)
		failed, failedJob := b.added(b.broken, map[string]any{"attempts": 1})
		b.ended(completed, completedJob, "completed")
		b.ended(failed, failedJob, "failed")
		active, activeJob := b.added(b.long, map[string]any{"attempts": 1})
		b.awaitRun(active, "running")
		b.client.queue(nil, "pause")
		waiting, waitingJob := b.added(b.quick, nil)
		prioritized, prioritizedJob := b.added(b.quick, map[string]any{"priority": 3})
		delayed, delayedJob := b.added(b.quick, later)

		b.list("latest")
		b.counts(map[string]int{"Active": 1, "Waiting": 1, "Prioritized": 1, "Completed": 1, "Failed": 1, "Delayed": 1})
		for status, id := range map[string]string{
			"active": activeJob, "waiting": waitingJob, "prioritized": prioritizedJob,
			"completed": completedJob, "failed": failedJob, "delayed": delayedJob,
		} {
			b.list(status)
			b.sees(`text="#` + id + `"`)
			b.picture(status)
		}
		b.list("waiting-children")
		b.sees(`text=/no waiting.children jobs in this queue/i`)

		b.job(activeJob, "active")
		b.sees(`text=/by .+/`)
		b.picture("active-job")
		b.list("latest")
		b.cancel(active, activeJob)
		b.client.queue(nil, "drain", true)
		for _, id := range []string{waiting, prioritized, delayed} {
			b.awaitRun(id, "cancelled")
		}
		b.client.queue(nil, "resume")
	}},
	{"job", func(_ *testing.T, b *board) {
		run, id := b.added(b.broken, map[string]any{"attempts": 2, "backoff": map[string]any{"type": "fixed", "delay": 100}})
		r := b.ended(run, id, "failed")
		b.job(id, "failed")
		b.sees(`text="Added at"`)
		b.sees(`text="Process started at"`)
		b.sees(`text="Failed at"`)
		b.sees(`text=/by \S+/`)
		b.picture("error")
		for tab, says := range map[string]string{
			"Data": `"` + run + `"`, "Progress": `Step 2 of 2`, "Options": `"fixed"`, "Logs": "attempt 2: Step 1 of 2: navigate /: completed in", "Error": r.Error,
		} {
			b.click(`role=tab[name="` + tab + `"]`)
			b.sees(`role=tabpanel >> :text("` + strings.ReplaceAll(says, `"`, `\"`) + `")`)
			b.picture(tab)
		}
	}},
	{"update data, retry", func(t *testing.T, b *board) {
		run, id := b.added(b.broken, map[string]any{"attempts": 1})
		b.ended(run, id, "failed")
		b.job(id, "failed")
		b.pick("Update Data")
		b.fill(`[role=dialog] .cm-content`, `{"testCaseId": "quick", "testRunId": "`+run+`"}`)
		b.press("Update")
		b.gone(`[role=dialog]`)
		b.pick("Retry")
		b.confirm()
		require.Equal(t, b.quick, b.ended(run, id, "completed").TestCaseID)
		b.job(id, "completed")
		b.sees(`text="Finished at"`)

		b.pick("Retry") // one that has passed, too
		b.confirm()
		await(t, patience*time.Millisecond, "the third attempt", func() bool { return b.client.get(id).AttemptsMade == 3 })
		b.ended(run, id, "completed")
	}},
	{"promote", func(_ *testing.T, b *board) {
		run, id := b.added(b.quick, later)
		b.job(id, "delayed")
		b.sees(`text="Will run at"`)
		b.pick("Promote")
		b.confirm()
		b.ended(run, id, "completed")
		b.job(id, "completed")
		b.sees(`text="Finished at"`)
	}},
	{"reschedule", func(_ *testing.T, b *board) {
		run, id := b.added(b.quick, later)
		b.job(id, "delayed")
		b.pick("Reschedule")
		b.fill(`[role=dialog] [name=runAt]`, "2020-01-01T00:00")
		b.press("Save")
		b.gone(`[role=dialog]`)
		b.ended(run, id, "completed")
	}},
	{"clean one", func(t *testing.T, b *board) {
		run, id := b.added(b.quick, later)
		b.job(id, "delayed")
		b.pick("Clean")
		b.confirm()
		require.Equal(t, "Removed from the queue", b.ended(run, id, "cancelled").Error)
		b.list("delayed")
		for _, trouble := range b.troubles() { // the page asks for what it showed once more
			require.Regexp(t, "^404 GET .*/"+id+"(/flow|/logs)?$", trouble)
		}
		b.gone(`text="#` + id + `"`)
	}},
	{"add, duplicate", func(_ *testing.T, b *board) {
		b.list("delayed")
		b.choose("Add job")
		run := newRunID()
		b.fill(`[role=dialog] [name=jobName]`, "execute-test")
		b.fill(`[role=dialog] .cm-content >> nth=0`, `{"testCaseId": "quick", "testRunId": "`+run+`"}`)
		b.press("Add")
		b.gone(`[role=dialog]`)
		id := b.awaitRun(run, "completed").JobID
		b.ended(run, id, "completed")
		b.job(id, "completed")
		b.sees(`text="#` + id + `"`)

		b.pick("Duplicate")
		copied := newRunID()
		b.fill(`[role=dialog] .cm-content >> nth=0`, `{"testCaseId": "quick", "testRunId": "`+copied+`"}`)
		b.press("Duplicate")
		b.gone(`[role=dialog]`)
		b.ended(copied, b.awaitRun(copied, "completed").JobID, "completed")
	}},
	{"pause, change priority, resume", func(t *testing.T, b *board) {
		b.list("latest")
		b.choose("Pause")
		b.confirm()
		b.sees(`:is(main, nav, aside, section) :text("Paused")`)
		run, id := b.added(b.quick, map[string]any{"priority": 9})
		b.still(run)
		b.job(id, "prioritized")
		b.pick("Change priority")
		b.fill(`[role=dialog] input`, "2")
		b.press("Save")
		b.gone(`[role=dialog]`)
		await(t, patience*time.Millisecond, "the new priority", func() bool { return b.client.get(id).Priority == 2 })
		await(t, patience*time.Millisecond, "the new priority's record", func() bool {
			jobs, err := b.store.JobsAmong(t.Context(), queue.TestExecution, []string{id})
			return err == nil && jobs[id].Options.Priority == 2
		})
		b.list("prioritized")
		b.choose("Resume")
		b.confirm()
		b.ended(run, id, "completed")
		b.shows("Prioritized", 0)
	}},
	{"pause all, resume all", func(_ *testing.T, b *board) {
		b.open("/")
		b.gone(`text="No workers"`)
		b.click(`:is(main, section) button[aria-haspopup=menu] >> nth=0`)
		b.click(`[role=menuitem]:has-text("Pause all")`)
		b.confirm()
		b.sees(`:is(main, nav, aside, section) :text("Paused")`)
		run, id := b.added(b.quick, nil)
		b.still(run)
		b.picture("paused")
		b.click(`:is(main, section) button[aria-haspopup=menu] >> nth=0`)
		b.click(`[role=menuitem]:has-text("Resume all")`)
		b.confirm()
		b.ended(run, id, "completed")
	}},
	{"concurrency", func(_ *testing.T, b *board) {
		b.list("latest")
		b.choose("Set concurrency")
		b.fill(`[role=dialog] [name=concurrency]`, "1")
		b.press("Save")
		b.gone(`[role=dialog]`)
		first, firstJob := b.added(b.long, map[string]any{"attempts": 1})
		b.awaitRun(first, "running")
		second, id := b.added(b.quick, nil)
		b.still(second)
		b.click(`button[title="Queue info"]`)
		b.sees(`[role=dialog] :text("Global concurrency")`)
		b.picture("info")
		b.press("Close")
		b.choose("Set concurrency")
		b.fill(`[role=dialog] [name=concurrency]`, "0")
		b.press("Save")
		b.ended(second, id, "completed")
		b.cancel(first, firstJob)
	}},
	{"rate limit", func(_ *testing.T, b *board) {
		limit := func(most, duration string) {
			b.choose("Set rate limit")
			b.fill(`[role=dialog] [name=max]`, most)
			b.fill(`[role=dialog] [name=duration]`, duration)
			b.press("Save")
			b.gone(`[role=dialog]`)
		}
		b.list("latest")
		limit("1", "600000")
		first, firstJob := b.added(b.quick, nil)
		b.ended(first, firstJob, "completed")
		second, secondJob := b.added(b.quick, nil)
		b.still(second)
		b.click(`text=/rate limited/i`)
		b.picture("limited")
		b.confirm()
		b.ended(second, secondJob, "completed")
		limit("", "")
		b.client.queue(nil, "removeRateLimitKey")
	}},
	{"promote all", func(_ *testing.T, b *board) {
		first, firstJob := b.added(b.quick, later)
		second, secondJob := b.added(b.quick, map[string]any{"delay": 3_600_000, "priority": 4})
		b.list("delayed")
		b.sees(`text="#` + secondJob + `"`)
		b.press("Promote all")
		b.confirm()
		b.ended(first, firstJob, "completed")
		b.ended(second, secondJob, "completed")
		b.shows("Delayed", 0)
	}},
	{"retry all", func(_ *testing.T, b *board) {
		b.client.queue(nil, "clean", 0, 1000, "failed") // what is left would run as well
		for _, retry := range []func(){
			func() { b.list("failed"); b.press("Retry all") },
			func() { b.list("latest"); b.choose("failed jobs") },
		} {
			run, id := b.added(b.broken, map[string]any{"attempts": 1})
			b.ended(run, id, "failed")
			b.client.job(nil, id, "updateData", map[string]any{"testCaseId": b.quick, "testRunId": run})
			retry()
			b.confirm()
			b.ended(run, id, "completed")
		}
	}},
	{"clean all", func(t *testing.T, b *board) {
		run, id := b.added(b.quick, later)
		for _, status := range []string{"Completed", "Failed", "Delayed"} {
			b.list(strings.ToLower(status))
			// It spares what is younger than five seconds.
			await(t, 2*patience*time.Millisecond, "all "+status+" jobs to be cleaned", func() bool {
				var counts map[string]int
				b.client.queue(&counts, "getJobCounts")
				if counts[strings.ToLower(status)] == 0 {
					return true
				}
				b.press("Clean all")
				b.confirm()
				return false
			})
			b.shows(status, 0)
		}
		b.ended(run, id, "cancelled")
	}},
	{"empty", func(_ *testing.T, b *board) {
		b.client.queue(nil, "pause")
		waiting, waitingJob := b.added(b.quick, nil)
		prioritized, prioritizedJob := b.added(b.quick, map[string]any{"priority": 4})
		delayed, delayedJob := b.added(b.quick, later)
		b.list("waiting")
		b.sees(`text="#` + waitingJob + `"`)
		b.choose("Empty")
		b.confirm()
		b.ended(waiting, waitingJob, "cancelled")
		b.ended(prioritized, prioritizedJob, "cancelled")
		b.shows("Waiting", 0)
		b.still(delayed)
		b.client.job(nil, delayedJob, "promote")
		b.client.queue(nil, "resume")
		b.ended(delayed, delayedJob, "completed")
	}},
	{"workers, metrics, Redis", func(t *testing.T, b *board) {
		b.list("completed")
		b.gone(`text="No workers"`)
		b.click(`button[title="Queue info"]`)
		b.click(`[role=dialog] >> text="Connected workers"`)
		b.sees(`[role=dialog] >> text=/connected .+/`)
		b.picture("workers")
		b.press("Close")
		b.sees(`text="Throughput (jobs / min)"`)
		b.picture("metrics")
		b.click(`header button >> nth=2`)
		b.sees(`[role=dialog] >> text="Memory usage"`)
		b.picture("redis")
		require.Contains(t, b.text(`[role=dialog]`), "Connected clients")
		b.press("Close")
	}},
	{"schedulers", func(t *testing.T, b *board) {
		run := newRunID()
		b.upsert("nightly", map[string]any{"pattern": "0 2 * * *"}, map[string]any{"testCaseId": b.quick, "testRunId": run}, nil)
		early := b.planned(run, "02:00")
		b.open("/job-schedulers")
		b.sees(`text="nightly"`)
		b.click(`[title="Run now"]`)
		b.confirm()
		b.ended(run, b.awaitRun(run, "completed").JobID, "completed")

		b.click(`[title="Edit schedule"]`)
		b.fill(`[role=dialog] [name=pattern]`, "30 4 * * *")
		b.press("Save")
		b.gone(`[role=dialog]`)
		b.sees(`text=/30 4/`)
		late := b.planned(run, "04:30")
		b.request(t, http.MethodGet, "/api/test-runs/"+early, "", http.StatusNotFound, nil)
		b.picture("scheduler")

		b.click(`[title="Remove scheduler"]`)
		b.confirm()
		b.sees(`text="No schedulers registered."`)
		await(t, patience*time.Millisecond, "the planned run to go with its scheduler", func() bool {
			_, err := b.store.Run(t.Context(), late)
			return fault.Of(err) == fault.NotFound
		})
	}},
	{"settings", func(_ *testing.T, b *board) {
		b.list("latest")
		b.click(`header button >> nth=-1`)
		b.click(`[role=dialog] >> role=combobox[name="Theme"]`)
		b.click(`role=option[name="Dark"]`)
		b.press("Close")
		b.sees(`html[class*=dark], html[data-theme=dark], body[class*=dark]`)
		b.picture("dark")
	}},
	{"obliterate", func(t *testing.T, b *board) {
		done, doneJob := b.added(b.quick, nil)
		b.ended(done, doneJob, "completed")
		b.list("latest")
		b.choose("Obliterate")
		b.confirm()
		b.sees(`text="Queue must be paused before obliteration"`)
		require.Len(t, b.troubles(), 1)

		b.client.queue(nil, "pause")
		waiting, waitingJob := b.added(b.quick, nil)
		delayed, delayedJob := b.added(b.quick, later)
		b.list("latest")
		b.choose("Obliterate")
		b.confirm()
		b.ended(waiting, waitingJob, "cancelled")
		b.ended(delayed, delayedJob, "cancelled")
		b.counts(nil)
		b.awaitRun(done, "completed")

		// The queue begins anew, and its ids too.
		again, againJob := b.added(b.quick, nil)
		n, err := strconv.Atoi(againJob)
		require.NoError(t, err)
		require.Less(t, n, 5)
		b.ended(again, againJob, "completed")
		b.client.job(nil, againJob, "remove")
	}},
}

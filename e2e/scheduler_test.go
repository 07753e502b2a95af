package e2e_test

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/store"
)

// TestJobSchedulersOfClients sets up, changes and removes job schedulers with the real library, and takes the bridge and
// Redis away when they fire.
func TestJobSchedulersOfClients(t *testing.T) { //nolint:tparallel // what follows waits for the group
	t.Parallel()
	requirePrograms(t)
	var redis testkit.Redis
	t.Cleanup(redis.Stop)
	s := ownStack(t, "--without", "bridge", "--redis-url", redis.URL(t))
	first := &inbound{stack: s, t: t}
	quick, broken := first.save("quick", quickCase), first.save("broken", brokenCase)
	client := func(t *testing.T, library string) *inbound {
		t.Helper()
		return &inbound{stack: s, t: t, client: newClient(t, s.Redis, library, "test-execution"), quick: quick, broken: broken}
	}
	startBridge := func() *process {
		p, err := start(os.Getenv("CINNAMON_BIN"), []string{"bridge"}, append(s.environment(), stalledInterval)...)
		require.NoError(t, err)
		return p
	}
	bridge := startBridge()
	t.Cleanup(func() {
		require.NoError(t, bridge.stop(20*time.Second))
		if t.Failed() {
			t.Log(bridge.output.String())
		}
	})

	t.Run("every client", func(t *testing.T) {
		for _, library := range []string{"bullmq6", "bullmq5", "bullmq534"} {
			t.Run(library, func(t *testing.T) {
				t.Parallel()
				in := client(t, library)
				limited := in.firesUntilItsLimit()
				in.isChangedAndRemoved()
				in.failsAndIsPutRight(bridge)
				require.Len(t, in.runsOf(limited), 2, "it has reached its limit")
			})
		}
	})
	in := client(t, "bullmq6")
	in.goesOnAfterTheBridgeWasDown(func() { require.NoError(t, bridge.stop(20*time.Second)) }, func() { bridge = startBridge() })
	in.firesWithoutRedis(&redis)
	in.slow = in.save("slow", tardyCase)
	in.theLastOneFollows()
}

// goesOnAfterTheBridgeWasDown: a worker adds the next job all the same; it is overdue when there is a bridge again.
func (in *inbound) goesOnAfterTheBridgeWasDown(stop, startAgain func()) {
	in.t.Helper()
	name := in.schedule(map[string]any{"every": 1500}, in.quick, nil)
	in.awaitRuns(name, 1)
	stop()
	await(in.t, 20*time.Second, "a job to be due", func() bool {
		var jobs []jobSeen
		in.client.queue(&jobs, "getDelayed")
		return len(jobs) == 1 && time.Now().UnixMilli() > slotOf(in.t, jobs[0].ID)
	})
	n := len(in.completed(name))
	startAgain()
	in.awaitRuns(name, n+1)
	in.client.queue(nil, "removeJobScheduler", name)
}

// firesWithoutRedis: what is planned runs on time, and the scheduler goes on when there is a Redis again, which is empty.
func (in *inbound) firesWithoutRedis(redis *testkit.Redis) {
	in.t.Helper()
	opts := map[string]any{"attempts": 3, "priority": 2, "removeOnComplete": true}
	name := in.schedule(map[string]any{"every": 2500}, in.quick, opts)
	in.awaitRuns(name, 1)
	planned := ""
	await(in.t, 20*time.Second, "the next run to be planned", func() bool {
		for _, r := range in.runsOf(name) {
			if r.Status == store.RunPending {
				planned = r.ID
			}
		}
		return planned != ""
	})
	redis.Kill(in.t)
	in.awaitRun(planned, "completed")
	n := len(in.completed(name))
	redis.Restart(in.t)
	in.awaitRuns(name, n+1)
	for _, r := range in.runsOf(name) {
		require.Equal(in.t, 3, r.MaxAttempts, "the options of the template are kept")
	}
	in.client.queue(nil, "removeJobScheduler", name)
}

// theLastOneFollows: of the jobs that deduplication refused while one was active, the last is added at that one's end.
func (in *inbound) theLastOneFollows() {
	in.t.Helper()
	deduplication := map[string]any{"deduplication": map[string]any{"id": "one", "keepLastIfActive": true}}
	ids := []string{newRunID(), newRunID(), newRunID()}
	in.client.add(in.slow, ids[0], deduplication)
	in.awaitRun(ids[0], "running")
	in.client.add(in.quick, ids[1], deduplication)
	in.client.add(in.quick, ids[2], deduplication)
	last := in.awaitRun(ids[2], "completed")
	in.awaitState(last.JobID, "completed")
	require.Equal(in.t, "completed", in.run(in.t, ids[0]).Status)
	in.request(in.t, http.MethodGet, "/api/test-runs/"+ids[1], "", http.StatusNotFound, nil)
	require.Empty(in.t, in.ownerOf("one"))
}

func (in *inbound) ownerOf(deduplicationID string) (jobID string) {
	in.t.Helper()
	in.client.queue(&jobID, "getDeduplicationJobId", deduplicationID)
	return jobID
}

// schedule sets a scheduler up that runs a case, and returns its name.
func (in *inbound) schedule(repeat map[string]any, caseID string, opts map[string]any) string {
	in.t.Helper()
	name := "each-" + newRunID()
	in.upsert(name, repeat, map[string]any{"testCaseId": caseID}, opts)
	return name
}

func (in *inbound) upsert(name string, repeat, data, opts map[string]any) {
	in.t.Helper()
	template := map[string]any{"name": "execute-test", "data": data}
	if opts != nil {
		template["opts"] = opts
	}
	in.client.queue(nil, "upsertJobScheduler", name, repeat, template)
}

// runsOf returns the runs of a scheduler, whatever became of them.
func (in *inbound) runsOf(name string) (of []store.Run) {
	in.t.Helper()
	runs, err := in.store.Runs(in.t.Context(), nil, 200)
	require.NoError(in.t, err)
	for _, r := range runs {
		if strings.HasPrefix(r.ID, name+"-") {
			of = append(of, r)
		}
	}
	return of
}

func (in *inbound) completed(name string) (of []store.Run) {
	in.t.Helper()
	for _, r := range in.runsOf(name) {
		if r.Status == store.RunCompleted {
			of = append(of, r)
		}
	}
	return of
}

func (in *inbound) awaitRuns(name string, n int) {
	in.t.Helper()
	await(in.t, 40*time.Second, strconv.Itoa(n)+" runs of "+name, func() bool { return len(in.completed(name)) >= n })
}

// awaitPlanned waits for the only run of a scheduler, which has not begun.
func (in *inbound) awaitPlanned(name, caseID string) store.Run {
	in.t.Helper()
	var planned store.Run
	await(in.t, 20*time.Second, "the run that is planned", func() bool {
		runs := in.runsOf(name)
		if len(runs) != 1 || runs[0].TestCaseID != caseID || in.workflow(runs[0].ID) != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return false
		}
		planned = runs[0]
		return planned.Status == store.RunPending
	})
	return planned
}

// slotOf reads the time that a scheduler's job is for, in ms.
func slotOf(t *testing.T, jobID string) int64 {
	t.Helper()
	slot, err := strconv.ParseInt(jobID[strings.LastIndex(jobID, ":")+1:], 10, 64)
	require.NoError(t, err)
	return slot
}

// firesUntilItsLimit: a cron pattern with seconds, whose jobs vanish when they end.
func (in *inbound) firesUntilItsLimit() (name string) {
	in.t.Helper()
	name = in.schedule(map[string]any{"pattern": "*/2 * * * * *", "limit": 2}, in.quick, map[string]any{
		"attempts": 2, "removeOnComplete": true, "backoff": map[string]any{"type": "fixed", "delay": 100},
	})
	in.awaitRuns(name, 2)
	for _, r := range in.runsOf(name) {
		require.Zero(in.t, slotOf(in.t, r.JobID)%2000)
		require.Equal(in.t, 2, r.MaxAttempts)
		await(in.t, 10*time.Second, "the job to vanish", func() bool { return in.client.state(r.JobID) == "unknown" })
	}
	return name
}

// isChangedAndRemoved: what was planned by a scheduler as it is no more leaves no trace among the runs, as in Redis.
func (in *inbound) isChangedAndRemoved() {
	in.t.Helper()
	newYear, later := map[string]any{"pattern": "0 0 1 1 *"}, map[string]any{"pattern": "0 0 2 1 *"}
	name := in.schedule(newYear, in.quick, nil)
	planned := in.awaitPlanned(name, in.quick)

	// Its job gets another template, and the same id: the same slot.
	in.upsert(name, newYear, map[string]any{"testCaseId": in.broken}, map[string]any{"attempts": 4})
	changed := in.awaitPlanned(name, in.broken)
	require.Equal(in.t, planned.ID, changed.ID)
	require.Equal(in.t, 4, changed.MaxAttempts)

	// Another slot.
	in.upsert(name, later, map[string]any{"testCaseId": in.quick}, nil)
	moved := in.awaitPlanned(name, in.quick)
	require.NotEqual(in.t, planned.ID, moved.ID)
	in.awaitWorkflow(planned.ID, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED)

	in.client.queue(nil, "removeJobScheduler", name)
	await(in.t, 10*time.Second, "the planned run to be gone", func() bool { return len(in.runsOf(name)) == 0 })
	in.awaitWorkflow(moved.ID, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	in.request(in.t, http.MethodGet, "/api/test-runs/"+moved.ID, "", http.StatusNotFound, nil)
	_, err := in.store.Run(in.t.Context(), moved.ID)
	require.Equal(in.t, fault.NotFound, fault.Of(err))
}

// failsAndIsPutRight: jobs that nobody can carry out fail when they are due, each with the reason; the log says it once.
func (in *inbound) failsAndIsPutRight(bridge *process) {
	in.t.Helper()
	name, repeat := "each-"+newRunID(), map[string]any{"pattern": "* * * * * *"}
	in.upsert(name, repeat, map[string]any{"testRunId": "no-case"}, nil)
	failed := func() (of []jobSeen) {
		var jobs []jobSeen
		in.client.queue(&jobs, "getFailed")
		for _, j := range jobs {
			if strings.HasPrefix(j.ID, "repeat:"+name+":") {
				of = append(of, j)
			}
		}
		return of
	}
	await(in.t, 40*time.Second, "two jobs to fail", func() bool { return len(failed()) >= 2 })
	slots := failed()
	require.Equal(in.t, "the job's data has no testCaseId", slots[0].FailedReason)
	apart := slotOf(in.t, slots[0].ID) - slotOf(in.t, slots[1].ID)
	require.GreaterOrEqual(in.t, apart, int64(5000), "not in a loop")
	said := 0
	for line := range strings.Lines(bridge.output.String()) {
		if strings.Contains(line, name) && strings.Contains(line, `"level":"WARN"`) {
			said++
		}
	}
	require.Equal(in.t, 1, said, bridge.output.String())

	in.upsert(name, repeat, map[string]any{"testCaseId": in.quick, "testRunId": name}, nil)
	in.awaitRuns(name, 1)
	in.client.queue(nil, "removeJobScheduler", name)
}

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
)

// letter is a dead letter as the API shows it.
type letter struct {
	ID           int64  `json:"id"`
	TestRunID    string `json:"testRunId"`
	SuiteRunID   string `json:"suiteRunId"`
	Class        string `json:"class"`
	Reason       string `json:"reason"`
	AttemptsMade int    `json:"attemptsMade"`
}

// classOf is the class of a run's failure.
func (s *stack) classOf(t *testing.T, id string) string {
	t.Helper()
	var r struct {
		Failure struct {
			Class string `json:"class"`
		} `json:"failure"`
	}
	s.request(t, http.MethodGet, "/api/test-runs/"+id, "", http.StatusOK, &r)
	return r.Failure.Class
}

// lettersStack is a stack whose first worker is still to be started, with a client of its queue.
type lettersStack struct {
	*inbound

	whole  *testing.T // the test that the parts belong to
	worker *process   // the one that runs their tests
}

func (l *lettersStack) letters(t *testing.T, query string) []letter {
	t.Helper()
	return listed[letter](t, l.stack, "/api/dead-letters?"+query)
}

// repair stores a case that passes in the place of one that does not.
func (l *lettersStack) repair(t *testing.T, id string) {
	t.Helper()
	l.request(t, http.MethodPut, "/api/test-cases/"+id, passes, http.StatusOK, nil)
}

// passes is a case that passes on any site.
const passes = `{"title": "Repaired", "steps": [{"type": "navigate", "url": "/"}]}`

// fail runs a new stored case that fails, and returns its run.
func (l *lettersStack) fail(t *testing.T, caseID string) string {
	t.Helper()
	l.request(t, http.MethodPut, "/api/test-cases/"+caseID, failsSoon, http.StatusCreated, nil)
	body := fmt.Sprintf(`{"testCaseId": %q, "attempts": 1, "config": {"baseUrl": %q}}`, caseID, l.Shop)
	var accepted run
	l.request(t, http.MethodPost, "/api/test-runs", body, http.StatusAccepted, &accepted)
	require.Equal(t, "failed", l.awaitEnd(t, accepted.TestRunID, soon).Status)
	l.awaitState(accepted.TestRunID, "failed")
	return accepted.TestRunID
}

// waitingRun submits a run that may wait for a worker for a second.
func (l *lettersStack) waitingRun(t *testing.T) string {
	t.Helper()
	return l.submit(t, passes, map[string]any{"config": map[string]any{"baseUrl": l.Shop, "queueTimeout": 1000}}).TestRunID
}

// requireExpired waits until no worker has taken a run in time.
func (l *lettersStack) requireExpired(t *testing.T, id string) {
	t.Helper()
	ended := l.awaitEnd(t, id, soon)
	require.Equal(t, "failed", ended.Status)
	require.Contains(t, ended.Error, "its queue timeout is 1s; start more workers")
	require.Zero(t, ended.Attempt)
	require.Equal(t, "expired", l.classOf(t, id))
	require.Equal(t, "expired", l.letters(t, "class=expired")[0].Class)
	l.awaitState(id, "failed")
}

// requeued requeues a run and expects that it passes.
func (l *lettersStack) requeued(t *testing.T, id string) {
	t.Helper()
	l.request(t, http.MethodPost, "/api/test-runs/"+id+"/requeue", "", http.StatusAccepted, nil)
	require.Equal(t, "completed", l.awaitEnd(t, id, soon).Status)
	l.awaitState(id, "completed")
	l.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
}

// TestDeadLetters follows runs that fail for good, and what people do about them, on one stack.
func TestDeadLetters(t *testing.T) { //nolint:tparallel // its parts follow each other
	t.Parallel()
	s := ownStack(t, "--without", "worker")
	l := &lettersStack{&inbound{stack: s, t: t, client: newClient(t, s.Redis, "bullmq6", "test-execution")}, t, nil}
	for _, part := range []struct {
		name string
		run  func(*testing.T, *lettersStack)
	}{
		{"no worker takes a run in time", testNoWorker}, // and starts the worker of the others
		{"a worker dies, and the wait counts anew", testTakeover},
		{"a client of the queue retries a job", testClientRetries},
		{"a run is requeued", testRequeueOne},
		{"runs are requeued by the command line, also those of a suite", testRequeueMany},
		{"a paused queue keeps a run for too long", testPausedTooLong},
		{"other runs keep the workers busy for too long", testBusyTooLong},
	} {
		require.True(t, t.Run(part.name, func(t *testing.T) {
			l.t, l.client.t = t, t
			part.run(t, l)
		}))
	}
}

func testNoWorker(t *testing.T, l *lettersStack) {
	id := l.waitingRun(t)
	l.requireExpired(t, id)
	l.worker = l.startWorker(t, "first")
	l.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	require.Equal(t, "failed", l.run(t, id).Status, "the worker finds that it has ended")
	l.requeued(t, id)
	require.Empty(t, l.letters(t, "class=expired"))
}

// startWorker starts a worker and waits until it takes jobs.
func (l *lettersStack) startWorker(t *testing.T, name string) *process {
	t.Helper()
	worker, err := start(os.Getenv("CINNAMON_BIN"), []string{"worker"}, append(l.environment(), "WORKER_NAME="+name)...)
	require.NoError(t, err)
	l.whole.Cleanup(func() {
		select {
		case <-worker.exited: // killed
		default:
			require.NoError(l.whole, worker.stop(20*time.Second))
		}
	})
	await(t, soon, "the worker to start", func() bool { return strings.Contains(worker.output.String(), "Worker started") })
	return worker
}

// testTakeover: until the death of a worker is noticed, more time passes than the run may wait for one.
func testTakeover(t *testing.T, l *lettersStack) {
	const wait = 3000 // as long as the heartbeat timeout
	id := l.submit(t, fmt.Sprintf(tardyFor, 6000), map[string]any{"config": map[string]any{"baseUrl": l.Shop, "queueTimeout": wait}}).TestRunID
	l.awaitRun(id, "running")
	second := l.startWorker(t, "second")
	l.worker.kill(t)
	l.worker = second
	ended := l.awaitEnd(t, id, soon)
	require.Equal(t, "completed", ended.Status, ended.Error)
}

func testClientRetries(t *testing.T, l *lettersStack) {
	id := l.fail(t, "retried")
	require.Equal(t, "not-found", l.classOf(t, id))
	found := l.letters(t, "testCaseId=retried")
	require.Len(t, found, 1)
	require.Equal(t, letter{ID: found[0].ID, TestRunID: id, Class: "not-found", Reason: l.run(t, id).Error, AttemptsMade: 1}, found[0])
	l.repair(t, "retried")
	l.client.job(nil, id, "retry", "failed", map[string]any{"resetAttemptsMade": true})
	l.awaitRun(id, "completed")
	require.Empty(t, l.letters(t, "testCaseId=retried"))
}

func testRequeueOne(t *testing.T, l *lettersStack) {
	id := l.fail(t, "requeued")
	l.repair(t, "requeued")
	l.requeued(t, id)
	seen := l.client.get(id)
	require.Equal(t, 1, seen.AttemptsMade, "it had all its attempts before it")
	require.Equal(t, 2, seen.AttemptsStarted)
	require.Empty(t, seen.FailedReason)
	require.Empty(t, l.classOf(t, id))
	require.Equal(t, 2, l.run(t, id).Attempt)

	var p problem
	l.request(t, http.MethodPost, "/api/test-runs/"+id+"/requeue", "", http.StatusConflict, &p)
	require.Contains(t, p.Detail, "is completed: only a failed one can be requeued")
	l.request(t, http.MethodPost, "/api/test-runs/no-such-run/requeue", "", http.StatusNotFound, nil)
}

func testRequeueMany(t *testing.T, l *lettersStack) {
	ids := []string{l.fail(t, "many")}
	accepted := l.submitSuite(t, "/api/suite-runs", map[string]any{
		"title": "Smoke", "attempts": 1, "cases": []map[string]any{{"testCaseId": "many"}, {"testCaseId": "many"}, {"case": json.RawMessage(passes)}},
	}, http.StatusAccepted)
	require.Equal(t, "failed", l.awaitSuite(t, accepted.SuiteRunID).Status)
	for _, found := range l.letters(t, "testCaseId=many") {
		if found.SuiteRunID != "" {
			ids = append(ids, found.TestRunID)
		}
	}
	require.Len(t, ids, 3)

	code, out, _ := l.command(t, "dead-letters", "--case", "many", "--class", "not-found", "--since", "1h")
	require.Zero(t, code, out)
	for _, id := range ids {
		require.Contains(t, out, id)
	}
	l.repair(t, "many")
	code, out, progress := l.command(t, "dead-letters", "requeue", "--all", "--case", "many")
	require.Zero(t, code, out)
	require.Equal(t, "3 requeued\n", out)
	require.Contains(t, progress, "Requeueing 3 failed runs (testCaseId many)")
	for _, id := range ids {
		require.Equal(t, "completed", l.awaitEnd(t, id, soon).Status)
	}
	var suite suiteRun
	await(t, soon, "the suite to be judged again", func() bool {
		l.request(t, http.MethodGet, "/api/suite-runs/"+accepted.SuiteRunID, "", http.StatusOK, &suite)
		return suite.Status == "completed"
	})
	require.Equal(t, 3, suite.Counts["completed"])
	require.Zero(t, suite.Counts["failed"])

	code, out, _ = l.command(t, "dead-letters", "requeue", ids[0], "no-such-run", "--output", "json")
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "only a failed one can be requeued")
	require.Contains(t, out, "not_found")
}

func testPausedTooLong(t *testing.T, l *lettersStack) {
	l.client.queue(nil, "pause")
	id := l.waitingRun(t)
	l.requireExpired(t, id)
	l.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	l.requireReplay(t, "TestExecution-expired-while-held", "test-execution/"+id)
	l.client.queue(nil, "resume")
	l.requeued(t, id)
	l.requireReplay(t, "TestExecution-requeued", "test-execution/"+id)
}

// testBusyTooLong: Temporal itself gives up waiting for a worker, so the workflow does not wait for one to tell it.
func testBusyTooLong(t *testing.T, l *lettersStack) {
	var busy []string
	for range 2 { // as many as the worker runs at once
		busy = append(busy, l.submit(t, fmt.Sprintf(tardyFor, 15_000), nil).TestRunID)
	}
	for _, id := range busy {
		l.awaitRun(id, "running")
	}
	id := l.waitingRun(t)
	l.requireExpired(t, id)
	l.awaitWorkflow(id, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	for _, other := range busy {
		require.Equal(t, "running", l.run(t, other).Status)
		l.request(t, http.MethodPost, "/api/test-runs/"+other+"/cancel", "", http.StatusAccepted, nil)
	}
	l.requireReplay(t, "TestExecution-expired", "test-execution/"+id)
	l.requeued(t, id)
}

// tardyFor is a case that takes so many milliseconds.
const tardyFor = `{"title": "Busy", "timeout": 60000, "steps": [{"type": "navigate", "url": "/"},
	{"type": "waitForExpression", "expression": "new Promise(done => setTimeout(() => done(true), %d))"}]}`

package bullmq_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// judges are the clients that must understand what is projected, under their names in e2e/bullmq/package.json.
func judges() []string { return []string{"bullmq6", "bullmq5", "bullmq534"} }

// judge is the real npm library on a bundle's queue.
type judge struct {
	t     *testing.T
	node  *testkit.Node
	mutex sync.Mutex
	asked int
}

func nodeModules(t *testing.T) string {
	t.Helper()
	return testkit.NodeModules(t, "../../e2e/bullmq/node_modules", "bullmq6")
}

func newJudge(t *testing.T, b *bundle, library string) *judge {
	t.Helper()
	modules := nodeModules(t)
	j := &judge{t: t, node: testkit.StartNode(t, modules, "testdata/judge.cjs", modules, library, server.URL(t), b.prefix, b.queue)}
	j.ask(nil, "ready")
	return j
}

// ask puts a question and decodes the answer.
func (j *judge) ask(answer any, question string, args ...any) {
	j.t.Helper()
	value, problem := j.try(question, args...)
	require.Empty(j.t, problem, "%s %v", question, args)
	if answer != nil {
		require.NoError(j.t, json.Unmarshal(value, answer))
	}
}

// try asks the judge what may fail.
func (j *judge) try(question string, args ...any) (value json.RawMessage, problem string) {
	j.t.Helper()
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.asked++
	if args == nil {
		args = []any{}
	}
	text, err := json.Marshal(map[string]any{"id": j.asked, "ask": question, "args": args})
	require.NoError(j.t, err)
	j.node.Say(j.t, text)
	var reply struct {
		Value json.RawMessage
		Error string
	}
	require.NoError(j.t, json.Unmarshal(j.node.Next(j.t), &reply))
	return reply.Value, reply.Error
}

// seen is a job as the library shows it.
type seen struct {
	ID              string          `json:"id"`
	Name            string          `json:"name"`
	Data            json.RawMessage `json:"data"`
	Opts            map[string]any  `json:"opts"`
	Progress        json.RawMessage `json:"progress"`
	ReturnValue     json.RawMessage `json:"returnvalue"`
	FailedReason    string          `json:"failedReason"`
	Stacktrace      []string        `json:"stacktrace"`
	Timestamp       int64           `json:"timestamp"`
	Delay           int64           `json:"delay"`
	Priority        int             `json:"priority"`
	AttemptsMade    int             `json:"attemptsMade"`
	AttemptsStarted int             `json:"attemptsStarted"`
	ProcessedOn     int64           `json:"processedOn"`
	FinishedOn      int64           `json:"finishedOn"`
	ProcessedBy     string          `json:"processedBy"`
	StalledCounter  int             `json:"stalledCounter"`
}

func (j *judge) ids(method string, args ...any) []string {
	j.t.Helper()
	var jobs []seen
	j.ask(&jobs, "queue", append([]any{method}, args...)...)
	ids := make([]string, len(jobs))
	for i, job := range jobs {
		ids[i] = job.ID
	}
	return ids
}

func (j *judge) state(id string) string {
	j.t.Helper()
	var state string
	j.ask(&state, "job", id, "getState")
	return state
}

func TestClientsSeeWhatIsProjected(t *testing.T) {
	t.Parallel()
	for _, library := range judges() {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			j := newJudge(t, b, library)

			done, failed, running := newLife("done"), newLife("lost"), newLife("running")
			done.job.Data = json.RawMessage(`{"testCaseId":"ünï","list":[],"n":1.5}`)
			running.job.Opts, running.job.Priority = json.RawMessage(`{"attempts":3,"priority":5}`), 5
			b.apply(
				done.added(), done.started(), done.stalled(), done.started(), done.backedOff("first", time.Second),
				done.started(), done.completed(`{"status":"completed"}`),
				failed.added(), failed.started(), failed.retried("one"), failed.started(), failed.failed("two"),
				running.added(), running.started(),
				newLife("w1").added(), newLife("w2").added(), newLife("p9").prioritized(9).added(),
				newLife("p1").prioritized(1).added(), newLife("d2").addedDelayed(2*time.Hour), newLife("d1").addedDelayed(time.Hour),
			)
			shown, err := b.projector.Progress(t.Context(), b.queue,
				[]bullmq.Progress{{JobID: "running", Attempt: 1, Value: json.RawMessage(`{"percentage":25}`)}})
			require.NoError(t, err)
			require.Equal(t, []bool{true}, shown)

			require.Equal(t, []string{"w1", "w2"}, j.ids("getWaiting"))
			require.Equal(t, []string{"p1", "p9"}, j.ids("getPrioritized"))
			require.Equal(t, []string{"d1", "d2"}, j.ids("getDelayed"))
			require.Equal(t, []string{"running"}, j.ids("getActive"))
			require.Equal(t, []string{"done"}, j.ids("getCompleted"))
			require.Equal(t, []string{"lost"}, j.ids("getFailed"))
			require.ElementsMatch(t, []string{"w1", "w2", "p1", "p9", "d1", "d2", "running", "done", "lost"}, j.ids("getJobs"))
			for id, want := range map[string]string{
				"w1": "waiting", "p1": "prioritized", "d1": "delayed", "running": "active", "done": "completed", "lost": "failed",
			} {
				require.Equal(t, want, j.state(id))
			}
			var counts map[string]int
			j.ask(&counts, "queue", "getJobCounts")
			delete(counts, "paused")
			require.Equal(t, map[string]int{
				"active": 1, "completed": 1, "delayed": 2, "failed": 1, "prioritized": 2, "waiting": 2, "waiting-children": 0,
			}, counts)

			var job seen
			j.ask(&job, "queue", "getJob", "done")
			require.JSONEq(t, string(done.job.Data), string(job.Data))
			require.JSONEq(t, `{"status":"completed"}`, string(job.ReturnValue))
			require.Equal(t, []any{"n", "first", []string{"Error: first"}}, []any{job.Name, job.FailedReason, job.Stacktrace})
			require.Equal(t, base.UnixMilli(), job.Timestamp)
			require.Equal(t, done.job.ProcessedOn.UnixMilli(), job.ProcessedOn)
			require.Equal(t, done.job.FinishedOn.UnixMilli(), job.FinishedOn)
			require.Equal(t, []int{2, 3}, []int{job.AttemptsMade, job.AttemptsStarted})
			if library != "bullmq534" {
				require.Equal(t, []any{1, "wk"}, []any{job.StalledCounter, job.ProcessedBy})
			}

			j.ask(&job, "queue", "getJob", "running")
			require.JSONEq(t, `{"percentage":25}`, string(job.Progress))
			require.Equal(t, 5, job.Priority)
			require.InDelta(t, 3, job.Opts["attempts"], 0)
			j.ask(&job, "queue", "getJob", "d1")
			require.Equal(t, time.Hour.Milliseconds(), job.Delay)
		})
	}
}

func TestClientsHearWhatHappens(t *testing.T) {
	t.Parallel()
	for _, library := range judges() {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			j := newJudge(t, b, library)
			good, bad := newLife("good"), newLife("bad")
			b.apply(good.added(), bad.added())
			j.ask(nil, "wait", "good")
			j.ask(nil, "wait", "bad")
			b.apply(good.started())
			_, err := b.projector.Progress(t.Context(), b.queue,
				[]bullmq.Progress{{JobID: "good", Attempt: 1, Value: json.RawMessage(`{"a":1}`)}})
			require.NoError(t, err)
			delayed := good.backedOff("boom", time.Second)
			b.apply(delayed, good.promoted(), good.started(), good.completed(`{"ok":true}`))
			b.apply(bad.started(), bad.stalled(), bad.started(), bad.retried("x"), bad.started(), bad.failed("no \"luck\""))
			gone := newLife("gone")
			b.apply(gone.added(), gone.removed())

			var heard [][2]any
			j.ask(&heard, "heard", 22)
			due := any(float64(delayed.Job.DueAt.UnixMilli()))
			if library == "bullmq534" {
				due = millis(delayed.Job.DueAt)
			}
			told := func(event, id string, more ...any) [2]any {
				args := map[string]any{}
				if id != "" {
					args["jobId"] = id
				}
				for i := 0; i < len(more); i += 2 {
					args[fmt.Sprint(more[i])] = more[i+1]
				}
				return [2]any{event, args}
			}
			ok := map[string]any{"ok": true}
			require.Equal(t, [][2]any{
				told("added", "good", "name", "n"), told("waiting", "good"), told("added", "bad", "name", "n"), told("waiting", "bad"),
				told("active", "good", "prev", "waiting"), told("progress", "good", "data", map[string]any{"a": 1.0}),
				told("delayed", "good", "delay", due), told("waiting", "good", "prev", "delayed"),
				told("active", "good", "prev", "waiting"), told("completed", "good", "returnvalue", ok, "prev", "active"),
				told("active", "bad", "prev", "waiting"), told("waiting", "bad", "prev", "active"), told("stalled", "bad"),
				told("active", "bad", "prev", "waiting"), told("waiting", "bad", "prev", "active"),
				told("active", "bad", "prev", "waiting"), told("failed", "bad", "failedReason", `no "luck"`, "prev", "active"),
				told("retries-exhausted", "bad", "attemptsMade", "2"),
				{"drained", heard[18][1]},
				told("added", "gone", "name", "n"), told("waiting", "gone"), told("removed", "gone", "prev", "wait"),
			}, heard)

			var end map[string]any
			j.ask(&end, "waited", "good")
			require.Equal(t, map[string]any{"value": ok}, end)
			end = nil
			j.ask(&end, "waited", "bad")
			require.Equal(t, map[string]any{"error": `no "luck"`}, end)

			j.ask(nil, "wait", "bad")
			end = nil
			j.ask(&end, "waited", "bad")
			require.Equal(t, map[string]any{"error": `no "luck"`}, end, "of a job that has ended")
		})
	}
}

func millis(at time.Time) string {
	text, _ := json.Marshal(at.UnixMilli())
	return string(text)
}

// TestClientsPauseLosesNothing: two clients of different majors pause, add and resume, with the projector between them.
func TestClientsPauseLosesNothing(t *testing.T) {
	t.Parallel()
	for _, library := range judges() {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			j, other := newJudge(t, b, library), newJudge(t, b, "bullmq5")
			first := newLife("first")
			b.apply(first.added(), newLife("second").added())
			j.ask(nil, "queue", "pause")
			b.apply(newLife("third").added())
			require.Equal(t, []string{"first", "second", "third"}, j.ids("getWaiting"))
			other.ask(nil, "queue", "add", "theirs", map[string]any{}, map[string]any{"jobId": "theirs"})
			_, _, err := b.projector.PromoteDue(t.Context(), b.queue, base)
			require.NoError(t, err)
			other.ask(nil, "queue", "pause")
			b.apply(newLife("fourth").added(), first.started())
			require.Equal(t, []string{"active"}, b.places("first"))
			j.ask(nil, "queue", "resume")
			want := []string{"second", "third", "theirs", "fourth"}
			if library == "bullmq6" { // which lets run first what a client of major 5 put aside
				want = []string{"theirs", "second", "third", "fourth"}
			}
			require.Equal(t, want, j.ids("getWaiting"))
			require.Equal(t, "waiting", j.state("theirs"))
		})
	}
}

// TestResumeOfMajor5OverwritesNothing: a client of major 5 adds to its own list and resumes while the projector adds, too.
func TestResumeOfMajor5OverwritesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := newJudge(t, b, "bullmq5")
	j.ask(nil, "queue", "pause")
	b.apply(newLife("first").added(), newLife("second").added())
	j.ask(nil, "queue", "add", "theirs", map[string]any{}, map[string]any{"jobId": "theirs"})
	j.ask(nil, "queue", "resume")
	require.Equal(t, []string{"first", "second", "theirs"}, j.ids("getWaiting"))
	require.Equal(t, []string{"second", "first"}, b.list(b.keys.Waiting()))
}

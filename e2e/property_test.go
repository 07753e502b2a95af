package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

// The property test does to a whole system, at random, what clients do and what befalls it, and looks at what is left of it
// in Redis, in Postgres and in Temporal. CINNAMON_PROPERTY_SEED repeats a sequence, CINNAMON_PROPERTY_STEPS makes it longer.
const (
	seedVariable = "CINNAMON_PROPERTY_SEED"
	// usualSeed is what is done unless the variable says otherwise: a change is judged by the same sequence each time.
	// `make test/property` does others.
	usualSeed     = 12
	stepsVariable = "CINNAMON_PROPERTY_STEPS"
	defaultSteps  = 50
)

// failsAtOnce is a case that fails within a moment.
const failsAtOnce = `{"title": "Fails at once", "timeout": 100, "steps": [{"type": "navigate", "url": "/"}, {"type": "click", "selectors": ["#no-such-thing"]}]}`

// world is a whole system, those who act on it, and what they know of it.
type world struct {
	*inbound
	rng       *rand.Rand
	clients   []*client
	bridges   [2]*process
	workers   [2]*process
	ids       []string // of jobs, as they were added
	names     []string // custom ids that were used
	runs      []string // that the API accepted
	silent    []silence
	done      map[string]int
	step      int
	ended     []*process // that were killed or stopped
	forgotten []string   // jobs that vanish when they end
}

// silence is a part of the stream, from one entry to another one, in which jobs may have been deleted silently.
type silence struct{ after, before string }

func TestWhateverHappensTheStoresAgree(t *testing.T) {
	t.Parallel()
	requirePrograms(t)
	seed := uint64(usualSeed)
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	steps := defaultSteps
	if text := os.Getenv(stepsVariable); text != "" {
		var err error
		steps, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	t.Logf("%s=%d %s=%d", seedVariable, seed, stepsVariable, steps)

	w := newWorld(t, seed)
	for half := range 2 {
		for range steps / 2 {
			w.act()
		}
		w.comeToRest(half == 0)
	}
	t.Logf("did %v to %d jobs", w.done, len(w.ids))
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	s := ownStack(t, "--without", "worker", "--without", "bridge")
	w := &world{inbound: &inbound{stack: s, t: t}, rng: rand.New(rand.NewPCG(seed, 1)), done: map[string]int{}}
	for _, library := range []string{"bullmq6", "bullmq5", "bullmq534"} {
		w.clients = append(w.clients, newClient(t, s.Redis, library, "test-execution"))
	}
	w.client = w.clients[0]
	w.keepAllEvents()
	w.quick, w.broken = w.save("quick", quickCase), w.save("broken", failsAtOnce)
	t.Cleanup(func() {
		for _, p := range w.processes() {
			if *p != nil {
				require.NoError(t, (*p).stop(30*time.Second), (*p).output.String())
				w.ended = append(w.ended, *p)
			}
		}
		if t.Failed() {
			w.keepLogs()
		}
	})
	w.restart()
	await(t, 30*time.Second, "the bridge to know its Redis", func() bool {
		var there int
		w.redis(&there, "EXISTS", "cinnamon:bull:test-execution:epoch")
		return there == 1
	})
	return w
}

// keepAllEvents has the stream keep all entries of a sequence.
func (w *world) keepAllEvents() {
	w.redis(nil, "HSET", key("meta"), "opts.maxLenEvents", "1000000")
}

func key(name string) string { return "bull:test-execution:" + name }

func (w *world) processes() []**process {
	return []**process{&w.bridges[0], &w.bridges[1], &w.workers[0], &w.workers[1]}
}

// restart starts what is down.
func (w *world) restart() {
	for i, p := range w.processes() {
		if *p != nil {
			select {
			case <-(*p).exited: // a machine that is too busy
				w.ended, *p = append(w.ended, *p), nil
			default:
				continue
			}
		}
		role := []string{"bridge", "bridge", "worker", "worker"}[i]
		started, err := start(os.Getenv("CINNAMON_BIN"), []string{role}, append(w.environment(),
			fmt.Sprintf("WORKER_NAME=worker-%d-%d", i, w.step), "WORKER_STOP_TIMEOUT=5s", "QUEUE_CONCURRENCY=2")...)
		require.NoError(w.t, err)
		*p = started
	}
}

// redis sends one command on a client's connection.
func (w *world) redis(answer any, command ...any) {
	w.t.Helper()
	var answers []json.RawMessage
	w.redisAll(&answers, command)
	if answer != nil {
		require.NoError(w.t, json.Unmarshal(answers[0], answer), "%v: %s", command, answers[0])
	}
}

// redisAll sends commands in one transaction.
func (w *world) redisAll(answers any, commands ...[]any) {
	w.t.Helper()
	require.Empty(w.t, w.client.ask(map[string]any{"on": "redis", "commands": commands}, answers))
}

// act does one thing.
func (w *world) act() {
	w.step++
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	n := w.rng.IntN(total)
	for _, a := range acts {
		if n -= a.weight; n < 0 {
			w.done[a.name]++
			w.client = w.clients[w.rng.IntN(len(w.clients))]
			a.do(w)
			break
		}
	}
	if w.rng.IntN(6) == 0 {
		w.restart()
	}
	pause := time.NewTimer(time.Duration(w.rng.IntN(300)) * time.Millisecond)
	<-pause.C
}

// acts are what clients do, and what befalls the system. What each does depends on the seed alone.
var acts = []struct {
	name   string
	weight int
	do     func(*world)
}{
	{"add", 10, func(w *world) { w.add(nil) }},
	{"addPrioritized", 6, func(w *world) { w.add(map[string]any{"priority": 1 + w.rng.IntN(20)}) }},
	{"addDelayed", 4, func(w *world) { w.add(map[string]any{"delay": 100 + w.rng.IntN(900)}) }},
	{"addForLater", 3, func(w *world) { w.add(map[string]any{"delay": 600_000, "priority": w.rng.IntN(3)}) }},
	{"addLIFO", 2, func(w *world) { w.add(map[string]any{"lifo": true}) }},
	{"addAndForget", 2, func(w *world) {
		w.add(map[string]any{"removeOnComplete": true, "removeOnFail": true})
		w.forgotten = append(w.forgotten, w.ids[len(w.ids)-1])
	}},
	{"addBroken", 6, func(w *world) {
		w.addCase(w.broken, map[string]any{"attempts": 1 + w.rng.IntN(2), "backoff": map[string]any{"type": "fixed", "delay": 200}})
	}},
	{"addOther", 1, func(w *world) { w.addCase("no-such-case", nil) }},
	{"addNamed", 3, func(w *world) {
		name := fmt.Sprintf("named-%d", w.step)
		w.names = append(w.names, name)
		w.add(map[string]any{"jobId": name})
	}},
	{"addAgain", 2, func(w *world) {
		if len(w.names) > 0 {
			w.add(map[string]any{"jobId": w.names[w.rng.IntN(len(w.names))]})
		}
	}},
	{"addBulk", 3, func(w *world) {
		jobs := make([]map[string]any, 3)
		for i := range jobs {
			jobs[i] = map[string]any{"name": "execute-test", "data": w.data(w.quick), "opts": map[string]any{"priority": w.rng.IntN(2)}}
		}
		var added []jobSeen
		w.try("addBulk", &added, jobs)
		for _, j := range added {
			w.ids = append(w.ids, j.ID)
		}
	}},
	{"pause", 2, func(w *world) { w.try("pause", nil) }},
	{"resume", 4, func(w *world) { w.try("resume", nil) }},
	{"remove", 5, func(w *world) { w.tryJob("remove") }},
	{"retry", 5, func(w *world) {
		w.tryJob("retry", []string{"failed", "completed"}[w.rng.IntN(2)])
	}},
	{"promote", 4, func(w *world) { w.tryJob("promote") }},
	{"changePriority", 4, func(w *world) {
		w.tryJob("changePriority", map[string]any{"priority": w.rng.IntN(10), "lifo": w.rng.IntN(4) == 0})
	}},
	{"changeDelay", 4, func(w *world) { w.tryJob("changeDelay", []int{300, 600_000}[w.rng.IntN(2)]) }},
	{"updateData", 3, func(w *world) { w.tryJob("updateData", w.data(w.quick)) }},
	{"drain", 1, func(w *world) { w.silently(func() { w.try("drain", nil, w.rng.IntN(2) == 0) }) }},
	{"clean", 2, func(w *world) {
		kind := []string{"completed", "failed", "wait", "delayed", "prioritized", "active"}[w.rng.IntN(6)]
		w.silently(func() { w.try("clean", nil, 0, 5, kind) })
	}},
	{"retryJobs", 2, func(w *world) {
		w.try("retryJobs", nil, map[string]any{"state": []string{"failed", "completed"}[w.rng.IntN(2)], "count": 3})
	}},
	{"promoteJobs", 1, func(w *world) { w.try("promoteJobs", nil) }},
	{"obliterate", 1, func(w *world) {
		if w.rng.IntN(3) == 0 {
			w.silently(func() { w.try("obliterate", nil, map[string]any{"force": w.rng.IntN(2) == 0}) })
			w.keepAllEvents()
		}
	}},
	{"submit", 5, func(w *world) { w.submitRun(map[string]any{"priority": "high"}) }},
	{"submitBroken", 2, func(w *world) { w.submitRun(map[string]any{"testCaseId": w.broken, "attempts": 2}) }},
	{"submitForLater", 3, func(w *world) { w.submitRun(map[string]any{"delay": 600_000}) }},
	{"cancel", 4, func(w *world) {
		if id := w.pick(w.runs); id != "" {
			w.call(http.MethodPost, "/api/test-runs/"+id+"/cancel", "", nil)
		}
	}},
	{"killBridge", 5, func(w *world) { w.killOne(&w.bridges[w.rng.IntN(2)]) }},
	{"killWorker", 4, func(w *world) { w.killOne(&w.workers[w.rng.IntN(2)]) }},
	{"stopWorker", 1, func(w *world) {
		p := &w.workers[w.rng.IntN(2)]
		if *p != nil {
			require.NoError(w.t, (*p).stop(30*time.Second))
			*p = nil
		}
	}},
	{"cutConnections", 2, func(w *world) { w.redis(nil, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") }},
	{"hang", 1, func(w *world) { w.redis(nil, "CLIENT", "PAUSE", "2500", "ALL") }},
}

func (w *world) data(caseID string) map[string]any {
	return map[string]any{"testCaseId": caseID, "testRunId": fmt.Sprintf("run-%d-%d", w.step, w.rng.IntN(1_000_000))}
}

func (w *world) add(opts map[string]any) { w.addCase(w.quick, opts) }

func (w *world) addCase(caseID string, opts map[string]any) {
	var added jobSeen
	w.try("add", &added, "execute-test", w.data(caseID), opts)
	if added.ID != "" && !slices.Contains(w.ids, added.ID) {
		w.ids = append(w.ids, added.ID)
	}
}

// try calls a method of Queue, which may refuse.
func (w *world) try(method string, answer any, args ...any) {
	if args == nil {
		args = []any{}
	}
	problem := w.client.ask(map[string]any{"on": "queue", "method": method, "args": args}, answer)
	w.t.Logf("%d %s %v %s", w.step, method, args, problem)
}

// tryJob calls a method of some job, which may refuse, or not be there any more.
func (w *world) tryJob(method string, args ...any) {
	id := w.pick(w.ids)
	if id == "" {
		return
	}
	if args == nil {
		args = []any{}
	}
	problem := w.client.ask(map[string]any{"on": "job", "id": id, "method": method, "args": args}, nil)
	w.t.Logf("%d %s %s %v %s", w.step, method, id, args, problem)
}

// pick returns one of the ids, rather a newer one, or nothing.
func (w *world) pick(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	back := min(w.rng.IntN(len(ids)), w.rng.IntN(12))
	return ids[len(ids)-1-back]
}

// silently notes where in the stream jobs may be deleted without a word.
func (w *world) silently(do func()) {
	s := silence{after: w.lastEvent()}
	do()
	s.before = w.lastEvent()
	w.silent = append(w.silent, s)
}

// lastEvent is the time of Redis, which makes the ids of the stream's entries.
func (w *world) lastEvent() string {
	var now []string
	w.redis(&now, "TIME")
	seconds, err := strconv.ParseInt(now[0], 10, 64)
	require.NoError(w.t, err)
	micros, err := strconv.ParseInt(now[1], 10, 64)
	require.NoError(w.t, err)
	return fmt.Sprintf("%d-0", seconds*1000+micros/1000)
}

func (w *world) submitRun(fields map[string]any) {
	request := map[string]any{"testCaseId": w.quick}
	maps.Copy(request, fields)
	body, err := json.Marshal(request)
	require.NoError(w.t, err)
	var accepted run
	w.call(http.MethodPost, "/api/test-runs", string(body), &accepted)
	w.runs, w.ids = append(w.runs, accepted.TestRunID), append(w.ids, accepted.JobID)
}

// call sends a request, which may be refused.
func (w *world) call(method, path, body string, answer any) {
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.API+path, strings.NewReader(body))
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+w.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	w.t.Logf("%d %s %s %d", w.step, method, path, res.StatusCode)
	if answer != nil {
		require.NoError(w.t, json.NewDecoder(res.Body).Decode(answer))
	}
}

func (w *world) killOne(p **process) {
	if *p == nil {
		return
	}
	w.t.Logf("%d kill %v", w.step, (*p).cmd.Args[1:])
	(*p).kill(w.t)
	w.ended = append(w.ended, *p)
	*p = nil
}

// vanished says whether jobs may have been deleted silently between two entries of the stream.
func (w *world) vanished(after, until string) bool {
	return slices.ContainsFunc(w.silent, func(s silence) bool {
		return !testkit.Before(s.before, cmp.Or(after, "0-0")) && !testkit.Before(until, s.after)
	})
}

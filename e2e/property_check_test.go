package e2e_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// restWithin is how long nothing may change before all is as it must be.
const restWithin = 40 * time.Second

// comeToRest brings all processes up and lets the system do what is left to do, or, with the queue paused, all that it may.
func (w *world) comeToRest(paused bool) {
	w.t.Helper()
	w.step++
	w.restart()
	if paused {
		w.try("pause", nil)
		for range 3 {
			w.add(map[string]any{"priority": w.rng.IntN(2)})
		}
		w.submitRun(nil)
	} else {
		w.try("resume", nil)
	}
	var found, last []string
	deadline := time.Now().Add(restWithin)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for calm := 0; calm < 2; <-tick.C {
		w.restart() // as whatever supervises them does
		if found = w.disagreements(paused); len(found) == 0 {
			calm++
			continue
		}
		calm = 0
		slices.Sort(found)
		if !slices.Equal(found, last) { // it is not at rest, on a slow machine perhaps
			last, deadline = found, time.Now().Add(restWithin)
		}
		if time.Now().After(deadline) {
			break
		}
	}
	require.Empty(w.t, found, "after %s of rest", restWithin)
	require.Empty(w.t, w.illegal())
}

// picture is what Redis shows of the queue at one moment.
type picture struct {
	places  map[string][]string
	due     map[string]int64 // milliseconds
	waiting []string
	events  []testkit.Entry
	keys    []string
	hashes  map[string]jobHash
}

type jobHash struct {
	ats, atm, stc, priority int
	reason                  string
	timestamp               int64
}

var collections = []string{"wait", "paused", "active", "prioritized", "delayed", "completed", "failed", "waiting-children"}

func (w *world) look() picture {
	w.t.Helper()
	commands := [][]any{}
	for _, name := range collections {
		switch name {
		case "wait", "paused", "active":
			commands = append(commands, []any{"LRANGE", key(name), 0, -1})
		default:
			commands = append(commands, []any{"ZRANGE", key(name), 0, -1, "WITHSCORES"})
		}
	}
	commands = append(commands, []any{"LRANGE", key("waiting"), 0, -1}, []any{"XRANGE", key("events"), "-", "+"}, []any{"KEYS", "*"})
	var answers []any
	w.redisAll(&answers, commands...)

	p := picture{places: map[string][]string{}, due: map[string]int64{}, hashes: map[string]jobHash{}}
	for i, name := range collections {
		list := texts(answers[i])
		if name == "wait" || name == "paused" || name == "active" {
			for _, id := range list {
				p.places[id] = append(p.places[id], name)
			}
			continue
		}
		for n := 0; n+1 < len(list); n += 2 {
			p.places[list[n]] = append(p.places[list[n]], name)
			if name == "delayed" {
				score, err := strconv.ParseFloat(list[n+1], 64)
				require.NoError(w.t, err)
				p.due[list[n]] = int64(score) / 4096
			}
		}
	}
	p.waiting = texts(answers[len(collections)])
	entries, _ := answers[len(collections)+1].([]any)
	for _, e := range entries {
		p.events = append(p.events, entryOf(e))
	}
	p.keys = texts(answers[len(collections)+2])

	ids := slices.Sorted(maps.Keys(p.places))
	commands = nil
	for _, id := range ids {
		commands = append(commands, []any{"HMGET", key(id), "ats", "atm", "stc", "stalledCounter", "priority", "failedReason", "timestamp"})
	}
	if len(commands) == 0 {
		return p
	}
	w.redisAll(&answers, commands...)
	for i, id := range ids {
		f := texts(answers[i])
		if f[6] != "" {
			p.hashes[id] = jobHash{
				ats: number(f[0]), atm: number(f[1]), stc: max(number(f[2]), number(f[3])), priority: number(f[4]), reason: f[5],
				timestamp: int64(number(f[6])),
			}
		}
	}
	return p
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, len(list))
	for i, item := range list {
		if item != nil {
			out[i] = fmt.Sprint(item)
		}
	}
	return out
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

func entryOf(v any) testkit.Entry {
	pair, _ := v.([]any)
	fields := map[string]string{}
	list := texts(pair[1])
	for i := 0; i+1 < len(list); i += 2 {
		fields[list[i]] = list[i+1]
	}
	e := testkit.Entry{Event: fields["event"], JobID: fields["jobId"], Prev: fields["prev"]}
	e.ID, _ = pair[0].(string)
	return e
}

var stateOf = map[string]queue.State{
	"wait": queue.Waiting, "paused": queue.Waiting, "prioritized": queue.Waiting, "delayed": queue.Delayed, "active": queue.Active,
	"completed": queue.Completed, "failed": queue.Failed,
}

var statusesOf = map[queue.State][]store.RunStatus{
	queue.Waiting: {store.RunPending}, queue.Delayed: {store.RunPending}, queue.Active: {store.RunRunning},
	queue.Completed: {store.RunCompleted, store.RunAdapted}, queue.Failed: {store.RunFailed, store.RunCancelled},
}

// notTaken are the reasons why a job that a client added is none of this system's.
var notTaken = regexp.MustCompile(`^(testCaseId: )?there is (no test case|a test run) `)

// disagreements compares Redis, Postgres and Temporal.
func (w *world) disagreements(paused bool) (found []string) {
	w.t.Helper()
	bad := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	p := w.look()
	recorded := map[string]store.JobState{}
	require.NoError(w.t, w.store.JobStates(w.t.Context(), queue.TestExecution, func(page []store.JobState) error {
		for _, j := range page {
			recorded[j.ID] = j
		}
		return nil
	}))
	jobs, err := w.store.JobsAmong(w.t.Context(), queue.TestExecution, slices.Collect(maps.Keys(recorded)))
	require.NoError(w.t, err)
	runs, err := w.store.Runs(w.t.Context(), nil, 1_000_000)
	require.NoError(w.t, err)
	statuses := map[string]store.RunStatus{}
	for _, r := range runs {
		statuses[r.ID] = r.Status
	}

	for id, places := range p.places {
		if len(places) != 1 {
			bad("job %s is in %v", id, places)
		}
		state, hash := stateOf[places[0]], p.hashes[id]
		if hash == (jobHash{}) {
			bad("job %s in %s has no hash", id, places[0])
		}
		if state == queue.Active || state == queue.Waiting && !paused || state == queue.Delayed && time.UnixMilli(p.due[id]).Before(time.Now().Add(time.Minute)) {
			bad("job %s is still in %s", id, places[0])
		}
		job, known := jobs[id]
		if !known {
			if state != queue.Failed || !notTaken.MatchString(hash.reason) {
				bad("job %s in %s is not in Postgres: %+v", id, places[0], hash)
			}
			continue
		}
		ripe := job.State == queue.Delayed && state == queue.Waiting && !job.DueAt.After(time.Now())
		if job.State != state && !ripe { // a delayed job whose time has come waits, and no record says so
			bad("job %s is in %s, but %s in Postgres", id, places[0], job.State)
		}
		recorded := jobHash{
			ats: job.AttemptsStarted, atm: job.AttemptsMade, stc: job.Stalls, priority: job.Options.Priority, timestamp: job.CreatedAt.UnixMilli(),
			reason: hash.reason,
		}
		if places[0] != "prioritized" { // only there does it say where a job stands
			recorded.priority = hash.priority
		}
		if recorded != hash {
			bad("job %s in %s has %+v, but in Postgres %+v", id, places[0], hash, recorded)
		}
		if state == queue.Delayed && job.DueAt.UnixMilli() != p.due[id] {
			bad("job %s is due at %d, but in Postgres at %s", id, p.due[id], job.DueAt)
		}
		if !slices.Contains(statusesOf[state], statuses[job.Run()]) {
			bad("job %s is in %s, but its run %s is %s", id, places[0], job.Run(), statuses[job.Run()])
		}
	}
	ofRun := map[string]queue.Job{}
	for id, job := range jobs {
		ofRun[job.Run()] = job
		if _, shown := p.places[id]; !shown {
			bad("job %s is %s in Postgres, but not in Redis", id, job.State)
		}
		if recorded[id].Pending {
			bad("changes of job %s are on their way", id)
		}
	}
	for _, r := range runs {
		if _, has := ofRun[r.ID]; !has && !r.Status.Finished() {
			bad("run %s is %s, but has no job", r.ID, r.Status)
		}
		described, err := w.stack.client.DescribeWorkflowExecution(w.t.Context(), r.WorkflowID, "")
		running := described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		if _, none := errors.AsType[*serviceerror.NotFound](err); none && r.Status.Finished() {
			continue // it ended before it was started
		}
		if err != nil {
			bad("the workflow of run %s, which is %s: %s", r.ID, r.Status, err)
		} else if running == r.Status.Finished() {
			bad("run %s is %s, but its workflow is %s", r.ID, r.Status, described.GetWorkflowExecutionInfo().GetStatus())
		}
	}
	return append(found, w.leftovers(p)...)
}

var ownKeys = []string{"meta", "id", "pc", "marker", "events", "waiting", "stalled", "stalled-check", "limiter", "metrics:completed", "metrics:failed", "metrics:completed:data", "metrics:failed:data"}

// leftovers looks for keys that belong to nothing.
func (w *world) leftovers(p picture) (found []string) {
	bad := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	var expiring [][]any
	for _, k := range p.keys {
		name, ours := strings.CutPrefix(k, "bull:test-execution:")
		id, part, sub := strings.Cut(name, ":")
		switch {
		case strings.HasPrefix(k, "progress:"), strings.HasPrefix(k, "cinnamon:bull:test-execution:gone:"):
			expiring = append(expiring, []any{"PTTL", k})
		case !ours, slices.Contains(ownKeys, name), slices.Contains(collections, name):
		case len(p.places[id]) == 0:
			bad("there is a key %s", k)
		case sub && part == "lock" && !slices.Contains(p.places[id], "active"):
			bad("there is a lock of job %s, which is in %s", id, p.places[id])
		case sub && part != "lock" && part != "logs":
			bad("there is a key %s", k)
		}
	}
	for id, places := range p.places {
		if slices.Contains(places, "active") && !slices.Contains(p.keys, key(id)+":lock") {
			bad("job %s is active, but not locked", id)
		}
	}
	waits := []string{}
	for id, places := range p.places {
		if stateOf[places[0]] == queue.Waiting {
			waits = append(waits, id)
		}
	}
	slices.Sort(waits)
	listed := slices.Clone(p.waiting)
	slices.Sort(listed)
	if !slices.Equal(waits, listed) {
		bad("%v wait, but the list of all that wait has %v", waits, listed)
	}
	if len(expiring) > 0 {
		var lives []int64
		w.redisAll(&lives, expiring...)
		for i, life := range lives {
			if life < 0 || life > (24*time.Hour).Milliseconds() {
				bad("key %s lives for %d ms", expiring[i][1], life)
			}
		}
	}
	return found
}

// illegal reads the stream and compares what it tells of each job with what Redis shows of it.
func (w *world) illegal() (found []string) {
	w.t.Helper()
	p := w.look()
	ofJob := map[string][]testkit.Entry{}
	for _, e := range p.events {
		if e.JobID != "" {
			ofJob[e.JobID] = append(ofJob[e.JobID], e)
		}
	}
	for id := range p.places {
		if len(ofJob[id]) == 0 {
			found = append(found, fmt.Sprintf("job %s is in %v, and the stream tells nothing of it", id, p.places[id]))
		}
	}
	end := p.events[len(p.events)-1].ID
	for _, id := range slices.Sorted(maps.Keys(ofJob)) {
		j, err := testkit.Follow(ofJob[id], w.vanished)
		bad := func(format string, args ...any) {
			found = append(found, fmt.Sprintf("job %s: %s\n%s", id, fmt.Sprintf(format, args...), strings.Join(j.Log, "\n")))
		}
		if err != nil {
			found = append(found, fmt.Sprintf("job %s: %s", id, err))
			continue
		}
		places := p.places[id]
		if len(places) == 0 {
			if !j.Removed && !w.vanished(j.Last, end) && !slices.Contains(w.forgotten, id) {
				bad("it is gone, and was in %v", j.Places)
			}
			continue
		}
		hash := p.hashes[id]
		switch {
		case !slices.Contains(j.Places, places[0]):
			bad("it is in %s", places[0])
		case j.Actives != hash.ats:
			bad("it was active %d times, and counts %d", j.Actives, hash.ats)
		case j.Stalls != hash.stc:
			bad("it stalled %d times, and counts %d", j.Stalls, hash.stc)
		case j.Ends != hash.atm:
			bad("%d attempts ended, and it counts %d", j.Ends, hash.atm)
		}
	}
	return found
}

// keepLogs keeps what the processes said for whoever looks into a failure.
func (w *world) keepLogs() {
	folder := os.Getenv("CINNAMON_PROPERTY_LOGS")
	if folder == "" {
		return
	}
	for i, p := range w.ended {
		name := filepath.Join(folder, fmt.Sprintf("%02d-%s.log", i, p.cmd.Args[1]))
		if err := os.WriteFile(name, []byte(p.output.String()), 0o600); err != nil {
			w.t.Log(err)
		}
	}
}

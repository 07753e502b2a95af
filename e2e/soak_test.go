//go:build soak

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/obs"
)

const (
	// soakBatch is how many runs are submitted together; between two batches the worker is idle and is looked at.
	soakBatch = 20
	// soakHundred is how many batches are warm-up, how many come first after it, and how many count as the last ones.
	soakHundred = 5
	// soakPatience is how long a batch may take, on a machine that does other things too.
	soakPatience = 3 * time.Minute
)

// soakRuns is how many runs there are, unless CINNAMON_SOAK_RUNS says otherwise.
const soakRuns = 500

// ways in which the runs of a batch go; the rest of them pass.
var soakWays = []struct {
	name   string
	count  int
	text   string
	config map[string]any
	status string
}{
	{name: "fails", count: 3, status: "failed", text: `{"title": "Fails", "timeout": 500, "steps": [
		{"type": "navigate", "url": "/", "timeout": 20000},
		{"type": "customStep", "name": "assertText", "parameters": {"selectors": [["h1"]], "text": "Unicorns"}}]}`},
	{name: "hangs", count: 2, status: "failed", text: `{"title": "Hangs", "steps": [
		{"type": "navigate", "url": "/", "timeout": 20000},
		{"type": "waitForExpression", "expression": "(() => { for (;;); })()", "timeout": 300}]}`},
	{name: "times out", count: 1, status: "failed", config: map[string]any{"timeout": 2000}, text: `{"title": "Takes too long", "steps": [
		{"type": "navigate", "url": "/", "timeout": 20000},
		{"type": "waitForElement", "selectors": [["#never"]], "timeout": 60000}]}`},
	{name: "is cancelled", count: 2, status: "cancelled", text: lastsCase},
}

// passesCase passes, however slow the machine is.
const passesCase = `{"title": "Passes", "timeout": 60000, "steps": [
	{"type": "navigate", "url": "/kitchen"},
	{"type": "change", "selectors": [["pierce/#teaspoons"]], "value": "2"},
	{"type": "click", "selectors": [["pierce/#convert"]]},
	{"type": "customStep", "name": "assertText", "parameters": {"selectors": [["pierce/#grams"]], "text": "5.2 g"}}]}`

// lastsCase is in its second step until somebody ends it.
const lastsCase = `{"title": "Lasts", "steps": [
	{"type": "navigate", "url": "/", "timeout": 20000},
	{"type": "waitForElement", "selectors": [["#never"]], "timeout": 60000}]}`

// soakCrashes is how many runs of a batch have their page killed, when the others have ended.
const soakCrashes = 2

// soakSample is what an idle worker holds.
type soakSample struct {
	Goroutines, Processes, Files, Temporary int
	// Heap is the worker's after a collection, Resident what the system counts as its own, in KiB.
	Heap, Resident int
}

// TestSoak has one worker, built with the race detector, carry out runs that pass, fail, hang, time out, are cancelled and
// crash: it races nowhere, and holds no more at the end than it did when it was warm.
func TestSoak(t *testing.T) { //nolint:paralleltest // what it measures is to be its own
	program := os.Getenv("CINNAMON_RACE_BIN")
	require.NotEmpty(t, program, "CINNAMON_RACE_BIN must name a program built with -race: run `make test/soak`")
	runs := soakRuns
	if text := os.Getenv("CINNAMON_SOAK_RUNS"); text != "" {
		var err error
		runs, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	batches := runs / soakBatch
	require.GreaterOrEqual(t, batches, 3*soakHundred, "too few runs to compare the last hundred with the first after a warm-up")

	s := ownStack(t, "--without", "worker")
	k := &soak{stack: s, temporary: t.TempDir(), debug: freeAddress(t)}
	var err error
	k.worker, err = start(program, []string{"worker"}, append(s.environment(), "QUEUE_CONCURRENCY=4", "WORKER_DEBUG_ADDR="+k.debug,
		"TMPDIR="+k.temporary, "GORACE=halt_on_error=0")...)
	require.NoError(t, err)
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			_ = k.worker.stop(time.Minute)
		}
	})

	var samples []soakSample
	for batch := range batches {
		k.batch(t)
		samples = append(samples, k.sample(t))
		t.Logf("after %d runs: %+v", (batch+1)*soakBatch, samples[batch])
	}
	stopped = true
	require.NoError(t, k.worker.stop(time.Minute))
	require.NotContains(t, k.worker.output.String(), "DATA RACE")
	left, err := filepath.Glob(filepath.Join(k.temporary, "*"))
	require.NoError(t, err)

	first, last := least(samples[soakHundred:2*soakHundred]), least(samples[len(samples)-soakHundred:])
	t.Logf("first hundred after the warm-up: %+v", first)
	t.Logf("last hundred:                    %+v", last)
	require.LessOrEqual(t, last.Goroutines, first.Goroutines+5, "goroutines")
	require.LessOrEqual(t, last.Processes, first.Processes+5, "processes") // a browser and its helpers may be about to be replaced
	require.LessOrEqual(t, last.Files, first.Files+5, "open files")
	require.LessOrEqual(t, last.Temporary, first.Temporary+2, "entries of the temporary folder")
	require.LessOrEqual(t, last.Heap, first.Heap*110/100, "heap")
	require.LessOrEqual(t, last.Resident, first.Resident*120/100, "resident memory")
	require.Empty(t, left, "what a stopped worker leaves in its temporary folder")
}

// soak is a worker that is looked at.
type soak struct {
	*stack
	worker           *process
	temporary, debug string
}

// batch carries out one batch of runs and checks that each ends as it should.
func (k *soak) batch(t *testing.T) {
	t.Helper()
	once := func(more map[string]any) map[string]any {
		config := map[string]any{"baseUrl": k.Shop}
		for name, value := range more {
			config[name] = value
		}
		return map[string]any{"attempts": 1, "config": config}
	}
	want := map[string]string{}
	var doomed []string
	add := func(text, status string, config map[string]any) string {
		id := k.submit(t, text, once(config)).TestRunID
		want[id] = status
		return id
	}
	rest := soakBatch - soakCrashes
	for _, way := range soakWays {
		for range way.count {
			id := add(way.text, way.status, way.config)
			if way.status == "cancelled" {
				doomed = append(doomed, id)
			}
			rest--
		}
	}
	for range rest {
		add(passesCase, "completed", map[string]any{"timeout": soakPatience.Milliseconds()})
	}
	for _, id := range doomed {
		k.awaitSecondStep(t, id)
		k.request(t, http.MethodPost, "/api/test-runs/"+id+"/cancel", "", http.StatusAccepted, nil)
	}
	for id, status := range want {
		ended := k.awaitEnd(t, id, soakPatience)
		require.Equal(t, status, ended.Status, ended.Error)
	}
	for range soakCrashes {
		k.crash(t)
	}
}

func (k *soak) awaitSecondStep(t *testing.T, id string) {
	t.Helper()
	await(t, soakPatience, "the second step of run "+id, func() bool {
		steps := k.steps(t, id)
		return len(steps) == 2 && steps[0].Status == "success" && steps[1].Status == "running"
	})
}

// crash kills the page of a run, as often as the worker tries.
func (k *soak) crash(t *testing.T) {
	t.Helper()
	id := k.submit(t, lastsCase, map[string]any{"attempts": 1}).TestRunID
	k.awaitSecondStep(t, id)
	killed := false
	await(t, soakPatience, "the end of a run whose page crashes", func() bool {
		if r := k.run(t, id); r.Status != "running" {
			require.Equal(t, "failed", r.Status)
			require.Contains(t, r.Error, "crash")
			return true
		}
		if steps := k.steps(t, id); steps[len(steps)-1].Status == "running" {
			for _, p := range below(k.worker.cmd.Process.Pid) {
				if strings.Contains(p.command, "--type=renderer") {
					killed = syscall.Kill(p.pid, syscall.SIGKILL) == nil || killed
				}
			}
		}
		return false
	})
	require.True(t, killed, "no page was killed")
}

// sample looks at the worker when it has come to rest.
func (k *soak) sample(t *testing.T) soakSample {
	t.Helper()
	var s soakSample
	calm := 0
	await(t, soakPatience, "the worker to come to rest", func() bool {
		before := s
		s = k.look(t)
		calm++
		if s.Goroutines != before.Goroutines || s.Processes != before.Processes || s.Files != before.Files {
			calm = 0
		}
		return calm == 8
	})
	return s
}

func (k *soak) look(t *testing.T) soakSample {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+k.debug+"/debug/figures", http.NoBody)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	var figures obs.Figures
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&figures))
	pid := k.worker.cmd.Process.Pid
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	require.NoError(t, err)
	temporary, err := os.ReadDir(k.temporary)
	require.NoError(t, err)
	return soakSample{
		Goroutines: figures.Goroutines, Processes: len(below(pid)), Files: len(files), Temporary: len(temporary),
		Heap: int(figures.HeapBytes >> 10), Resident: resident(t, pid),
	}
}

// least returns the least that was held: what is held at all times.
func least(samples []soakSample) soakSample {
	s := samples[0]
	for _, o := range samples[1:] {
		s = soakSample{
			Goroutines: min(s.Goroutines, o.Goroutines), Processes: min(s.Processes, o.Processes), Files: min(s.Files, o.Files),
			Temporary: min(s.Temporary, o.Temporary), Heap: min(s.Heap, o.Heap), Resident: min(s.Resident, o.Resident),
		}
	}
	return s
}

// freeAddress returns an address of this machine that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// resident reads how much memory a process has, in KiB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			require.NoError(t, err)
			return kib
		}
	}
	require.Fail(t, "the system does not say how much memory the worker has")
	return 0
}

// descendant is a process below the worker's.
type descendant struct {
	pid     int
	command string
}

// below lists the processes below one.
func below(root int) []descendant {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") //nolint:errcheck // the pattern is right
	parents := map[int]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent …; the name may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	family := []int{root}
	var found []descendant
	for i := 0; i < len(family); i++ {
		for pid, parent := range parents {
			if parent == family[i] && !slices.Contains(family, pid) {
				command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) //nolint:errcheck // it may have ended just now
				family = append(family, pid)
				found = append(found, descendant{pid, strings.ReplaceAll(string(command), "\x00", " ")})
			}
		}
	}
	return found
}

package pwgo_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
)

// orphanVariable makes the test binary a worker that waits to be killed.
const orphanVariable = "PWGO_TEST_ORPHAN"

// beOrphaned opens a session and waits for ever.
func beOrphaned() int {
	ctx := context.Background() //nolint:forbidigo // this is a process's main
	pool := pwgo.New(pwgo.Config{})
	if _, err := pool.Open(ctx, options("")); err != nil {
		_, _ = fmt.Fprintln(os.Stdout, "failed:", err)
		return 1
	}
	_, _ = fmt.Fprintln(os.Stdout, "ready")
	select {}
}

// process is a line of /proc.
type process struct {
	pid     int
	command string
}

// descendants lists the processes below pid.
func descendants(t *testing.T, pid int) []process {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	children := map[int][]int{}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it is gone
		}
		// pid (name) state parent …; the name may hold anything.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, _ := strconv.Atoi(fields[1])
		if fields[0] != "Z" {
			children[parent] = append(children[parent], child)
		}
	}
	var found []process
	for queue := []int{pid}; len(queue) > 0; queue = queue[1:] {
		for _, child := range children[queue[0]] {
			command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
			found = append(found, process{pid: child, command: strings.ReplaceAll(string(command), "\x00", " ")})
			queue = append(queue, child)
		}
	}
	return found
}

func requireLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("finds processes in /proc")
	}
}

// newProcess returns the process below this one that has a word in its command
// line, and was not there before.
func newProcess(t *testing.T, before []process, word string) int {
	t.Helper()
	known := map[int]bool{}
	for _, p := range before {
		known[p.pid] = true
	}
	for _, p := range descendants(t, os.Getpid()) {
		// Distributions start their browsers with a script.
		if !known[p.pid] && strings.Contains(p.command, word) && !strings.HasPrefix(p.command, "/bin/sh ") {
			return p.pid
		}
	}
	require.Failf(t, "no such process", "with %q in its command line", word)
	return 0
}

// TestRecovery kills the browser, then the driver, of one pool. It does not run
// in parallel, so that every new process is the pool's.
func TestRecovery(t *testing.T) { //nolint:paralleltest // see above
	requireLinux(t)
	sharedPool(t)
	site, hanging := serve(t)
	for name, word := range map[string]string{"browser": "--remote-debugging-pipe", "driver": "run-driver"} { //nolint:paralleltest // see above
		t.Run(name, func(t *testing.T) {
			before := descendants(t, os.Getpid())
			pool := newPool(t, pwgo.Config{})
			pid := newProcess(t, before, word)
			home := pwgo.DriverHome(pool)

			traced := options(site)
			traced.Record.Kinds = []browser.Recording{browser.Trace}
			busy := bundle{Session: open(t, pool, traced)}
			idle := bundle{Session: open(t, pool, options(site))}
			idle.do(t, visit("/"))
			victim, err := os.FindProcess(pid)
			require.NoError(t, err)
			go func() {
				<-hanging
				_ = victim.Kill()
			}()
			began := time.Now()
			require.Equal(t, "the browser died", busy.fails(t, browser.Closed, visit("/hang")))
			require.Less(t, time.Since(began), patience)
			require.Equal(t, "the browser died", idle.fails(t, browser.Closed, click("#add")))
			_, err = idle.Screenshot(t.Context())
			require.Equal(t, browser.Closed, browser.KindOf(err))
			require.NoError(t, busy.Close(t.Context()))
			require.NoError(t, idle.Close(t.Context()))

			again := bundle{Session: open(t, pool, options(site))}
			again.do(t, visit("/"), click("#add"), says("clicked add"))
			require.DirExists(t, pwgo.DriverHome(pool))
			require.Equal(t, word == "run-driver", home != pwgo.DriverHome(pool))
			require.Eventually(t, func() bool { return left(home) == 0 }, patience, 20*time.Millisecond, "what was killed leaves files")
		})
	}
}

// left counts what a driver that was killed, or a browser of it, leaves in a folder.
func left(home string) int {
	if _, err := os.Stat(home); err != nil {
		return 0
	}
	traces, _ := filepath.Glob(filepath.Join(home, "playwright-tracing-*"))
	profiles, _ := filepath.Glob(filepath.Join(home, "*profile*"))
	artifacts, _ := filepath.Glob(filepath.Join(home, "playwright-artifacts-*"))
	if len(profiles) == 1 && len(artifacts) == 1 { // those of the browser that took its place
		return len(traces)
	}
	return len(traces) + len(profiles) + len(artifacts)
}

// TestOrphans kills a worker and expects its driver and browsers to end.
func TestOrphans(t *testing.T) {
	t.Parallel()
	requireLinux(t)
	sharedPool(t)
	worker := exec.Command(os.Args[0], "-test.run=^$")
	folder := t.TempDir()
	worker.Env = append(os.Environ(), orphanVariable+"=1", "TMPDIR="+folder)
	out, err := worker.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, worker.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)

	below := descendants(t, worker.Process.Pid)
	require.GreaterOrEqual(t, len(below), 3) // driver, browser, renderer
	require.NoError(t, worker.Process.Kill())
	require.Error(t, worker.Wait())
	require.Eventually(t, func() bool { return !slices.ContainsFunc(below, running) }, 10*time.Second, 20*time.Millisecond)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, entries, "temporary files")
}

// running reports whether a process still runs, and not another one with its
// number.
func running(p process) bool {
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
	return err == nil && strings.ReplaceAll(string(command), "\x00", " ") == p.command && p.command != ""
}

package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	cinnamondev "github.com/cinnamon-qa/cinnamon/devstack/cmd/cinnamon-dev"
	"github.com/cinnamon-qa/cinnamon/devstack/stack"
	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

// The test binary is three programs, so that tests meet the real thing in processes of its own.
const (
	asProgram = "as-cinnamon-dev" // cinnamon-dev itself
	asParent  = "as-its-parent"   // something that starts it and waits
	patience  = 2 * time.Minute
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == asProgram {
		os.Args = append(os.Args[:1:1], os.Args[2:]...)
		os.Exit(cinnamondev.Run())
	}
	if len(os.Args) > 1 && os.Args[1] == asParent {
		child := exec.Command(os.Args[0], append([]string{asProgram}, os.Args[2:]...)...)
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		fmt.Fprintln(os.Stderr, child.Run())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// program is a running cinnamon-dev.
type program struct {
	cmd       *exec.Cmd
	tmp       string
	readyFile string
	done      chan struct{}
	stdout    testkit.Output
	stderr    testkit.Output
}

// launch starts the program with a folder of its own for temporary files.
func launch(t *testing.T, mode string, env []string, args ...string) *program {
	t.Helper()
	executable, err := os.Executable()
	require.NoError(t, err)
	p := &program{tmp: testkit.Folder(t), done: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), executable, append([]string{mode}, args...)...)
	p.cmd.Env = append(append(os.Environ(), "TMPDIR="+p.tmp), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.done)
		p.cmd.Wait() //nolint:errcheck // the state says all
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.stdout.String(), p.stderr.String())
		}
		p.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // mostly it has ended
		<-p.done
	})
	return p
}

// run runs the program to its end.
func run(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	p := launch(t, asProgram, env, args...)
	p.awaitEnd(t)
	return p
}

// up starts the program and waits until its ready file is there.
func up(t *testing.T, mode string, args ...string) (*program, stack.Endpoints) {
	t.Helper()
	readyFile := filepath.Join(t.TempDir(), "ready.json")
	p := launch(t, mode, nil, append([]string{"up", "--ready-file", readyFile}, args...)...)
	p.readyFile = readyFile
	var endpoints stack.Endpoints
	p.await(t, "the ready file", func() bool {
		content, err := os.ReadFile(readyFile)
		if errors.Is(err, fs.ErrNotExist) {
			return false
		}
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(content, &endpoints), "the file must be complete when it appears")
		return true
	})
	return p, endpoints
}

// await polls for a condition that the program brings about.
func (p *program) await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-p.done:
			require.FailNow(t, "cinnamon-dev ended while the test waited for "+what)
		case <-deadline:
			require.FailNow(t, "the test waited in vain for "+what)
		}
	}
}

func (p *program) awaitEnd(t *testing.T) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		require.FailNow(t, "cinnamon-dev does not end")
	}
}

// interrupt sends the signal and waits for the end.
func (p *program) interrupt(t *testing.T, signal os.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(signal))
	p.awaitEnd(t)
}

func (p *program) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signal sends a signal, unless the program has ended.
func (p *program) signal(signal os.Signal) error {
	if err := p.cmd.Process.Signal(signal); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func (p *program) exitCode() int { return p.cmd.ProcessState.ExitCode() }

// requireOneLine checks that all the program had to say was one line with this in it.
func (p *program) requireOneLine(t *testing.T, words ...string) {
	t.Helper()
	require.Equal(t, 1, strings.Count(p.stderr.String(), "\n"), p.stderr.String())
	require.Empty(t, p.stdout.String())
	for _, word := range words {
		require.Contains(t, p.stderr.String(), word)
	}
}

package process_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

func shell(t *testing.T, script string) process.Command {
	t.Helper()
	return process.Command{
		Path: "/bin/sh", Args: []string{"-c", script}, Dir: t.TempDir(),
		LogFile: filepath.Join(t.TempDir(), "log"), Farewell: syscall.SIGTERM,
	}
}

// awaitOutput waits until the program has printed the text.
func awaitOutput(t *testing.T, child *process.Child, logFile, text string) {
	t.Helper()
	err := child.AwaitReady(t.Context(), logFile, func(context.Context) error {
		if !strings.Contains(process.Tail(logFile), text) {
			return os.ErrNotExist
		}
		return nil
	})
	require.NoError(t, err)
}

func TestStopAsksPolitely(t *testing.T) {
	t.Parallel()
	command := shell(t, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done")
	child, err := process.Start(t.Context(), command)
	require.NoError(t, err)
	awaitOutput(t, child, command.LogFile, "up")

	require.NoError(t, child.Stop(t.Context()))
	require.Contains(t, process.Tail(command.LogFile), "bye")
	require.NoError(t, child.Stop(t.Context()), "a second time")
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	command := shell(t, "trap '' TERM; echo up; while :; do sleep 0.01; done")
	child, err := process.Start(t.Context(), command)
	require.NoError(t, err)
	awaitOutput(t, child, command.LogFile, "up")

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, child.Stop(ctx), "was killed")
	<-child.Done()
}

func TestAwaitReadyShowsWhyAProgramEnded(t *testing.T) {
	t.Parallel()
	command := shell(t, "echo the disk is full; exit 7")
	child, err := process.Start(t.Context(), command)
	require.NoError(t, err)
	err = child.AwaitReady(t.Context(), command.LogFile, func(context.Context) error { return os.ErrNotExist })
	require.ErrorContains(t, err, "sh ended: exit status 7")
	require.ErrorContains(t, err, "the disk is full")
}

func TestRunShowsWhatAProgramPrinted(t *testing.T) {
	t.Parallel()
	require.NoError(t, process.Run(t.Context(), shell(t, "exit 0")))
	err := process.Run(t.Context(), shell(t, "echo no such locale >&2; exit 1"))
	require.ErrorContains(t, err, "no such locale")
}

func TestLogMakesRoom(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(path, make([]byte, 9<<20), 0o600))
	file, err := process.OpenLog(path)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Zero(t, info.Size())
	require.FileExists(t, path+".1")
}

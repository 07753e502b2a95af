package worker_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/cleanup"
	"github.com/cinnamon-qa/cinnamon/worker"
)

// TestLeftoversOfDeadWorkersGo has a driver whose worker lives, one whose worker has died, and folders of every age.
func TestLeftoversOfDeadWorkersGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	home := func(name string) string {
		path := filepath.Join(dir, "cinnamon-driver-"+name)
		require.NoError(t, os.MkdirAll(filepath.Join(path, "package"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(path, "package", "cli.js"), []byte("setInterval(() => {}, 1000)"), 0o600))
		return path
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node")
	}
	old := time.Now().Add(-48 * time.Hour)
	alive, empty, young := home("alive"), home("empty"), home("young")
	driver := exec.CommandContext(t.Context(), node, filepath.Join(alive, "package", "cli.js"), "run-driver")
	require.NoError(t, driver.Start())
	t.Cleanup(func() { _ = driver.Process.Kill(); _ = driver.Wait() })

	dead := home("dead")
	left := exec.CommandContext(t.Context(), node, "-e", "setInterval(() => {}, 1000)", filepath.Join(dead, "profile")) // as a browser that hangs
	require.NoError(t, left.Start())
	ended := make(chan error, 1)
	go func() { ended <- left.Wait() }()

	spool := filepath.Join(dir, "cinnamon-artifact-1")
	require.NoError(t, os.WriteFile(spool, []byte("half"), 0o600))
	for _, path := range []string{alive, empty, dead, spool} {
		require.NoError(t, os.Chtimes(path, old, old))
	}

	l := worker.NewLeftovers(dir)
	clean := func(dryRun bool) cleanup.Amounts {
		sum := cleanup.Amounts{}
		require.NoError(t, l.Clean(t.Context(), cleanup.Default(), dryRun, func(a cleanup.Amounts) error {
			for kind, amount := range a {
				sum.Add(kind, amount.Count, amount.Bytes)
			}
			return nil
		}))
		return sum
	}
	looked := clean(true)
	require.EqualValues(t, 1, looked[cleanup.Processes].Count)
	require.EqualValues(t, 3, looked[cleanup.Folders].Count)
	require.DirExists(t, dead)
	require.Equal(t, looked, clean(false))
	select {
	case err := <-ended:
		require.Error(t, err, "it was killed")
	case <-time.After(10 * time.Second):
		require.Fail(t, "the process of a dead worker goes on")
	}
	require.DirExists(t, alive)
	require.DirExists(t, young)
	for _, path := range []string{dead, empty, spool} {
		require.NoFileExists(t, path)
		require.NoDirExists(t, path)
	}
	require.Empty(t, clean(false))
	require.Nil(t, driver.ProcessState, "a driver whose worker lives goes on")
}

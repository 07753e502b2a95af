package pwgo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
)

// requireVideo makes sure that videos can be recorded. Without an ffmpeg the test is skipped, or fails in CI.
func requireVideo(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil && os.Getenv("CI") == "" {
		t.Skip("no videos on this machine: install ffmpeg")
	}
	require.NoError(t, pwgo.InstallVideo(t.Context(), pwgo.Config{}))
}

// TestVideosAreRecordedWithTheMachinesProgram does not run in parallel: Playwright finds its programs by the environment.
func TestVideosAreRecordedWithTheMachinesProgram(t *testing.T) {
	requireVideo(t)
	sharedPool(t) // the driver is there
	folder := t.TempDir()
	t.Setenv("PLAYWRIGHT_BROWSERS_PATH", folder)
	for range 2 { // again is no matter
		require.NoError(t, pwgo.InstallVideo(t.Context(), pwgo.Config{}))
	}
	found, err := filepath.Glob(filepath.Join(folder, "ffmpeg-*", "ffmpeg-*"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.NoError(t, exec.CommandContext(t.Context(), found[0], "-version").Run())
}

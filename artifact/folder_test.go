package artifact_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/artifact"
)

func openFolder(t *testing.T) artifact.Store {
	t.Helper()
	return openFolderAt(t, filepath.Join(t.TempDir(), "made", "for us"))
}

func openFolderAt(t *testing.T, folder string) artifact.Store {
	t.Helper()
	f, err := artifact.OpenFolder(folder)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

func TestLinksLeadNowhere(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	f := openFolderAt(t, folder)
	file := put(t, f, object("x"), "x")
	require.NoError(t, os.Remove(filepath.Join(folder, file.Path)))
	require.NoError(t, os.Symlink("/etc/hostname", filepath.Join(folder, file.Path)))
	_, err := f.Open(t.Context(), file.Path)
	require.Error(t, err)
}

func TestUnfinishedFilesOfDeadProcessesGo(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	openFolderAt(t, folder)
	old, recent := filepath.Join(folder, "partial", "old"), filepath.Join(folder, "partial", "recent")
	for _, name := range []string{old, recent} {
		require.NoError(t, os.WriteFile(name, nil, 0o600))
	}
	dayAndMore := time.Now().Add(-25 * time.Hour)
	require.NoError(t, os.Chtimes(old, dayAndMore, dayAndMore))
	openFolderAt(t, folder)
	require.NoFileExists(t, old)
	require.FileExists(t, recent)
}

package artifact_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/artifact"
)

func open(t *testing.T) (*artifact.Dir, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "made", "for us")
	d, err := artifact.Open(folder)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d, folder
}

func TestSavedFileIsReadBack(t *testing.T) {
	t.Parallel()
	d, folder := open(t)
	data := []byte("a picture")
	file, err := d.Save("run-1", "step-1.png", data)
	require.NoError(t, err)
	sum := sha256.Sum256(data)
	require.EqualValues(t, len(data), file.Bytes)
	require.Equal(t, hex.EncodeToString(sum[:]), file.SHA256)
	got, err := d.Read(file.Path)
	require.NoError(t, err)
	require.Equal(t, data, got)

	again, err := d.Save("run-1", "step-1.png", []byte("another"))
	require.NoError(t, err)
	require.Equal(t, file.Path, again.Path)
	entries, err := os.ReadDir(filepath.Dir(filepath.Join(folder, file.Path)))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing half-written stays")
}

func TestNothingOutsideOfTheFolderIsReached(t *testing.T) {
	t.Parallel()
	d, folder := open(t)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(folder), "secret"), []byte("x"), 0o600))
	_, err := d.Read("../secret")
	require.Error(t, err)
	_, err = d.Read("/etc/hostname")
	require.Error(t, err)
	require.NoError(t, os.Symlink("/etc", filepath.Join(folder, "link")))
	_, err = d.Read("link/hostname")
	require.Error(t, err)
	_, err = d.Save("../../run", "x", nil)
	require.Error(t, err)
}

func TestLargeFilesAreRefused(t *testing.T) {
	t.Parallel()
	d, _ := open(t)
	_, err := d.Save("run-1", "huge", make([]byte, 20<<20+1))
	require.ErrorIs(t, err, artifact.ErrTooLarge)
}

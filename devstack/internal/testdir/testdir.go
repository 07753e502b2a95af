package testdir

import (
	"os"
	"path/filepath"
	"testing"
)

// New returns an empty folder that goes away with the test.
func New(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil { //nolint:gosec // passing through is all that it allows
		t.Fatal(err)
	}
	return dir
}

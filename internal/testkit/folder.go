package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

// Folder returns an empty folder that goes away with the test. Servers can reach it, which run as another user when the
// tests run as root.
func Folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil { // passing through is all that it allows
		t.Fatal(err)
	}
	return dir
}

// place is a folder and an account for a server that outlives a single test.
type place struct {
	folder string
	user   *process.User
}

func newPlace(name string) (place, error) {
	folder, err := os.MkdirTemp("", "cinnamon-test-"+name+"-")
	if err != nil {
		return place{}, fmt.Errorf("making a folder: %w", err)
	}
	if err := os.Chmod(folder, 0o711); err != nil { // passing through is all that it allows
		return place{}, fmt.Errorf("opening the folder: %w", err)
	}
	user, err := process.ServiceUser("postgres", "redis", "nobody")
	return place{folder: folder, user: user}, err
}

func (p place) remove() {
	if p.folder != "" {
		_ = os.RemoveAll(p.folder)
	}
}

func (p place) path(name string) string { return filepath.Join(p.folder, name) }

// require skips a test whose program is missing, or fails it if CI is set, as it does for any other error.
func require(tb testing.TB, err error) {
	tb.Helper()
	if err == nil {
		return
	}
	if _, missing := err.(*process.MissingError); missing && os.Getenv("CI") == "" { //nolint:errorlint // it is never wrapped
		tb.Skip(err)
	}
	tb.Fatal(err)
}

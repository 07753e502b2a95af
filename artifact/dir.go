package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// ErrTooLarge says that a file is larger than what is kept.
var ErrTooLarge = errors.New("the artifact is larger than 20 MiB")

const largest = 20 << 20

// Dir is a folder of artifacts.
type Dir struct {
	root *os.Root
}

// File describes a stored file.
type File struct {
	Path   string // below the folder, with forward slashes
	Bytes  int64
	SHA256 string
}

// Open uses the folder at that path and creates it if it is missing. Nothing can be read or written outside of it.
func Open(folder string) (*Dir, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("creating the artifacts folder: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the artifacts folder: %w", err)
	}
	return &Dir{root: root}, nil
}

// Close releases the folder.
func (d *Dir) Close() error { return d.root.Close() }

// Save writes a file of a run, whole or not at all.
func (d *Dir) Save(runID, name string, data []byte) (File, error) {
	if len(data) > largest {
		return File{}, ErrTooLarge
	}
	for _, element := range []string{runID, name} {
		if element != filepath.Base(element) || !filepath.IsLocal(element) || element == "." {
			return File{}, fmt.Errorf("writing artifact %q of run %q: neither may be a path", name, runID)
		}
	}
	folder := filepath.Join("runs", shard(runID), runID)
	if err := d.root.MkdirAll(folder, 0o750); err != nil {
		return File{}, fmt.Errorf("creating the folder of run %s: %w", runID, err)
	}
	target := filepath.Join(folder, name)
	partial := target + ".partial"
	if err := d.root.WriteFile(partial, data, 0o640); err != nil {
		return File{}, errors.Join(fmt.Errorf("writing artifact %s of run %s: %w", name, runID, err), d.discard(partial))
	}
	if err := d.root.Rename(partial, target); err != nil {
		return File{}, errors.Join(fmt.Errorf("writing artifact %s of run %s: %w", name, runID, err), d.discard(partial))
	}
	sum := sha256.Sum256(data)
	return File{
		Path:   path.Join("runs", shard(runID), runID, name),
		Bytes:  int64(len(data)),
		SHA256: hex.EncodeToString(sum[:]),
	}, nil
}

// Read returns the bytes of a stored file.
func (d *Dir) Read(name string) ([]byte, error) {
	data, err := d.root.ReadFile(filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("reading artifact %s: %w", name, err)
	}
	return data, nil
}

func (d *Dir) discard(name string) error {
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("discarding %s: %w", name, err)
	}
	return nil
}

// shard spreads runs over folders, so that none holds too many entries.
func shard(runID string) string {
	sum := sha256.Sum256([]byte(runID))
	return hex.EncodeToString(sum[:1])
}

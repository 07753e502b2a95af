package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"time"
)

var (
	// ErrTooLarge says that a file is larger than what it may be.
	ErrTooLarge = errors.New("the artifact is larger than it may be")
	// ErrNotFound says that there is no such file.
	ErrNotFound = errors.New("there is no such artifact")
)

// Store keeps files of runs.
type Store interface {
	// Put writes a file, whole or not at all, and replaces one of the same name. A body that is longer than the object may
	// be ends with ErrTooLarge.
	Put(ctx context.Context, o Object, body io.Reader) (File, error)
	// Open reads a file from where a File says it is. ErrNotFound says that it isn't there.
	Open(ctx context.Context, path string) (Reader, error)
	// Delete removes a file; one that is not there is no error.
	Delete(ctx context.Context, path string) error
	// List returns a run's files, by path, without their checksums.
	List(ctx context.Context, runID string) ([]File, error)
	// Walk calls visit with all files of all runs, some hundreds at a time, without their checksums.
	Walk(ctx context.Context, visit func([]Stored) error) error
	// Close releases what the store holds.
	Close() error
}

// Object is a file to be written.
type Object struct {
	RunID string
	// Name is the file's, not a path: letters, digits, dots, dashes and underscores.
	Name        string
	ContentType string
	// MaxBytes is the most it may have.
	MaxBytes int64
}

// File describes a stored file.
type File struct {
	Path   string // below the store's root, with forward slashes
	Bytes  int64
	SHA256 string // hexadecimal
}

// Stored is a file as the store lists it.
type Stored struct {
	File

	ModTime time.Time
}

// walked is how many files of a folder a visit gets at once.
const walked = 500

// Reader reads a stored file, also in parts.
type Reader interface {
	io.ReadSeekCloser
	// Size is the file's, in bytes.
	Size() int64
	// ModTime is when it was written.
	ModTime() time.Time
}

var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$`)

// Path is where an object is kept, in every store: runs are spread over 256 folders, so that none holds too many entries.
func (o Object) Path() (string, error) {
	if !safeName.MatchString(o.Name) {
		return "", fmt.Errorf("writing artifact %q of run %q: its name must be letters, digits, dots, dashes and underscores", o.Name, o.RunID)
	}
	folder, err := RunFolder(o.RunID)
	if err != nil {
		return "", err
	}
	return path.Join(folder, o.Name), nil
}

// RunFolder is where the files of a run are kept.
func RunFolder(runID string) (string, error) {
	if !safeName.MatchString(runID) {
		return "", fmt.Errorf("finding the artifacts of run %q: that is no run's id", runID)
	}
	sum := sha256.Sum256([]byte(runID))
	return path.Join("runs", hex.EncodeToString(sum[:1]), runID), nil
}

// CheckPath refuses what is not the path of a File.
func CheckPath(name string) error {
	parts := strings.Split(name, "/")
	if len(parts) != 4 {
		return fmt.Errorf("artifact path %q: %w", name, ErrNotFound)
	}
	if want, err := (Object{RunID: parts[2], Name: parts[3]}).Path(); err != nil || want != name {
		return fmt.Errorf("artifact path %q: %w", name, ErrNotFound)
	}
	return nil
}

// Copy writes the body of an object and describes it. It stops with ErrTooLarge at the first byte too many.
func Copy(ctx context.Context, to io.Writer, o Object, body io.Reader) (File, error) {
	name, err := o.Path()
	if err != nil {
		return File{}, err
	}
	sum := sha256.New()
	limited := io.LimitReader(&endedReader{ctx: ctx, Reader: body}, o.MaxBytes+1)
	n, err := io.Copy(io.MultiWriter(to, sum), limited)
	switch {
	case err != nil:
		return File{}, fmt.Errorf("writing artifact %s of run %s: %w", o.Name, o.RunID, err)
	case n > o.MaxBytes:
		return File{}, fmt.Errorf("writing artifact %s of run %s: %w: %d bytes", o.Name, o.RunID, ErrTooLarge, o.MaxBytes)
	}
	return File{Path: name, Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// endedReader ends with its context.
type endedReader struct {
	io.Reader

	ctx context.Context //nolint:containedctx // lives as long as one copy
}

func (r *endedReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

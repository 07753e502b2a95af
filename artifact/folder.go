package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

const (
	// partials is where files are until they are whole.
	partials = "partial"
	// forgotten is how old a file there is if nobody writes it any more.
	forgotten = 24 * time.Hour
)

// Folder is a Store in a folder.
type Folder struct {
	root *os.Root
}

var _ Store = (*Folder)(nil)

// OpenFolder uses the folder at that path and creates it if it is missing. Nothing can be read or written outside of it.
func OpenFolder(folder string) (*Folder, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("creating the artifacts folder: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the artifacts folder: %w", err)
	}
	f := &Folder{root: root}
	if err := f.sweep(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return f, nil
}

// sweep removes what a process that died left half-written.
func (f *Folder) sweep() error {
	if err := f.root.MkdirAll(partials, 0o750); err != nil {
		return fmt.Errorf("creating the folder of unfinished artifacts: %w", err)
	}
	entries, err := fs.ReadDir(f.root.FS(), partials)
	if err != nil {
		return fmt.Errorf("listing unfinished artifacts: %w", err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > forgotten {
			if err := f.remove(filepath.Join(partials, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close implements Store.
func (f *Folder) Close() error { return f.root.Close() }

// Put implements Store.
func (f *Folder) Put(ctx context.Context, o Object, body io.Reader) (File, error) {
	target, err := o.Path()
	if err != nil {
		return File{}, err
	}
	// The name is unique: two workers may write the same file, if one of them was given up for dead.
	partial := filepath.Join(partials, fmt.Sprintf("%d-%d-%s", os.Getpid(), time.Now().UnixNano(), o.Name))
	file, err := f.write(ctx, partial, o, body)
	if err == nil {
		err = f.place(partial, filepath.FromSlash(target))
	}
	if err != nil {
		return File{}, errors.Join(err, f.remove(partial))
	}
	return file, nil
}

func (f *Folder) write(ctx context.Context, partial string, o Object, body io.Reader) (file File, err error) {
	out, err := f.root.OpenFile(partial, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return File{}, fmt.Errorf("writing artifact %s of run %s: %w", o.Name, o.RunID, err)
	}
	file, err = Copy(ctx, out, o, body)
	if err == nil {
		err = out.Sync() // or a machine that loses power may keep the name without the bytes
	}
	return file, errors.Join(err, out.Close())
}

func (f *Folder) place(partial, target string) error {
	if err := f.root.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return fmt.Errorf("creating the folder of artifact %s: %w", target, err)
	}
	if err := f.root.Rename(partial, target); err != nil {
		return fmt.Errorf("writing artifact %s: %w", target, err)
	}
	return nil
}

func (f *Folder) remove(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	return nil
}

// Open implements Store.
func (f *Folder) Open(_ context.Context, name string) (Reader, error) {
	if err := CheckPath(name); err != nil {
		return nil, err
	}
	file, err := f.root.Open(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading artifact %s: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("reading artifact %s: %w", name, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading artifact %s: %w", name, err), file.Close())
	}
	return &openFile{File: file, info: info}, nil
}

// Delete implements Store.
func (f *Folder) Delete(_ context.Context, name string) error {
	if err := CheckPath(name); err != nil {
		return err
	}
	if err := f.remove(filepath.FromSlash(name)); err != nil {
		return err
	}
	// The last file of a run takes its folder along; one that is not empty stays.
	_ = f.root.Remove(filepath.FromSlash(path.Dir(name)))
	return nil
}

// List implements Store.
func (f *Folder) List(_ context.Context, runID string) ([]File, error) {
	folder, err := RunFolder(runID)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(f.root.FS(), folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the artifacts of run %s: %w", runID, err)
	}
	files := make([]File, 0, len(entries))
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("listing the artifacts of run %s: %w", runID, err)
		}
		files = append(files, File{Path: path.Join(folder, entry.Name()), Bytes: info.Size()})
	}
	return files, nil
}

// Walk implements Store.
func (f *Folder) Walk(ctx context.Context, visit func([]Stored) error) error {
	page := make([]Stored, 0, walked)
	err := fs.WalkDir(f.root.FS(), "runs", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			return nil // deleted meanwhile
		case err != nil:
			return err
		case !entry.Type().IsRegular() || CheckPath(name) != nil:
			return nil //nolint:nilerr // it is no artifact
		}
		info, err := entry.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // deleted meanwhile
		case err != nil:
			return fmt.Errorf("looking at %s: %w", name, err)
		}
		page = append(page, Stored{File: File{Path: name, Bytes: info.Size()}, ModTime: info.ModTime()})
		if len(page) < walked {
			return nil
		}
		err = visit(page)
		page = page[:0]
		return err
	})
	if err != nil {
		return fmt.Errorf("listing all artifacts: %w", err)
	}
	if len(page) == 0 {
		return nil
	}
	return visit(page)
}

// openFile implements Reader.
type openFile struct {
	*os.File

	info fs.FileInfo
}

func (f *openFile) Size() int64        { return f.info.Size() }
func (f *openFile) ModTime() time.Time { return f.info.ModTime() }

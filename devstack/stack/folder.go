package stack

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	lockName        = "cinnamon-dev.lock"
	credentialsName = "credentials.json"
	logsName        = "logs"
)

// RunningError says that a stack already runs on a folder.
type RunningError struct {
	Folder string
	PID    string
}

func (e *RunningError) Error() string {
	return fmt.Sprintf("cinnamon-dev is already running on %s (process %s): stop it first, or choose another folder with --data-dir",
		e.Folder, e.PID)
}

// Folder is where a stack keeps everything. One process at a time has it.
type Folder struct {
	dir       string
	temporary bool
	unclean   bool
	lock      *os.File
}

// OpenFolder takes the folder at dir, and makes it if there is none.
func OpenFolder(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding the data folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the servers' user must reach its folder in it
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	return take(&Folder{dir: dir})
}

// TemporaryFolder makes a folder that Close removes.
func TemporaryFolder() (*Folder, error) {
	dir, err := os.MkdirTemp("", "cinnamon-dev-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	f, err := take(&Folder{dir: dir, temporary: true})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return f, nil
}

func take(f *Folder) (*Folder, error) {
	// Whoever is not the owner may pass through to a folder of a server, and look at nothing.
	if err := os.Chmod(f.dir, 0o711); err != nil { //nolint:gosec // see above
		return nil, fmt.Errorf("opening the data folder: %w", err)
	}
	file, err := os.OpenFile(f.path(lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the data folder: %w", err)
	}
	content, err := os.ReadFile(file.Name())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the lock of the data folder: %w", err), file.Close())
	}
	holder := strings.TrimSpace(string(content))
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = &RunningError{Folder: f.dir, PID: holder}
		}
		return nil, errors.Join(err, file.Close())
	}
	f.unclean = holder != ""
	f.lock = file
	if err := errors.Join(f.sign(strconv.Itoa(os.Getpid())), os.MkdirAll(f.path(logsName), 0o700)); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the data folder: %w", err), file.Close())
	}
	return f, nil
}

// sign writes who has the folder; nothing means that it was left in order.
func (f *Folder) sign(holder string) error {
	if err := f.lock.Truncate(0); err != nil {
		return err
	}
	_, err := f.lock.WriteAt([]byte(holder), 0)
	return err
}

// Dir is the folder's path.
func (f *Folder) Dir() string { return f.dir }

// LogFile is the path of a log in the folder.
func (f *Folder) LogFile(name string) string { return f.path(logsName, name+".log") }

func (f *Folder) path(names ...string) string {
	return filepath.Join(append([]string{f.dir}, names...)...)
}

// Close gives the folder back, and removes a temporary one.
func (f *Folder) Close() error {
	err := errors.Join(f.sign(""), f.lock.Close())
	if f.temporary {
		err = errors.Join(err, os.RemoveAll(f.dir))
	}
	if err != nil {
		return fmt.Errorf("leaving the data folder: %w", err)
	}
	return nil
}

// credentials are made once per folder.
type credentials struct {
	APIKey           string `json:"apiKey"`
	PostgresPassword string `json:"postgresPassword"`
	RedisPassword    string `json:"redisPassword"`
}

// credentials reads the folder's own, or makes them.
func (f *Folder) credentials() (credentials, error) {
	path := f.path(credentialsName)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		made := credentials{APIKey: rand.Text(), PostgresPassword: rand.Text(), RedisPassword: rand.Text()}
		return made, writeJSON(path, made)
	}
	if err != nil {
		return credentials{}, fmt.Errorf("reading the credentials: %w", err)
	}
	var kept credentials
	if err := json.Unmarshal(content, &kept); err != nil {
		return credentials{}, fmt.Errorf("reading the credentials in %s: %w", path, err)
	}
	return kept, nil
}

// writeJSON writes a file that only its owner may read, in one step: whoever finds it finds all of it.
func writeJSON(path string, content any) (err error) {
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // with mode 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(file.Name()))
	}
	return nil
}

// WriteReadyFile writes where everything answers.
func (e Endpoints) WriteReadyFile(path string) error { return writeJSON(path, e) }

package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Command describes a program to run.
type Command struct {
	Path string
	Args []string
	Dir  string
	User *User
	// LogFile receives what the program prints.
	LogFile string
	// Farewell is the signal that asks the program to end, and that it gets when this process dies.
	Farewell syscall.Signal
}

// Child is a running program in a process group of its own: a Ctrl-C in the terminal reaches this process alone, which
// then ends its children in the right order.
type Child struct {
	name     string
	cmd      *exec.Cmd
	farewell syscall.Signal
	done     chan struct{}
	err      error
}

// environment is all that programs get to know: messages in English, and the places of their own helpers.
func environment() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"}
}

// Start runs the program in the background. It runs on when the context ends: Stop ends it.
func Start(ctx context.Context, command Command) (*Child, error) {
	cmd, logFile, err := prepare(context.WithoutCancel(ctx), command)
	if err != nil {
		return nil, err
	}
	defer logFile.Close() //nolint:errcheck // the program has its own handle
	if err := starter(cmd.Start); err != nil {
		return nil, fmt.Errorf("starting %s: %w", command.Path, err)
	}
	child := &Child{name: filepath.Base(command.Path), cmd: cmd, farewell: command.Farewell, done: make(chan struct{})}
	running.Store(child, nil)
	go func() {
		child.err = cmd.Wait()
		close(child.done)
		running.Delete(child)
	}()
	return child, nil
}

// Run runs the program and waits until it ended. The error carries the end of what it printed.
func Run(ctx context.Context, command Command) error {
	cmd, logFile, err := prepare(ctx, command)
	if err != nil {
		return err
	}
	defer logFile.Close() //nolint:errcheck // the program has its own handle
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := starter(cmd.Start); err != nil {
		return fmt.Errorf("starting %s: %w", command.Path, err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("running %s: %w%s", command.Path, err, Tail(command.LogFile))
	}
	return nil
}

func prepare(ctx context.Context, command Command) (*exec.Cmd, *os.File, error) {
	logFile, err := OpenLog(command.LogFile)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, command.Path, command.Args...)
	cmd.Dir = command.Dir
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: command.User.credential()}
	dieWithParent(cmd.SysProcAttr, command.Farewell)
	return cmd, logFile, nil
}

// starts carries what the starting thread is to do. Linux sends the farewell signal when the *thread* that started a
// program ends, so one thread that never ends starts them all.
var starts = startingThread() //nolint:gochecknoglobals // one thread per process, whatever uses this package

func startingThread() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for do := range work {
			do()
		}
	}()
	return work
}

func starter(start func() error) error {
	result := make(chan error)
	starts <- func() { result <- start() }
	return <-result
}

// Done is closed when the program ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err says how the program ended. Ask only after Done.
func (c *Child) Err() error {
	if c.err == nil {
		return fmt.Errorf("%s ended", c.name)
	}
	return fmt.Errorf("%s ended: %w", c.name, c.err)
}

// Stop asks the program to end and waits for it; when the context ends first, the whole group is killed.
func (c *Child) Stop(ctx context.Context) error {
	if err := c.cmd.Process.Signal(c.farewell); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", c.name, err)
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		c.Kill()
		return fmt.Errorf("stopping %s: it did not end in time and was killed", c.name)
	}
}

// StopWithin is Stop with a limit.
func (c *Child) StopWithin(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return c.Stop(ctx)
}

// Kill ends the program and all it started at once.
func (c *Child) Kill() {
	select {
	case <-c.done:
		return // its id may belong to another program by now
	default:
	}
	if err := syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL); err == nil {
		<-c.done
	}
}

// running holds every Child that has not ended.
var running sync.Map //nolint:gochecknoglobals // all children of one process

// StopAll stops every program that was started and has not ended, all at the same time, for a process that must end at
// once. What does not end in time is killed.
func StopAll(ctx context.Context, within time.Duration) {
	var stops sync.WaitGroup
	running.Range(func(key, _ any) bool {
		if child, ok := key.(*Child); ok {
			stops.Go(func() { child.StopWithin(ctx, within) }) //nolint:errcheck,gosec // nobody is left to be told
		}
		return true
	})
	stops.Wait()
}

// AwaitReady asks until ready answers without an error. It gives up when the program ends or the time is over, with the
// end of the log in the error.
func (c *Child) AwaitReady(ctx context.Context, logFile string, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-c.done:
			return fmt.Errorf("waiting for an answer: %w%s", c.Err(), Tail(logFile))
		case <-ctx.Done():
			return fmt.Errorf("waiting for an answer of %s: %w%s", c.name, err, Tail(logFile))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

const logLimit = 8 << 20

// OpenLog opens a log file to add to it. One that has grown large makes room, and stays beside it as name.1.
func OpenLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("putting the old log aside: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	return file, nil
}

const tailLines, tailBytes = 8, 4096

// Tail returns the last lines of a log file, ready to be put behind an error message.
func Tail(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close() //nolint:errcheck // only read
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := file.Seek(-tailBytes, io.SeekEnd); err != nil {
			return ""
		}
	}
	content, err := io.ReadAll(file)
	if err != nil || len(content) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return "\n  " + strings.Join(lines, "\n  ")
}

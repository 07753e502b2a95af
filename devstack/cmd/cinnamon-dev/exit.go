package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

const (
	exitUsage       = 2
	exitPlatform    = 3
	exitInterrupted = 130

	// sameInterrupt is how long further signals count as the first one: a terminal and a wrapper such as make both pass
	// a Ctrl-C on.
	sameInterrupt = 500 * time.Millisecond
	// forcedStop is what programs still get after that, to leave nothing behind.
	forcedStop = time.Second
)

// errInterrupted is why the context ends after a signal.
var errInterrupted = errors.New("interrupted")

// exit ends the program in an orderly way at the first signal and at once at the second. What would be left behind is
// registered with it.
type exit struct {
	interrupt context.CancelCauseFunc
	parent    int

	mu    sync.Mutex
	undos []func()
}

func newExit(parent context.Context, leave func(code int)) (context.Context, *exit) {
	ctx, cancel := context.WithCancelCause(parent)
	e := &exit{interrupt: cancel, parent: os.Getppid()}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		e.interrupt(errInterrupted)
		for first := time.Now(); time.Since(first) < sameInterrupt; {
			<-signals
		}
		process.StopAll(parent, forcedStop)
		e.cleanUp()
		leave(exitInterrupted)
	}()
	return ctx, e
}

// followParent interrupts the program when the process that started it is gone.
func (e *exit) followParent(ctx context.Context) {
	ticks := time.NewTicker(200 * time.Millisecond)
	go func() {
		defer ticks.Stop()
		for os.Getppid() == e.parent {
			select {
			case <-ticks.C:
			case <-ctx.Done():
				return
			}
		}
		e.interrupt(errInterrupted)
	}()
}

// onExit registers what must happen before the program ends, however it ends. The last registered comes first.
func (e *exit) onExit(undo func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.undos = append(e.undos, undo)
}

// cleanUp does what was registered, once.
func (e *exit) cleanUp() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, undo := range slices.Backward(e.undos) {
		undo()
	}
	e.undos = nil
}

// usageError is a wrong command line.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// codeError carries the exit code of a command. Without a cause, everything has been said.
type codeError struct {
	code  int
	cause error
}

func (c codeError) Error() string {
	if c.cause == nil {
		return ""
	}
	return c.cause.Error()
}

func (c codeError) Unwrap() error { return c.cause }

func codeOf(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case isUsage(err):
		return exitUsage
	}
	if coded, ok := errors.AsType[codeError](err); ok {
		return coded.code
	}
	return exitPlatform
}

func messageOf(err error) string {
	switch {
	case err == nil, errors.Is(err, errInterrupted):
		return ""
	case isUsage(err):
		return err.Error() + "\nSee cinnamon-dev --help, or cinnamon-dev COMMAND --help."
	}
	return err.Error()
}

// isUsage recognises a wrong command line. Cobra has no type of its own for some of what it reports.
func isUsage(err error) bool {
	if _, ok := errors.AsType[usageError](err); ok {
		return true
	}
	for _, start := range []string{"unknown command", "accepts "} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

package cli

import (
	"errors"
	"fmt"
)

// The exit codes of Run.
const (
	ExitPassed      = 0   // every test passed
	ExitFailed      = 1   // a test failed or was cancelled
	ExitUsage       = 2   // the input can't work: no such file, an invalid case, refused by the API
	ExitPlatform    = 3   // the tests could not be run or watched: API unreachable, wrong key, an error of the API
	ExitAdapted     = 4   // all passed, some on elements that were found again, and OnAdapted is AdaptedFail
	ExitInterrupted = 130 // ended by Ctrl-C
)

// exitError is an error that decides the exit code.
type exitError struct {
	code     int
	message  string
	problems []problem // what is wrong with which file
}

func (e *exitError) Error() string { return e.message }

func usageError(format string, args ...any) *exitError {
	return &exitError{code: ExitUsage, message: fmt.Sprintf(format, args...)}
}

func platformError(format string, args ...any) *exitError {
	return &exitError{code: ExitPlatform, message: fmt.Sprintf(format, args...)}
}

// exitCodeOf returns the exit code that an error asks for.
func exitCodeOf(err error) int {
	if err == nil {
		return ExitPassed
	}
	if coded, ok := errors.AsType[*exitError](err); ok {
		return coded.code
	}
	return ExitPlatform
}

// problemsOf returns what an error has against which file.
func problemsOf(err error) []problem {
	if coded, ok := errors.AsType[*exitError](err); ok {
		return coded.problems
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// The exit codes: the only place that defines them for commands other than run, whose package cli has the same ones.
const (
	exitPassed   = 0
	exitUsage    = 2
	exitPlatform = 3
)

// usageError is a wrong command line or configuration.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usageErrorf(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitError carries the code of a command that has said itself what was wrong.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func codeOf(err error) int {
	if exit, ok := errors.AsType[exitError](err); ok {
		return exit.code
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return exitPassed
	}
	if _, ok := errors.AsType[usageError](err); ok || isCobraUsage(err) {
		return exitUsage
	}
	return exitPlatform
}

func messageOf(err error) string {
	if err == nil || errors.Is(err, context.Canceled) {
		return ""
	}
	if _, ok := errors.AsType[usageError](err); ok || isCobraUsage(err) {
		return err.Error() + "\nSee cinnamon --help, or cinnamon COMMAND --help."
	}
	return err.Error()
}

// isCobraUsage recognises what cobra reports about a command line; it has no type of its own for that.
func isCobraUsage(err error) bool {
	for _, start := range []string{"unknown command", "unknown flag", "unknown shorthand", "accepts ", "requires ", "required flag"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

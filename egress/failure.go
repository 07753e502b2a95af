package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Failure is a connection that a page asked for and did not get.
type Failure struct {
	// Host and Port are what the page asked for.
	Host string
	Port uint16
	// Last is when it asked last, Count how often it did.
	Last  time.Time
	Count int
	// Err is why: a *RefusedError if the policy forbids it.
	Err error
}

// Refusal returns why the policy forbids the connection; nil if it does not,
// and something else went wrong.
func (f Failure) Refusal() *RefusedError {
	r, _ := errors.AsType[*RefusedError](f.Err)
	return r
}

// Code says what went wrong in the words that Chromium has for connections of
// its own, such as ERR_CONNECTION_REFUSED.
func (f Failure) Code() string {
	_, isDNS := errors.AsType[*net.DNSError](f.Err)
	switch {
	case f.Refusal() != nil:
		return "ERR_BLOCKED_BY_ADMINISTRATOR"
	case isDNS:
		return "ERR_NAME_NOT_RESOLVED"
	case errors.Is(f.Err, syscall.ECONNREFUSED):
		return "ERR_CONNECTION_REFUSED"
	case errors.Is(f.Err, syscall.ECONNRESET), errors.Is(f.Err, syscall.EPIPE):
		return "ERR_CONNECTION_RESET"
	case errors.Is(f.Err, syscall.EHOSTUNREACH), errors.Is(f.Err, syscall.ENETUNREACH):
		return "ERR_ADDRESS_UNREACHABLE"
	case errors.Is(f.Err, os.ErrDeadlineExceeded), errors.Is(f.Err, context.DeadlineExceeded), errors.Is(f.Err, syscall.ETIMEDOUT):
		return "ERR_CONNECTION_TIMED_OUT"
	case errors.Is(f.Err, io.EOF), errors.Is(f.Err, io.ErrUnexpectedEOF):
		return "ERR_EMPTY_RESPONSE"
	}
	return "ERR_FAILED"
}

package fault

import (
	"context"
	"errors"
	"fmt"
)

// Code says what kind of trouble an error is.
type Code string

// The codes. Anything without one is Internal.
const (
	Invalid     Code = "invalid"     // the input can never work
	NotFound    Code = "not_found"   // what was named does not exist
	Conflict    Code = "conflict"    // it clashes with what is there
	Unavailable Code = "unavailable" // a service did not answer; trying again helps
	Internal    Code = "internal"    // a defect of ours
)

// Field is one wrong field of an input.
type Field struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error is a coded error whose message is safe to show to a client.
type Error struct {
	Code    Code
	Message string
	Fields  []Field
	cause   error
}

// Error returns the message and its cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// New makes a coded error.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap codes a cause; the message is what a client may see.
func Wrap(code Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), cause: cause}
}

// InvalidField says that one field of the input is wrong.
func InvalidField(field, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	return &Error{Code: Invalid, Message: field + ": " + message, Fields: []Field{{Field: field, Message: message}}}
}

// Of returns the code of an error: Internal where it has none, Unavailable for an ended context.
func Of(err error) Code {
	if coded, ok := errors.AsType[*Error](err); ok {
		return coded.Code
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Unavailable
	}
	return Internal
}

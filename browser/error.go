package browser

import "errors"

// Kind says what kind of failure an error is.
type Kind string

// The kinds of failures.
const (
	// Assertion: the page is not as the step expects it.
	Assertion Kind = "assertion"
	// NotFound: the element, frame or tab of the step is not there.
	NotFound Kind = "not_found"
	// Timeout: the step's target is there, but did not get ready in time.
	Timeout Kind = "timeout"
	// Navigation: a page did not load.
	Navigation Kind = "navigation"
	// Refused: the egress guard does not let pages reach that address.
	Refused Kind = "refused"
	// Exhausted: the page took more memory or tabs than a page may.
	Exhausted Kind = "exhausted"
	// Script: the step's JavaScript is wrong.
	Script Kind = "script"
	// Unsupported: the step asks for what this browser cannot do.
	Unsupported Kind = "unsupported"
	// Closed: the browser died, or the session was closed.
	Closed Kind = "closed"
	// Unavailable: the browser or its driver cannot be started.
	Unavailable Kind = "unavailable"
)

// Error is a failure to run a step or to open a session.
type Error struct {
	Kind Kind
	// Message is for the person who reads the report.
	Message string
	// CutShort says that the deadline of the step's context came before the
	// step's own time was up: with more time it might have passed.
	CutShort bool
	// Element says that it is the step's own element that is not there, and not its tab or frame; Covered that something else lies
	// over it.
	Element, Covered bool
	// Page is the address of the page on which it failed, without what follows the path; empty if there was none.
	Page string
	// Cause is what the browser or its driver said; nil if there is nothing
	// to say beyond the message.
	Cause error
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, &Error{Kind: k}) true for every error of kind k.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Message == "" && t.Cause == nil
}

// IsCutShort reports whether a step failed because its context's time was up,
// and not because of its own.
func IsCutShort(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.CutShort
}

// Lacks reports whether a step failed because its element is not there.
func Lacks(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == NotFound && e.Element
}

// IsCovered reports whether a step failed because something lies over its element.
func IsCovered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Covered
}

// KindOf returns the kind of the first *Error in err's chain, "" if there is
// none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

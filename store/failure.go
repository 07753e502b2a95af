package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Class says why a test run failed, in one word of a closed list: what people group and filter failures by. The reason
// beside it says the same of one run, in a sentence.
type Class string

// The classes of failures.
const (
	// Assertion: the page is not as the test expects it.
	Assertion Class = "assertion"
	// NotFound: the element, frame or tab of a step is not there.
	NotFound Class = "not-found"
	// Timeout: a step's target did not get ready in time, or the attempt took longer than it may.
	Timeout Class = "timeout"
	// Navigation: a page did not load.
	Navigation Class = "navigation"
	// Refused: the egress guard does not let pages reach an address that the test needs.
	Refused Class = "refused"
	// Script: the JavaScript of a step is wrong.
	Script Class = "script"
	// Exhausted: the page took more memory or tabs than a page may.
	Exhausted Class = "exhausted"
	// Crashed: the browser died under the test, more than once.
	Crashed Class = "crashed"
	// Unsupported: the test asks for what the worker or its browser cannot do.
	Unsupported Class = "unsupported"
	// Invalid: the test case was deleted or is not valid, or the job's data is not.
	Invalid Class = "invalid"
	// Expired: no worker took the run within its queue timeout.
	Expired Class = "expired"
	// Stalled: too many workers died under the test.
	Stalled Class = "stalled"
	// Platform: the system could not carry out the test; the test may be fine.
	Platform Class = "platform"
	// External: another consumer of the queue failed the job.
	External Class = "external"
)

// Classes lists all of them.
func Classes() []Class {
	return []Class{
		Assertion, NotFound, Timeout, Navigation, Refused, Script, Exhausted, Crashed, Unsupported, Invalid, Expired, Stalled,
		Platform, External,
	}
}

// Valid says whether it is one of the list.
func (c Class) Valid() bool { return slices.Contains(Classes(), c) }

// ClassNames is the list in words.
func ClassNames() string {
	names := make([]string, 0, len(Classes()))
	for _, c := range Classes() {
		names = append(names, string(c))
	}
	return strings.Join(names, ", ")
}

// Wait is how long a run has waited for a worker, which is longer than it may.
type Wait struct {
	Queue  string
	RunID  string
	Waited time.Duration
	Limit  time.Duration
}

// Reason says so, and what to do.
func (w Wait) Reason() string {
	return fmt.Sprintf("no worker took it: it waited %s in the queue, and its queue timeout is %s; start more workers, resume the queue "+
		"if it is paused, or allow it more time, then requeue it", w.Waited.Round(time.Second/10), w.Limit)
}

// DeadLetter is a job that failed for good: its attempts ran out, or none would have helped. It is there until the job is
// requeued, is retried by a client of the queue, or is removed.
type DeadLetter struct {
	// ID counts the letters: a newer one has a higher id.
	ID         int64
	Queue      string
	JobID      string
	RunID      string
	TestCaseID string
	Title      string
	SuiteRunID string // of the suite run that the run belongs to, if any
	Class      Class
	Reason     string
	// Attempts is how many were made.
	Attempts int
	DiedAt   time.Time
}

// LetterFilter says which dead letters are meant; the zero value means all of them.
type LetterFilter struct {
	Queue      string
	Class      Class
	TestCaseID string
	Since      time.Time // died then or later
	Until      time.Time // died before then
	// Counting leaves out the letters of runs in quarantine.
	Counting bool
	// After is the id of the letter to go on after: only older ones are meant. 0 begins with the newest.
	After int64
	// Limit is how many at the most.
	Limit int
}

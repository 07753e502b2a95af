package bullmq

import (
	"errors"
	"fmt"
	"time"
)

// What can be wrong with a worker's job. They come inside a [*JobError].
var (
	// ErrLockLost: the job is no longer this worker's. Somebody else has it, or it was removed or ended. What became of this
	// attempt was written nowhere.
	ErrLockLost = errors.New("the job is no longer this worker's")
	// ErrNoJob: an id was in the queue that no job belongs to. It was taken out.
	ErrNoJob = errors.New("no job belongs to the id")
	// ErrPendingChildren: a flow's parent can't complete before its children have. It goes on being active until its lock
	// expires.
	ErrPendingChildren = errors.New("its children have not completed")
	// ErrUnreadable: some client wrote what no worker can understand. The job failed, with what is wrong as the reason.
	ErrUnreadable = errors.New("the job can't be understood")
)

var (
	errStopping = errors.New("the worker stops")
	errGiveBack = errors.New("given back to the queue")
)

// JobError says what is wrong with one job.
type JobError struct {
	JobID string
	Doing string // what the worker did, as a gerund
	Err   error
}

func (e *JobError) Error() string { return fmt.Sprintf("%s job %s: %v", e.Doing, e.JobID, e.Err) }

func (e *JobError) Unwrap() error { return e.Err }

type unrecoverableError struct{ error }

func (e unrecoverableError) Unwrap() error { return e.error }

// Unrecoverable marks an error that no further attempt can mend: the job fails at once, with the error's own text.
func Unrecoverable(err error) error { return unrecoverableError{err} }

type retryAtError struct{ at time.Time }

func (e retryAtError) Error() string {
	return "not before " + e.at.Format(time.RFC3339)
}

// RetryAt is returned by a handler whose job is to run again at a time, as if this attempt had not been made: it doesn't
// count among those that the job may make, and nothing is recorded as a failure.
func RetryAt(at time.Time) error { return retryAtError{at} }

// GiveBack is returned by a handler that can't do its job now. Whoever takes a job next takes this one; the attempt
// doesn't count.
func GiveBack() error { return errGiveBack }

type rateLimitError struct{ pause time.Duration }

func (e rateLimitError) Error() string { return fmt.Sprintf("the queue rests for %s", e.pause) }

// RateLimit is returned by a handler that was told to slow down, by a service it calls, say. The job is given back, and
// no worker of the queue that has a limiter starts another one for so long.
func RateLimit(pause time.Duration) error { return rateLimitError{pause} }

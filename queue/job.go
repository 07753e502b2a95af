package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// State is where a job stands.
type State string

// The states of a job. A delayed job whose time has come waits: nothing needs to be written for that.
const (
	Waiting   State = "waiting"
	Delayed   State = "delayed"
	Active    State = "active"
	Completed State = "completed"
	Failed    State = "failed"
)

// Finished says whether a job in this state has ended.
func (s State) Finished() bool { return s == Completed || s == Failed }

// Transition names what happened to a job.
type Transition string

// The transitions.
const (
	Added     Transition = "added"
	Started   Transition = "started"
	Stalled   Transition = "stalled"   // its worker died: back to waiting
	Retried   Transition = "retried"   // an attempt failed or was given back, the next one may start at once
	BackedOff Transition = "backedOff" // an attempt failed, the next one is due later
	Requeued  Transition = "requeued"  // a job that had ended begins anew, with all its attempts before it
	Shown     Transition = "shown"     // nothing happened to the job: what is shown of it is put right, and nobody is told
	Succeeded Transition = "completed"
	Exhausted Transition = "failed" // no attempt is left, or none would help
)

// Errors of the state machine.
var (
	// ErrFinished says that the job has ended already.
	ErrFinished = errors.New("the job has ended")
	// ErrRecorded says that the attempt's outcome was recorded before: its worker died before it could report it.
	ErrRecorded = errors.New("the attempt's outcome is recorded already")
	// ErrSuperseded says that another attempt owns the job by now: the caller's worker was given up for dead.
	ErrSuperseded = errors.New("another attempt owns the job")
	// ErrTaken says that a worker of somebody else's has the job: it was faster, and its outcome counts.
	ErrTaken = errors.New("another consumer of the queue has the job")
)

// Backoff is the delay between attempts, as BullMQ's clients write it.
type Backoff struct {
	Type  string `json:"type"`
	Delay int64  `json:"delay"` // milliseconds
}

// After returns the delay after so many attempts were made.
func (b *Backoff) After(attemptsMade int) time.Duration {
	if b == nil || b.Delay <= 0 {
		return 0
	}
	delay := float64(b.Delay)
	if b.Type == "exponential" {
		delay = math.Round(math.Pow(2, float64(attemptsMade-1)) * delay)
	}
	const longest = 24 * time.Hour
	if delay > float64(longest.Milliseconds()) {
		return longest
	}
	return time.Duration(delay) * time.Millisecond
}

// Options are a job's options, under the names that BullMQ's clients read.
type Options struct {
	Attempts         int      `json:"attempts"`
	Backoff          *Backoff `json:"backoff,omitempty"`
	Delay            int64    `json:"delay,omitempty"` // milliseconds
	JobID            string   `json:"jobId,omitempty"`
	Priority         int      `json:"priority,omitempty"`
	RemoveOnComplete int      `json:"removeOnComplete"`
	RemoveOnFail     int      `json:"removeOnFail"`
}

// Job is the record of a job: all that the queue knows of it.
type Job struct {
	Queue string `json:"queue"`
	ID    string `json:"id"`
	// RunID is the test run that the job carries out, if it is not the job's own id: jobs that a client added have ids of
	// the queue's.
	RunID   string          `json:"runId,omitempty"`
	Name    string          `json:"name"`
	Data    json.RawMessage `json:"data"`
	Options Options         `json:"options"`
	// Opts are the options as the client wrote them that added the job; empty for a job that was added here.
	Opts json.RawMessage `json:"opts,omitempty"`
	// Scheduler is the job scheduler that made the job.
	Scheduler string `json:"scheduler,omitempty"`

	State           State     `json:"state"`
	CreatedAt       time.Time `json:"createdAt"`
	DueAt           time.Time `json:"dueAt,omitzero"` // when a delayed job may start
	AttemptsStarted int       `json:"attemptsStarted"`
	AttemptsMade    int       `json:"attemptsMade"`
	Stalls          int       `json:"stalls"`
	StartedAt       time.Time `json:"startedAt,omitzero"` // of the newest attempt
	FinishedAt      time.Time `json:"finishedAt,omitzero"`
	Worker          string    `json:"worker,omitempty"`
	// Foreign says that the worker of an active job is not one of this system's.
	Foreign bool `json:"foreign,omitempty"`

	Progress     json.RawMessage `json:"progress,omitempty"`
	ReturnValue  json.RawMessage `json:"returnValue,omitempty"`
	FailedReason string          `json:"failedReason,omitempty"`
	Stacktrace   []string        `json:"stacktrace,omitempty"` // one entry per failed attempt

	// QueueTimeout is how long the job may wait for a worker each time it is due, in milliseconds; 0: for as long as it takes.
	QueueTimeout int64 `json:"queueTimeout,omitempty"`

	// Seq numbers the job's changes, beginning with 1.
	Seq int64 `json:"seq"`
}

// Change is one transition of a job with the whole state that it led to.
type Change struct {
	Transition Transition `json:"transition"`
	Job        Job        `json:"job"`
}

const keptStacks = 10

// New makes a job that waits, or that is delayed when its options say so.
func New(d Definition, id string, data json.RawMessage, o Options, now time.Time) (Job, Change) {
	j := Job{Queue: d.Name, ID: id, Name: d.JobName, Data: data, Options: o, State: Waiting, CreatedAt: now}
	if o.Delay > 0 {
		j.State, j.DueAt = Delayed, now.Add(time.Duration(o.Delay)*time.Millisecond)
	}
	added := j.change(Added)
	return j, added
}

// Taken is what the queue in Redis said of a job when an attempt took it there.
type Taken struct {
	// Started and Made are the attempts that it counts, this one included among the started ones.
	Started, Made int
	At            time.Time
	// Data and Priority are the job's, which clients may have changed since it was added.
	Data     json.RawMessage
	Priority int
	// Deferred is why the job is to fail without an attempt; empty if it is not.
	Deferred string
}

// Run is the id of the test run that the job carries out.
func (j *Job) Run() string {
	if j.RunID != "" {
		return j.RunID
	}
	return j.ID
}

// OtherID is the job's id if it is not its run's, else nothing.
func (j *Job) OtherID() string {
	if j.RunID == "" || j.RunID == j.ID {
		return ""
	}
	return j.ID
}

// Start begins the attempt that follows so many made ones. A job that is still active lost its worker: it stalls first.
// taken is nil if the attempt begins without Redis.
func (j *Job) Start(worker string, made int, now time.Time, taken *Taken) ([]Change, error) {
	switch {
	case j.State.Finished():
		return nil, ErrFinished
	case j.AttemptsMade != made:
		return nil, ErrRecorded
	case j.State == Active && j.Foreign && taken == nil:
		return nil, ErrTaken
	}
	var changes []Change
	if j.State == Active && !j.Foreign {
		j.State = Waiting
		j.Stalls++
		changes = append(changes, j.change(Stalled))
	}
	if taken != nil {
		j.AttemptsStarted = max(j.AttemptsStarted, taken.Started-1)
		j.Data, j.Options.Priority = taken.Data, taken.Priority
		now = taken.At
	}
	j.State, j.Worker, j.Foreign, j.StartedAt, j.DueAt = Active, worker, false, now, time.Time{}
	j.AttemptsStarted++
	return append(changes, j.change(Started)), nil
}

// Owned reports whether the attempt with this number, as counted by AttemptsStarted, still owns the job.
func (j *Job) Owned(attempt int) error {
	switch {
	case j.State.Finished():
		return ErrFinished
	case j.State != Active || j.Foreign || j.AttemptsStarted != attempt:
		return ErrSuperseded
	default:
		return nil
	}
}

// Release gives an attempt back that says nothing of the job: its worker stops. It counts neither as made nor as a stall.
func (j *Job) Release() Change {
	j.State = Waiting
	return j.change(Retried)
}

// Complete ends the job well.
func (j *Job) Complete(returnValue json.RawMessage, now time.Time) Change {
	j.State, j.ReturnValue, j.FinishedAt = Completed, returnValue, now
	j.AttemptsMade++
	return j.change(Succeeded)
}

// Fail ends an attempt badly, or the job before an attempt began. Another one follows, after the backoff, if attempts are
// left and final is false.
func (j *Job) Fail(reason, stack string, returnValue json.RawMessage, final bool, now time.Time) Change {
	if reason == "" {
		reason = "failed without a reason"
	}
	if stack == "" {
		stack = reason
	}
	j.FailedReason = reason
	j.Stacktrace = append(j.Stacktrace, stack)
	if len(j.Stacktrace) > keptStacks {
		j.Stacktrace = j.Stacktrace[len(j.Stacktrace)-keptStacks:]
	}
	if j.State == Active {
		j.AttemptsMade++
	}
	if final || j.AttemptsMade >= j.Options.Attempts {
		j.State, j.ReturnValue, j.FinishedAt = Failed, returnValue, now
		return j.change(Exhausted)
	}
	if delay := j.Options.Backoff.After(j.AttemptsMade); delay > 0 {
		j.State, j.DueAt = Delayed, now.Add(delay)
		return j.change(BackedOff)
	}
	j.State = Waiting
	return j.change(Retried)
}

// Requeue makes a job that has ended wait again, with all its attempts before it. The number of attempts that were started
// goes on, as it tells the attempts apart, and the stack traces of earlier ones stay.
func (j *Job) Requeue() Change {
	j.State, j.DueAt, j.StartedAt, j.FinishedAt = Waiting, time.Time{}, time.Time{}, time.Time{}
	j.AttemptsMade, j.Stalls = 0, 0
	j.ReturnValue, j.FailedReason = nil, ""
	return j.change(Requeued)
}

func (j *Job) change(t Transition) Change {
	j.Seq++
	return Change{Transition: t, Job: *j}
}

// Delay is how long the job was told to wait in its present state, in milliseconds.
func (j *Job) Delay() int64 {
	if j.State != Delayed {
		return 0
	}
	if j.AttemptsMade > 0 {
		return j.Options.Backoff.After(j.AttemptsMade).Milliseconds()
	}
	return j.Options.Delay
}

// Validate reports a record that no queue could show.
func (j *Job) Validate() error {
	switch {
	case j.ID == "":
		return errors.New("the job has no id")
	case j.Queue == "":
		return errors.New("the job has no queue")
	case !json.Valid(j.Data):
		return fmt.Errorf("the data of job %s is not JSON", j.ID)
	default:
		return nil
	}
}

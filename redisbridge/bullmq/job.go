package bullmq

import (
	"encoding/json"
	"time"
)

// State is where a job stands.
type State string

// The states of a job. A waiting job is in BullMQ's wait, or in prioritized if it has a priority.
const (
	Waiting   State = "waiting"
	Delayed   State = "delayed"
	Active    State = "active"
	Completed State = "completed"
	Failed    State = "failed"
)

// The states that clients know beside those. Where jobs are counted and listed, a job that waits with a priority is
// Prioritized, and Waiting is the others.
const (
	Prioritized     State = "prioritized"
	WaitingChildren State = "waiting-children" // a flow's parent
	Unknown         State = "unknown"          // it is in none of the queue's collections
)

// Finished says whether a job in this state has ended.
func (s State) Finished() bool { return s == Completed || s == Failed }

// Job is all that a queue shows of a job. Times count in milliseconds.
type Job struct {
	ID        string
	Name      string
	Data      json.RawMessage // empty: {}
	Opts      json.RawMessage // an object in BullMQ's spelling; empty: made of the fields here
	Timestamp time.Time       // when it was added

	State       State
	Delay       time.Duration // of a delayed job: how long it was told to wait
	DueAt       time.Time     // of a delayed job: when it may start
	Priority    int           // 1 runs first; 0, no priority, runs before all others
	LIFO        bool          // joins those that wait at their front
	MaxAttempts int

	AttemptsStarted int // ats: numbers the attempts, stalled ones included
	AttemptsMade    int // atm: attempts that ended
	Stalls          int // stc
	ProcessedOn     time.Time
	FinishedOn      time.Time
	ProcessedBy     string // pb: the worker's name

	// Progress is shown when the job is new to Redis or ends. Between, [Projector.Progress] knows better.
	Progress     json.RawMessage
	ReturnValue  json.RawMessage
	FailedReason string
	Stacktrace   []string // one entry per failed attempt, oldest first

	KeepCompleted Keep
	KeepFailed    Keep

	// What follows is read, see [DecodeJob]; a [Projector] doesn't write it.

	DeduplicationID string  // deid
	SchedulerID     string  // rjk: the scheduler that added the job
	DeferredFailure string  // defa: whoever takes the job next must fail it with this reason, without running it
	ParentKey       string  // the whole key of the parent's hash
	Parent          *Parent // of a flow's child
	Err             error   // what of the job's hash can't be read
}

// Parent is how a flow's child names its parent.
type Parent struct {
	ID       string `json:"id"`
	QueueKey string `json:"queueKey"` // <prefix>:<queue>
	Fail     bool   `json:"fpof,omitempty"`
	Remove   bool   `json:"rdof,omitempty"`
	Ignore   bool   `json:"idof,omitempty"`
	Continue bool   `json:"cpof,omitempty"`
}

// Transition names what happened to a job.
type Transition string

// The transitions, and what listeners are told.
const (
	// Silent tells nobody: it puts right what Redis shows, as a resync does. It is cheap for jobs that Redis lost; one
	// that waits without a priority, and is known, is searched for in the list of those that wait.
	Silent Transition = ""
	// Added is a new job: added, and waiting or delayed.
	Added Transition = "added"
	// Promoted is a delayed job whose time has come: waiting.
	Promoted Transition = "promoted"
	// Started is the beginning of an attempt: active, after a waiting if the job was still shown as delayed.
	Started Transition = "started"
	// Stalled is an attempt whose worker died: waiting, stalled.
	Stalled Transition = "stalled"
	// Retried is a failed attempt, or a finished job, whose next attempt may start at once: waiting.
	Retried Transition = "retried"
	// Requeued is a finished job that begins anew: waiting. It is shown also if Redis does not keep it any more.
	Requeued Transition = "requeued"
	// BackedOff is a failed attempt whose next one is due later: delayed.
	BackedOff Transition = "backedOff"
	// Succeeded is the good end: completed, and drained if nothing is left to do.
	Succeeded Transition = "completed"
	// Exhausted is the bad end: failed, retries-exhausted if no attempt is left, and drained like the good end.
	Exhausted Transition = "failed"
	// Removed is a deletion: removed. Of the job only the id and the timestamp count.
	Removed Transition = "removed"
)

// Change is a job's whole state and the transition that led to it.
type Change struct {
	Job        Job
	Transition Transition
	// Seq numbers the job's changes, from 1 upwards. A silent change carries the number of the state that it shows.
	Seq int64
	// Lock is held while the job is active.
	Lock Lock
	// Kept says that Redis has kept all that it was shown. A job that isn't there was deleted then, and stays so: only
	// Added and Requeued make it. Without it the job may be lost, and is shown from nowhere.
	Kept bool
}

// Lock keeps others off an active job: BullMQ's workers give one without a lock to somebody else, and clients may
// delete it.
type Lock struct {
	Token string        // who holds it; empty: "cinnamon"
	TTL   time.Duration // when it expires; zero: never
}

package queue

import "time"

// GrantKind says whether an attempt may begin.
type GrantKind string

// The kinds of grants.
const (
	// Granted: the attempt may begin.
	Granted GrantKind = "granted"
	// Held: no job of the queue may be started at present; ask again.
	Held GrantKind = "held"
	// Later: the job is delayed, or another consumer of the queue has it, until the time given or until its workflow is told.
	Later GrantKind = "later"
	// Removed: a client deleted the job.
	Removed GrantKind = "removed"
)

// Grant answers an attempt that asks whether it may begin.
type Grant struct {
	Kind GrantKind
	// Taken is what Redis said of the job; nil if the attempt begins without Redis.
	Taken *Taken
	// At is when to ask again.
	At time.Time
	// Why says it in words.
	Why string
}

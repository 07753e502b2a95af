package cleanup

import "time"

// Kind is a kind of what goes.
type Kind string

// The kinds. Files have kinds of their own: FileKind.
const (
	Runs         Kind = "runs"
	Steps        Kind = "steps"
	Letters      Kind = "deadLetters"
	Suites       Kind = "suiteRuns"
	Jobs         Kind = "jobs"            // rows of jobs whose runs went, or that Redis doesn't show any more
	QueueJobs    Kind = "queueJobs"       // jobs in Redis beyond what queues keep
	ProgressKeys Kind = "progressKeys"    // that would never have ended
	Outbox       Kind = "outbox"          // changes of queues that are no more
	Rejected     Kind = "rejectedChanges" // changes that were set aside
	Reports      Kind = "reports"         // of earlier clean-ups
	Fingerprints Kind = "fingerprints"    // what elements looked like in cases that nobody runs any more
	Pages        Kind = "pageSnapshots"   // and their pages
	Locators     Kind = "learnedLocators" // and what heals taught of them
	Patterns     Kind = "patterns"        // and what else was learned of them
	Reliability  Kind = "caseReliability" // and how they did
	Deliveries   Kind = "alertDeliveries" // to targets that are no more
	OrphanFiles  Kind = "orphanedFiles"   // without a record
	Processes    Kind = "processes"       // browsers and drivers of workers that have died
	Folders      Kind = "folders"         // that they left
)

// FileKind is the kind of a run's files of a kind.
func FileKind(kind string) Kind { return Kind("files." + kind) }

// Amount is how much went.
type Amount struct {
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
}

// Amounts are how much of each kind.
type Amounts map[Kind]Amount

// Add counts more of a kind.
func (a Amounts) Add(kind Kind, count, bytes int64) {
	if count == 0 && bytes == 0 {
		return
	}
	sum := a[kind]
	a[kind] = Amount{Count: sum.Count + count, Bytes: sum.Bytes + bytes}
}

// Report says what a clean-up took away, or would have: the return value of a cleanup job.
type Report struct {
	DryRun  bool    `json:"dryRun"`
	Removed Amounts `json:"removed"`
	Total   Amount  `json:"total"`
	// Held is how many runs would have gone if they were not held.
	Held int64 `json:"held"`
	// Problems say what could not be cleaned, and why: Redis was away, for example.
	Problems   []string  `json:"problems,omitempty"`
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
}

// Progress is shown while a clean-up is under way.
type Progress struct {
	Percentage int    `json:"percentage"`
	Phase      string `json:"phase"`
	Message    string `json:"message"`
	Removed    Amount `json:"removed"`
}

func (a Amounts) total() Amount {
	var sum Amount
	for _, amount := range a {
		sum.Count += amount.Count
		sum.Bytes += amount.Bytes
	}
	return sum
}

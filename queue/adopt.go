package queue

import (
	"encoding/json"
	"time"
)

// Seen is a job as the queue in Redis shows it, after somebody else changed it there: a client, or a worker that is not
// one of this system's.
type Seen struct {
	State           State
	DueAt           time.Time // of a delayed job
	Priority        int
	AttemptsStarted int
	AttemptsMade    int
	Stalls          int
	StartedAt       time.Time
	FinishedAt      time.Time
	Worker          string
	Foreign         bool // an active job's worker is not one of this system's
	Progress        json.RawMessage
	ReturnValue     json.RawMessage
	FailedReason    string
	Stacktrace      []string
}

// Adopt makes the job what it was seen as and says whether that changed it. Redis shows it already, so there is nothing
// to project; the change counts as one of the job's all the same. The job's data stays: an attempt reads it when it begins.
func (j *Job) Adopt(s Seen) (changed bool) {
	before := *j
	j.State, j.DueAt = s.State, s.DueAt
	j.Options.Priority = s.Priority
	j.AttemptsStarted, j.AttemptsMade, j.Stalls = s.AttemptsStarted, s.AttemptsMade, s.Stalls
	j.StartedAt, j.FinishedAt = s.StartedAt, s.FinishedAt
	if s.Worker != "" || s.Foreign {
		j.Worker = s.Worker
	}
	j.Foreign = s.Foreign
	if len(s.Progress) > 0 {
		j.Progress = s.Progress
	}
	j.ReturnValue, j.FailedReason, j.Stacktrace = s.ReturnValue, s.FailedReason, s.Stacktrace
	changed = !before.equal(j)
	if changed {
		j.Seq++
	}
	return changed
}

// Show has the job shown as it is: somebody took it out of the queue without deleting it.
func (j *Job) Show() Change { return j.change(Shown) }

// equal compares what Adopt may change, but for progress.
func (j *Job) equal(k *Job) bool {
	return j.State == k.State && j.DueAt.Equal(k.DueAt) &&
		j.Options.Priority == k.Options.Priority && j.AttemptsStarted == k.AttemptsStarted && j.AttemptsMade == k.AttemptsMade &&
		j.Foreign == k.Foreign && j.FinishedAt.Equal(k.FinishedAt)
}

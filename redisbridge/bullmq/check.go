package bullmq

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

const (
	maxPriority = 1<<21 - 1
	maxIDLength = 1024
	maxYear     = 9999
)

// reservedIDs are the names of the queue's own keys: a job of such a name would overwrite one.
var reservedIDs = []string{ //nolint:gochecknoglobals // a constant list
	"0", "active", "completed", "delayed", "events", "failed", "id", "limiter", "marker", "meta", "metrics", "paused",
	"pc", "prioritized", "repeat", "stalled", "stalled-check", "wait", "waiting", "waiting-children",
}

// reservedHeads and reservedTails are what else the queue's own keys begin or end with, after or before a colon.
var (
	reservedHeads = []string{"0", "de", "dn", "metrics"}                                            //nolint:gochecknoglobals // a constant list
	reservedTails = []string{"dependencies", "failed", "lock", "logs", "processed", "unsuccessful"} //nolint:gochecknoglobals // a constant list
	statesAfter   = map[Transition][]State{                                                         //nolint:gochecknoglobals // a constant table
		Silent:    {Waiting, Delayed, Active, Completed, Failed},
		Added:     {Waiting, Delayed},
		Promoted:  {Waiting},
		Started:   {Active},
		Stalled:   {Waiting},
		Retried:   {Waiting},
		Requeued:  {Waiting},
		BackedOff: {Delayed},
		Succeeded: {Completed},
		Exhausted: {Failed},
	}
)

// check reports a change that Redis must never get to see, because clients would break on it.
func check(queue string, c Change) error {
	problem := checkID(c.Job.ID)
	switch {
	case problem != "":
	case queue == "" || strings.Contains(queue, ":"):
		problem = "a queue's name must not be empty or hold a colon"
	case c.Seq < 1 || c.Seq >= 1<<53:
		problem = "its number is not positive"
	case !representable(c.Job.Timestamp):
		problem = "the time it was added is missing"
	case c.Transition != Removed:
		problem = checkState(c)
	}
	if problem != "" {
		return &ChangeError{JobID: c.Job.ID, Seq: c.Seq, Problem: problem}
	}
	return nil
}

func checkState(c Change) string {
	j := c.Job
	states, ok := statesAfter[c.Transition]
	switch {
	case !ok:
		return "there is no transition " + string(c.Transition)
	case !slices.Contains(states, j.State):
		return "a job can't be " + string(j.State) + " after " + string(c.Transition)
	case len(j.Data) > 0 && !json.Valid(j.Data):
		return "its data is not JSON"
	case len(j.Opts) > 0 && (!json.Valid(j.Opts) || !strings.HasPrefix(strings.TrimLeft(string(j.Opts), " \t\r\n"), "{")):
		return "its options are not a JSON object"
	case len(j.Progress) > 0 && !json.Valid(j.Progress):
		return "its progress is not JSON"
	case len(j.ReturnValue) > 0 && !json.Valid(j.ReturnValue):
		return "its return value is not JSON"
	case j.Priority < -maxPriority || j.Priority > maxPriority:
		return "its priority is out of range"
	case j.AttemptsStarted < 0 || j.AttemptsMade < 0 || j.Stalls < 0:
		return "it counts less than no attempts"
	case j.State == Delayed && !representable(j.DueAt):
		return "it is delayed and has no due time"
	case j.State == Active && !representable(j.ProcessedOn):
		return "it is active and has no start time"
	case j.State.Finished() && !representable(j.FinishedOn):
		return "it has ended and has no end time"
	case c.Lock.TTL < 0:
		return "its lock has expired"
	}
	return ""
}

func checkID(id string) string {
	head, rest, colon := strings.Cut(id, ":")
	switch {
	case id == "":
		return "it has no id"
	case len(id) > maxIDLength:
		return "its id is too long"
	case slices.Contains(reservedIDs, id):
		return "its id is the name of one of the queue's own keys"
	case colon && slices.Contains(reservedHeads, head),
		colon && head == "repeat" && !strings.Contains(rest, ":"),
		colon && slices.Contains(reservedTails, id[strings.LastIndex(id, ":")+1:]):
		return "its id could be the name of one of the queue's own keys"
	}
	return ""
}

func checkProgress(u Progress) string {
	switch {
	case len(u.Value) == 0 || !json.Valid(u.Value):
		return "its progress is not JSON"
	case u.Attempt < 1:
		return "its progress belongs to no attempt"
	}
	return checkID(u.JobID)
}

// representable says whether a time is one that JavaScript clients show as it is meant.
func representable(t time.Time) bool { return t.UnixMilli() > 0 && t.Year() <= maxYear }

package testkit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Entry is one entry of a BullMQ queue's stream.
type Entry struct {
	ID    string
	Event string
	JobID string
	Prev  string
}

// String shows the entry in one line.
func (e Entry) String() string {
	text := e.ID + " " + e.Event
	if e.Prev != "" {
		text += " prev=" + e.Prev
	}
	return text
}

// The states of a job as the stream tells them. Given back is one that waits right after it was active, exhausted one that has
// failed with no attempt left.
const (
	isUnknown   = ""
	isAdded     = "added"
	isWaiting   = "waiting"
	isGivenBack = "givenBack"
	isDelayed   = "delayed"
	isActive    = "active"
	isCompleted = "completed"
	isFailed    = "failed"
	isExhausted = "exhausted"
	isRemoved   = "removed"
)

type rule struct {
	event, prev string
	from        []string
	to          string
}

// legal is BullMQ's job automaton: which entry may follow on which state, and where it leads to. An empty to means that
// the state stays.
var legal = []rule{ //nolint:gochecknoglobals // a constant table
	{"added", "", []string{isUnknown, isRemoved}, isAdded},
	{"waiting", "", []string{isAdded}, isWaiting},
	{"delayed", "", []string{isAdded, isActive, isDelayed}, isDelayed},
	{"waiting", "delayed", []string{isDelayed}, isWaiting},
	{"active", "waiting", []string{isWaiting, isGivenBack}, isActive},
	{"progress", "", []string{isActive}, ""},
	{"waiting", "active", []string{isActive}, isGivenBack},
	{"stalled", "", []string{isGivenBack}, isWaiting},
	{"completed", "active", []string{isActive}, isCompleted},
	{"failed", "active", []string{isActive}, isFailed},
	{"failed", "", []string{isWaiting, isGivenBack, isDelayed}, isFailed}, // cancelled before, or between, its attempts; or refused
	{"retries-exhausted", "", []string{isFailed}, isExhausted},
	{"waiting", "completed", []string{isCompleted}, isWaiting},
	{"waiting", "failed", []string{isFailed, isExhausted}, isWaiting},
	{"duplicated", "", []string{isWaiting, isGivenBack, isDelayed, isActive, isCompleted, isFailed, isExhausted}, ""},
	{"removed", "wait", []string{isWaiting, isGivenBack}, isRemoved},
	{"removed", "paused", []string{isWaiting, isGivenBack}, isRemoved},
	{"removed", "prioritized", []string{isWaiting, isGivenBack}, isRemoved},
	{"removed", "delayed", []string{isDelayed}, isRemoved},
	{"removed", "active", []string{isActive}, isRemoved},
	{"removed", "completed", []string{isCompleted}, isRemoved},
	{"removed", "failed", []string{isFailed, isExhausted}, isRemoved},
}

// placesOf are the collections that a job in a state may be in.
var placesOf = map[string][]string{ //nolint:gochecknoglobals // a constant table
	isWaiting: {"wait", "prioritized", "paused"}, isGivenBack: {"wait", "prioritized", "paused"}, isDelayed: {"delayed"}, isActive: {"active"},
	isCompleted: {"completed"}, isFailed: {"failed"}, isExhausted: {"failed"}, isUnknown: {""}, isRemoved: {""},
}

// Told is what the stream told of one job since it was added last.
type Told struct {
	// Places are the collections that the job may be in; Removed says that it was removed.
	Places  []string
	Removed bool
	// Actives counts its attempts, Stalls those that another one took over, Ends those that ended.
	Actives, Stalls, Ends int
	Last                  string // id of its newest entry
	Log                   []string
}

// Follow reads the entries of one job, in order, and reports the first one that BullMQ's automaton of jobs doesn't allow.
// vanished says whether jobs may have been deleted silently between two entries, whose ids it gets.
func Follow(entries []Entry, vanished func(after, before string) bool) (Told, error) {
	j, state := Told{Places: placesOf[isUnknown]}, isUnknown
	for _, e := range entries {
		j.Log = append(j.Log, e.String())
		step := slices.IndexFunc(legal, func(l rule) bool { return l.event == e.Event && l.prev == e.Prev })
		if step < 0 {
			return j, fmt.Errorf("%s is no entry of BullMQ's\n%s", e, strings.Join(j.Log, "\n"))
		}
		again := e.Event == "added" && vanished(j.Last, e.ID)
		if !slices.Contains(legal[step].from, state) && !again {
			return j, fmt.Errorf("%s can't follow on %q\n%s", e, state, strings.Join(j.Log, "\n"))
		}
		if e.Event == "added" {
			j = Told{Log: j.Log}
		}
		switch {
		case e.Event == "active":
			j.Actives++
		case e.Event == "stalled":
			j.Stalls++
		case e.Event == "completed", e.Event == "failed" && e.Prev == "active", e.Event == "delayed" && state == isActive:
			j.Ends++
		}
		if legal[step].to != "" {
			state = legal[step].to
		}
		j.Places, j.Removed, j.Last = placesOf[state], state == isRemoved, e.ID
	}
	return j, nil
}

// Before says whether an entry is older than another one, by their ids.
func Before(id, other string) bool {
	number := func(id string) (first, second int64) {
		a, b, _ := strings.Cut(id, "-")
		first, _ = strconv.ParseInt(a, 10, 64)
		second, _ = strconv.ParseInt(b, 10, 64)
		return first, second
	}
	a, b := number(id)
	c, d := number(other)
	return a < c || a == c && b < d
}

package e2e_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// entry is one entry of a queue's stream.
type entry struct {
	id     string
	event  string
	job    string
	prev   string
	fields map[string]string
}

func (e entry) String() string {
	text := e.id + " " + e.event
	if e.prev != "" {
		text += " prev=" + e.prev
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

// legal is BullMQ's job automaton: which entry may follow on which state, and where it leads to. An empty to means that
// the state stays.
var legal = []struct {
	event, prev string
	from        []string
	to          string
}{
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
var placesOf = map[string][]string{
	isWaiting: {"wait", "prioritized", "paused"}, isGivenBack: {"wait", "prioritized", "paused"}, isDelayed: {"delayed"}, isActive: {"active"},
	isCompleted: {"completed"}, isFailed: {"failed"}, isExhausted: {"failed"}, isUnknown: {""}, isRemoved: {""},
}

// told is what the stream told of one job since it was added last.
type told struct {
	state                                   string
	actives, stalls, ends, completions, all int
	last                                    string // id of its newest entry
	log                                     []string
}

// follow reads the entries of one job. vanished says whether jobs of a state may have been deleted silently between two entries.
func follow(entries []entry, vanished func(after, before string) bool) (told, error) {
	var j told
	for _, e := range entries {
		j.log = append(j.log, e.String())
		step := slices.IndexFunc(legal, func(l struct {
			event, prev string
			from        []string
			to          string
		}) bool {
			return l.event == e.event && l.prev == e.prev
		})
		if step < 0 {
			return j, fmt.Errorf("%s is no entry of BullMQ's\n%s", e, strings.Join(j.log, "\n"))
		}
		rule := legal[step]
		again := e.event == "added" && vanished(j.last, e.id)
		if !slices.Contains(rule.from, j.state) && !again {
			return j, fmt.Errorf("%s can't follow on %q\n%s", e, j.state, strings.Join(j.log, "\n"))
		}
		if e.event == "added" {
			j = told{log: j.log}
		}
		switch {
		case e.event == "active":
			j.actives++
		case e.event == "stalled":
			j.stalls++
		case e.event == "completed":
			j.completions++
			j.ends++
		case e.event == "failed" && e.prev == "active", e.event == "delayed" && j.state == isActive:
			j.ends++
		}
		if rule.to != "" {
			j.state = rule.to
		}
		j.all++
		j.last = e.id
	}
	return j, nil
}

// before says whether an entry is older than another one, by their ids.
func before(id, other string) bool {
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

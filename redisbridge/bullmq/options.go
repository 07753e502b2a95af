package bullmq

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// JobOptions are the options of one job, or the defaults of a queue. A zero field is an option that was not given.
// Their JSON is what a job's hash holds: BullMQ's own names, some of them short; reading takes the long names too.
type JobOptions struct {
	// JobID names the job; empty: the queue counts. It must not be a whole number, start with "0:", or hold colons
	// (exactly two are BullMQ's exception). Adding an id that is there already adds nothing.
	JobID string
	// Timestamp is when the job was added; zero: now.
	Timestamp time.Time
	// Delay is how long the job waits before it may start, from its timestamp, in whole milliseconds.
	Delay time.Duration
	// Priority: 1 runs before 2, none (0) before all others. At most [MaxPriority].
	Priority int
	// LIFO puts the job to the front of those that wait without a priority.
	LIFO bool

	// Attempts is how often the job is tried at most; 0 and 1: once.
	Attempts int
	// Backoff is how long a failed attempt delays the next one; nil: not at all.
	Backoff *Backoff

	// RemoveOnComplete and RemoveOnFail say which finished jobs stay; nil: as the worker is set up, which keeps all
	// unless told otherwise.
	RemoveOnComplete *Keep
	RemoveOnFail     *Keep

	KeepLogs        *int // so many of the newest lines of its log stay; nil: all
	StackTraceLimit *int // so many of the newest stack traces stay; nil: all
	SizeLimit       int  // data of more bytes is refused by Add; 0: no limit

	// Deduplication keeps jobs of the same deduplication id from being added; nil: none.
	Deduplication *Deduplication

	// Telemetry is what BullMQ's telemetry passes on to the worker; OmitContext keeps it from doing so.
	Telemetry   string
	OmitContext bool

	// Repeat, RepeatJobKey and PrevMillis are those of a scheduler's job: see [Queue.UpsertScheduler]. Add takes none.
	Repeat       *Repeat
	RepeatJobKey string
	PrevMillis   int64

	// Parent and ParentPolicy are those of a flow's child. They are read; Add takes none.
	Parent       *ParentJob
	ParentPolicy ParentPolicy

	// Other are options that BullMQ doesn't know, or none of the above, by their names.
	Other map[string]json.RawMessage
}

// MaxPriority is the highest number a priority may have, which runs last.
const MaxPriority = maxPriority

// Backoff is how long a failed attempt delays the next one.
type Backoff struct {
	// Type is "fixed", "exponential" (the delay doubles with each attempt), or one that the worker knows.
	Type string
	// Delay is the first one, in whole milliseconds.
	Delay time.Duration
	// Jitter, from 0 to 1, is the part of the delay that is left to chance.
	Jitter float64
}

// The types of backoff that every worker knows.
const (
	FixedBackoff       = "fixed"
	ExponentialBackoff = "exponential"
)

// Deduplication keeps jobs of the same id from being added while one of them is unfinished, or for a time.
type Deduplication struct {
	ID  string
	TTL time.Duration // how long the id counts; 0: until the job has ended
	// Extend lets each job that is refused begin the TTL anew.
	Extend bool
	// Replace lets the newest job take the place of one that is still delayed.
	Replace bool
	// KeepLastIfActive remembers the last job that was refused while one was active; it is added when that one ends.
	KeepLastIfActive bool
	// Reschedule moves a job that is still delayed to the new one's time. Clients of major 6 know it.
	Reschedule bool
}

// Repeat is how a scheduler's job repeats. Either Every or Pattern is given.
type Repeat struct {
	Every   time.Duration // in whole milliseconds
	Pattern string        // a cron expression: see [NextRun]
	TZ      string        // the IANA time zone of the pattern; empty: the local one
	Limit   int           // so many jobs at most; 0: no limit
	Start   time.Time     // not before; zero: now
	End     time.Time     // not after; zero: never
	Offset  time.Duration // of the slots of Every, in whole milliseconds
	Count   int           // which job of its scheduler it is, from 1
	// Immediately lets a scheduler with a pattern begin at once. It is not stored.
	Immediately bool
}

// ParentJob names the job that a child belongs to, as options do.
type ParentJob struct {
	ID    string `json:"id"`
	Queue string `json:"queue"` // <prefix>:<queue>
}

// ParentPolicy is what a child's failure means to its parent. None: the parent waits for ever.
type ParentPolicy string

// The policies.
const (
	FailParent       ParentPolicy = "fpof" // the parent fails too
	RemoveDependency ParentPolicy = "rdof" // the parent forgets the child
	IgnoreDependency ParentPolicy = "idof" // the parent goes on, and may ask for the failures
	ContinueParent   ParentPolicy = "cpof" // the parent goes on at once, whatever its other children do
)

// longNames are the names that producers use of options that are stored by a short one.
var longNames = map[string]string{ //nolint:gochecknoglobals // a constant table
	"deduplication": "de", "keepLogs": "kl", "failParentOnFailure": "fpof", "removeDependencyOnFailure": "rdof",
	"ignoreDependencyOnFailure": "idof", "continueParentOnFailure": "cpof",
}

type backoffWire struct {
	Type   string `json:"type"`
	Delay  number `json:"delay"`
	Jitter number `json:"jitter,omitempty"`
}

type deduplicationWire struct {
	ID               string  `json:"id"`
	TTL              *number `json:"ttl,omitempty"`
	Extend           bool    `json:"extend,omitempty"`
	Replace          bool    `json:"replace,omitempty"`
	KeepLastIfActive bool    `json:"keepLastIfActive,omitempty"`
	Reschedule       bool    `json:"reschedule,omitempty"`
}

type repeatWire struct {
	Count     number   `json:"count,omitempty"`
	Every     number   `json:"every,omitempty"`
	Pattern   string   `json:"pattern,omitempty"`
	TZ        string   `json:"tz,omitempty"`
	Limit     number   `json:"limit,omitempty"`
	StartDate jsonDate `json:"startDate,omitzero"`
	EndDate   jsonDate `json:"endDate,omitzero"`
	Offset    *number  `json:"offset,omitempty"`
}

// MarshalJSON writes what a job's hash holds. The number of attempts is always there.
func (o JobOptions) MarshalJSON() ([]byte, error) {
	text, err := o.stored(true)
	return []byte(text), err
}

// stored writes the options; counted: with the number of attempts though none was given.
func (o JobOptions) stored(counted bool) (string, error) {
	out := maps.Clone(o.Other)
	if out == nil {
		out = map[string]json.RawMessage{}
	}
	var problems []error
	put := func(given bool, name string, value any) {
		if !given {
			return
		}
		text, err := json.Marshal(value)
		if err != nil {
			problems = append(problems, fmt.Errorf("writing option %s: %w", name, err))
		}
		out[name] = text
	}
	put(counted || o.Attempts != 0, "attempts", o.Attempts)
	put(o.JobID != "", "jobId", o.JobID)
	put(!o.Timestamp.IsZero(), "timestamp", o.Timestamp.UnixMilli())
	put(o.Delay != 0 || o.Repeat != nil, "delay", o.Delay.Milliseconds())
	put(o.Priority != 0, "priority", o.Priority)
	put(o.LIFO, "lifo", true)
	if o.Backoff != nil {
		put(true, "backoff", backoffWire{o.Backoff.Type, millisOf(o.Backoff.Delay), number(o.Backoff.Jitter)})
	}
	put(o.RemoveOnComplete != nil, "removeOnComplete", o.RemoveOnComplete)
	put(o.RemoveOnFail != nil, "removeOnFail", o.RemoveOnFail)
	put(o.KeepLogs != nil, "kl", o.KeepLogs)
	put(o.StackTraceLimit != nil, "stackTraceLimit", o.StackTraceLimit)
	put(o.SizeLimit != 0, "sizeLimit", o.SizeLimit)
	if d := o.Deduplication; d != nil {
		wire := deduplicationWire{
			ID: d.ID, Extend: d.Extend, Replace: d.Replace, KeepLastIfActive: d.KeepLastIfActive, Reschedule: d.Reschedule,
		}
		if d.TTL > 0 {
			ttl := millisOf(d.TTL)
			wire.TTL = &ttl
		}
		put(true, "de", wire)
	}
	put(o.Telemetry != "", "tm", o.Telemetry)
	put(o.OmitContext, "omc", true)
	put(o.Repeat != nil, "repeat", o.Repeat)
	put(o.RepeatJobKey != "", "repeatJobKey", o.RepeatJobKey)
	put(o.PrevMillis != 0, "prevMillis", o.PrevMillis)
	put(o.Parent != nil, "parent", o.Parent)
	put(o.ParentPolicy != "", string(o.ParentPolicy), true)
	if len(problems) > 0 {
		return "", errors.Join(problems...)
	}
	return encodePlain(out)
}

// UnmarshalJSON reads what any client wrote, by long and short names. What is not as it should be is left out and
// reported; the other options are there all the same.
func (o *JobOptions) UnmarshalJSON(text []byte) error {
	*o = JobOptions{}
	var in map[string]json.RawMessage
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("reading job options: %w", err)
	}
	for long, short := range longNames {
		if value, ok := in[long]; ok {
			delete(in, long)
			if _, both := in[short]; !both {
				in[short] = value
			}
		}
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(in)) {
		value := in[name]
		if string(value) == "null" {
			continue
		}
		known, err := readOption(o, name, value)
		if err != nil {
			problems = append(problems, fmt.Errorf("reading option %s: %w", name, err))
		}
		if !known {
			if o.Other == nil {
				o.Other = map[string]json.RawMessage{}
			}
			o.Other[name] = value
		}
	}
	return errors.Join(problems...)
}

// readOption takes one option, under its short name.
func readOption(o *JobOptions, name string, text json.RawMessage) (known bool, err error) {
	var n number
	switch name {
	case "attempts":
		err = json.Unmarshal(text, &n)
		o.Attempts = int(n)
	case "jobId":
		o.JobID, err = readText(text)
	case "timestamp":
		if err = json.Unmarshal(text, &n); err == nil && n != 0 {
			o.Timestamp = n.time()
		}
	case "delay":
		err = json.Unmarshal(text, &n)
		o.Delay = n.duration()
	case "priority":
		err = json.Unmarshal(text, &n)
		o.Priority = int(n)
	case "lifo":
		err = json.Unmarshal(text, &o.LIFO)
	case "backoff":
		o.Backoff, err = readBackoff(text)
	case "removeOnComplete":
		o.RemoveOnComplete, err = readNew[Keep](text)
	case "removeOnFail":
		o.RemoveOnFail, err = readNew[Keep](text)
	case "kl":
		o.KeepLogs, err = readCount(text)
	case "stackTraceLimit":
		o.StackTraceLimit, err = readCount(text)
	case "sizeLimit":
		err = json.Unmarshal(text, &n)
		o.SizeLimit = int(n)
	case "de":
		o.Deduplication, err = readNew[Deduplication](text)
	case "tm":
		o.Telemetry, err = readText(text)
	case "omc":
		err = json.Unmarshal(text, &o.OmitContext)
	case "repeat":
		o.Repeat, err = readNew[Repeat](text)
	case "repeatJobKey":
		o.RepeatJobKey, err = readText(text)
	case "prevMillis":
		err = json.Unmarshal(text, &n)
		o.PrevMillis = int64(n)
	case "parent":
		o.Parent, err = readNew[ParentJob](text)
	case string(FailParent), string(RemoveDependency), string(IgnoreDependency), string(ContinueParent):
		var on bool
		if err = json.Unmarshal(text, &on); on {
			o.ParentPolicy = ParentPolicy(name)
		}
	default:
		return false, nil
	}
	return true, err
}

// over returns the options with those of the queue in place of the ones that were not given.
func (o JobOptions) over(d JobOptions) JobOptions {
	if o.Timestamp.IsZero() {
		o.Timestamp = d.Timestamp
	}
	orDefault(&o.Delay, d.Delay)
	orDefault(&o.Priority, d.Priority)
	orDefault(&o.LIFO, d.LIFO)
	orDefault(&o.Attempts, d.Attempts)
	orDefault(&o.Backoff, d.Backoff)
	orDefault(&o.RemoveOnComplete, d.RemoveOnComplete)
	orDefault(&o.RemoveOnFail, d.RemoveOnFail)
	orDefault(&o.KeepLogs, d.KeepLogs)
	orDefault(&o.StackTraceLimit, d.StackTraceLimit)
	orDefault(&o.SizeLimit, d.SizeLimit)
	orDefault(&o.Deduplication, d.Deduplication)
	orDefault(&o.Telemetry, d.Telemetry)
	orDefault(&o.OmitContext, d.OmitContext)
	if len(d.Other) > 0 {
		other := maps.Clone(d.Other)
		maps.Copy(other, o.Other)
		o.Other = other
	}
	return o
}

func orDefault[T comparable](value *T, fallback T) {
	var none T
	if *value == none {
		*value = fallback
	}
}

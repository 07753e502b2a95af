package bullmq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// ClientVersion is what a [Queue] leaves in the queue's settings as the version of the library that used it last:
	// the one whose keys and entries it writes. Clients show it, and take it for one of theirs.
	ClientVersion = "bullmq:6.7.0"
	// DefaultMaxEvents is about how many entries a queue's stream keeps.
	DefaultMaxEvents = 10000
)

// The errors of a Queue's methods, to be found with errors.Is.
var (
	// ErrUnknownJob means that there is no job of that id.
	ErrUnknownJob = errors.New("there is no such job")
	// ErrNotInState means that the job is not in the state that the call is for.
	ErrNotInState = errors.New("the job is not in that state")
	// ErrLocked means that a worker has the job.
	ErrLocked = errors.New("a worker has the job")
	// ErrArmed means that the job is the next one of a scheduler: it goes with [Queue.RemoveScheduler].
	ErrArmed = errors.New("the job is a scheduler's next one")
	// ErrFlow means that the job is part of a flow, which this package doesn't change.
	ErrFlow = errors.New("the job is part of a flow")
	// ErrActive means that jobs of the queue are active.
	ErrActive = errors.New("jobs of the queue are active")
	// ErrInvalid means that an argument can never be accepted.
	ErrInvalid = errors.New("invalid")
)

// Queue adds jobs to a BullMQ queue, controls it and looks into it, as the Queue class of BullMQ's own clients does.
// It holds no connection of its own and may be used by many goroutines.
type Queue struct {
	rdb       redis.UniversalClient
	prefix    string
	name      string
	keys      Keys
	defaults  JobOptions
	maxEvents int
	quiet     bool
	announced atomic.Bool
	scripts   clientScripts
}

// QueueOption alters a queue.
type QueueOption func(*Queue)

// WithPrefix sets what the queue's keys begin with: [DefaultPrefix] unless given. On a cluster it must be, or hold, a
// hash tag ("{bull}").
func WithPrefix(prefix string) QueueOption { return func(q *Queue) { q.prefix = prefix } }

// WithJobDefaults sets the options that jobs have which were not given those.
func WithJobDefaults(options JobOptions) QueueOption { return func(q *Queue) { q.defaults = options } }

// WithMaxEvents sets about how many entries the queue's stream keeps, for all that write it.
func WithMaxEvents(n int) QueueOption { return func(q *Queue) { q.maxEvents = n } }

// WithoutAnnouncing keeps the queue from writing its settings (the length of the stream, the version) before its first
// job: see [Queue.Announce].
func WithoutAnnouncing() QueueOption { return func(q *Queue) { q.quiet = true } }

// NewQueue returns the queue of that name, which must not be empty or hold a colon. Nothing is written yet.
func NewQueue(rdb redis.UniversalClient, name string, options ...QueueOption) (*Queue, error) {
	if name == "" || strings.Contains(name, ":") {
		return nil, fmt.Errorf("%w: the name of a queue, %q, is empty or holds a colon", ErrInvalid, name)
	}
	q := &Queue{
		rdb: rdb, prefix: DefaultPrefix, name: name, maxEvents: DefaultMaxEvents, scripts: loadClientScripts(),
	}
	for _, option := range options {
		option(q)
	}
	q.keys = NewKeys(q.prefix, name)
	return q, nil
}

// Name returns the queue's name.
func (q *Queue) Name() string { return q.name }

// Keys returns the queue's keys.
func (q *Queue) Keys() Keys { return q.keys }

// Announce writes the queue's settings as the constructor of a client does: how long its stream may become, and the
// version, unless a client of major 5 was there before: its version tells all others where it looks for the jobs of a
// paused queue. The first call that adds something does it too, unless [WithoutAnnouncing] was given.
func (q *Queue) Announce(ctx context.Context) error {
	k := q.keys
	if _, err := q.scripts.announce.count(ctx, q.rdb, []string{k.Meta()}, q.maxEvents, ClientVersion); err != nil {
		return q.failed("announcing", err)
	}
	q.announced.Store(true)
	return nil
}

func (q *Queue) announceOnce(ctx context.Context) error {
	if q.quiet || q.announced.Load() {
		return nil
	}
	return q.Announce(ctx)
}

// failed wraps an error with what was done to the queue.
func (q *Queue) failed(doing string, err error) error {
	return fmt.Errorf("%s queue %s: %w", doing, q.name, err)
}

// failedJob wraps an error with what was done to a job.
func (q *Queue) failedJob(doing, id string, err error) error {
	return fmt.Errorf("%s job %s of queue %s: %w", doing, id, q.name, err)
}

// clientScripts are the Lua commands of a Queue.
type clientScripts struct {
	add, pause, resume, remove, retry, retryAll, promote, promoteAll, changePriority, changeDelay, edit, log, drain, clean,
	obliterate, schedule, unschedule, announce script
}

func loadClientScripts() clientScripts {
	return clientScripts{
		add: loadScript("add-10.lua"), pause: loadScript("pause-5.lua"), resume: loadScript("resume-7.lua"),
		remove: loadScript("remove-13.lua"), retry: loadScript("retry-9.lua"), retryAll: loadScript("retryall-7.lua"),
		promote: loadScript("hasten-9.lua"), promoteAll: loadScript("hastenall-7.lua"),
		changePriority: loadScript("priority-7.lua"), changeDelay: loadScript("delay-4.lua"),
		edit: loadScript("edit-3.lua"), log: loadScript("log-2.lua"), drain: loadScript("drain-9.lua"),
		clean: loadScript("clean-8.lua"), obliterate: loadScript("obliterate-17.lua"),
		schedule: loadScript("schedule-12.lua"), unschedule: loadScript("unschedule-5.lua"),
		announce: loadScript("announce-1.lua"),
	}
}

// The codes by which scripts refuse.
const (
	codeNoJob      = -1
	codeNotInState = -2
	codeLocked     = -3
	codeArmed      = -4
	codeFlow       = -5
	codeActive     = -6
)

func codeError(code int64) error {
	switch code {
	case codeNoJob:
		return ErrUnknownJob
	case codeNotInState:
		return ErrNotInState
	case codeLocked:
		return ErrLocked
	case codeArmed:
		return ErrArmed
	case codeFlow:
		return ErrFlow
	case codeActive:
		return ErrActive
	}
	return nil
}

// run runs a script once. Redis is sent its source only if it doesn't know it.
func (s script) exec(ctx context.Context, rdb redis.UniversalClient, keys []string, args ...any) *redis.Cmd {
	if len(keys) != s.keys {
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(fmt.Errorf("script takes %d keys, not %d", s.keys, len(keys)))
		return cmd
	}
	cmd := rdb.EvalSha(ctx, s.sha, keys, args...)
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		return rdb.Eval(ctx, s.source, keys, args...)
	}
	return cmd
}

// count runs a script that returns a number, and turns the codes of refusal into errors.
func (s script) count(ctx context.Context, rdb redis.UniversalClient, keys []string, args ...any) (int, error) {
	n, err := s.exec(ctx, rdb, keys, args...).Int64()
	if err == nil {
		err = codeError(n)
	}
	return int(max(n, 0)), err
}

func nowMillis() string { return millis(time.Now()) }

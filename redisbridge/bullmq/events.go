package bullmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Event is one entry of a queue's stream. Which fields it has depends on its name; Fields has them all as they were
// written.
type Event struct {
	ID    string // of the entry
	Name  string // added, waiting, active, progress, delayed, completed, failed, removed… or what somebody published
	JobID string
	Prev  string // where the job came from: a collection's name, as clients write it (wait, not waiting)

	JobName           string          // added
	Progress          json.RawMessage // progress
	ReturnValue       json.RawMessage // completed
	FailedReason      string          // failed
	DueAt             time.Time       // delayed
	AttemptsMade      int             // retries-exhausted
	Count             int             // cleaned
	DeduplicationID   string          // deduplicated
	DeduplicatedJobID string          // deduplicated: the other one of the two jobs

	Fields map[string]string // all but the name
}

// At is when Redis took the entry.
func (e Event) At() time.Time {
	ms, _, _ := strings.Cut(e.ID, "-")
	return parseMillis(ms)
}

func decodeEvent(message redis.XMessage) Event {
	fields := make(map[string]string, len(message.Values))
	for name, value := range message.Values {
		fields[name], _ = value.(string)
	}
	e := Event{ID: message.ID, Name: fields["event"], Fields: fields}
	delete(fields, "event")
	valid := func(text string) json.RawMessage {
		if text == "" || !json.Valid([]byte(text)) {
			return nil
		}
		return json.RawMessage(text)
	}
	e.JobID, e.Prev, e.JobName, e.FailedReason = fields["jobId"], fields["prev"], fields["name"], fields["failedReason"]
	e.Progress, e.ReturnValue = valid(fields["data"]), valid(fields["returnvalue"])
	e.AttemptsMade, e.Count = int(parseNumber(fields["attemptsMade"])), int(parseNumber(fields["count"]))
	e.DeduplicationID, e.DeduplicatedJobID = fields["deduplicationId"], fields["deduplicatedJobId"]
	if e.Name == "delayed" {
		e.DueAt = parseMillis(fields["delay"])
	}
	return e
}

const (
	eventsAtOnce = 500
	// idle is how long one read waits in Redis. A context that ends is noticed no later.
	idle = time.Second
)

// Events reads a queue's stream, entry by entry, from where it was told to. It may be used by one goroutine.
//
// It goes on when the stream is deleted, made anew or trimmed, also when Redis came back with older data. Entries that
// were gone before they could be read are lost: see Missed.
type Events struct {
	queue  *Queue
	cursor string // id of the newest entry that was read; "": to be found
	sure   bool   // that the cursor fits the stream
	missed bool
}

// Events returns a reader of what comes after the entry of that id: "0" is all that the stream still has, and the empty
// text all that is new from now on.
func (q *Queue) Events(ctx context.Context, after string) (*Events, error) {
	e := &Events{queue: q, cursor: after}
	if after == "" {
		newest, err := q.rdb.XRevRangeN(ctx, q.keys.Events(), "+", "-", 1).Result()
		if err != nil {
			return nil, q.failed("listening to", err)
		}
		e.cursor, e.sure = "0-0", true
		if len(newest) > 0 {
			e.cursor = newest[0].ID
		}
	}
	if after == "0" {
		e.cursor, e.sure = "0-0", true
	}
	return e, nil
}

// Cursor is the id of the newest entry that was read: a later reader goes on from there.
func (e *Events) Cursor() string { return e.cursor }

// Missed says, once, whether entries may have been lost since the last call: trimmed, or deleted with the queue, before
// they were read.
func (e *Events) Missed() bool {
	missed := e.missed
	e.missed = false
	return missed
}

// Next returns what was told since, waiting up to a second for it. It returns nothing, and no error, if nothing was.
func (e *Events) Next(ctx context.Context) ([]Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, e.queue.failed("listening to", err)
	}
	if !e.sure {
		if err := e.check(ctx); err != nil {
			return nil, e.queue.failed("listening to", err)
		}
	}
	streams, err := e.queue.rdb.XRead(ctx, &redis.XReadArgs{
		Streams: []string{e.queue.keys.Events(), e.cursor}, Count: eventsAtOnce, Block: idle,
	}).Result()
	if isNil(err) {
		e.sure = false // an old cursor reads nothing for ever
		return nil, nil
	}
	if err != nil {
		e.sure = false
		return nil, e.queue.failed("listening to", err)
	}
	var events []Event
	for _, stream := range streams {
		for _, message := range stream.Messages {
			events = append(events, decodeEvent(message))
			e.cursor = message.ID
		}
	}
	if len(events) == eventsAtOnce {
		e.sure = false // the rest may be trimmed before it is read
	}
	return events, nil
}

// check compares the cursor with the stream: ids go up as long as it is the same stream.
func (e *Events) check(ctx context.Context) error {
	info, err := e.queue.rdb.XInfoStream(ctx, e.queue.keys.Events()).Result()
	switch {
	case err != nil && strings.Contains(err.Error(), "no such key"):
		// Nobody used the queue yet, or it was obliterated: whatever comes next is new.
		if e.cursor != "0-0" {
			e.cursor, e.missed = "0-0", true
		}
	case err != nil:
		return err
	case compareIDs(info.LastGeneratedID, e.cursor) < 0:
		e.cursor, e.missed = "0-0", true
	case info.Length > 0 && compareIDs(info.FirstEntry.ID, e.cursor) > 0 && compareIDs(e.cursor, "0-0") > 0:
		e.missed = true
	}
	e.sure = true
	return nil
}

// compareIDs orders the ids of entries.
func compareIDs(a, b string) int {
	aMillis, aTurn := splitID(a)
	bMillis, bTurn := splitID(b)
	switch {
	case aMillis != bMillis:
		return sign(aMillis > bMillis)
	case aTurn != bTurn:
		return sign(aTurn > bTurn)
	}
	return 0
}

func sign(greater bool) int {
	if greater {
		return 1
	}
	return -1
}

func splitID(id string) (ms, turn uint64) {
	first, second, _ := strings.Cut(id, "-")
	ms, _ = strconv.ParseUint(first, 10, 64)
	turn, _ = strconv.ParseUint(second, 10, 64)
	return ms, turn
}

// PublishEvent writes an entry of one's own to the queue's stream and returns its id. Unlike BullMQ's own producer of
// events it leaves the stream the length that the queue's settings say. The name error would break those that listen.
func (q *Queue) PublishEvent(ctx context.Context, name string, fields map[string]string) (id string, err error) {
	if _, again := fields["event"]; again || name == "" || name == "error" {
		return "", q.failed("telling listeners of", fmt.Errorf("%w: an event named %q, with %d fields", ErrInvalid, name, len(fields)))
	}
	longest, err := q.rdb.HGet(ctx, q.keys.Meta(), "opts.maxLenEvents").Int64()
	if err != nil && !isNil(err) {
		return "", q.failed("telling listeners of", err)
	}
	if longest <= 0 {
		longest = int64(q.maxEvents)
	}
	values := []string{"event", name}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		values = append(values, field, fields[field])
	}
	id, err = q.rdb.XAdd(ctx, &redis.XAddArgs{Stream: q.keys.Events(), MaxLen: longest, Approx: true, Values: values}).Result()
	if err != nil {
		return "", q.failed("telling listeners of", err)
	}
	return id, nil
}

// FailedError is what a job failed with.
type FailedError struct {
	JobID  string
	Reason string
}

func (e *FailedError) Error() string { return fmt.Sprintf("job %s failed: %s", e.JobID, e.Reason) }

// WaitUntilFinished waits for a job's end and returns what it returned, as JSON, or a [*FailedError]. The error is
// [ErrUnknownJob] if there is no such job, also if it is deleted meanwhile without an end. While it waits it occupies a
// connection.
func (q *Queue) WaitUntilFinished(ctx context.Context, id string) (json.RawMessage, error) {
	events, err := q.Events(ctx, "")
	if err != nil {
		return nil, err
	}
	for look := true; ; {
		var unknown error
		if look {
			value, ended, err := q.ended(ctx, id)
			if errors.Is(err, ErrUnknownJob) {
				unknown, err = err, nil // its end may have been told, if it was not to stay
			}
			if err != nil || ended {
				return value, err
			}
		}
		told, err := events.Next(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range told {
			switch {
			case e.JobID != id:
			case e.Name == string(Completed):
				return orNull(e.ReturnValue), nil
			case e.Name == string(Failed):
				return nil, &FailedError{JobID: id, Reason: e.FailedReason}
			}
		}
		if unknown != nil {
			return nil, unknown
		}
		look = len(told) == 0
	}
}

// ended says how a job ended that has.
func (q *Queue) ended(ctx context.Context, id string) (value json.RawMessage, ended bool, err error) {
	job, err := q.Job(ctx, id)
	if err != nil {
		return nil, false, err
	}
	switch job.State {
	case Completed:
		return orNull(job.ReturnValue), true, nil
	case Failed:
		return nil, true, &FailedError{JobID: id, Reason: job.FailedReason}
	case Waiting, Delayed, Active, Prioritized, WaitingChildren, Unknown:
	}
	return nil, false, nil
}

func orNull(text json.RawMessage) json.RawMessage {
	if len(text) == 0 {
		return json.RawMessage("null")
	}
	return text
}

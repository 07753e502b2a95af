package bullmq

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// NewJob is a job to add.
type NewJob struct {
	Name string
	// Data is what the worker gets: anything that encoding/json can write. A json.RawMessage is stored as it is; nil
	// becomes {}.
	Data    any
	Options JobOptions
}

// Receipt says what became of an added job.
type Receipt struct {
	ID string // the job that is there now
	// Duplicate: there was a job of that id already, and nothing else happened.
	Duplicate bool
	// Deduplicated: a job of the same deduplication id, ID, was there already and stays.
	Deduplicated bool
}

// Add adds a job. What the options lack, the queue's defaults give. An error that is [ErrInvalid] means that the job
// can never be added; with any other it may or may not have been.
func (q *Queue) Add(ctx context.Context, name string, data any, options JobOptions) (Receipt, error) {
	keys, args, err := q.addCall(NewJob{Name: name, Data: data, Options: options})
	if err == nil {
		err = q.announceOnce(ctx)
	}
	if err != nil {
		return Receipt{}, q.failed("adding a job to", err)
	}
	receipt, err := readReceipt(q.scripts.add.exec(ctx, q.rdb, keys, args...))
	if err != nil {
		return Receipt{}, q.failed("adding a job to", err)
	}
	return receipt, nil
}

// AddBulk adds jobs in their order, in one round trip. Others may add theirs in between; if Redis fails half-way, some
// are added and some not. If one of them can never be added, none is, and the error is [ErrInvalid].
func (q *Queue) AddBulk(ctx context.Context, jobs []NewJob) ([]Receipt, error) {
	calls := make([]call, len(jobs))
	for i, job := range jobs {
		keys, args, err := q.addCall(job)
		if err != nil {
			return nil, q.failed(fmt.Sprintf("adding %d jobs, of which number %d, to", len(jobs), i), err)
		}
		calls[i] = call{keys: keys, args: args}
	}
	if len(jobs) == 0 {
		return nil, nil
	}
	if err := q.announceOnce(ctx); err != nil {
		return nil, err
	}
	replies, err := q.scripts.add.runAll(ctx, q.rdb, calls)
	if err != nil {
		return nil, q.failed(fmt.Sprintf("adding %d jobs to", len(jobs)), err)
	}
	receipts := make([]Receipt, len(jobs))
	for i, reply := range replies {
		if receipts[i], err = readReceipt(reply); err != nil {
			return nil, q.failed(fmt.Sprintf("adding %d jobs, of which number %d, to", len(jobs), i), err)
		}
	}
	return receipts, nil
}

func readReceipt(reply *redis.Cmd) (Receipt, error) {
	parts, err := reply.StringSlice()
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{ID: parts[0], Duplicate: parts[1] == "duplicated", Deduplicated: parts[1] == "deduplicated"}, nil
}

// addCall lays out one run of the add script: see its header.
func (q *Queue) addCall(job NewJob) (keys []string, args []any, err error) {
	o := job.Options.over(q.defaults)
	data, err := encodeData(job.Data)
	if err != nil {
		return nil, nil, err
	}
	if err := checkOptions(o, len(data)); err != nil {
		return nil, nil, err
	}
	opts, err := o.stored(true)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: writing its options: %w", ErrInvalid, err)
	}
	at := o.Timestamp
	if at.IsZero() {
		at = time.Now()
	}
	var d Deduplication
	if o.Deduplication != nil {
		d = *o.Deduplication
	}
	k := q.keys
	keys = []string{
		k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Events(), k.Meta(), k.ID(),
		k.PriorityCounter(), k.Marker(),
	}
	return keys, []any{
		k.Base(), o.JobID, job.Name, data, opts, millis(at), decimal(o.Delay.Milliseconds()),
		strconv.Itoa(o.Priority), flag(o.LIFO),
		d.ID, lifeMillis(d.TTL), flag(d.Extend), flag(d.Replace), flag(d.KeepLastIfActive), flag(d.Reschedule),
	}, nil
}

// encodeData writes what a worker gets as JSON.
func encodeData(data any) (string, error) {
	switch value := data.(type) {
	case nil:
		return "{}", nil
	case json.RawMessage:
		if len(value) == 0 {
			return "{}", nil
		}
		if !json.Valid(value) {
			return "", fmt.Errorf("%w: its data is not JSON", ErrInvalid)
		}
		return string(value), nil
	}
	text, err := encodePlain(data)
	if err != nil {
		return "", fmt.Errorf("%w: writing its data: %w", ErrInvalid, err)
	}
	return text, nil
}

// checkOptions refuses what clients of BullMQ refuse, and what would break the queue.
func checkOptions(o JobOptions, size int) error {
	problem := ""
	if o.JobID != "" {
		problem = checkCustomID(o.JobID)
	}
	switch {
	case problem != "":
	case o.SizeLimit > 0 && size > o.SizeLimit:
		problem = fmt.Sprintf("its data has %d bytes, more than its limit of %d", size, o.SizeLimit)
	case o.Priority < -maxPriority || o.Priority > maxPriority:
		problem = fmt.Sprintf("its priority, %d, is out of range", o.Priority)
	case !o.Timestamp.IsZero() && !representable(o.Timestamp), !representable(time.Now().Add(o.Delay)):
		problem = "its time is out of range"
	case o.Attempts < 0:
		problem = "it has less than no attempts"
	case o.Deduplication != nil && o.Deduplication.ID == "":
		problem = "its deduplication has no id"
	case o.Deduplication != nil && o.Deduplication.TTL < 0:
		problem = "its deduplication has ended"
	case o.Backoff != nil && (o.Backoff.Delay < 0 || o.Backoff.Jitter < 0 || o.Backoff.Jitter > 1):
		problem = "its backoff is out of range"
	case o.Parent != nil || o.ParentPolicy != "":
		return fmt.Errorf("%w: %w", ErrInvalid, ErrFlow)
	case o.Repeat != nil || o.RepeatJobKey != "":
		problem = "a job that repeats is added by UpsertScheduler"
	}
	if problem == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrInvalid, problem)
}

func checkCustomID(id string) string {
	if n, err := strconv.ParseInt(id, 10, 64); err == nil && strconv.FormatInt(n, 10) == id {
		return "its id is a whole number, which the queue counts itself"
	}
	if colons := strings.Count(id, ":"); colons != 0 && colons != 2 {
		return "its id holds a colon"
	}
	return checkID(id)
}

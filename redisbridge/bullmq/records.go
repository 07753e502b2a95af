package bullmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// SchedulerRecord is a job scheduler as Redis has it, for those that keep it elsewhere, too.
type SchedulerRecord struct {
	ID     string
	Fields map[string]string
	Next   time.Time // what its newest job is for
}

// SchedulerRecords reads schedulers, in one round trip. One that is not there, or not whole, has no fields.
func (p *Projector) SchedulerRecords(ctx context.Context, queue string, next map[string]time.Time) ([]SchedulerRecord, error) {
	if len(next) == 0 {
		return nil, nil
	}
	k := p.Keys(queue)
	pipe := p.rdb.Pipeline()
	records := make([]SchedulerRecord, 0, len(next))
	hashes := make([]*redis.MapStringStringCmd, 0, len(next))
	for id, at := range next {
		records = append(records, SchedulerRecord{ID: id, Next: at})
		hashes = append(hashes, pipe.HGetAll(ctx, k.Scheduler(id)))
	}
	if _, err := pipe.Exec(ctx); err != nil && !refusal(err) {
		return nil, fmt.Errorf("reading the schedulers of queue %s: %w", queue, err)
	}
	for i := range records {
		records[i].Fields = hashes[i].Val()
	}
	return records, nil
}

// RestoreSchedulers shows schedulers in a Redis that lost them; those that are there stay as they are. One whose key holds
// something else can't be shown, and is left out.
func (p *Projector) RestoreSchedulers(ctx context.Context, queue string, records []SchedulerRecord) error {
	k := p.Keys(queue)
	var problems []error
	for _, r := range records {
		if len(r.Fields) == 0 {
			continue
		}
		pipe := p.rdb.TxPipeline()
		for name, value := range r.Fields {
			pipe.HSetNX(ctx, k.Scheduler(r.ID), name, value)
		}
		pipe.ZAddNX(ctx, k.Repeat(), redis.Z{Score: float64(r.Next.UnixMilli()), Member: r.ID})
		if _, err := pipe.Exec(ctx); err != nil && !refusal(err) {
			problems = append(problems, fmt.Errorf("restoring scheduler %s of queue %s: %w", r.ID, queue, err))
		}
	}
	return errors.Join(problems...)
}

// SchedulerJob is the newest job of a scheduler as far as its record tells, for [Queue.ArmNext] when the job itself is not
// there any more: its options are the template's, and it is counted by what the scheduler has added (ic).
func SchedulerJob(r SchedulerRecord) Job {
	job := Job{ID: iterationID(r.ID, r.Next), SchedulerID: r.ID}
	s := decodeScheduler(r.ID, r.Next, r.Fields)
	options := s.Template.Options
	repeat := s.Repeat
	repeat.Offset, repeat.Count = 0, s.Iterations
	options.Repeat = &repeat
	if text, err := options.stored(true); err == nil {
		job.Opts = json.RawMessage(text)
	}
	return job
}

// Iteration returns which job of its scheduler a job is, from 1, and how many there are to be, as its options say; 0: they
// don't. Schedulers that clients of version 5.34 made say so nowhere else.
func Iteration(opts json.RawMessage) (count, limit int) {
	var options JobOptions
	if err := json.Unmarshal(opts, &options); options.Repeat == nil {
		_ = err // what can be read counts
		return 0, 0
	}
	return options.Repeat.Count, options.Repeat.Limit
}

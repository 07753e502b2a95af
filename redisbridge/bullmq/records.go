package bullmq

import (
	"context"
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

// RestoreSchedulers shows schedulers in a Redis that lost them; those that are there stay as they are.
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
		if _, err := pipe.Exec(ctx); err != nil {
			problems = append(problems, fmt.Errorf("restoring scheduler %s of queue %s: %w", r.ID, queue, err))
		}
	}
	return errors.Join(problems...)
}

// SchedulerJob is what [Queue.ArmNext] needs to know of the newest job of a scheduler if the job is not there any more.
func SchedulerJob(r SchedulerRecord) Job {
	return Job{ID: iterationID(r.ID, r.Next), SchedulerID: r.ID}
}

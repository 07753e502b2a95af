package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// backlogs measures what a job's life costs behind so many others that wait: the oldest starts and ends while another
// one joins the queue.
func (b *bench) backlogs(ctx context.Context) error {
	const jobs = 4000
	b.say("\nA job's life (added, active, completed) behind a backlog, %d jobs each, without and with a priority:", jobs)
	for _, priority := range []int{0, 5} {
		for _, size := range []int{0, 1_000, 10_000, 100_000} {
			if err := b.rdb.FlushAll(ctx).Err(); err != nil {
				return fmt.Errorf("emptying Redis: %w", err)
			}
			f := &flow{projector: bullmq.NewProjector(b.rdb, prefix), queue: "backlog"}
			waiting, err := f.waiting(ctx, size, priority)
			if err != nil {
				return err
			}
			cpu, started := b.cpuMicros(ctx), time.Now()
			if err := f.turnOver(ctx, waiting, jobs, priority); err != nil {
				return err
			}
			took := time.Since(started)
			b.say("  priority %d, %6d waiting: %.0f µs a job, %.0f µs of Redis's CPU", priority, size,
				float64(took.Microseconds())/jobs, (b.cpuMicros(ctx)-cpu)/jobs)
			keys := f.projector.Keys(f.queue)
			left := b.rdb.LLen(ctx, keys.Wait()).Val() + b.rdb.ZCard(ctx, keys.Prioritized()).Val()
			if done := b.rdb.ZCard(ctx, keys.Completed()).Val(); done != jobs || left != int64(size) {
				return fmt.Errorf("%d jobs have ended and %d wait, not %d and %d", done, left, jobs, size)
			}
		}
	}
	return nil
}

func (f *flow) waiting(ctx context.Context, n, priority int) ([]*life, error) {
	lives := make([]*life, 0, n)
	for len(lives) < n {
		changes := make([]bullmq.Change, 0, 1000)
		for range min(1000, n-len(lives)) {
			l := newLife(uuid.NewString())
			l.job.Priority = priority
			lives = append(lives, l)
			changes = append(changes, l.added())
		}
		if err := f.apply(ctx, changes); err != nil {
			return nil, err
		}
	}
	return lives, nil
}

// turnOver adds so many jobs, and starts and ends as many of the oldest.
func (f *flow) turnOver(ctx context.Context, lives []*life, n, priority int) error {
	changes := make([]bullmq.Change, 0, 999)
	for i := range n {
		l := newLife(uuid.NewString())
		l.job.Priority = priority
		lives = append(lives, l)
		oldest := lives[i]
		changes = append(changes, l.added(), oldest.starts(), oldest.ends())
		if len(changes) == cap(changes) || i == n-1 {
			if err := f.apply(ctx, changes); err != nil {
				return err
			}
			changes = changes[:0]
		}
	}
	return nil
}

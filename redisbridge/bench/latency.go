package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

const (
	// samples is how many progress updates one turn sends, one every pace. One turn has too few for a 99th percentile: what
	// counts is that of all turns together.
	samples = 500
	turns   = 15
	pace    = 3 * time.Millisecond
)

// latency compares how old progress is when a listener, the real QueueEvents, hears of it, and returns how many times
// BullMQ's 99th percentile the bridge's is. Both sides have the same listener, in a process of its own.
func (b *bench) latency(ctx context.Context) (float64, error) {
	listener, err := startNode(ctx, b.modules, b.url)
	if err != nil {
		return 0, err
	}
	defer listener.stop() //nolint:errcheck // it has said all it had to say
	ahead, within, err := listener.clockDifference()
	if err != nil {
		return 0, err
	}
	theirAhead, theirWithin, err := b.node.clockDifference()
	if err != nil {
		return 0, err
	}
	b.say("\nFrom a progress update to the listener (QueueEvents of BullMQ 6.7.0), %d updates a turn, one every %s;", samples, pace)
	b.say("  the listener's clock is %+.3f ms from the bridge's (within %.3f) and %+.3f ms from BullMQ's (within %.3f): corrected.",
		ahead, within, ahead-theirAhead, within+theirWithin)
	var theirs, ours, pairs []float64
	for n := range turns + 1 {
		a, err := b.heard(ctx, listener, ahead-theirAhead, func(queue string) error {
			return b.node.call("progress", map[string]any{
				"queue": queue, "count": samples, "every": pace.Milliseconds(), "record": json.RawMessage(record),
			}, nil)
		})
		if err != nil {
			return 0, fmt.Errorf("BullMQ: %w", err)
		}
		z, err := b.heard(ctx, listener, ahead, func(queue string) error { return b.publish(ctx, queue) })
		if err != nil {
			return 0, fmt.Errorf("bridge: %w", err)
		}
		if n > 0 { // the first turns warm up
			theirs, ours, pairs = append(theirs, a...), append(ours, z...), append(pairs, percentile(z, 0.99)/percentile(a, 0.99))
		}
	}
	b.say("  BullMQ: p50 %.3f ms, p99 %.3f ms", percentile(theirs, 0.5), percentile(theirs, 0.99))
	b.say("  bridge: p50 %.3f ms, p99 %.3f ms", percentile(ours, 0.5), percentile(ours, 0.99))
	median, lowest, highest := spread(pairs)
	b.say("  ratio of p99, pair by pair: median %.2f (%.2f to %.2f); of all updates together it is the last line's", median, lowest, highest)
	return percentile(ours, 0.99) / percentile(theirs, 0.99), nil
}

// heard lets one side send its updates and returns how old each was, in ms, when it was heard of.
func (b *bench) heard(ctx context.Context, listener *node, ahead float64, send func(queue string) error) ([]float64, error) {
	if err := b.rdb.FlushAll(ctx).Err(); err != nil {
		return nil, fmt.Errorf("emptying Redis: %w", err)
	}
	const queue = "test-execution"
	if err := listener.call("listen", map[string]any{"queue": queue}, nil); err != nil {
		return nil, err
	}
	if err := send(queue); err != nil {
		return nil, err
	}
	var ages []float64
	if err := listener.call("heard", map[string]any{"count": samples}, &ages); err != nil {
		return nil, err
	}
	if len(ages) != samples {
		return nil, fmt.Errorf("%d of %d updates were heard", len(ages), samples)
	}
	for i := range ages {
		ages[i] -= ahead
	}
	return ages, listener.call("unlisten", nil, nil)
}

// publish sends updates as a worker of the product does.
func (b *bench) publish(ctx context.Context, queue string) error {
	cfg, err := config.Load([]string{"REDIS_URL=" + b.url, "QUEUE_PREFIX=" + prefix})
	if err != nil {
		return fmt.Errorf("making settings: %w", err)
	}
	publisher, err := redisbridge.NewPublisher(ctx, cfg, b.log)
	if err != nil {
		return err
	}
	defer publisher.Close()
	l := newLife("a-run")
	projector := bullmq.NewProjector(b.rdb, prefix)
	if _, err := projector.Apply(ctx, queue, []bullmq.Change{l.added(), l.starts()}); err != nil {
		return err
	}
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for n := range samples {
		value := record[:len(record)-1] + `,"percentage":` + strconv.Itoa(n) + `,"sentAt":` + strconv.FormatFloat(nowMillis(), 'f', 4, 64) + `}`
		publisher.Publish(queue, "a-run", "a-run", 1, json.RawMessage(value))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // it was interrupted
		}
	}
	return nil
}

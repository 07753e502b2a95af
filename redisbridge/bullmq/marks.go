package bullmq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Marks are what tells a Redis that kept all it was given from one that didn't. They lie outside the queue's own keys.
type Marks struct {
	Epoch    string // see [Projector.Epoch]
	Position int64  // see [Projector.Position]
	Evicted  int64  // see [Projector.MarkEvicted]; less than 0: there is no such mark
}

// Marks reads the marks, in one round trip.
func (p *Projector) Marks(ctx context.Context, queue string) (Marks, error) {
	k := p.Keys(queue)
	values, err := p.rdb.MGet(ctx, k.Epoch(), k.Position(), k.Evicted()).Result()
	if err != nil {
		return Marks{}, fmt.Errorf("reading the marks of queue %s: %w", queue, err)
	}
	m := Marks{Evicted: -1}
	m.Epoch, _ = values[0].(string)
	for i, into := range map[int]*int64{1: &m.Position, 2: &m.Evicted} {
		text, ok := values[i].(string)
		if !ok {
			continue
		}
		if *into, err = strconv.ParseInt(text, 10, 64); err != nil {
			return Marks{}, fmt.Errorf("reading the marks of queue %s: %w", queue, err)
		}
	}
	return m, nil
}

// MarkEvicted says that what Redis evicted, so many keys, is shown again.
func (p *Projector) MarkEvicted(ctx context.Context, queue string, evicted int64) error {
	if err := p.rdb.Set(ctx, p.Keys(queue).Evicted(), evicted, 0).Err(); err != nil {
		return fmt.Errorf("marking the evictions of queue %s: %w", queue, err)
	}
	return nil
}

// Memory is how the Redis of a queue deals with a lack of memory.
type Memory struct {
	// Evicted counts the keys, of any queue, that it threw away since it started.
	Evicted int64
	// Policy is its maxmemory-policy; with any but noeviction it throws jobs away instead of refusing new ones.
	Policy string
	// Used and Limit are in bytes; a limit of 0 is none.
	Used, Limit int64
}

// Memory asks the server that holds the queue.
func (p *Projector) Memory(ctx context.Context, queue string) (Memory, error) {
	var server redis.Cmdable = p.rdb
	if cluster, ok := p.rdb.(*redis.ClusterClient); ok {
		node, err := cluster.MasterForKey(ctx, p.Keys(queue).Meta())
		if err != nil {
			return Memory{}, fmt.Errorf("finding the server of queue %s: %w", queue, err)
		}
		server = node
	}
	var m Memory
	numbers := map[string]*int64{"evicted_keys": &m.Evicted, "used_memory": &m.Used, "maxmemory": &m.Limit}
	for _, section := range []string{"stats", "memory"} {
		text, err := server.Info(ctx, section).Result()
		if err != nil {
			return Memory{}, fmt.Errorf("asking Redis for what it evicted: %w", err)
		}
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			if name == "maxmemory_policy" {
				m.Policy = value
			}
			if into := numbers[name]; into != nil {
				if *into, err = strconv.ParseInt(value, 10, 64); err != nil {
					return Memory{}, fmt.Errorf("reading %s of Redis: %w", name, err)
				}
			}
		}
	}
	return m, nil
}

// MarkEpoch leaves a mark that is there as long as Redis keeps its data, whatever clients do to the queue.
func (p *Projector) MarkEpoch(ctx context.Context, queue, epoch string) error {
	if err := p.rdb.Set(ctx, p.Keys(queue).Epoch(), epoch, 0).Err(); err != nil {
		return fmt.Errorf("marking the epoch of queue %s: %w", queue, err)
	}
	return nil
}

// Epoch returns the mark, or nothing if Redis lost its data (or never had any): all jobs must be shown again.
func (p *Projector) Epoch(ctx context.Context, queue string) (string, error) {
	epoch, err := p.rdb.Get(ctx, p.Keys(queue).Epoch()).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("reading the epoch of queue %s: %w", queue, err)
	}
	return epoch, nil
}

// MarkPosition says that the changes of the queue are shown up to a position, provided that they were up to the one
// before it; else it leaves the mark where it is and returns false: Redis has lost some that it once showed. The mark
// never goes back.
func (p *Projector) MarkPosition(ctx context.Context, queue string, before, position int64) (marked bool, err error) {
	replies, err := p.position.runAll(ctx, p.rdb, []call{{keys: []string{p.Keys(queue).Position()}, args: []any{before, position}}})
	if err == nil {
		err = replies[0].Err()
	}
	if err != nil {
		return false, fmt.Errorf("marking the position of queue %s: %w", queue, err)
	}
	return replies[0].Val() == int64(1), nil
}

// Position returns the mark, or 0 if there is none. A lower one than was marked last means that Redis came back with
// older data: what changed since must be shown again.
func (p *Projector) Position(ctx context.Context, queue string) (int64, error) {
	position, err := p.rdb.Get(ctx, p.Keys(queue).Position()).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("reading the position of queue %s: %w", queue, err)
	}
	return position, nil
}

package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/cleanup"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// cleanAtOnce is how many jobs, or keys, go at once.
const cleanAtOnce = 200

// openJobs knows which runs go on.
type openJobs interface {
	OpenAmong(ctx context.Context, runIDs []string) (map[string]bool, error)
}

// Leftovers is what clean-ups take away in Redis: jobs that ended and are more than queues keep, whoever added them, and
// progress keys that would never end.
type Leftovers struct {
	clients *clients
	prefix  string
	queues  map[string]*bullmq.Queue
	open    openJobs
}

var _ cleanup.Place = (*Leftovers)(nil)

// NewLeftovers prepares connections. None is made before it is used.
func NewLeftovers(cfg config.Config, open openJobs, log *slog.Logger) (*Leftovers, error) {
	connections, err := dial(cfg.Redis, log)
	if err != nil {
		return nil, err
	}
	l := &Leftovers{clients: connections, prefix: cfg.Queue.Prefix, queues: map[string]*bullmq.Queue{}, open: open}
	for _, def := range queue.All() {
		if l.queues[def.Name], err = asClient(connections.of(def.Name), cfg.Queue.Prefix, def.Name); err != nil {
			return nil, errors.Join(err, connections.Close())
		}
	}
	return l, nil
}

// Close releases the connections.
func (l *Leftovers) Close() error { return l.clients.Close() }

// Name implements cleanup.Place.
func (l *Leftovers) Name() string { return "Redis" }

// Clean implements cleanup.Place.
func (l *Leftovers) Clean(ctx context.Context, p cleanup.Policy, dryRun bool, counted func(cleanup.Amounts) error) error {
	for _, def := range queue.All() {
		for state, keep := range map[bullmq.State]int{bullmq.Completed: p.KeepCompleted, bullmq.Failed: p.KeepFailed} {
			t := trim{
				Leftovers: l, rdb: l.clients.of(def.Name), queue: def.Name, state: state, keep: int64(keep), dryRun: dryRun,
				before: time.Now().Add(-p.Spare), counted: counted,
			}
			if err := t.run(ctx); err != nil {
				return fault.Wrap(fault.Unavailable, explain(err), "the %s jobs of queue %s could not be trimmed", state, def.Name)
			}
		}
	}
	for _, rdb := range l.clients.all {
		err := eachMaster(ctx, rdb, func(ctx context.Context, node *redis.Client) error {
			return l.progress(ctx, node, rdb, p.Orphans, dryRun, counted)
		})
		if err != nil {
			return fault.Wrap(fault.Unavailable, explain(err), "progress keys could not be cleaned up")
		}
	}
	return nil
}

func eachMaster(ctx context.Context, rdb redis.UniversalClient, do func(context.Context, *redis.Client) error) error {
	switch client := rdb.(type) {
	case *redis.ClusterClient:
		return client.ForEachMaster(ctx, do) //nolint:wrapcheck // the caller says what for
	case *redis.Client:
		return do(ctx, client)
	}
	return nil
}

// trim takes the oldest jobs away that ended in a state, but for as many as are kept.
type trim struct {
	*Leftovers
	rdb     redis.UniversalClient
	queue   string
	state   bullmq.State
	keep    int64
	before  time.Time
	dryRun  bool
	counted func(cleanup.Amounts) error
}

func (t *trim) run(ctx context.Context) error {
	keys := bullmq.NewKeys(t.prefix, t.queue)
	key := keys.Completed()
	if t.state == bullmq.Failed {
		key = keys.Failed()
	}
	skip := int64(0) // that stay, or were only looked at
	for {
		there, err := t.rdb.ZCard(ctx, key).Result()
		if err != nil {
			return fmt.Errorf("counting: %w", err)
		}
		most := min(there-t.keep-skip, cleanAtOnce)
		if most <= 0 {
			return nil
		}
		found, err := t.rdb.ZRangeWithScores(ctx, key, skip, skip+most-1).Result()
		if err != nil {
			return fmt.Errorf("listing: %w", err)
		}
		var ids []string
		for _, z := range found {
			if id, ok := z.Member.(string); ok && z.Score < float64(t.before.UnixMilli()) {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		stayed, err := t.take(ctx, keys, ids)
		if err != nil {
			return err
		}
		skip += stayed
	}
}

// take takes jobs away and says how many stayed.
func (t *trim) take(ctx context.Context, keys bullmq.Keys, ids []string) (stayed int64, err error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = keys.Job(id)
	}
	sizes, err := sizesOf(ctx, t.rdb, names)
	if err != nil {
		return 0, err
	}
	gone := cleanup.Amounts{}
	if t.dryRun {
		for _, size := range sizes {
			gone.Add(cleanup.QueueJobs, 1, size)
		}
		return int64(len(ids)), t.counted(gone)
	}
	projector := bullmq.NewProjector(t.rdb, t.prefix)
	views, err := projector.Look(ctx, t.queue, ids)
	if err != nil {
		return 0, err
	}
	if err := projector.Bury(ctx, t.queue, views); err != nil {
		return 0, err
	}
	for i, id := range ids {
		err := t.queues[t.queue].Remove(ctx, id)
		switch {
		case err == nil:
			gone.Add(cleanup.QueueJobs, 1, sizes[i])
		case errors.Is(err, bullmq.ErrLocked), errors.Is(err, bullmq.ErrFlow), errors.Is(err, bullmq.ErrArmed):
			stayed++
		case errors.Is(err, bullmq.ErrUnknownJob): // an id without a job: the queue's own clean-up takes it
			stayed++
		default:
			return stayed, errors.Join(err, t.counted(gone))
		}
	}
	return stayed, t.counted(gone)
}

// sizesOf reads how many bytes keys take; 0 where Redis doesn't say.
func sizesOf(ctx context.Context, rdb redis.UniversalClient, names []string) ([]int64, error) {
	pipe := rdb.Pipeline()
	asked := make([]*redis.IntCmd, len(names))
	for i, name := range names {
		asked[i] = pipe.MemoryUsage(ctx, name)
	}
	_, err := pipe.Exec(ctx)
	if _, said := errors.AsType[redis.Error](err); err != nil && !said && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("weighing keys: %w", err)
	}
	sizes := make([]int64, len(names))
	for i, a := range asked {
		sizes[i] = a.Val()
	}
	return sizes, nil
}

// progress takes progress keys of one server away that do not end by themselves, have not been touched for long, and whose
// run does not go on. Who writes them is some other program: the product's own end a day after their run.
func (l *Leftovers) progress(ctx context.Context, node *redis.Client, rdb redis.UniversalClient, idle time.Duration, dryRun bool, counted func(cleanup.Amounts) error) error {
	cursor := uint64(0)
	for {
		keys, next, err := node.Scan(ctx, cursor, progressKey("*"), cleanAtOnce).Result()
		if err != nil {
			return fmt.Errorf("listing: %w", err)
		}
		stale, err := l.stale(ctx, node, keys, idle)
		if err != nil {
			return err
		}
		if len(stale) > 0 {
			sizes, err := sizesOf(ctx, node, stale)
			if err != nil {
				return err
			}
			gone := cleanup.Amounts{}
			for i, key := range stale {
				if !dryRun {
					if err := rdb.Unlink(ctx, key).Err(); err != nil {
						return errors.Join(fmt.Errorf("removing: %w", err), counted(gone))
					}
				}
				gone.Add(cleanup.ProgressKeys, 1, sizes[i])
			}
			if err := counted(gone); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// stale are those of some progress keys that may go.
func (l *Leftovers) stale(ctx context.Context, node *redis.Client, keys []string, idle time.Duration) ([]string, error) {
	pipe := node.Pipeline()
	lives, idles := make([]*redis.DurationCmd, len(keys)), make([]*redis.DurationCmd, len(keys))
	for i, key := range keys {
		lives[i], idles[i] = pipe.PTTL(ctx, key), pipe.ObjectIdleTime(ctx, key)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	_, err := pipe.Exec(ctx)
	if _, said := errors.AsType[redis.Error](err); err != nil && !said && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("looking at keys: %w", err)
	}
	var ids []string
	for i, key := range keys {
		// Under an LFU policy Redis doesn't say for how long nobody has touched a key: it stays.
		untouched := idles[i].Err() == nil && idles[i].Val() >= idle.Truncate(time.Second)
		if lives[i].Val() == -1 && untouched {
			ids = append(ids, strings.TrimPrefix(key, progressKey("")))
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	open, err := l.open.OpenAmong(ctx, ids)
	if err != nil {
		return nil, err
	}
	var stale []string
	for _, id := range ids {
		if !open[id] {
			stale = append(stale, progressKey(id))
		}
	}
	return stale, nil
}

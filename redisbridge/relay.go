package redisbridge

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

const (
	relayBatch = 1000
	// pollListening and pollOnly are how often the outbox is looked at although nobody called.
	pollListening = time.Second
	pollOnly      = 100 * time.Millisecond
	// retryAway is how soon a Redis or a Postgres that is away is tried again.
	retryAway = 200 * time.Millisecond
	// lookEvery is how often Redis is checked for having lost data, checkEvery how often against a new look at Postgres.
	lookEvery  = 200 * time.Millisecond
	checkEvery = time.Second
	// promoteEvery is how often delayed jobs are looked at although none is due: clients may add some.
	promoteEvery = time.Second
)

// relay projects one queue.
type relay struct {
	*Bridge
	queue     string
	rdb       redis.UniversalClient // the Redis that the queue lives on
	projector *bullmq.Projector
	wake      chan struct{}
	due       chan struct{}
	log       *slog.Logger
	polled    time.Time // when the outbox was last looked at
	checked   time.Time // when Redis was last seen to have kept its data
	reached   int64     // the position that Redis must have reached
	restored  bool      // a Redis that was empty shows again what it had shown; what waits in the outbox is still to come
	memory    memory
	marks     bullmq.Marks // as they were before the batch at hand
	batch     []time.Time  // since when the changes waited that the batch at hand shows
}

func newRelay(b *Bridge, queueName string) *relay {
	rdb := b.clients.of(queueName)
	return &relay{
		Bridge: b, queue: queueName, rdb: rdb, projector: bullmq.NewProjector(rdb, b.keep.Prefix, bullmq.WithMetrics(metricsKept)),
		wake: make(chan struct{}, 1), due: make(chan struct{}, 1), log: obs.Named(b.log, obs.QueueLog(queueName)).With("queue", queueName),
	}
}

func (r *relay) wakeUp() { signal(r.wake) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run relays changes until ctx ends.
func (r *relay) run(ctx context.Context) {
	poll, look := pollOnly, pollOnly
	if r.store.CanListen() {
		poll, look = pollListening, lookEvery
	}
	away := false
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		called := false
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
			called = true
		case <-timer.C:
		}
		more, err := r.step(ctx, called || time.Since(r.polled) >= poll)
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != away {
			away = err != nil
			if away {
				r.log.WarnContext(ctx, "changes wait in the outbox: Redis or Postgres is away", "error", explain(err))
			} else {
				r.log.InfoContext(ctx, "changes are relayed again")
			}
		}
		switch {
		case err != nil:
			r.polled, r.checked = time.Time{}, time.Time{} // a Redis that was away may come back empty, or with older data
			timer.Reset(retryAway)
		case more:
			r.polled = time.Time{}
			timer.Reset(0)
		default:
			timer.Reset(look)
		}
	}
}

// step makes sure that Redis still has what it was shown and, if it is time to, relays one batch.
func (r *relay) step(ctx context.Context, relay bool) (more bool, err error) {
	marks, err := r.projector.Marks(ctx, r.queue)
	if err != nil {
		return false, fmt.Errorf("reaching Redis: %w", err)
	}
	lost := marks.Epoch == "" || marks.Position < r.reached
	if !relay && !lost {
		return false, nil
	}
	r.polled, r.marks = time.Now(), marks
	if empty(marks) && (!r.restored || r.reached > 0) {
		if held, err := r.restore(ctx); err != nil || !held {
			return false, err
		}
	}
	r.batch = nil
	applied, err := r.store.Relay(ctx, r.queue, relayBatch, r.apply)
	if err != nil {
		return false, err
	}
	for _, since := range r.batch {
		r.metrics.Relayed(r.queue, since)
	}
	if applied == relayBatch {
		return true, nil
	}
	if !lost && time.Since(r.checked) < checkEvery {
		return false, nil
	}
	if err := r.ensureKept(ctx); err != nil {
		return false, err
	}
	r.checked = time.Now()
	return false, nil
}

// apply projects a batch of changes and, for runs that ended, their last progress. Then it marks the position in Redis,
// before Postgres does: Redis's is never the lower one, unless Redis lost something.
func (r *relay) apply(ctx context.Context, rows []store.OutboxRow, position postgres.Advance) (map[int64]string, error) {
	rejected := map[int64]string{}
	changes := make([]bullmq.Change, 0, len(rows))
	ids := make([]int64, 0, len(rows))
	finished := make([]queue.Job, 0, len(rows))
	delayed := false
	kept := r.marks.Epoch != "" && r.marks.Position >= position.From
	for _, row := range rows {
		change, err := project(row.Change)
		if err != nil {
			rejected[row.ID] = err.Error()
			continue
		}
		change.Kept = kept // a client deleted it, if it isn't there
		changes, ids = append(changes, change), append(ids, row.ID)
		delayed = delayed || change.Job.State == bullmq.Delayed
		if row.Change.Job.State.Finished() {
			finished = append(finished, row.Change.Job)
		}
	}
	applied, err := r.projector.Apply(ctx, r.queue, changes)
	if err != nil {
		return nil, fmt.Errorf("projecting %d changes: %w", len(changes), err)
	}
	for i, a := range applied {
		if a.Err != nil {
			rejected[ids[i]] = a.Err.Error()
		}
	}
	if err := r.showProgress(ctx, finished); err != nil {
		return nil, err
	}
	if err := r.followUp(ctx, finished); err != nil {
		return nil, err
	}
	marked, err := r.projector.MarkPosition(ctx, r.queue, position.From, position.To)
	if err != nil {
		return nil, err
	}
	if !marked {
		r.checked = time.Time{} // Redis lost what came before this batch: check without delay
	}
	r.reached = max(r.reached, position.From) // what the batch leads to counts when Postgres has it
	for _, row := range rows {
		if _, aside := rejected[row.ID]; !aside {
			r.batch = append(r.batch, row.CreatedAt)
		}
	}
	r.metrics.SetAside(r.queue, len(rejected))
	for id, reason := range rejected {
		r.log.ErrorContext(ctx, "a change can't be shown in Redis and is set aside", "outbox_id", id, "reason", reason)
	}
	if delayed {
		signal(r.due)
	}
	return rejected, nil
}

// showProgress writes the last progress of jobs that ended not long ago.
func (r *relay) showProgress(ctx context.Context, list []queue.Job) error {
	pipe := r.rdb.Pipeline()
	for _, job := range list {
		if job.State.Finished() && len(job.Progress) > 0 && time.Since(job.FinishedAt) < progressTTL {
			r.keys.queue(ctx, pipe, job.Run(), job.Progress)
		}
	}
	if pipe.Len() == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("showing the last progress of runs: %w", err)
	}
	return nil
}

// promote moves delayed jobs to those that wait when they are due.
func (r *relay) promote(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.due:
		case <-timer.C:
		}
		wait := promoteEvery
		_, next, err := r.projector.PromoteDue(ctx, r.queue, time.Now())
		switch {
		case err != nil:
			wait = retryAway // the relay says that Redis is away
		case !next.IsZero():
			wait = min(wait, max(time.Until(next), time.Millisecond))
		}
		timer.Reset(wait)
	}
}

package redisbridge

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

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
	memory    memory
	marks     bullmq.Marks // as they were before the batch at hand
}

func newRelay(b *Bridge, queueName string) *relay {
	rdb := b.clients.of(queueName)
	return &relay{
		Bridge: b, queue: queueName, rdb: rdb, projector: bullmq.NewProjector(rdb, b.keep.Prefix, bullmq.WithMetrics(metricsKept)),
		wake: make(chan struct{}, 1), due: make(chan struct{}, 1), log: b.log.With("queue", queueName),
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
	applied, err := r.store.Relay(ctx, r.queue, relayBatch, r.apply)
	if err != nil {
		return false, err
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
	for id, reason := range rejected {
		r.log.ErrorContext(ctx, "a change can't be shown in Redis and is set aside", "outbox_id", id, "reason", reason)
	}
	if delayed {
		signal(r.due)
	}
	return rejected, nil
}

// ensureKept rebuilds the queue in a Redis that lost data: all of it, and the epoch is gone, or the newest of it (a
// replica that lagged behind took over, an old snapshot was loaded), and the position is behind Postgres's. Both keys are
// outside of the queue's own, so no client that cleans up a queue deletes them.
//
// What listeners were to be told by the lost changes, or may have been told before they got lost, is not told again.
func (r *relay) ensureKept(ctx context.Context) error {
	position, err := r.store.Position(ctx, r.queue) // before Redis's, which runs ahead
	if err != nil {
		return err
	}
	r.reached = position
	if kept, err := r.kept(ctx, position); err != nil || kept {
		return err
	}
	// No bridge relays meanwhile, so that the position is Redis's when all is shown, and one bridge rebuilds the queue.
	_, err = r.store.Hold(ctx, r.queue, func(ctx context.Context, position int64) error {
		if kept, err := r.kept(ctx, position); err != nil || kept {
			return err
		}
		n, err := r.rebuild(ctx, position)
		if err == nil && n > 0 {
			r.log.WarnContext(ctx, "Redis had lost data of the queue; it is rebuilt", "jobs", n)
		}
		return err
	})
	return err
}

// kept says whether Redis has what it showed when Postgres's position was this one: it has lost nothing, and thrown
// nothing away for want of memory.
func (r *relay) kept(ctx context.Context, position int64) (bool, error) {
	marks, err := r.projector.Marks(ctx, r.queue)
	if err != nil {
		return false, fmt.Errorf("reading the marks: %w", err)
	}
	whole, err := r.memory.whole(ctx, r, marks.Evicted)
	if err != nil {
		return false, err
	}
	return whole && marks.Epoch != "" && marks.Position >= position, nil
}

func (r *relay) rebuild(ctx context.Context, position int64) (jobs int, err error) {
	if jobs, err = r.resync(ctx); err != nil {
		return jobs, err
	}
	if err := r.restoreSchedulers(ctx); err != nil {
		return jobs, err
	}
	if _, err := r.projector.MarkPosition(ctx, r.queue, 0, position); err != nil {
		return jobs, err
	}
	if err := r.memory.rebuilt(ctx, r); err != nil {
		return jobs, err
	}
	if err := r.projector.MarkEpoch(ctx, r.queue, uuid.NewString()); err != nil {
		return jobs, fmt.Errorf("marking the epoch: %w", err)
	}
	return jobs, nil
}

// resync shows all open jobs, the newest finished ones, and those that Redis shows as open although they have ended,
// without events. Jobs that Postgres doesn't know are left alone: others may add jobs to the queue.
func (r *relay) resync(ctx context.Context) (shown int, err error) {
	now := time.Now()
	show := func(list []queue.Job) error {
		changes := make([]bullmq.Change, 0, len(list))
		for _, job := range list {
			if job.State == queue.Delayed && !job.DueAt.After(now) {
				job.State = queue.Waiting // the timer promoted it when it was due, so it waits before those that came later
			}
			if job.State == queue.Active && job.Foreign {
				job.State = queue.Waiting // with its lock, the other consumer lost the job: what it returns won't count
			}
			change, err := project(queue.Change{Transition: queue.Added, Job: job})
			if err != nil {
				r.log.ErrorContext(ctx, "a job can't be shown in Redis", "job_id", job.ID, "error", err)
				continue
			}
			change.Transition = bullmq.Silent
			changes = append(changes, change)
		}
		shown += len(changes)
		if err := r.showProgress(ctx, list); err != nil {
			return err
		}
		applied, err := r.projector.Apply(ctx, r.queue, changes)
		if err != nil {
			return fmt.Errorf("rebuilding the queue: %w", err)
		}
		for i, a := range applied {
			if a.Err != nil {
				r.log.ErrorContext(ctx, "a job can't be shown in Redis", "job_id", changes[i].Job.ID, "error", a.Err)
			}
		}
		return nil
	}
	if err := r.store.OpenJobs(ctx, r.queue, show); err != nil {
		return shown, err
	}
	kept := map[queue.State]int{queue.Completed: r.keep.RemoveOnComplete, queue.Failed: r.keep.RemoveOnFail}
	for state, count := range kept {
		finished, err := r.store.NewestFinished(ctx, r.queue, state, count)
		if err != nil {
			return shown, err
		}
		if err := show(finished); err != nil {
			return shown, err
		}
	}
	err = r.projector.OpenIDs(ctx, r.queue, func(ids []string) error {
		ended, err := r.store.FinishedAmong(ctx, r.queue, ids)
		if err != nil {
			return err
		}
		return show(ended)
	})
	return shown, err
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

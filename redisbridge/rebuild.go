package redisbridge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
)

// empty says that Redis has neither of the marks that it gets with the first changes.
func empty(marks bullmq.Marks) bool { return marks.Epoch == "" && marks.Position == 0 }

// restore shows to an empty Redis, before the outbox is gone on with, the jobs of which nothing waits there: so they wait
// before those that came while Redis was away, and nothing is shown twice. The epoch is marked when the outbox is done, by
// [relay.ensureKept]. held is false when another bridge is at work on the queue.
func (r *relay) restore(ctx context.Context) (held bool, err error) {
	return r.store.Hold(ctx, r.queue, func(ctx context.Context, position int64) error {
		marks, err := r.projector.Marks(ctx, r.queue)
		if err != nil || !empty(marks) {
			return err
		}
		if _, err := r.memory.whole(ctx, r, marks.Evicted); err != nil {
			return err
		}
		n, err := r.rebuild(ctx, position, store.Relayed)
		if err != nil {
			return err
		}
		r.sayRebuilt(ctx, n)
		r.reached, r.restored = position, true
		return nil
	})
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
	if marked, kept, err := r.kept(ctx, position); err != nil || marked && kept {
		return err
	}
	// No bridge relays meanwhile, so that the position is Redis's when all is shown, and one bridge rebuilds the queue.
	_, err = r.store.Hold(ctx, r.queue, func(ctx context.Context, position int64) error {
		marked, kept, err := r.kept(ctx, position)
		if err != nil || marked && kept {
			return err
		}
		if !kept || !r.restored {
			n, err := r.rebuild(ctx, position, store.Any)
			if err != nil {
				return err
			}
			r.sayRebuilt(ctx, n)
		}
		return r.markEpoch(ctx)
	})
	return err
}

// kept says whether Redis has its epoch, and what it showed when Postgres's position was this one: it has lost nothing
// then, and thrown nothing away for want of memory.
func (r *relay) kept(ctx context.Context, position int64) (marked, kept bool, err error) {
	marks, err := r.projector.Marks(ctx, r.queue)
	if err != nil {
		return false, false, fmt.Errorf("reading the marks: %w", err)
	}
	whole, err := r.memory.whole(ctx, r, marks.Evicted)
	if err != nil {
		return false, false, err
	}
	return marks.Epoch != "", whole && marks.Position >= position, nil
}

func (r *relay) sayRebuilt(ctx context.Context, jobs int) {
	r.metrics.Rebuilt(r.queue, jobs)
	if jobs > 0 {
		r.log.WarnContext(ctx, "Redis had lost data of the queue; it is rebuilt", "jobs", jobs)
	}
}

// rebuild shows everything again but for the mark that says so.
func (r *relay) rebuild(ctx context.Context, position int64, which store.Which) (jobs int, err error) {
	if jobs, err = r.resync(ctx, which); err != nil {
		return jobs, err
	}
	if err := r.forgetLost(ctx); err != nil {
		return jobs, err
	}
	if err := r.restoreSchedulers(ctx); err != nil {
		return jobs, err
	}
	if _, err := r.projector.MarkPosition(ctx, r.queue, 0, position); err != nil {
		return jobs, err
	}
	return jobs, r.memory.rebuilt(ctx, r)
}

// forgetLost forgets failed jobs that got lost and are too old to be shown again. Nobody removed them, as a survey would think:
// their dead letters stay.
func (r *relay) forgetLost(ctx context.Context) error {
	older, err := r.store.OlderFinished(ctx, r.queue, queue.Failed, r.keep.RemoveOnFail)
	if err != nil {
		return err
	}
	for ids := range slices.Chunk(older, lookAtOnce) {
		views, err := r.projector.Look(ctx, r.queue, ids)
		if err != nil {
			return err
		}
		var lost []string
		for _, v := range views {
			if !v.Exists() {
				lost = append(lost, v.ID)
			}
		}
		if err := r.store.ForgetJobs(ctx, r.queue, lost); err != nil {
			return err
		}
	}
	return nil
}

// markEpoch says that everything is shown.
func (r *relay) markEpoch(ctx context.Context) error {
	if err := r.projector.MarkEpoch(ctx, r.queue, uuid.NewString()); err != nil {
		return fmt.Errorf("marking the epoch: %w", err)
	}
	r.restored = false
	return nil
}

// resync shows all open jobs, the newest finished ones, and those that Redis shows as open although they have ended,
// without events. Jobs that Postgres doesn't know are left alone: others may add jobs to the queue.
func (r *relay) resync(ctx context.Context, which store.Which) (shown int, err error) {
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
	if err := r.store.OpenJobs(ctx, r.queue, which, show); err != nil {
		return shown, err
	}
	kept := map[queue.State]int{queue.Completed: r.keep.RemoveOnComplete, queue.Failed: r.keep.RemoveOnFail}
	for state, count := range kept {
		finished, err := r.store.NewestFinished(ctx, r.queue, state, count, which)
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

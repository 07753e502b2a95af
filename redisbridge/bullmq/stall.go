package bullmq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// renewLocks gives a sign of life for all jobs that run, four times in the life of a lock.
func (w *Worker) renewLocks(ctx context.Context) {
	ticker := time.NewTicker(w.options.LockDuration / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := w.renew(ctx); err != nil && ctx.Err() == nil {
			w.report(fmt.Errorf("renewing the locks of %s: %w", w.queue, err))
		}
	}
}

// renew renews the locks of all jobs that run, and ends the contexts of those whose lock is lost.
func (w *Worker) renew(ctx context.Context) error {
	w.mutex.Lock()
	held := slices.Collect(maps.Values(w.held))
	w.mutex.Unlock()
	if len(held) == 0 {
		return nil
	}
	args := []any{w.keys.Base(), lifeMillis(w.options.LockDuration)}
	for _, a := range held {
		args = append(args, a.Job.ID, a.token)
	}
	reply, err := w.call(ctx, w.scripts.renew, []string{w.keys.Stalled()}, args)
	if err != nil {
		return err
	}
	for _, lost := range asReply(reply) {
		i := slices.IndexFunc(held, func(a *Attempt) bool { return a.Job.ID == asText(lost) })
		if i >= 0 {
			w.abandon(held[i])
		}
	}
	return nil
}

// abandon ends an attempt whose job is no longer this worker's, unless it ended meanwhile.
func (w *Worker) abandon(a *Attempt) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.held[a.Job.ID] == a && a.cancel != nil {
		a.cancel(&JobError{JobID: a.Job.ID, Doing: "running", Err: ErrLockLost})
	}
}

// checkStalled looks for jobs of dead workers. All workers of a queue share the rhythm.
func (w *Worker) checkStalled(ctx context.Context) {
	ticker := time.NewTicker(w.options.StalledInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.lookForStalled(ctx)
		}
	}
}

func (w *Worker) lookForStalled(ctx context.Context) {
	if err := w.recoverStalled(ctx); err != nil && ctx.Err() == nil {
		w.report(fmt.Errorf("looking for stalled jobs of %s: %w", w.queue, err))
	}
}

func (w *Worker) recoverStalled(ctx context.Context) error {
	k := w.keys
	keys := []string{
		k.Wait(), k.Paused(), k.Active(), k.Events(), k.Meta(), k.Marker(), k.Stalled(),
		k.public + "stalled-check", k.public + "repeat",
	}
	args := []any{k.Base(), millis(time.Now()), lifeMillis(w.options.StalledInterval), strconv.Itoa(w.options.MaxStalls)}
	reply, err := w.call(ctx, w.scripts.stall, keys, args)
	if err != nil {
		return err
	}
	parts := asReply(reply)
	if len(parts) < 3 {
		return errors.New("reading what Redis says of stalled jobs: too little")
	}
	for _, id := range asReply(parts[2]) {
		w.report(&JobError{JobID: asText(id), Doing: "recovering", Err: ErrNoJob})
	}
	return nil
}

package redisbridge

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// resyncWithin bounds how long a resync waits for the relay of a running bridge, which has the queue most of the time.
const resyncWithin = 30 * time.Second

// Resync shows all open jobs and the newest finished ones of every queue again, whether Redis has lost any or not, and
// tells done how many jobs of each that were. Bridges may be running.
func Resync(ctx context.Context, cfg config.Config, log *slog.Logger, done func(queueName string, jobs int)) error {
	b, _, closeAll, err := open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer closeAll()
	for _, def := range queue.All() {
		jobs, err := newRelay(b, def.Name).resyncHeld(ctx)
		if err != nil {
			return fmt.Errorf("resyncing queue %s: %w", def.Name, err)
		}
		done(def.Name, jobs)
	}
	return nil
}

// resyncHeld rebuilds the queue once no relay works on it.
func (r *relay) resyncHeld(ctx context.Context) (jobs int, err error) {
	ctx, cancel := context.WithTimeout(ctx, resyncWithin)
	defer cancel()
	for {
		held, err := r.store.Hold(ctx, r.queue, func(ctx context.Context, position int64) error {
			var err error
			if jobs, err = r.rebuild(ctx, position, store.Any); err != nil {
				return err
			}
			return r.markEpoch(ctx)
		})
		if err != nil || held {
			return jobs, err
		}
		sleep(ctx, 20*time.Millisecond)
		if ctx.Err() != nil {
			return 0, fault.New(fault.Unavailable, "a bridge was busy with the queue for %s; try again", resyncWithin)
		}
	}
}

package redisbridge

import (
	"context"
	"log/slog"
	"time"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// mostStalls is how often a job may lose a consumer that is not one of this system's: BullMQ's own default.
const mostStalls = 1

// recoverStalled gives jobs back that another consumer has left behind, until ctx ends. BullMQ's workers do the same, in
// the same rhythm, but there may be none left. Attempts of this system's hold locks without end: they are not touched.
func recoverStalled(ctx context.Context, q *bullmq.Queue, interval time.Duration, log *slog.Logger) {
	for {
		sleep(ctx, interval)
		if ctx.Err() != nil {
			return
		}
		recovered, err := q.RecoverStalled(ctx, interval, mostStalls)
		if err != nil {
			continue // the relay says that Redis is away
		}
		for _, id := range recovered.Back {
			log.WarnContext(ctx, "a job whose consumer has died waits again", "job_id", id)
		}
		for _, id := range recovered.Dropped {
			log.WarnContext(ctx, "an active id is no job; it is taken out", "job_id", id)
		}
	}
}

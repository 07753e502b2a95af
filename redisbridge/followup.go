package redisbridge

import (
	"context"
	"slices"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// followUp adds the jobs that clients wanted to be added when those of their deduplication id have ended. If the batch
// comes again, nothing is added again.
func (r *relay) followUp(ctx context.Context, finished []queue.Job) error {
	var ids []string
	for _, job := range finished {
		if id := bullmq.DeduplicationID(job.Opts); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	added, err := r.projector.FollowUp(ctx, r.queue, ids)
	if err != nil {
		return err
	}
	for _, id := range added {
		r.log.InfoContext(ctx, "the job that a client wanted last follows", "deduplication_id", id)
	}
	return nil
}

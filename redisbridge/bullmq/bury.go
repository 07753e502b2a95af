package bullmq

import (
	"context"
	"fmt"
)

// Bury leaves tombstones of jobs that are about to be deleted to keep no more than so many: [Projector.Dropped] says so of
// them then, and nobody takes them for removed by a client.
func (p *Projector) Bury(ctx context.Context, queue string, jobs []View) error {
	pipe := p.rdb.Pipeline()
	keys := p.Keys(queue)
	for _, v := range jobs {
		if seq, told, at := v.Fields["cn:seq"], v.Fields["cn:ev"], v.Fields["timestamp"]; seq != "" && told != "" && at != "" {
			pipe.Set(ctx, keys.Gone(v.ID), seq+" "+told+" "+at, p.tombstoneTTL)
		}
	}
	if pipe.Len() == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("burying %d jobs of queue %s: %w", len(jobs), queue, err)
	}
	return nil
}

package bullmq

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// DeduplicationID is the deduplication id that a job's options give it, as any client wrote them; empty: none.
func DeduplicationID(opts json.RawMessage) string {
	var options map[string]json.RawMessage
	if json.Unmarshal(opts, &options) != nil {
		return ""
	}
	for _, name := range []string{"de", "deduplication", "debounce"} {
		var d struct {
			ID string `json:"id"`
		}
		if text, ok := options[name]; ok && json.Unmarshal(text, &d) == nil && d.ID != "" {
			return d.ID
		}
	}
	return ""
}

// FollowUp adds the job that was refused last, with the option keepLastIfActive, while one of its deduplication id was
// active. It is to be called when the ends of such jobs have been shown, and may be called again. It returns those of the
// ids for which a job was added.
func (p *Projector) FollowUp(ctx context.Context, queue string, deduplicationIDs []string) (added []string, err error) {
	if len(deduplicationIDs) == 0 {
		return nil, nil
	}
	k := p.Keys(queue)
	args := []any{k.Base(), millis(time.Now())}
	for _, id := range deduplicationIDs {
		args = append(args, id)
	}
	added, err = p.follow.exec(ctx, p.rdb, []string{
		k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Events(), k.Meta(), k.ID(), k.PriorityCounter(),
		k.Marker(), k.Waiting(),
	}, args...).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("adding what follows %d jobs of queue %s: %w", len(deduplicationIDs), queue, err)
	}
	return added, nil
}

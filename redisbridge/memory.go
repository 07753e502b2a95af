package redisbridge

import (
	"context"
	"time"
)

// rebuildAfter is how soon a queue is shown again to a Redis that goes on throwing keys away.
const rebuildAfter = 10 * time.Second

// memory watches whether Redis throws keys away because memory is short. Those of jobs are shown again then: that they are
// missing doesn't mean that somebody deleted them.
type memory struct {
	said    string    // the policy that was complained of
	evicted int64     // what Redis had thrown away when it was last asked
	last    time.Time // when the queue was last rebuilt for it
}

// evicts says whether a Redis with that policy throws keys away when its memory is full; not if the policy isn't known.
func evicts(policy string) bool { return policy != "" && policy != "noeviction" }

// whole says whether all that Redis threw away is shown again. In Redis a mark says so, for all bridges.
func (m *memory) whole(ctx context.Context, r *relay, evicted int64) (bool, error) {
	is, err := r.projector.Memory(ctx, r.queue)
	if err != nil {
		return false, err
	}
	if is.Policy != m.said {
		m.said = is.Policy
		if evicts(is.Policy) {
			r.log.ErrorContext(ctx, "Redis throws jobs away when its memory is full: set maxmemory-policy to noeviction",
				"maxmemory_policy", is.Policy)
		}
	}
	m.evicted = is.Evicted
	switch {
	case is.Evicted == evicted:
		return true, nil
	case is.Evicted == 0: // it was started anew, with its data
		return true, r.projector.MarkEvicted(ctx, r.queue, 0)
	case time.Since(m.last) < rebuildAfter:
		return true, nil // not all the time
	}
	r.log.ErrorContext(ctx, "Redis has thrown keys away because its memory is full", "evicted_keys", is.Evicted)
	return false, nil
}

// rebuilt marks that the queue was shown again.
func (m *memory) rebuilt(ctx context.Context, r *relay) error {
	m.last = time.Now()
	return r.projector.MarkEvicted(ctx, r.queue, m.evicted)
}

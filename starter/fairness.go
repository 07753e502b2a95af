package starter

import (
	"context"

	"github.com/google/uuid"
	"go.temporal.io/sdk/temporal"
)

// Users take turns at the workers. With equal shares, who has few runs would still wait about twice as long behind somebody's
// thousand as alone, and longer by what is left of a run that goes on. So the more runs of a user are open, the less counts
// each: who has up to fullShare of them has a full share, and nobody has less than leastShare.
const (
	fullShare  = 10
	leastShare = 0.1
	// enoughRuns are as many as make a share no smaller.
	enoughRuns = fullShare / leastShare
)

// share is that of each run of a user who has so many open ones.
func share(open int) float32 {
	return max(leastShare, min(1, fullShare/float32(max(open, 1))))
}

// place is that of a run among those that wait for a worker: urgent ones first, and users in turn.
func (s *Starter) place(ctx context.Context, priority int, userID string) temporal.Priority {
	return temporal.Priority{
		PriorityKey: s.PriorityScale.key(priority), FairnessKey: fairnessKey(userID), FairnessWeight: s.shareOf(ctx, userID, 0),
	}
}

// shareOf is the share of a user's runs with so many more of them. Not to know it is no reason to start none.
func (s *Starter) shareOf(ctx context.Context, userID string, more int) float32 {
	open, err := s.Store.OpenRuns(ctx, userID, enoughRuns)
	if err != nil {
		s.Log.WarnContext(ctx, "how many runs of the user are open is not known; this one gets a full share of the workers", "error", err)
	}
	return share(open + more)
}

// fairnessKey fits a user id into Temporal's limit of 64 bytes.
func fairnessKey(userID string) string {
	const longest = 64
	if len(userID) <= longest {
		return userID
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(userID)).String()
}

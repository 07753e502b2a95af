package starter

import (
	"context"

	"github.com/google/uuid"
	"go.temporal.io/sdk/temporal"

	"github.com/cinnamon-qa/cinnamon/store"
)

// Users take turns at the workers. With equal shares, who has few runs would still wait about twice as long behind somebody's
// thousand as alone, and longer by what is left of a run that goes on. So the more runs of a user are open, the less counts
// each: who has up to fullShare of them has a full share, and nobody has less than leastShare.
const (
	fullShare  = 10
	leastShare = 0.1

	// More open runs than are counted would make a share no smaller.
	_ = uint(store.MostCounted - fullShare/leastShare)
)

// share is that of each run of a user who has so many open ones.
func share(open int) float32 {
	return max(leastShare, min(1, fullShare/float32(max(open, 1))))
}

// place is that of a run among those that wait for a worker: urgent ones first, and users in turn.
func (s *Starter) place(ctx context.Context, st store.Start) temporal.Priority {
	return temporal.Priority{
		PriorityKey: s.PriorityScale.key(st.Priority), FairnessKey: fairnessKey(st.UserID), FairnessWeight: share(s.openRuns(ctx, st.UserID)),
	}
}

// openRuns counts the open runs of a user. Not to know it is no reason to start none.
func (s *Starter) openRuns(ctx context.Context, userID string) int {
	open, err := s.Store.OpenRuns(ctx, userID)
	if err != nil {
		s.Log.WarnContext(ctx, "how many runs of the user are open is not known; this one gets a full share of the workers", "error", err)
	}
	return open
}

// fairnessKey fits a user id into Temporal's limit of 64 bytes.
func fairnessKey(userID string) string {
	const longest = 64
	if len(userID) <= longest {
		return userID
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(userID)).String()
}

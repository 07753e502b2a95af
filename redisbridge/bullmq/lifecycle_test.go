package bullmq_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// randomLife is a legal life of a random job, to its end.
func randomLife(r *rand.Rand, id string) []bullmq.Change {
	l := newLife(id).prioritized(r.IntN(3))
	l.job.LIFO = r.IntN(4) == 0
	l.job.MaxAttempts = 1 + r.IntN(4)
	var changes []bullmq.Change
	if r.IntN(3) == 0 {
		changes = append(changes, l.addedDelayed(time.Duration(1+r.IntN(3))*time.Second))
	} else {
		changes = append(changes, l.added())
	}
	if r.IntN(10) == 0 {
		return append(changes, l.removed())
	}
	for {
		if l.job.State == bullmq.Delayed && r.IntN(2) == 0 {
			changes = append(changes, l.promoted())
		}
		changes = append(changes, l.started())
		switch dice := r.IntN(6); {
		case dice == 0:
			changes = append(changes, l.stalled())
		case dice == 1 && l.job.AttemptsMade+1 < l.job.MaxAttempts:
			changes = append(changes, l.retried("again"))
		case dice == 2 && l.job.AttemptsMade+1 < l.job.MaxAttempts:
			changes = append(changes, l.backedOff("later", time.Duration(1+r.IntN(3))*time.Second))
		case dice == 3:
			return append(changes, l.failed("the end"))
		case dice == 4:
			return append(changes, l.removed())
		default:
			return append(changes, l.completed(`{"ok":true}`))
		}
	}
}

// expected is what listeners must hear of a life: nothing more, nothing less, nothing twice.
func expected(changes []bullmq.Change) []string {
	var told []string
	id, place := changes[0].Job.ID, ""
	say := func(format string, args ...any) { told = append(told, fmt.Sprintf("event "+format, args...)) }
	for _, c := range changes {
		j := c.Job
		was := place
		place = string(j.State)
		if j.State == bullmq.Waiting {
			place = "wait"
			if j.Priority > 0 && c.Transition != bullmq.Stalled {
				place = "prioritized"
			}
		}
		switch c.Transition {
		case bullmq.Added:
			say("added jobId %s name n", id)
			if j.State == bullmq.Delayed {
				say("delayed jobId %s delay %d", id, j.DueAt.UnixMilli())
			} else {
				say("waiting jobId %s", id)
			}
		case bullmq.Promoted:
			say("waiting jobId %s prev delayed", id)
		case bullmq.Started:
			if was == "delayed" {
				say("waiting jobId %s prev delayed", id)
			}
			say("active jobId %s prev waiting", id)
		case bullmq.Stalled:
			say("waiting jobId %s prev active", id)
			say("stalled jobId %s", id)
		case bullmq.Retried:
			say("waiting jobId %s prev active", id)
		case bullmq.BackedOff:
			say("delayed jobId %s delay %d", id, j.DueAt.UnixMilli())
		case bullmq.Succeeded:
			say(`completed jobId %s returnvalue {"ok":true} prev active`, id)
		case bullmq.Exhausted:
			say("failed jobId %s failedReason the end prev active", id)
			if j.AttemptsMade >= j.MaxAttempts {
				say("retries-exhausted jobId %s attemptsMade %d", id, j.AttemptsMade)
			}
		case bullmq.Removed:
			say("removed jobId %s prev %s", id, was)
		case bullmq.Requeued:
			say("waiting jobId %s prev %s", id, was)
		case bullmq.Silent:
		}
	}
	return told
}

// TestRandomLives runs many jobs through random lives at once, in random batches, with batches delivered again at
// random and with damage that a resync repairs, and looks at every job after every batch.
func TestRandomLives(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			b := setup(t)
			lives := map[string][]bullmq.Change{}
			var ids []string
			for i := range 12 {
				id := fmt.Sprintf("j%d", i)
				ids = append(ids, id)
				lives[id] = randomLife(r, id)
			}
			applied := map[string]int{}
			var history [][]bullmq.Change
			for len(ids) > 0 {
				var batch []bullmq.Change
				for range 1 + r.IntN(8) {
					if len(ids) == 0 {
						break
					}
					n := r.IntN(len(ids))
					id := ids[n]
					batch = append(batch, lives[id][applied[id]])
					applied[id]++
					if applied[id] == len(lives[id]) {
						ids = append(ids[:n], ids[n+1:]...)
					}
				}
				history = append(history, batch)
				b.outcomes(batch...)
				for range r.IntN(3) {
					for _, outcome := range b.outcomes(history[r.IntN(len(history))]...) {
						require.Equal(t, bullmq.Seen, outcome)
					}
				}
				if r.IntN(4) == 0 {
					disturb(t, r, b, lives, applied)
				}
				checkInvariants(t, b, lives, applied)
			}
			for id, life := range lives {
				require.Equal(t, expected(life), eventsOf(b, id))
			}
			require.Empty(t, b.list(b.keys.Waiting()))
		})
	}
}

// disturb damages what Redis shows of some jobs, and resyncs them all.
func disturb(t *testing.T, r *rand.Rand, b *bundle, lives map[string][]bullmq.Change, applied map[string]int) {
	t.Helper()
	ctx := t.Context()
	var resync []bullmq.Change
	for id, n := range applied {
		last := lives[id][max(n, 1)-1]
		if n == 0 || last.Transition == bullmq.Removed {
			continue
		}
		switch r.IntN(4) {
		case 0: // a list or set lost it
			for _, key := range []string{b.keys.Wait(), b.keys.Active(), b.keys.Waiting()} {
				require.NoError(t, b.rdb.LRem(ctx, key, 0, id).Err())
			}
			for _, key := range []string{b.keys.Prioritized(), b.keys.Delayed(), b.keys.Completed(), b.keys.Failed()} {
				require.NoError(t, b.rdb.ZRem(ctx, key, id).Err())
			}
		case 1: // the hint is wrong
			require.NoError(t, b.rdb.HSet(ctx, b.keys.Job(id), "cn:at", "failed").Err())
		case 2: // a client edited it
			require.NoError(t, b.rdb.HSet(ctx, b.keys.Job(id), "data", "1").Err())
		}
		resync = append(resync, bullmq.Change{Job: last.Job, Seq: last.Seq})
	}
	b.outcomes(resync...)
}

func checkInvariants(t *testing.T, b *bundle, lives map[string][]bullmq.Change, applied map[string]int) {
	t.Helper()
	waiting := map[string]int{}
	for _, id := range b.list(b.keys.Waiting()) {
		waiting[id]++
	}
	for id, n := range applied {
		if n == 0 {
			continue
		}
		last := lives[id][n-1]
		places := b.places(id)
		if last.Transition == bullmq.Removed {
			require.Empty(t, places)
			require.False(t, b.exists(b.keys.Job(id)))
			continue
		}
		require.Len(t, places, 1, "%s is in exactly one collection", id)
		require.True(t, b.exists(b.keys.Job(id)))
		want := []string{string(last.Job.State)}
		if last.Job.State == bullmq.Waiting {
			want = []string{"wait", "prioritized"}
		}
		require.Contains(t, want, places[0])
		require.Equal(t, last.Job.State == bullmq.Waiting, waiting[id] == 1, "%s in the documented list: %d", id, waiting[id])
		require.Equal(t, last.Job.State == bullmq.Active, b.exists(b.keys.Lock(id)))
		require.Equal(t, expected(lives[id][:n]), eventsOf(b, id))
	}
}

func eventsOf(b *bundle, id string) []string {
	var told []string
	for _, event := range b.events() {
		if strings.Contains(event+" ", "jobId "+id+" ") {
			told = append(told, event)
		}
	}
	return told
}

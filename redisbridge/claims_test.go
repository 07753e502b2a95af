package redisbridge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/store"
)

func (b *bundle) claims() *redisbridge.Claims {
	b.t.Helper()
	c, err := redisbridge.NewClaims(b.cfg, b.records, b.logger())
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, c.Close()) })
	return c
}

// ask asks for a job on behalf of an attempt.
func (b *bundle) ask(c *redisbridge.Claims, id string) queue.Grant {
	b.t.Helper()
	grant, err := c.Claim(b.t.Context(), b.def.Name, id, "worker-1")
	require.NoError(b.t, err)
	return grant
}

func TestAnAttemptTakesItsJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settled()
	id := b.add("run", nil)
	b.awaitSeq(id, 1)
	c := b.claims()

	grant := b.ask(c, id)
	require.Equal(t, queue.Granted, grant.Kind)
	require.Equal(t, 1, grant.Taken.Started)
	require.JSONEq(t, `{"testRunId":"`+id+`"}`, string(grant.Taken.Data))
	require.Equal(t, []string{id}, b.list(b.keys.Active()))
	require.Empty(t, b.list(b.keys.Wait()))
	require.Empty(t, b.list(b.keys.Waiting()))
	require.Equal(t, time.Duration(-1), b.rdb.PTTL(t.Context(), b.keys.Lock(id)).Val(), "the lock has no end")

	// Its worker dies before it writes that down; the next one finds the job its own.
	again := b.ask(c, id)
	require.Equal(t, queue.Granted, again.Kind)
	require.Equal(t, grant.Taken, again.Taken)

	claim, err := b.records.ClaimAttempt(t.Context(), b.def.Name, id, "worker-1", 0, now(), again.Taken)
	require.NoError(t, err)
	require.Equal(t, 1, claim.Attempt)
	b.awaitSeq(id, 2)
	require.Equal(t, []string{"added " + id, "waiting " + id, "active " + id}, b.events(), "each once")
	b.finish(id, 1, store.Outcome{Status: store.RunCompleted})
	b.awaitSeq(id, 3)
	require.Empty(t, b.list(b.keys.Active()))
	require.Zero(t, b.rdb.Exists(t.Context(), b.keys.Lock(id)).Val())
}

func TestWhatKeepsAnAttemptFromBeginning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		do    func(b *bundle, id string)
		grant queue.GrantKind
		why   string
	}{
		{"the queue is paused", func(b *bundle, _ string) {
			require.NoError(b.t, b.rdb.HSet(b.t.Context(), b.keys.Meta(), "paused", "1").Err())
		}, queue.Held, "paused"},
		{"as many run as may", func(b *bundle, _ string) {
			require.NoError(b.t, b.rdb.HSet(b.t.Context(), b.keys.Meta(), "concurrency", "1").Err())
			require.NoError(b.t, b.rdb.LPush(b.t.Context(), b.keys.Active(), "another").Err())
		}, queue.Held, "limit"},
		{"as many were started as may", func(b *bundle, _ string) {
			require.NoError(b.t, b.rdb.HSet(b.t.Context(), b.keys.Meta(), "max", "2", "duration", "60000").Err())
			require.NoError(b.t, b.rdb.Set(b.t.Context(), b.keys.Limiter(), "2", time.Minute).Err())
		}, queue.Held, "limit"},
		{"a client removed the job", func(b *bundle, id string) {
			require.NoError(b.t, b.rdb.LRem(b.t.Context(), b.keys.Wait(), 0, id).Err())
			require.NoError(b.t, b.rdb.Del(b.t.Context(), b.keys.Job(id)).Err())
		}, queue.Removed, "removed"},
		{"another consumer has it", func(b *bundle, id string) {
			require.NoError(b.t, b.rdb.LRem(b.t.Context(), b.keys.Wait(), 0, id).Err())
			require.NoError(b.t, b.rdb.LPush(b.t.Context(), b.keys.Active(), id).Err())
			require.NoError(b.t, b.rdb.Set(b.t.Context(), b.keys.Lock(id), "its:1", time.Minute).Err())
			require.NoError(b.t, b.rdb.HSet(b.t.Context(), b.keys.Job(id), "ats", "1", "processedOn", now().UnixMilli()).Err())
		}, queue.Later, "Another consumer"},
		{"a client put it off", func(b *bundle, id string) {
			require.NoError(b.t, b.rdb.LRem(b.t.Context(), b.keys.Wait(), 0, id).Err())
			due := float64(now().Add(time.Hour).UnixMilli() * 4096)
			require.NoError(b.t, b.rdb.ZAdd(b.t.Context(), b.keys.Delayed(), redis.Z{Score: due, Member: id}).Err())
		}, queue.Later, "Delayed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			stop := b.settled()
			id := b.add("run", nil)
			b.awaitSeq(id, 1)
			b.awaitRelayed()
			stop() // so that it is the claim that finds out
			c.do(b, id)
			grant := b.ask(b.claims(), id)
			require.Equal(t, c.grant, grant.Kind, grant.Why)
			require.Contains(t, grant.Why, c.why)
			require.Nil(t, grant.Taken)
			run, err := b.records.Run(t.Context(), id)
			require.NoError(t, err)
			want := map[queue.GrantKind]store.RunStatus{queue.Held: store.RunPending, queue.Removed: store.RunCancelled, queue.Later: store.RunPending}[c.grant]
			if strings.HasPrefix(c.why, "Another") {
				want = store.RunRunning
			}
			require.Equal(t, want, run.Status)
		})
	}
}

// awaitRelayed waits until nothing is on its way to Redis.
func (b *bundle) awaitRelayed() {
	b.t.Helper()
	b.await(patience, "the outbox is empty", func() bool {
		states := 0
		require.NoError(b.t, b.records.JobStates(b.t.Context(), b.def.Name, func(page []store.JobState) error {
			for _, j := range page {
				if j.Pending {
					states++
				}
			}
			return nil
		}))
		return states == 0
	})
}

func TestAnAttemptBeginsWithoutRedisUnlessItMustNot(t *testing.T) {
	t.Parallel()
	b, own := setupAlone(t)
	stop := b.settled()
	shown := b.add("shown", nil)
	b.awaitSeq(shown, 1)
	b.awaitRelayed()
	stop()
	c := b.claims()

	// One whose first change has not been relayed yet was not removed.
	unshown := b.add("unshown", nil)
	require.Equal(t, queue.Grant{Kind: queue.Granted}, b.ask(c, unshown))

	// Nor was one that Redis has lost.
	require.NoError(t, b.rdb.FlushAll(t.Context()).Err())
	require.Equal(t, queue.Grant{Kind: queue.Granted}, b.ask(c, shown))

	b.cfg.Queue.Claim = "required"
	required := b.claims()
	own.Stop()
	require.Equal(t, queue.Grant{Kind: queue.Granted}, b.ask(c, shown))
	require.Equal(t, queue.Held, b.ask(required, shown).Kind)
}

// A client retries a job that had ended; before that is recorded, the attempt that ended it is repeated, its worker having died over its
// report, and takes the job. The bridge sees it all the same.
func TestARepeatedAttemptTakesARetriedJobBeforeThatIsRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stop := b.settled()
	id := b.add("run", nil)
	b.pass(id)
	b.awaitSeq(id, 3)
	b.awaitRelayed()
	stop()
	require.NoError(t, b.rdb.ZRem(t.Context(), b.keys.Completed(), id).Err())
	require.NoError(t, b.rdb.LPush(t.Context(), b.keys.Wait(), id).Err())
	require.NoError(t, b.rdb.HDel(t.Context(), b.keys.Job(id), "finishedOn", "returnvalue", "failedReason").Err())
	c := b.claims()
	grant := b.ask(c, id)
	require.Equal(t, queue.Granted, grant.Kind)
	require.Equal(t, 2, grant.Taken.Started)
	_, err := b.records.ClaimAttempt(t.Context(), b.def.Name, id, "worker-1", 1, now(), grant.Taken)
	require.ErrorIs(t, err, queue.ErrFinished)

	b.bridge()
	b.await(patience, "the job to wait, also in its record", func() bool {
		job, err := b.records.JobOfRun(t.Context(), b.def.Name, id)
		require.NoError(t, err)
		return job.State == queue.Waiting && job.AttemptsStarted == 1
	})
}

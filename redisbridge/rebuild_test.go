package redisbridge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

const many = 10_000

// addMany adds jobs without runs, every other one with a priority, as one transaction.
func (b *bundle) addMany(name string, n int) {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.cfg.Database.URL.Reveal())
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, conn.Close(b.t.Context())) }()
	tx, err := conn.Begin(b.t.Context())
	require.NoError(b.t, err)
	batch := &pgx.Batch{}
	for i := range n {
		o := queue.Options{Attempts: 2, RemoveOnComplete: 100, RemoveOnFail: 50}
		if i%2 == 1 {
			o.Priority = 1 + i%5
		}
		id := b.id(fmt.Sprintf("%s-%d", name, i))
		job, added := queue.New(b.def, id, json.RawMessage(`{"testRunId":"`+id+`"}`), o, now())
		record, err := json.Marshal(job)
		require.NoError(b.t, err)
		change, err := json.Marshal(added)
		require.NoError(b.t, err)
		batch.Queue(`INSERT INTO jobs (queue, id, run_id, state, seq, record, created_at) VALUES ($1, $2, $2, $3, $4, $5::text::json, $6)`,
			job.Queue, id, string(job.State), job.Seq, string(record), job.CreatedAt)
		batch.Queue(`INSERT INTO outbox (queue, job_id, seq, change) VALUES ($1, $2, $3, $4::text::json)`, job.Queue, id, job.Seq, string(change))
	}
	batch.Queue(`SELECT pg_notify('cinnamon_outbox', $1)`, b.def.Name)
	require.NoError(b.t, tx.SendBatch(b.t.Context(), batch).Close())
	require.NoError(b.t, tx.Commit(b.t.Context()))
}

func (b *bundle) waits() int64 {
	b.t.Helper()
	return b.rdb.LLen(b.t.Context(), b.keys.Wait()).Val() + b.rdb.ZCard(b.t.Context(), b.keys.Prioritized()).Val()
}

// TestManyWaitingJobsAreBackInTheirOrder: Redis loses a long queue, in which jobs wait that were retried and promoted, and
// has it again.
func TestManyWaitingJobsAreBackInTheirOrder(t *testing.T) {
	t.Parallel()
	b, _ := setupAlone(t)
	b.settled()
	retry := func(name string, change func(*queue.Options)) string {
		id := b.add(name, func(o *queue.Options) {
			o.Backoff = nil
			if change != nil {
				change(o)
			}
		})
		b.claim(id, 0)
		return id
	}
	retried, urgent := retry("retried", nil), retry("urgent", prioritized)
	delayed := b.add("delayed", func(o *queue.Options) { o.Delay = 1 })
	running := b.add("running", nil)
	first := b.claim(running, 0)
	other := b.add("other", nil)
	b.claim(other, 0)
	b.addMany("a", many-1000)
	b.await(patience, "all wait", func() bool { return b.waits() == many-1000+1 })
	for _, id := range []string{retried, urgent} {
		b.finish(id, 1, store.Outcome{Status: store.RunFailed, Error: "boom"})
	}
	b.addMany("b", 1000)
	b.await(patience, "all wait", func() bool { return b.waits() == many+3 })
	require.Contains(t, b.list(b.keys.Wait()), delayed)
	before := b.shown(retried, urgent, delayed, running, other)
	require.Len(t, before.Waiting, many+3)
	require.Equal(t, []string{other, running}, before.Active)

	require.NoError(t, b.rdb.FlushAll(t.Context()).Err())
	flushed := time.Now()
	b.await(patience, "all are back", func() bool { return b.epoch() != "" && b.waits() == many+3 })
	t.Logf("%d waiting jobs were back after %s", many, time.Since(flushed).Round(time.Millisecond))
	require.Equal(t, before, b.shown(retried, urgent, delayed, running, other))

	b.finish(running, first, store.Outcome{Status: store.RunCompleted, Result: json.RawMessage(`{}`)})
	b.awaitSeq(running, 3)
	require.Equal(t, []string{running}, b.set(b.keys.Completed()), "runs in flight are not disturbed")
}

// TestLongOutageIsCaughtUpWith: Redis comes back empty, and more changes wait in the outbox than fit into many batches. Those
// that waited before are to wait before those that came meanwhile.
func TestLongOutageIsCaughtUpWith(t *testing.T) {
	t.Parallel()
	b, own := setupAlone(t)
	b.settled()
	running := b.add("running", nil)
	attempt := b.claim(running, 0)
	b.awaitSeq(running, 2)
	const earlier = 100
	b.addMany("early", earlier)
	b.await(patience, "all wait", func() bool { return b.waits() == earlier })
	own.Kill(t)
	b.addMany("a", many)
	b.finish(running, attempt, store.Outcome{Status: store.RunCompleted, Result: json.RawMessage(`{}`)})
	own.Restart(t)
	back := time.Now()
	b.await(patience, "all is shown", func() bool {
		return b.epoch() != "" && b.waits() == earlier+many && slices.Contains(b.set(b.keys.Completed()), running)
	})
	t.Logf("%d changes were shown %s after Redis was back", many+1, time.Since(back).Round(time.Millisecond))
	wait := b.list(b.keys.Wait())
	slices.Reverse(wait)
	want := make([]string, 0, (earlier+many)/2)
	for i := 0; i < earlier; i += 2 {
		want = append(want, b.id(fmt.Sprintf("early-%d", i)))
	}
	for i := 0; i < many; i += 2 {
		want = append(want, b.id(fmt.Sprintf("a-%d", i)))
	}
	require.Equal(t, want, wait)
	require.Len(t, b.list(b.keys.Waiting()), earlier+many)
	told := strings.Join(b.events(), "\n")
	require.Contains(t, told, "completed "+running)
	require.NotContains(t, told, b.id("early-"), "of those that are shown again, nobody is told again")
}

// TestEvictedJobsAreShownAgain: a Redis that throws keys away when its memory is full is no Redis whose clients deleted jobs.
func TestEvictedJobsAreShownAgain(t *testing.T) {
	t.Parallel()
	b, _ := setupAlone(t)
	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	b.settled()
	b.await(patience, "the policy is complained of", func() bool { return b.log.count("set maxmemory-policy to noeviction") > 0 })
	b.addMany("a", 500)
	b.await(patience, "all wait", func() bool { return b.waits() == 500 })
	before := b.shown()

	hashes := func() (n int) {
		for i := range 500 {
			n += int(b.rdb.Exists(t.Context(), b.keys.Job(b.id(fmt.Sprintf("a-%d", i)))).Val())
		}
		return n
	}
	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())
	b.await(patience, "jobs are evicted", func() bool { return hashes() < 450 })
	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory", "0").Err())
	b.await(patience, "all are shown again", func() bool { return b.epoch() != "" && b.waits() == 500 && hashes() == 500 })
	require.Equal(t, before, b.shown())
	require.Positive(t, b.log.count("thrown keys away")+b.log.count("Redis had lost data"))
}

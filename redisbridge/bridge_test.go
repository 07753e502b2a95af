package redisbridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

func prioritized(o *queue.Options) { o.Priority = 5 }

func TestBridgeShowsWhatTheStoreRecords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settled()

	plain, urgent := b.add("plain", nil), b.add("urgent", prioritized)
	b.awaitSeq(urgent, 1)
	require.Equal(t, []string{plain}, b.list(b.keys.Wait()))
	require.Equal(t, []string{urgent}, b.set(b.keys.Prioritized()))
	require.Equal(t, []string{urgent, plain}, b.list(b.keys.Waiting()))
	require.JSONEq(t, `{"testRunId":"`+plain+`"}`, b.field(plain, "data"))

	b.claim(plain, 0)
	attempt := b.claim(urgent, 0)
	b.awaitSeq(urgent, 2)
	require.Equal(t, []string{urgent, plain}, b.list(b.keys.Active()))
	require.Empty(t, b.list(b.keys.Waiting()))
	require.Equal(t, "worker-1", b.field(urgent, "pb"))

	channel := b.subscribe(urgent)
	b.finish(urgent, attempt, store.Outcome{
		Status: store.RunCompleted, Result: json.RawMessage(`{"status":"completed"}`), Progress: record(100),
	})
	b.awaitSeq(urgent, 3)
	require.Equal(t, []string{urgent}, b.set(b.keys.Completed()))
	require.JSONEq(t, `{"status":"completed"}`, b.field(urgent, "returnvalue"))
	require.JSONEq(t, `{"percentage":100}`, b.field(urgent, "progress"))

	key := "progress:" + urgent
	b.await(patience, "the last progress is shown", func() bool { return b.rdb.Exists(t.Context(), key).Val() == 1 })
	require.JSONEq(t, `{"percentage":100}`, b.rdb.Get(t.Context(), key).Val())
	ttl := b.rdb.TTL(t.Context(), key).Val()
	require.Greater(t, ttl, 23*time.Hour)
	require.LessOrEqual(t, ttl, 24*time.Hour)
	require.Equal(t, []string{`{"percentage":100}`}, channel.heard())
	require.Equal(t, []string{
		"added " + plain, "waiting " + plain, "added " + urgent, "waiting " + urgent,
		"active " + plain, "active " + urgent, "completed " + urgent,
	}, b.events())
}

func TestBridgeShowsFailures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settled()
	id := b.add("run", nil)
	failure := store.Outcome{Status: store.RunFailed, Error: "no such element", Stack: "at step 3"}
	b.finish(id, b.claim(id, 0), failure)
	b.awaitSeq(id, 3)
	require.Equal(t, []string{id}, b.set(b.keys.Delayed()), "the backoff")

	b.finish(id, b.claim(id, 1), failure)
	b.awaitSeq(id, 5)
	require.Equal(t, []string{id}, b.set(b.keys.Failed()))
	require.Equal(t, "no such element", b.field(id, "failedReason"))
	require.JSONEq(t, `["at step 3","at step 3"]`, b.field(id, "stacktrace"))
	require.Equal(t, []string{
		"added " + id, "waiting " + id, "active " + id, "delayed " + id, "waiting " + id, "active " + id, "failed " + id,
		"retries-exhausted " + id, "drained",
	}, b.events())
}

func TestDelayedJobsArePromotedWhenTheyAreDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settled()
	later := b.add("later", func(o *queue.Options) { o.Delay = time.Hour.Milliseconds() })
	due := now().Add(300 * time.Millisecond) // or a little later: it counts from when the job is made
	soon := b.add("soon", func(o *queue.Options) { o.Delay = 300 })
	b.await(patience, "the job waits", func() bool { return slices.Contains(b.list(b.keys.Wait()), soon) })
	require.False(t, time.Now().Before(due), "not before it is due")
	require.Equal(t, []string{later}, b.set(b.keys.Delayed()))
	require.Equal(t, []string{"added " + later, "delayed " + later, "added " + soon, "delayed " + soon, "waiting " + soon}, b.events())
}

func TestRelayKeepsTheOrderOverManyBatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var ids, told []string
	for i := range 450 {
		id := b.add(fmt.Sprintf("run-%d", i), nil)
		ids, told = append(ids, id), append(told, "added "+id, "waiting "+id)
	}
	b.claim(ids[0], 0)
	b.bridge()
	b.awaitSeq(ids[0], 2)
	slices.Reverse(ids)
	require.Equal(t, ids[:449], b.list(b.keys.Wait()), "the right end runs next")
	require.Equal(t, append(told, "active "+ids[449]), b.events())
}

func TestChangesThatCannotBeShownAreSetAside(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := b.add("before", nil)
	_, reserved := queue.New(b.def, "waiting", json.RawMessage(`{}`), queue.Options{Attempts: 1}, now())
	b.create(reserved)
	_, unknown := queue.New(b.def, b.id("unknown"), json.RawMessage(`{}`), queue.Options{Attempts: 1}, now())
	unknown.Transition = "vanished"
	b.create(unknown)
	after := b.add("after", nil)

	stop := b.bridge()
	b.awaitSeq(after, 1)
	b.await(patience, "both are set aside", func() bool { return b.log.count("is set aside") == 2 })
	require.NotZero(t, b.log.count("its id is the name of one of the queue's own keys"))
	require.NotZero(t, b.log.count(`the transition \"vanished\" is not known`))
	b.pass(after)
	b.awaitSeq(after, 3)
	require.Equal(t, []string{
		"added " + before, "waiting " + before, "added " + after, "waiting " + after, "active " + after, "completed " + after,
	}, b.events())

	stop()
	_, err := b.records.Relay(t.Context(), b.def.Name, 10, func(_ context.Context, left []store.OutboxRow, _ postgres.Advance) (map[int64]string, error) {
		for _, row := range left { // of a batch that was cut short, if any
			require.Equal(t, after, row.Change.Job.ID)
		}
		return nil, nil
	})
	require.NoError(t, err)
}

func TestTwoBridgesTellListenersOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stop := b.settled()
	b.bridge()

	const runs = 40
	ids := make([]string, runs)
	for i := range runs {
		ids[i] = b.add(fmt.Sprintf("run-%d", i), nil)
	}
	var work sync.WaitGroup
	for half := range 2 {
		work.Go(func() {
			for i := half; i < runs; i += 2 {
				b.pass(ids[i])
			}
		})
	}
	work.Wait()
	stop() // the other one goes on alone
	last := b.add("last", nil)
	b.awaitSeq(last, 1)

	count := map[string]int{}
	for _, e := range b.events() {
		count[e]++
	}
	for _, id := range ids {
		for _, name := range []string{"added ", "waiting ", "active ", "completed "} {
			require.Equal(t, 1, count[name+id], name+id)
		}
	}
	require.Len(t, b.set(b.keys.Completed()), runs)
}

func TestBehindATransactionPoolerTheOutboxIsPolled(t *testing.T) {
	t.Parallel()
	b := setupOn(t, shared.URL(t), "pgbouncer=true")
	require.False(t, b.records.CanListen())
	b.settled()
	id := b.add("run", nil)
	b.awaitSeq(id, 1)
	b.pass(id)
	b.awaitSeq(id, 3)
	require.Equal(t, []string{"added " + id, "waiting " + id, "active " + id, "completed " + id, "drained"}, b.events())
}

func TestBridgeNeedsAddresses(t *testing.T) {
	t.Parallel()
	b := &bundle{log: new(logged)}
	cfg, err := config.Load(nil)
	require.NoError(t, err)
	require.ErrorContains(t, redisbridge.Run(t.Context(), cfg, b.logger(), func() {}), "DATABASE_URL is not set")
	cfg.Database.URL, cfg.Redis.URL = "postgres://localhost/none", "redis://user:hunter2@localhost:port"
	err = redisbridge.Run(t.Context(), cfg, b.logger(), func() {})
	require.ErrorContains(t, err, "REDIS_URL")
	require.NotContains(t, err.Error(), "hunter2")
	_, err = redisbridge.NewPublisher(t.Context(), cfg, b.logger())
	require.ErrorContains(t, err, "REDIS_URL")
	_, err = redisbridge.NewProbe(cfg, b.logger())
	require.ErrorContains(t, err, "REDIS_URL")
}

package redisbridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/store"
)

func TestBridgeCatchesUpWithRedis(t *testing.T) {
	t.Parallel()
	b, own := setupAlone(t)
	own.Kill(t)
	b.bridge() // starts although Redis is away
	first := b.add("first", nil)
	b.pass(first)
	b.await(patience, "the bridge notices", func() bool { return b.log.of(b.def.Name, "changes wait in the outbox") == 1 })

	own.Restart(t)
	b.await(patience, "the bridge has caught up", func() bool { return slices.Contains(b.events(), "completed "+first) })
	require.Equal(t, []string{"added " + first, "waiting " + first, "active " + first, "completed " + first, "drained"}, b.events())
	b.await(patience, "the bridge says so", func() bool { return b.log.of(b.def.Name, "changes are relayed again") == 1 })

	own.Kill(t)
	second := b.add("second", nil)
	b.await(patience, "the bridge notices", func() bool { return b.log.of(b.def.Name, "changes wait in the outbox") == 2 })
	b.claim(second, 0)
	own.Restart(t)
	b.await(patience, "the bridge has caught up", func() bool {
		return slices.Contains(b.events(), "active "+second) && slices.Contains(b.set(b.keys.Completed()), first)
	})
	require.Equal(t, []string{"added " + second, "waiting " + second, "active " + second}, b.events(),
		"of the first one, which it shows again, nobody is told again")
}

// shown is what Redis shows of a queue.
type shown struct {
	Wait, Waiting, Active, Prioritized, Delayed, Completed, Failed []string
	Hashes                                                         []map[string]string
}

func (b *bundle) shown(ids ...string) shown {
	b.t.Helper()
	s := shown{
		Wait: b.list(b.keys.Wait()), Waiting: b.list(b.keys.Waiting()), Active: b.list(b.keys.Active()),
		Prioritized: b.set(b.keys.Prioritized()), Delayed: b.set(b.keys.Delayed()),
		Completed: b.set(b.keys.Completed()), Failed: b.set(b.keys.Failed()),
	}
	for _, id := range ids {
		fields, err := b.rdb.HGetAll(b.t.Context(), b.keys.Job(id)).Result()
		require.NoError(b.t, err)
		delete(fields, "cn:ev") // what listeners were told of
		s.Hashes = append(s.Hashes, fields)
	}
	return s
}

func TestRedisThatLostItsDataIsRebuilt(t *testing.T) {
	t.Parallel()
	b, _ := setupAlone(t)
	b.cfg.Queue.RemoveOnComplete, b.cfg.Queue.RemoveOnFail = 3, 2
	b.settled()
	var ids []string
	add := func(name string, change func(*queue.Options)) string {
		id := b.add(name, change)
		ids = append(ids, id)
		return id
	}
	for i := range 4 {
		add(fmt.Sprintf("plain-%d", i), nil)
		add(fmt.Sprintf("urgent-%d", i), prioritized)
		add(fmt.Sprintf("delayed-%d", i), func(o *queue.Options) { o.Delay = time.Hour.Milliseconds() })
		b.claim(add(fmt.Sprintf("active-%d", i), nil), 0)
		b.pass(add(fmt.Sprintf("passed-%d", i), nil))
		failed := add(fmt.Sprintf("failed-%d", i), nil)
		b.finish(failed, b.claim(failed, 0), store.Outcome{Status: store.RunFailed, Error: "boom", Final: true})
	}
	b.awaitSeq(ids[len(ids)-1], 3)
	before := b.shown(ids...)
	require.Len(t, before.Completed, 3)
	require.Len(t, before.Failed, 2)
	epoch := b.epoch()

	require.NoError(t, b.rdb.FlushAll(t.Context()).Err())
	b.await(patience, "the epoch is marked again", func() bool { return b.epoch() != "" })
	require.NotEqual(t, epoch, b.epoch())
	require.Equal(t, before, b.shown(ids...))
	require.Empty(t, b.events(), "nobody is told again")
	b.await(patience, "the bridge says so", func() bool { return b.log.of(b.def.Name, "Redis had lost data") > 0 })
	passed := b.id("passed-3")
	require.JSONEq(t, `{"percentage":100}`, b.rdb.Get(t.Context(), "progress:"+passed).Val())

	next := b.id("plain-0")
	b.pass(next)
	b.awaitSeq(next, 3)
	require.Equal(t, []string{"active " + next, "completed " + next}, b.events(), "it goes on where it was")
}

// snapshot is all that a Redis holds, as a replica that lags behind or a file on its disk would have it.
type snapshot map[string]string

func (b *bundle) snapshot() snapshot {
	b.t.Helper()
	keys, err := b.rdb.Keys(b.t.Context(), "*").Result()
	require.NoError(b.t, err)
	s := snapshot{}
	for _, key := range keys {
		s[key], err = b.rdb.Dump(b.t.Context(), key).Result()
		require.NoError(b.t, err)
	}
	require.Contains(b.t, s, b.keys.Epoch())
	return s
}

// goBack gives Redis the older data back, at once. The locks' and the progress keys' times to live don't matter here.
func (b *bundle) goBack(s snapshot) {
	b.t.Helper()
	_, err := b.rdb.TxPipelined(b.t.Context(), func(pipe redis.Pipeliner) error {
		pipe.FlushAll(b.t.Context())
		for key, value := range s {
			pipe.Restore(b.t.Context(), key, 0, value)
		}
		return nil
	})
	require.NoError(b.t, err)
}

// aged has a Redis, and an older snapshot of it: jobs that were open then have ended since, and so have more than the
// bridge shows again of the newest.
func aged(t *testing.T, twoBridges bool) (b *bundle, ended map[string]string, old snapshot, stop func()) {
	t.Helper()
	b, _ = setupAlone(t)
	stop = b.settled()
	if twoBridges {
		stopFirst, stopSecond := stop, b.bridge()
		stop = func() { stopFirst(); stopSecond() }
	}
	many := func(o *queue.Options) { o.RemoveOnComplete, o.RemoveOnFail = 1000, 1000 }
	ended = map[string]string{} // the keys where the jobs ended
	for name, change := range map[string]func(*queue.Options){
		"waiting": many, "active": many, "failing": many,
		"urgent":  func(o *queue.Options) { many(o); prioritized(o) },
		"delayed": func(o *queue.Options) { many(o); o.Delay = time.Hour.Milliseconds() },
	} {
		ended[b.add(name, change)] = b.keys.Completed()
	}
	active, failing := b.id("active"), b.id("failing")
	ended[failing] = b.keys.Failed()
	first, second := b.claim(active, 0), b.claim(failing, 0)
	open := b.add("open", many)
	b.awaitSeq(failing, 2)
	b.awaitSeq(open, 1)
	// What others added, Postgres doesn't know.
	require.NoError(t, b.rdb.LPush(t.Context(), b.keys.Active(), "another's", "not text: \xff", "nor this: \x00").Err())
	require.NoError(t, b.rdb.ZAdd(t.Context(), b.keys.Prioritized(), redis.Z{Score: 7, Member: "another's urgent"}).Err())
	old = b.snapshot()
	require.ElementsMatch(t, []string{active, failing, "another's", "not text: \xff", "nor this: \x00"}, b.list(b.keys.Active()))

	b.finish(active, first, store.Outcome{Status: store.RunCompleted, Result: json.RawMessage(`{}`), Progress: record(100)})
	b.finish(failing, second, store.Outcome{Status: store.RunFailed, Error: "boom", Final: true})
	for _, name := range []string{"waiting", "urgent", "delayed"} {
		b.pass(b.id(name))
	}
	b.claim(open, 0)
	last := ""
	for i := range b.cfg.Queue.RemoveOnComplete + 5 {
		last = b.add(fmt.Sprintf("later-%d", i), many)
		b.pass(last)
	}
	for i := range b.cfg.Queue.RemoveOnFail + 5 {
		last = b.add(fmt.Sprintf("later-failed-%d", i), many)
		b.finish(last, b.claim(last, 0), store.Outcome{Status: store.RunFailed, Error: "boom", Final: true})
	}
	b.awaitSeq(last, 3)
	return b, ended, old, stop
}

// requireRightAgain waits until Redis shows those jobs where they ended, and requires that no id is shown twice.
func (b *bundle) requireRightAgain(ended map[string]string) {
	b.t.Helper()
	b.await(patience, "Redis shows what ended meanwhile", func() bool {
		for id, key := range ended {
			if !slices.Contains(b.set(key), id) {
				return false
			}
		}
		return b.log.of(b.def.Name, "Redis had lost data") > 0
	})
	s := b.shown()
	require.ElementsMatch(b.t, []string{b.id("open"), "another's", "not text: \xff", "nor this: \x00"}, s.Active)
	require.Equal(b.t, []string{"another's urgent"}, s.Prioritized)
	require.Empty(b.t, s.Delayed)
	require.Empty(b.t, s.Wait)
	require.Subset(b.t, s.Prioritized, s.Waiting, "what others added joins it with the next tick")
	all := slices.Concat(s.Active, s.Prioritized, s.Completed, s.Failed)
	slices.Sort(all)
	require.Len(b.t, slices.Compact(slices.Clone(all)), len(all), "no id twice: %v", all)
	require.JSONEq(b.t, `{"percentage":100}`, b.rdb.Get(b.t.Context(), "progress:"+b.id("active")).Val())
	require.Equal(b.t, "boom", b.field(b.id("failing"), "failedReason"))
}

func TestRedisWithOlderDataIsPutRight(t *testing.T) {
	t.Parallel()
	for _, bridges := range []int{1, 2} {
		t.Run(fmt.Sprintf("bridges=%d", bridges), func(t *testing.T) {
			t.Parallel()
			b, ended, old, _ := aged(t, bridges == 2)
			epoch := b.epoch()
			b.goBack(old)
			told := b.events()
			b.requireRightAgain(ended)
			b.await(patience, "the epoch is marked again", func() bool { return b.epoch() != epoch })
			require.Equal(t, told, b.events(), "nobody is told again, nor of what got lost")
			require.Equal(t, 1, b.log.of(b.def.Name, "Redis had lost data"), "once")

			open := b.id("open")
			b.finish(open, 1, store.Outcome{Status: store.RunCompleted, Result: json.RawMessage(`{}`)})
			b.awaitSeq(open, 3)
			require.Equal(t, append(told, "completed "+open), b.events(), "it goes on where it was")
		})
	}
}

// The batch that comes first after the loss must not make Redis look as if it had all before it.
func TestOlderDataIsNoticedAlthoughChangesGoOn(t *testing.T) {
	t.Parallel()
	b, ended, old, stop := aged(t, false)
	stop()
	b.goBack(old)
	next := b.add("next", nil)
	b.pass(next)
	ended[next] = b.keys.Completed()
	b.bridge()
	b.requireRightAgain(ended)
	require.Contains(t, b.events(), "completed "+next)
}

// A change that was committed after one with a higher number is missed as well.
func TestOlderDataWithoutALateChangeIsPutRight(t *testing.T) {
	t.Parallel()
	b, _ := setupAlone(t)
	b.settled()
	late := b.add("late", nil)
	b.awaitSeq(late, 1)
	attempt := b.claim(late, 0)
	b.awaitSeq(late, 2)

	db, err := pgx.Connect(t.Context(), b.cfg.Database.URL.Reveal())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close(context.WithoutCancel(t.Context()))) })
	b.pass(b.add("early", nil))
	b.awaitSeq(b.id("early"), 3)
	var number int64
	require.NoError(t, db.QueryRow(t.Context(), "SELECT outbox_id FROM relay_positions").Scan(&number))
	old := b.snapshot()
	// The sequence gives the outcome a number below the position, as a transaction that began earlier would have.
	_, err = db.Exec(t.Context(), "ALTER TABLE outbox ALTER COLUMN id RESTART WITH 1")
	require.NoError(t, err)
	b.finish(late, attempt, store.Outcome{Status: store.RunCompleted, Result: json.RawMessage(`{}`)})
	b.awaitSeq(late, 3)
	require.Greater(t, number, int64(1))

	b.goBack(old)
	b.await(patience, "it is shown where it ended", func() bool { return slices.Contains(b.set(b.keys.Completed()), late) })
	require.Empty(t, b.list(b.keys.Active()))
}

// silentServer accepts connections and never answers.
func silentServer(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			held = append(held, conn)
		}
		for _, conn := range held {
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		<-ended
	})
	return "redis://" + listener.Addr().String()
}

func TestBridgeStopsAlthoughRedisHangs(t *testing.T) {
	t.Parallel()
	b := setupOn(t, silentServer(t), "")
	stop := b.bridge()
	b.add("run", nil)
	began := time.Now()
	stop()
	require.Less(t, time.Since(began), 10*time.Second)
}

func TestProbe(t *testing.T) {
	t.Parallel()
	b, own := setupAlone(t)
	probe, err := redisbridge.NewProbe(b.cfg, b.logger())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, probe.Close()) })

	detail, err := probe.Probe(t.Context())
	require.NoError(t, err)
	require.Empty(t, detail)

	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	detail, err = probe.Probe(t.Context())
	require.NoError(t, err)
	require.Contains(t, detail, "allkeys-lru")

	own.Kill(t)
	_, err = probe.Probe(t.Context())
	require.Equal(t, fault.Unavailable, fault.Of(err))
	require.NotContains(t, err.Error(), b.cfg.Redis.URL.Reveal())
}

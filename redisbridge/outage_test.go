package redisbridge_test

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

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
	b.await(patience, "the bridge notices", func() bool { return b.log.count("changes wait in the outbox") == 1 })

	own.Restart(t)
	b.await(promised, "the bridge has caught up", func() bool { return slices.Contains(b.events(), "completed "+first) })
	require.Equal(t, []string{"added " + first, "waiting " + first, "active " + first, "completed " + first, "drained"}, b.events())
	b.await(patience, "the bridge says so", func() bool { return b.log.count("changes are relayed again") == 1 })

	own.Kill(t)
	second := b.add("second", nil)
	b.await(patience, "the bridge notices", func() bool { return b.log.count("changes wait in the outbox") == 2 })
	b.claim(second, 0)
	own.Restart(t)
	b.await(promised, "the bridge has caught up", func() bool {
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
	b.await(promised, "the epoch is marked again", func() bool { return b.epoch() != "" })
	require.NotEqual(t, epoch, b.epoch())
	require.Equal(t, before, b.shown(ids...))
	require.Empty(t, b.events(), "nobody is told again")
	b.await(patience, "the bridge says so", func() bool { return b.log.count("Redis had lost the queue") > 0 })
	passed := b.id("passed-3")
	require.JSONEq(t, `{"percentage":100}`, b.rdb.Get(t.Context(), "progress:"+passed).Val())

	next := b.id("plain-0")
	b.pass(next)
	b.awaitSeq(next, 3)
	require.Equal(t, []string{"active " + next, "completed " + next}, b.events(), "it goes on where it was")
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
	probe, err := redisbridge.NewProbe(b.cfg)
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

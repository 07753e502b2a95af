package redisbridge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPublisherShowsProgressInItsOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settled()
	p := b.publisher()
	defer p.Close()
	id := b.add("run", nil)
	channel := b.subscribe(id)
	attempt := b.claim(id, 0)

	var want []string
	for i := range 50 {
		want = append(want, string(record(i)))
		p.Publish(b.def.Name, id, id, attempt, record(i))
	}
	b.await(patience, "all progress is told", func() bool { return len(b.progressTold(id)) >= len(want) })
	require.Equal(t, want, b.progressTold(id))
	b.await(patience, "the key is written", func() bool { return b.rdb.Get(t.Context(), progressOf(id)).Val() == want[len(want)-1] })
	require.Equal(t, want, channel.heard())
	require.JSONEq(t, string(record(49)), b.field(id, "progress"))
	require.JSONEq(t, string(record(49)), b.rdb.Get(t.Context(), "progress:"+id).Val())
	require.Greater(t, b.rdb.TTL(t.Context(), "progress:"+id).Val(), 23*time.Hour)
}

func progressOf(id string) string { return "progress:" + id }

func TestPublisherWaitsForTheRelayToShowTheAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.publisher()
	defer p.Close()
	id := b.add("run", nil)
	channel := b.subscribe(id)
	attempt := b.claim(id, 0)
	p.Publish(b.def.Name, id, id, attempt, record(10))
	p.Publish(b.def.Name, id, id, attempt, record(20))
	written := func() bool { return b.rdb.Get(t.Context(), progressOf(id)).Val() == string(record(20)) }
	b.await(patience, "the key is written", written)
	require.Empty(t, b.progressTold(id), "no attempt is shown yet")

	b.bridge()
	b.await(patience, "progress is told", func() bool { return len(b.progressTold(id)) == 2 })
	require.Equal(t, []string{
		"added " + id, "waiting " + id, "active " + id, "progress " + id, "progress " + id,
	}, b.events())
	require.Equal(t, []string{string(record(10)), string(record(20))}, b.progressTold(id))
	require.Equal(t, []string{string(record(10)), string(record(20))}, channel.heard(), "subscribers hear each record once")
}

func TestPublisherDropsProgressOfAnEndedRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settled()
	p := b.publisher()
	id := b.add("run", nil)
	b.pass(id)
	b.awaitSeq(id, 3)
	p.Publish(b.def.Name, id, id, 1, record(50))
	p.Close()
	require.Empty(t, b.progressTold(id))
	require.JSONEq(t, string(record(100)), b.field(id, "progress"))
}

func TestPublisherPassesOverWhatCannotBeShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settled()
	p := b.publisher()
	defer p.Close()
	id := b.add("run", nil)
	attempt := b.claim(id, 0)
	b.awaitSeq(id, 2)
	p.Publish(b.def.Name, "waiting", "waiting", 1, record(1)) // a key of the queue's own
	p.Publish(b.def.Name, id, id, attempt, record(50))
	b.await(patience, "progress is told", func() bool { return len(b.progressTold(id)) == 1 })
	b.await(patience, "the publisher says so", func() bool { return b.log.count("progress can't be shown in Redis") > 0 })
}

func TestPublisherKeepsTheNewestWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	b, own := setupAlone(t)
	b.settled()
	p := b.publisher()
	defer p.Close()
	one, two := b.add("one", nil), b.add("two", nil)
	b.claim(one, 0)
	b.claim(two, 0)
	b.awaitSeq(two, 2)
	p.Publish(b.def.Name, one, one, 1, record(1))
	b.await(patience, "progress is told", func() bool { return len(b.progressTold(one)) == 1 })

	own.Kill(t)
	began := time.Now()
	for i := 2; i < 100; i++ {
		p.Publish(b.def.Name, one, one, 1, record(i))
		p.Publish(b.def.Name, two, two, 1, record(i))
	}
	require.Less(t, time.Since(began), patience/2, "nobody waits for Redis")
	b.await(patience, "only the newest of each is kept", func() bool {
		return b.log.count("progress is not published while Redis is away") == 1 && p.Pending() == 2
	})

	own.Restart(t)
	newest := string(record(99))
	b.await(patience, "the newest progress is shown", func() bool {
		return len(b.progressTold(one)) > 0 && len(b.progressTold(two)) > 0 && p.Pending() == 0
	})
	for _, id := range []string{one, two} {
		require.Equal(t, []string{newest}, b.progressTold(id))
		require.Equal(t, newest, b.rdb.Get(t.Context(), "progress:"+id).Val())
	}
	b.await(patience, "the publisher says so", func() bool { return b.log.count("progress is published again") == 1 })
}

func TestPublisherIsBoundedWhileRedisHangs(t *testing.T) {
	t.Parallel()
	b := setupOn(t, silentServer(t), "")
	p := b.publisher()
	long := json.RawMessage(`"` + strings.Repeat("x", 500) + `"`)
	most := 0
	began := time.Now()
	for i := range 50_000 {
		p.Publish(b.def.Name, "one-run", "one-run", 1, long)
		p.Publish(b.def.Name, fmt.Sprintf("run-%d", i), fmt.Sprintf("run-%d", i), 1, long)
		most = max(most, p.Pending())
	}
	require.Less(t, time.Since(began), patience/2, "nobody waits for Redis")
	require.LessOrEqual(t, most, 5000)

	began = time.Now()
	p.Close()
	require.Less(t, time.Since(began), patience)
}

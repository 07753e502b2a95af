package bullmq_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

func zAt(due time.Time, id string) redis.Z {
	return redis.Z{Score: float64(due.UnixMilli() * 4096), Member: id}
}

func TestPromoteDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	promote := func(now time.Time) (int, time.Time) {
		promoted, next, err := b.projector.PromoteDue(t.Context(), b.queue, now)
		require.NoError(t, err)
		return promoted, next
	}
	promoted, next := promote(base)
	require.Zero(t, promoted)
	require.True(t, next.IsZero())

	plain, urgent, later := newLife("plain"), newLife("urgent").prioritized(3), newLife("later")
	b.apply(plain.addedDelayed(time.Second), urgent.addedDelayed(time.Second), later.addedDelayed(time.Minute))
	require.NoError(t, b.rdb.ZAdd(t.Context(), b.keys.Delayed(), zAt(base, "ghost")).Err())
	b.forget()

	promoted, next = promote(base.Add(999 * time.Millisecond))
	require.Zero(t, promoted, "a ghost is dropped, and the others are not due")
	require.True(t, base.Add(time.Second).Equal(next))

	promoted, next = promote(base.Add(time.Second))
	require.Equal(t, 2, promoted)
	require.True(t, base.Add(time.Minute).Equal(next))
	require.Equal(t, []string{"event waiting jobId plain prev delayed", "event waiting jobId urgent prev delayed"}, b.events())
	require.Equal(t, []string{"wait"}, b.places("plain"))
	require.Equal(t, []string{"prioritized"}, b.places("urgent"))
	require.Equal(t, "0", b.hash("plain")["delay"])
	require.Equal(t, []string{"urgent", "plain"}, b.list(b.keys.Waiting()))
	require.False(t, b.exists(b.keys.Job("ghost")))
	require.Empty(t, b.places("ghost"))

	b.apply(plain.silent())
	require.Equal(t, []string{"wait"}, b.places("plain"), "a resync knows that it was promoted")
	require.Equal(t, "0", b.hash("plain")["delay"])

	b.apply(plain.started())
	require.Equal(t, []string{"active"}, b.places("plain"))
	require.Len(t, b.events(), 3)
}

func TestPromoteDueMovesAThousandAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	changes := make([]bullmq.Change, 1001)
	for i := range changes {
		changes[i] = newLife("j" + strconv.Itoa(i)).addedDelayed(time.Second)
	}
	b.apply(changes...)
	now := base.Add(time.Second)
	promoted, next, err := b.projector.PromoteDue(t.Context(), b.queue, now)
	require.NoError(t, err)
	require.Equal(t, 1000, promoted)
	require.False(t, next.After(now), "there are more")
	promoted, next, err = b.projector.PromoteDue(t.Context(), b.queue, now)
	require.NoError(t, err)
	require.Equal(t, 1, promoted)
	require.True(t, next.IsZero())
	ids := b.list(b.keys.Wait())
	require.Equal(t, "j0", ids[1000], "the first runs first")
	require.Equal(t, "j1000", ids[0])
}

func TestProgressOnlyInTheAttemptThatRuns(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	shown := func(attempt int) bool {
		results, err := b.projector.Progress(t.Context(), b.queue,
			[]bullmq.Progress{{JobID: "1", Attempt: attempt, Value: json.RawMessage(`{"step":1}`)}})
		require.NoError(t, err)
		return results[0]
	}
	require.False(t, shown(1), "unknown")
	require.False(t, b.exists(b.keys.Job("1")))
	b.apply(l.added())
	require.False(t, shown(1), "not yet")
	b.apply(l.started())
	require.True(t, shown(1))
	require.False(t, shown(2))
	b.apply(l.stalled())
	require.False(t, shown(1), "no more")
	b.apply(l.started())
	require.False(t, shown(1), "the worker that was given up for dead")
	require.True(t, shown(2))
	b.apply(l.completed("1"))
	require.False(t, shown(2))
}

func TestProgressReportsWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	b.apply(l.added(), l.started())
	shown, err := b.projector.Progress(t.Context(), b.queue, []bullmq.Progress{
		{JobID: "1", Attempt: 1, Value: json.RawMessage(`half`)},
		{JobID: "1", Attempt: 1, Value: json.RawMessage(`"half"`)},
		{JobID: "1", Attempt: 1},
		{JobID: "meta", Attempt: 1, Value: json.RawMessage(`1`)},
	})
	var problem *bullmq.ChangeError
	require.ErrorAs(t, err, &problem)
	require.Equal(t, []bool{false, true, false, false}, shown)
	require.Equal(t, `"half"`, b.hash("1")["progress"])
}

func TestEpoch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	epoch := func() string {
		text, err := b.projector.Epoch(t.Context(), b.queue)
		require.NoError(t, err)
		return text
	}
	require.Empty(t, epoch())
	require.NoError(t, b.projector.MarkEpoch(t.Context(), b.queue, "e1"))
	require.Equal(t, "e1", epoch())
	require.NotContains(t, b.keys.Epoch()[:len(b.keys.Base())], b.keys.Base())
}

func TestPosition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mark := func(before, position int64) (marked bool, now int64) {
		marked, err := b.projector.MarkPosition(t.Context(), b.queue, before, position)
		require.NoError(t, err)
		now, err = b.projector.Position(t.Context(), b.queue)
		require.NoError(t, err)
		return marked, now
	}
	for _, step := range []struct {
		name             string
		before, position int64
		marked           bool
		now              int64
	}{
		{"none yet, and some are missing", 3, 5, false, 0},
		{"the first", 0, 5, true, 5},
		{"the next", 5, 1 << 50, true, 1 << 50},
		{"again", 5, 1 << 50, true, 1 << 50},
		{"an older one", 4, 7, true, 1 << 50},
		{"one after a gap", 1<<50 + 1, 1<<50 + 2, false, 1 << 50},
	} {
		marked, now := mark(step.before, step.position)
		require.Equal(t, step.marked, marked, step.name)
		require.Equal(t, step.now, now, step.name)
	}
	require.NotContains(t, b.keys.Position()[:len(b.keys.Base())], b.keys.Base())
}

func TestOpenIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	open := func() (ids []string) {
		require.NoError(t, b.projector.OpenIDs(t.Context(), b.queue, func(some []string) error {
			require.NotEmpty(t, some)
			ids = append(ids, some...)
			return nil
		}))
		return ids
	}
	require.Empty(t, open())
	var want []string
	pipe := b.rdb.Pipeline()
	for _, key := range []string{b.keys.Wait(), b.keys.Paused(), b.keys.Active(), b.keys.Prioritized(), b.keys.Delayed()} {
		for i := range 2345 {
			id := key + strconv.Itoa(i)
			want = append(want, id)
			if key == b.keys.Prioritized() || key == b.keys.Delayed() {
				pipe.ZAdd(t.Context(), key, redis.Z{Score: float64(i), Member: id})
			} else {
				pipe.LPush(t.Context(), key, id)
			}
		}
	}
	pipe.ZAdd(t.Context(), b.keys.Completed(), redis.Z{Member: "ended"})
	_, err := pipe.Exec(t.Context())
	require.NoError(t, err)
	found := open()
	slices.Sort(found)
	slices.Sort(want)
	require.Equal(t, want, slices.Compact(found))

	enough := errors.New("enough")
	require.ErrorIs(t, b.projector.OpenIDs(t.Context(), b.queue, func([]string) error { return enough }), enough)
	require.NoError(t, b.rdb.Del(t.Context(), b.keys.Delayed(), b.keys.Prioritized(), b.keys.Paused()).Err())
	require.ErrorIs(t, b.projector.OpenIDs(t.Context(), b.queue, func([]string) error { return enough }), enough)
	require.NoError(t, b.rdb.Set(t.Context(), b.keys.Delayed(), "not a set", 0).Err())
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(open()))), 2*2345)
}

func TestRetentionByCount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	end := func(id string, keep bullmq.Keep, after time.Duration) bullmq.Change {
		l := newLife(id)
		l.job.KeepCompleted = keep
		b.apply(l.added(), l.started())
		l.now = l.now.Add(after)
		return l.completed("1")
	}
	for i, id := range []string{"a", "b", "c"} {
		b.apply(end(id, bullmq.Keep{}, time.Duration(i)*time.Second))
	}
	require.NoError(t, b.rdb.Set(t.Context(), b.keys.Base()+"a:logs", "x", 0).Err())
	b.apply(end("d", bullmq.KeepNewest(2), 3*time.Second))
	require.Equal(t, []string{"c", "d"}, b.set(b.keys.Completed()), "the newest of the whole set stay")
	for _, id := range []string{"a", "b"} {
		require.False(t, b.exists(b.keys.Job(id)))
		require.True(t, b.exists(b.keys.Gone(id)))
	}
	require.False(t, b.exists(b.keys.Base()+"a:logs"))

	last := end("e", bullmq.KeepNewest(0), 4*time.Second)
	b.forget()
	b.apply(last)
	require.Equal(t, []string{"event completed jobId e returnvalue 1 prev active", "event drained"}, b.events())
	require.Equal(t, []string{"c", "d"}, b.set(b.keys.Completed()))
	require.False(t, b.exists(b.keys.Job("e")))
	for _, event := range b.events() {
		require.NotContains(t, event, "removed")
	}
}

func TestRetentionByAge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, id := range []string{"a", "b", "c"} {
		l := newLife(id)
		l.job.KeepFailed = bullmq.Keep{Age: time.Minute}
		b.apply(l.added(), l.started())
		l.now = base.Add(time.Duration(i) * time.Minute)
		b.apply(l.failed("boom"))
	}
	require.Equal(t, []string{"c"}, b.set(b.keys.Failed()))
	require.False(t, b.exists(b.keys.Job("b")))
}

func TestKeepReadsWhatClientsWrite(t *testing.T) {
	t.Parallel()
	n := func(i int) *int { return &i }
	for text, want := range map[string]bullmq.Keep{
		`true`: {Count: n(0)}, `false`: {}, `null`: {}, `0`: {Count: n(0)}, `-1`: {}, `100`: {Count: n(100)},
		`{"count":0}`: {Count: n(0)}, `{"count":5,"age":3600}`: {Count: n(5), Age: time.Hour},
		`{"age":0.5}`: {Age: 500 * time.Millisecond}, `{"age":0}`: {Count: n(0)}, `{}`: {},
	} {
		keep := bullmq.KeepNewest(7)
		require.NoError(t, json.Unmarshal([]byte(`{"k":`+text+`}`), &struct {
			K *bullmq.Keep `json:"k"`
		}{&keep}), text)
		if text != "null" {
			require.Equal(t, want, keep, text)
		}
	}
	require.Error(t, json.Unmarshal([]byte(`"all"`), new(bullmq.Keep)))
}

// TestPauseOfMajor5: those clients rename wait to paused, and add there while the queue is paused.
func TestPauseOfMajor5(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, c := newLife("a"), newLife("c")
	b.apply(a.added(), newLife("b").added(), newLife("p").prioritized(1).added())
	require.NoError(t, b.rdb.Rename(t.Context(), b.keys.Wait(), b.keys.Paused()).Err())
	require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Meta(), "paused", 1).Err())
	require.NoError(t, b.rdb.Del(t.Context(), b.keys.Marker()).Err())

	b.apply(c.added())
	require.Equal(t, []string{"c", "b", "a"}, b.list(b.keys.Paused()), "where its resume looks")
	require.False(t, b.exists(b.keys.Wait()))
	require.False(t, b.exists(b.keys.Marker()))
	require.Equal(t, []string{"prioritized"}, b.places("p"))

	require.NoError(t, b.rdb.LPush(t.Context(), b.keys.Paused(), "d", "e").Err())
	b.apply(newLife("f").added())
	require.Equal(t, []string{"f", "e", "d", "c", "b", "a"}, b.list(b.keys.Paused()), "one list, newest left")

	// A client of major 6 adds, too; it does so to wait. Nobody's resume may lose one.
	require.NoError(t, b.rdb.LPush(t.Context(), b.keys.Wait(), "g").Err())
	_, _, err := b.projector.PromoteDue(t.Context(), b.queue, base)
	require.NoError(t, err)
	require.Equal(t, []string{"g", "f", "e", "d", "c", "b", "a"}, b.list(b.keys.Paused()))
	require.False(t, b.exists(b.keys.Wait()))

	require.NoError(t, b.rdb.Rename(t.Context(), b.keys.Paused(), b.keys.Wait()).Err())
	require.NoError(t, b.rdb.HDel(t.Context(), b.keys.Meta(), "paused").Err())
	b.apply(a.started())
	require.Equal(t, []string{"active"}, b.places("a"))
}

// TestPauseOfMajor6 only sets the flag.
func TestPauseOfMajor6(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newLife("a")
	b.apply(a.added(), newLife("d").addedDelayed(time.Second))
	require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Meta(), "paused", 1).Err())
	require.NoError(t, b.rdb.Del(t.Context(), b.keys.Marker()).Err())
	promoted, _, err := b.projector.PromoteDue(t.Context(), b.queue, base.Add(time.Second))
	require.NoError(t, err)
	require.Equal(t, 1, promoted)
	require.Equal(t, []string{"d", "a"}, b.list(b.keys.Wait()))
	require.False(t, b.exists(b.keys.Marker()))
	b.apply(a.started(), a.stalled())
	require.Equal(t, []string{"d", "a"}, b.list(b.keys.Wait()))
}

func TestDeduplicationIDIsFreedAtTheEnd(t *testing.T) {
	t.Parallel()
	key := func(b *bundle) string { return b.keys.Base() + "de:once" }
	run := func(owner string, ttl time.Duration, end func(l *life) bullmq.Change) bool {
		b, l := setup(t), newLife("1")
		b.apply(l.added(), l.started())
		require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Job("1"), "deid", "once").Err())
		require.NoError(t, b.rdb.Set(t.Context(), key(b), owner, ttl).Err())
		b.apply(end(l))
		return !b.exists(key(b))
	}
	completed := func(l *life) bullmq.Change { return l.completed("1") }
	require.True(t, run("1", 0, completed))
	require.False(t, run("2", 0, completed), "another job owns it")
	require.False(t, run("1", time.Hour, completed), "it has a life of its own")
	require.True(t, run("1", time.Hour, (*life).removed))
	require.False(t, run("1", 0, func(l *life) bullmq.Change { return l.retried("boom") }))
}

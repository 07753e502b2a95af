package bullmq_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// crowd is what many jobs go through, one of their changes after the other: a hundred and more changes, in an order that
// the seed decides. Each job's changes are in their own order.
func crowd(seed uint64) []bullmq.Change {
	random := rand.New(rand.NewPCG(seed, 1))
	var lives [][]bullmq.Change
	for i := range 16 {
		l := newLife(strconv.Itoa(i + 1))
		l.job.MaxAttempts = 5
		if i%3 == 1 {
			l.prioritized(1 + i%4)
		}
		l.job.LIFO = i%5 == 4
		if i%4 == 3 {
			l.job.KeepCompleted = bullmq.KeepNewest(i % 3)
		}
		changes := []bullmq.Change{l.added()}
		if i%4 == 2 {
			changes = []bullmq.Change{l.addedDelayed(time.Minute), l.promoted()}
		}
		changes = append(changes, l.started(), l.stalled(), l.started(), l.retried("a"), l.started(), l.backedOff("b", time.Second))
		switch i % 4 {
		case 0:
			changes = append(changes, l.started(), l.completed(`"fine"`))
		case 1:
			changes = append(changes, l.started(), l.failed("c"))
		case 2:
			changes = append(changes, l.promoted(), l.removed())
		}
		lives = append(lives, changes)
	}
	var all []bullmq.Change
	for len(lives) > 0 {
		i := random.IntN(len(lives))
		all = append(all, lives[i][0])
		if lives[i] = lives[i][1:]; len(lives[i]) == 0 {
			lives = append(lives[:i], lives[i+1:]...)
		}
	}
	return all
}

// everything is all that a queue holds, private fields included.
func (b *bundle) everything() map[string]any {
	b.t.Helper()
	ctx, all := b.t.Context(), map[string]any{}
	names, err := b.rdb.Keys(ctx, "*"+b.keys.Base()+"*").Result()
	require.NoError(b.t, err)
	for _, key := range names {
		name := key[len(key)-len(key[lastIndex(key, b.keys.Base())+len(b.keys.Base()):]):]
		if key[0] != b.keys.Base()[0] {
			name = "private " + name
		}
		switch b.rdb.Type(ctx, key).Val() {
		case "hash":
			all[name] = b.rdb.HGetAll(ctx, key).Val()
		case "list":
			all[name] = b.list(key)
		case "zset":
			all[name] = b.rdb.ZRangeWithScores(ctx, key, 0, -1).Val()
		case "string":
			all[name] = b.rdb.Get(ctx, key).Val()
		}
	}
	all["events"] = b.events()
	return all
}

func lastIndex(text, part string) int {
	for i := len(text) - len(part); i >= 0; i-- {
		if text[i:i+len(part)] == part {
			return i
		}
	}
	return -1
}

func TestBatchIsWhatItsChangesAreOneByOne(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			changes := crowd(seed)
			single := setup(t, bullmq.WithMetrics(10))
			for _, change := range changes {
				single.apply(change)
			}
			want := single.everything()

			whole := setup(t, bullmq.WithMetrics(10))
			whole.apply(changes...)
			require.Equal(t, want, whole.everything(), "all at once, in more than one run of the script")

			parts := setup(t, bullmq.WithMetrics(10))
			for from := 0; from < len(changes); from += 7 {
				parts.apply(changes[from:min(from+7, len(changes))]...)
			}
			require.Equal(t, want, parts.everything(), "a few at once")
		})
	}
}

// TestBatchThatWasSeenInPart: a relay dies after Redis took a part of its batch, or all of it, and another one sends it again
// together with what came after.
func TestBatchThatWasSeenInPart(t *testing.T) {
	t.Parallel()
	changes := crowd(7)
	whole := setup(t)
	whole.apply(changes...)
	want := whole.everything()
	for seen := 0; seen <= len(changes); seen += 13 {
		b := setup(t)
		b.apply(changes[:seen]...)
		for i, outcome := range b.outcomes(changes...) {
			if i < seen {
				require.Equal(t, bullmq.Seen, outcome, "%d of %d", i, seen)
			} else {
				require.Equal(t, bullmq.Projected, outcome, "%d of %d", i, seen)
			}
		}
		require.Equal(t, want, b.everything(), "%d seen before", seen)
	}
}

// TestChangeThatRedisRefusesHarmsNoOther: a client's key of another type is in the place of one job's hash.
func TestChangeThatRedisRefusesHarmsNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.rdb.RPush(t.Context(), b.keys.Job("bad"), "x").Err())
	good, bad, other := newLife("good"), newLife("bad"), newLife("other")
	changes := []bullmq.Change{good.added(), bad.added(), other.added(), good.started(), bad.started(), other.started()}
	results, err := b.projector.Apply(t.Context(), b.queue, changes)
	require.NoError(t, err)
	for i, result := range results {
		if changes[i].Job.ID == "bad" {
			require.Equal(t, bullmq.Refused, result.Outcome)
			require.ErrorContains(t, result.Err, "WRONGTYPE")
		} else {
			require.Equal(t, bullmq.Projected, result.Outcome)
		}
	}
	require.Equal(t, []string{"other", "good"}, b.list(b.keys.Active()))
	require.Empty(t, b.places("bad"))

	shown, err := b.projector.Progress(t.Context(), b.queue, []bullmq.Progress{
		{JobID: "good", Attempt: 1, Value: []byte("1")},
		{JobID: "bad", Attempt: 1, Value: []byte("1")},
		{JobID: "good", Attempt: 1, Value: []byte("2")},
		{JobID: "other", Attempt: 2, Value: []byte("1")},
		{JobID: "other", Attempt: 1, Value: []byte("3")},
	})
	var refused *bullmq.ChangeError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "bad", refused.JobID)
	require.Equal(t, []bool{true, false, true, false, true}, shown)
	require.Equal(t, "2", b.hash("good")["progress"])
	require.Equal(t, "3", b.hash("other")["progress"])
}

// TestRedisWithoutMemoryRefusesTheBatch: nothing is set aside then, the same changes come again.
func TestRedisWithoutMemoryRefusesTheBatch(t *testing.T) {
	t.Parallel()
	b := setupAlone(t)
	l := newLife("1")
	added := l.added()
	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())
	_, err := b.projector.Apply(t.Context(), b.queue, []bullmq.Change{added})
	require.ErrorContains(t, err, "OOM")
	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory", "0").Err())
	b.apply(added)
}

func TestMetricsCountPerMinute(t *testing.T) {
	t.Parallel()
	const kept = 5
	b := setup(t, bullmq.WithMetrics(kept))
	// What the protocol asks for, end by end.
	var count, prevCount, prevTS int64
	var data []string
	expect := func(at time.Time) {
		before := count
		count++
		if prevTS == 0 {
			prevTS = at.UnixMilli()
			return
		}
		minutes := min(at.UnixMilli()/60_000-prevTS/60_000, kept)
		if minutes <= 0 {
			return
		}
		data = append([]string{strconv.FormatInt(before-prevCount, 10)}, data...)
		for range minutes - 1 {
			data = append([]string{"0"}, data...)
		}
		data = data[:min(len(data), kept)]
		prevCount, prevTS = before, at.UnixMilli()
	}
	var changes []bullmq.Change
	at := base
	for i, wait := range []time.Duration{0, time.Second, time.Minute, 0, 0, 3 * time.Minute, time.Second, time.Hour, time.Minute, 0} {
		at = at.Add(wait)
		l := newLife(strconv.Itoa(i + 1))
		changes = append(changes, l.added(), l.started())
		l.now = at
		changes = append(changes, l.completed("1"))
		expect(at)
	}
	b.apply(changes[:9]...)
	b.apply(changes[9:]...)
	counts := b.rdb.HGetAll(t.Context(), b.keys.Metrics(bullmq.Completed)).Val()
	require.Equal(t, map[string]string{
		"count": strconv.FormatInt(count, 10), "prevTS": strconv.FormatInt(prevTS, 10), "prevCount": strconv.FormatInt(prevCount, 10),
	}, counts)
	require.Equal(t, data, b.list(b.keys.MetricsData(bullmq.Completed)))
	require.False(t, b.exists(b.keys.Metrics(bullmq.Failed)))

	for _, outcome := range b.outcomes(changes...) {
		require.Equal(t, bullmq.Seen, outcome)
	}
	require.Equal(t, counts, b.rdb.HGetAll(t.Context(), b.keys.Metrics(bullmq.Completed)).Val(), "each end counts once")
}

func TestClientsSeeMetrics(t *testing.T) {
	t.Parallel()
	b := setup(t, bullmq.WithMetrics(100))
	var changes []bullmq.Change
	for i := range 5 {
		l := newLife(strconv.Itoa(i + 1))
		changes = append(changes, l.added(), l.started())
		l.now = base.Add(time.Duration(i) * time.Minute)
		changes = append(changes, l.completed("1"))
	}
	b.apply(changes...)
	for _, library := range judges() {
		var metrics struct {
			Meta  struct{ Count int }
			Count int
		}
		newJudge(t, b, library).ask(&metrics, "queue", "getMetrics", "completed")
		require.Equal(t, 5, metrics.Meta.Count, library)
		require.Equal(t, 4, metrics.Count, library)
	}
}

func TestAgeWithALimitDeletesTheNewestExpiredFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var keep bullmq.Keep
	require.NoError(t, keep.UnmarshalJSON([]byte(`{"age":60,"limit":2}`)))
	for i := range 5 {
		l := newLife("old-" + strconv.Itoa(i))
		b.apply(l.added(), l.started(), l.completed("1"))
	}
	l := newLife("new")
	l.now = base.Add(time.Hour)
	l.job.KeepCompleted = keep
	b.apply(l.added(), l.started(), l.completed("1"))
	require.Equal(t, []string{"old-0", "old-1", "old-2", "new"}, b.set(b.keys.Completed()))
	require.False(t, b.exists(b.keys.Job("old-4")))
}

// TestWaitingIsPutRight: the list of all that waits after clients did what they can to those that wait.
func TestWaitingIsPutRight(t *testing.T) {
	t.Parallel()
	for _, library := range judges() {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			j := newJudge(t, b, library)
			tick := func() {
				_, _, err := b.projector.PromoteDue(t.Context(), b.queue, base)
				require.NoError(t, err)
			}
			b.apply(newLife("a").added(), newLife("p").prioritized(3).added(), newLife("b").added(), newLife("c").added(),
				newLife("d").addedDelayed(time.Hour))
			want := []string{"c", "b", "p", "a"}
			tick()
			require.Equal(t, want, b.list(b.keys.Waiting()))

			j.ask(nil, "job", "b", "remove")
			j.ask(nil, "queue", "add", "n", map[string]any{}, map[string]any{"jobId": "theirs"})
			j.ask(nil, "queue", "add", "n", map[string]any{}, map[string]any{"jobId": "urgent", "priority": 1})
			j.ask(nil, "job", "d", "promote")
			tick()
			require.Equal(t, []string{"d", "theirs", "urgent", "c", "p", "a"}, b.list(b.keys.Waiting()))
			require.Equal(t, []string{"d", "theirs", "c", "a"}, b.list(b.keys.Wait()))

			j.ask(nil, "queue", "drain")
			tick()
			require.Empty(t, b.list(b.keys.Waiting()))
			require.False(t, b.exists(b.keys.Waiting()))
		})
	}
}

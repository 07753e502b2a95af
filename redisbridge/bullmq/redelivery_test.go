package bullmq_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// wholeLife is a job with every kind of step in it.
func wholeLife(id string) []bullmq.Change {
	l := newLife(id).prioritized(5)
	l.job.MaxAttempts = 4
	return []bullmq.Change{
		l.addedDelayed(time.Minute), l.promoted(), l.started(), l.stalled(), l.started(), l.retried("a"), l.started(),
		l.backedOff("b", time.Second), l.started(), l.completed(`"fine"`),
	}
}

func TestAppliedOnceHoweverOften(t *testing.T) {
	t.Parallel()
	once, often := setup(t), setup(t)
	once.apply(wholeLife("1")...)
	for _, change := range wholeLife("1") {
		often.apply(change)
		require.Equal(t, []bullmq.Outcome{bullmq.Seen, bullmq.Seen}, often.outcomes(change, change))
	}
	changes := wholeLife("1")
	for from := range changes {
		for _, outcome := range often.outcomes(changes[from:]...) {
			require.Equal(t, bullmq.Seen, outcome)
		}
	}
	require.Equal(t, once.events(), often.events())
	require.Equal(t, once.hash("1"), often.hash("1"))
	require.Equal(t, []string{"completed"}, often.places("1"))
}

func TestOlderChangeIsIgnored(t *testing.T) {
	t.Parallel()
	b, changes := setup(t), wholeLife("1")
	b.apply(changes[0], changes[4])
	before := b.events()
	require.Equal(t, []bullmq.Outcome{bullmq.Seen, bullmq.Seen}, b.outcomes(changes[3], changes[1]))
	require.Equal(t, before, b.events())
	require.Equal(t, []string{"active"}, b.places("1"))
	b.apply(changes[5])
	require.Equal(t, []string{"prioritized"}, b.places("1"))
}

func TestRedeliveryDoesNotResurrect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	removed := newLife("1")
	changes := []bullmq.Change{removed.added(), removed.started(), removed.removed()}
	kept := newLife("2")
	kept.job.KeepCompleted = bullmq.KeepNewest(0)
	changes = append(changes, kept.added(), kept.started(), kept.completed("1"))
	b.apply(changes...)
	before := b.events()
	require.Equal(t, "event removed jobId 1 prev active", before[3])
	require.Equal(t, "event completed jobId 2 returnvalue 1 prev active", before[7])
	for _, outcome := range b.outcomes(append(changes, removed.silent(), kept.silent())...) {
		require.Equal(t, bullmq.Seen, outcome)
	}
	require.Equal(t, before, b.events())
	require.Empty(t, b.places("1"))
	require.Empty(t, b.places("2"))
	require.False(t, b.exists(b.keys.Job("1")))
	require.False(t, b.exists(b.keys.Job("2")))

	ttl := b.rdb.PTTL(t.Context(), b.keys.Gone("2")).Val()
	require.InDelta(t, time.Hour, ttl, float64(time.Minute))

	again := newLife("1")
	again.job.Timestamp = base.Add(time.Hour)
	b.apply(again.added())
	require.Equal(t, []string{"wait"}, b.places("1"), "another job of the same id")
}

func TestRemovingWhatIsNotThereTellsNobody(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	b.apply(l.removed())
	require.Empty(t, b.events())
}

func TestLostHashIsWrittenAgain(t *testing.T) {
	t.Parallel()
	changes := wholeLife("1")
	for at := 1; at < len(changes); at++ {
		b := setup(t)
		whole := setup(t)
		whole.apply(changes[:at+1]...)
		b.apply(changes[:at]...)
		require.NoError(t, b.rdb.Del(t.Context(), b.keys.Job("1")).Err())
		b.apply(changes[at])
		require.Equal(t, whole.hash("1"), b.hash("1"))
		require.Equal(t, whole.places("1"), b.places("1"))
		require.Equal(t, whole.events(), b.events())
	}
}

func TestEverythingLost(t *testing.T) {
	t.Parallel()
	changes := wholeLife("1")
	for at := 1; at < len(changes); at++ {
		b, whole := setup(t), setup(t)
		whole.apply(changes[:at+1]...)
		b.apply(changes[at])
		require.Equal(t, whole.hash("1"), b.hash("1"))
		require.Equal(t, whole.places("1"), b.places("1"))
	}
}

func TestJobIsFetchedFromWhereverItIs(t *testing.T) {
	t.Parallel()
	lists := map[string]bool{"wait": true, "paused": true, "active": true}
	everywhere := []string{"wait", "paused", "active", "prioritized", "delayed", "completed", "failed", "waiting-children"}
	for _, place := range everywhere {
		for _, target := range []func(l *life) bullmq.Change{
			(*life).started, (*life).stalled,
			func(l *life) bullmq.Change { return l.backedOff("a", time.Second) },
			func(l *life) bullmq.Change { return l.completed("1") },
			func(l *life) bullmq.Change { return l.failed("b") },
		} {
			b, l := setup(t), newLife("1")
			b.apply(newLife("other").added(), l.added())
			require.NoError(t, b.rdb.LRem(t.Context(), b.keys.Wait(), 0, "1").Err())
			if lists[place] {
				require.NoError(t, b.rdb.LPush(t.Context(), b.keys.Base()+place, "1").Err())
			} else {
				require.NoError(t, b.rdb.Do(t.Context(), "ZADD", b.keys.Base()+place, 1, "1").Err())
			}
			change := target(l)
			b.apply(change)
			want := map[bullmq.State]string{
				bullmq.Waiting: "wait", bullmq.Active: "active", bullmq.Delayed: "delayed",
				bullmq.Completed: "completed", bullmq.Failed: "failed",
			}[change.Job.State]
			if want == "wait" && place == "prioritized" {
				want = place // it waits already
			}
			require.Equal(t, []string{want}, b.places("1"), "from %s", place)
			require.Equal(t, []string{"wait"}, b.places("other"))
		}
	}
}

func TestSilentChangePutsRightWhatRedisShows(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1").prioritized(5)
	b.apply(l.added(), l.started())
	before := b.events()

	require.NoError(t, b.rdb.LRem(t.Context(), b.keys.Active(), 0, "1").Err())
	require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Job("1"), "data", `"edited"`, "priority", 9).Err())
	b.apply(l.silent())
	require.Equal(t, []string{"active"}, b.places("1"))
	require.Equal(t, `{"x":1}`, b.hash("1")["data"])
	require.Equal(t, "5", b.hash("1")["priority"])
	require.Equal(t, before, b.events())

	old := l.silent()
	next := l.completed("1")
	b.apply(next)
	require.Equal(t, []bullmq.Outcome{bullmq.Seen}, b.outcomes(old))
	require.Equal(t, []string{"completed"}, b.places("1"))
}

// TestListenersHearWhatAResyncOvertook: a resync reads a newer state than the relay has told of. The relay's changes
// then move nothing, but those who wait for them hear of them.
func TestListenersHearWhatAResyncOvertook(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	l.job.KeepCompleted = bullmq.KeepNewest(0)
	added, started, completed := l.added(), l.started(), l.completed(`"v"`)
	next := newLife("2")
	nextAdded, nextStarted := next.added(), next.started()

	b.apply(bullmq.Change{Job: completed.Job, Seq: completed.Seq}, bullmq.Change{Job: nextStarted.Job, Seq: nextStarted.Seq})
	require.Empty(t, b.events())
	for _, change := range []bullmq.Change{added, started, completed, nextAdded, nextStarted} {
		require.Equal(t, []bullmq.Outcome{bullmq.Announced, bullmq.Seen}, b.outcomes(change, change))
	}
	require.Equal(t, []string{
		"event added jobId 1 name n", "event waiting jobId 1", "event active jobId 1 prev waiting",
		`event completed jobId 1 returnvalue "v" prev active`,
		"event added jobId 2 name n", "event waiting jobId 2", "event active jobId 2 prev waiting",
	}, b.events())
	require.Empty(t, b.places("1"))
	require.Equal(t, []string{"active"}, b.places("2"))
}

func TestStepsThatOthersToldOfAreNotToldAgain(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Job("1"), "name", "n", "data", `"mine"`, "opts", "{}",
		"timestamp", base.UnixMilli(), "delay", 60_000, "priority", 0).Err())
	require.NoError(t, b.rdb.ZAdd(t.Context(), b.keys.Delayed(), zAt(l.now.Add(time.Minute), "1")).Err())

	b.apply(l.addedDelayed(time.Minute))
	require.Empty(t, b.events(), "a client added it")
	require.Equal(t, `"mine"`, b.hash("1")["data"])

	promoted, _, err := b.projector.PromoteDue(t.Context(), b.queue, l.job.DueAt)
	require.NoError(t, err)
	require.Equal(t, 1, promoted)
	b.apply(l.promoted())
	require.Equal(t, []string{"event waiting jobId 1 prev delayed"}, b.events(), "the timer promoted it")
	require.Equal(t, []string{"1"}, b.list(b.keys.Waiting()))

	b.forget()
	require.NoError(t, b.rdb.LMove(t.Context(), b.keys.Wait(), b.keys.Active(), "RIGHT", "LEFT").Err())
	require.NoError(t, b.rdb.HIncrBy(t.Context(), b.keys.Job("1"), "ats", 1).Err())
	b.apply(l.started())
	require.Empty(t, b.events(), "somebody claimed it")
	require.Empty(t, b.list(b.keys.Waiting()))
}

func TestClientsEditsStayUntilAResync(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1").prioritized(5)
	b.apply(l.added(), l.started())
	require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Job("1"), "data", `"edited"`, "priority", 2).Err())
	b.apply(l.retried("boom"))
	require.Equal(t, `"edited"`, b.hash("1")["data"])
	require.Equal(t, int64(2)<<32+2, b.score(b.keys.Prioritized(), "1"))
}

func TestProgressInAChangeDoesNotHideNewerProgress(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	b.apply(l.added(), l.started())
	_, err := b.projector.Progress(t.Context(), b.queue, []bullmq.Progress{{JobID: "1", Attempt: 1, Value: json.RawMessage("90")}})
	require.NoError(t, err)
	l.job.Progress = json.RawMessage("50")
	b.apply(l.stalled(), l.started())
	require.Equal(t, "90", b.hash("1")["progress"])
	l.job.Progress = json.RawMessage("100")
	b.apply(l.completed("1"))
	require.Equal(t, "100", b.hash("1")["progress"])
}

// TestWhatAClientRemovedStaysSo: an attempt that began, or a run that was cancelled, before anybody noticed that a client had
// removed the job doesn't bring it back.
func TestWhatAClientRemovedStaysSo(t *testing.T) {
	t.Parallel()
	changes := wholeLife("1")
	for at := 1; at < len(changes); at++ {
		b := setup(t)
		b.apply(changes[:at]...)
		gone := newLife("1")
		gone.seq = 100
		b.apply(gone.removed())
		before := b.events()
		late := changes[at]
		late.Kept = true
		require.NoError(t, b.rdb.Del(t.Context(), b.keys.Gone("1")).Err())
		require.Equal(t, []bullmq.Outcome{bullmq.Seen}, b.outcomes(late))
		require.Equal(t, before, b.events())
		require.Empty(t, b.places("1"))
		require.False(t, b.exists(b.keys.Job("1")) || b.exists(b.keys.Lock("1")))
	}
}

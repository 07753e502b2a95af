package bullmq_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// TestGoldenTrace follows one job step by step: each step's stream entries and what the keys hold after it.
func TestGoldenTrace(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	ms := func(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }
	hash := map[string]string{
		"name": "n", "data": `{"x":1}`, "opts": string(l.job.Opts), "timestamp": ms(base), "delay": "0", "priority": "0",
	}
	step := func(want []string, places ...string) {
		t.Helper()
		require.Equal(t, want, b.events())
		require.Equal(t, places, b.places("1"))
		require.Equal(t, hash, b.hash("1"))
		require.Equal(t, places[0] == "wait", len(b.list(b.keys.Waiting())) == 1)
		require.Equal(t, places[0] == "active", b.exists(b.keys.Lock("1")))
		b.forget()
	}

	b.apply(l.added())
	step([]string{"event added jobId 1 name n", "event waiting jobId 1"}, "wait")
	require.Equal(t, "1", b.rdb.Get(t.Context(), b.keys.ID()).Val())
	require.Equal(t, "10000", b.rdb.HGet(t.Context(), b.keys.Meta(), "opts.maxLenEvents").Val())
	require.Equal(t, int64(0), b.score(b.keys.Marker(), "0"))

	hash["ats"], hash["pb"], hash["processedOn"] = "1", "wk", ms(l.now)
	b.apply(l.started())
	step([]string{"event active jobId 1 prev waiting"}, "active")

	shown, err := b.projector.Progress(t.Context(), "q", []bullmq.Progress{{JobID: "1", Attempt: 1, Value: json.RawMessage(`{"a":1}`)}})
	require.NoError(t, err)
	require.Equal(t, []bool{true}, shown)
	hash["progress"] = `{"a":1}`
	step([]string{`event progress jobId 1 data {"a":1}`}, "active")

	due := l.now.Add(100 * time.Millisecond)
	hash["atm"], hash["delay"], hash["failedReason"], hash["stacktrace"] = "1", "100", "boom", `["Error: boom"]`
	b.apply(l.backedOff("boom", 100*time.Millisecond))
	step([]string{"event delayed jobId 1 delay " + ms(due)}, "delayed")
	require.Equal(t, due.UnixMilli()*4096, b.score(b.keys.Delayed(), "1"))
	require.Equal(t, due.UnixMilli(), b.score(b.keys.Marker(), "1"))

	hash["delay"] = "0"
	b.apply(l.promoted())
	step([]string{"event waiting jobId 1 prev delayed"}, "wait")

	hash["ats"], hash["processedOn"] = "2", ms(l.now)
	b.apply(l.started())
	step([]string{"event active jobId 1 prev waiting"}, "active")

	hash["atm"], hash["returnvalue"], hash["finishedOn"] = "2", `{"ok":true}`, ms(l.now)
	end := l.now
	b.apply(l.completed(`{"ok":true}`))
	step([]string{`event completed jobId 1 returnvalue {"ok":true} prev active`, "event drained"}, "completed")
	require.Equal(t, end.UnixMilli(), b.score(b.keys.Completed(), "1"))
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	started := func(l *life) []bullmq.Change { return []bullmq.Change{l.added(), l.started()} }
	cases := []struct {
		name   string
		before func(l *life) []bullmq.Change
		then   func(l *life) bullmq.Change
		events []string
		places []string
	}{
		{
			"added with a priority",
			func(l *life) []bullmq.Change { l.prioritized(5); return nil },
			(*life).added,
			[]string{"event added jobId 1 name n", "event waiting jobId 1"},
			[]string{"prioritized"},
		},
		{
			"added delayed", nil,
			func(l *life) bullmq.Change { return l.addedDelayed(time.Minute) },
			[]string{"event added jobId 1 name n", "event delayed jobId 1 delay 1795390210779"},
			[]string{"delayed"},
		},
		{
			"started while still shown as delayed",
			func(l *life) []bullmq.Change { return []bullmq.Change{l.addedDelayed(time.Minute)} },
			(*life).started,
			[]string{"event waiting jobId 1 prev delayed", "event active jobId 1 prev waiting"},
			[]string{"active"},
		},
		{
			"stalled goes to wait, whatever its priority",
			func(l *life) []bullmq.Change { return started(l.prioritized(5)) },
			(*life).stalled,
			[]string{"event waiting jobId 1 prev active", "event stalled jobId 1"},
			[]string{"wait"},
		},
		{
			"retried at once", started,
			func(l *life) bullmq.Change { return l.retried("boom") },
			[]string{"event waiting jobId 1 prev active"},
			[]string{"wait"},
		},
		{
			"retried at once with a priority",
			func(l *life) []bullmq.Change { return started(l.prioritized(5)) },
			func(l *life) bullmq.Change { return l.retried("boom") },
			[]string{"event waiting jobId 1 prev active"},
			[]string{"prioritized"},
		},
		{
			"retried after the end",
			func(l *life) []bullmq.Change { return append(started(l), l.failed("boom")) },
			func(l *life) bullmq.Change {
				l.job.State, l.job.FinishedOn, l.job.ProcessedOn = bullmq.Waiting, time.Time{}, time.Time{}
				return l.change(bullmq.Retried)
			},
			[]string{"event waiting jobId 1 prev failed"},
			[]string{"wait"},
		},
		{
			"failed with attempts left", started,
			func(l *life) bullmq.Change { return l.failed("boom") },
			[]string{"event failed jobId 1 failedReason boom prev active", "event drained"},
			[]string{"failed"},
		},
		{
			"failed with none left",
			func(l *life) []bullmq.Change { return append(started(l), l.retried("a"), l.started()) },
			func(l *life) bullmq.Change { return l.failed("boom") },
			[]string{
				"event failed jobId 1 failedReason boom prev active",
				"event retries-exhausted jobId 1 attemptsMade 2", "event drained",
			},
			[]string{"failed"},
		},
		{
			"failed without a reason", started,
			func(l *life) bullmq.Change { return l.failed("") },
			[]string{"event failed jobId 1 failedReason failed without a reason prev active", "event drained"},
			[]string{"failed"},
		},
		{
			"failed before it ever started",
			func(l *life) []bullmq.Change { return []bullmq.Change{l.added()} },
			func(l *life) bullmq.Change { return l.failed("cancelled") },
			[]string{"event failed jobId 1 failedReason cancelled", "event drained"},
			[]string{"failed"},
		},
		{
			"completed without a value", started,
			func(l *life) bullmq.Change { return l.completed("") },
			[]string{"event completed jobId 1 returnvalue null prev active", "event drained"},
			[]string{"completed"},
		},
		{
			"removed while it waits",
			func(l *life) []bullmq.Change { return []bullmq.Change{l.added()} },
			(*life).removed,
			[]string{"event removed jobId 1 prev wait"},
			nil,
		},
		{
			"removed while active", started,
			(*life).removed,
			[]string{"event removed jobId 1 prev active"},
			nil,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, l := setup(t), newLife("1")
			if c.before != nil {
				b.apply(c.before(l)...)
				b.forget()
			}
			change := c.then(l)
			b.apply(change)
			require.Equal(t, c.events, b.events())
			require.Equal(t, c.places, b.places("1"))
			require.Equal(t, c.places == nil, !b.exists(b.keys.Job("1")))

			before := b.hash("1")
			require.Equal(t, []bullmq.Outcome{bullmq.Seen}, b.outcomes(change), "a second time")
			require.Equal(t, c.events, b.events())
			require.Equal(t, c.places, b.places("1"))
			require.Equal(t, before, b.hash("1"))
		})
	}
}

func TestFinishedFieldsFollowTheState(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	b.apply(l.added(), l.started(), l.failed("boom"))
	l.job.State, l.job.FinishedOn, l.job.ProcessedOn, l.job.FailedReason = bullmq.Waiting, time.Time{}, time.Time{}, ""
	b.apply(l.change(bullmq.Retried))
	hash := b.hash("1")
	for _, name := range []string{"finishedOn", "processedOn", "failedReason", "returnvalue"} {
		require.NotContains(t, hash, name)
	}
	require.Equal(t, "1", hash["atm"])
}

func TestLock(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	started := []bullmq.Change{l.added(), l.started()}
	started[1].Lock = bullmq.Lock{Token: "me:1", TTL: 30 * time.Second}
	b.apply(started...)
	require.Equal(t, "me:1", b.rdb.Get(t.Context(), b.keys.Lock("1")).Val())
	require.InDelta(t, 30*time.Second, b.rdb.PTTL(t.Context(), b.keys.Lock("1")).Val(), float64(5*time.Second))

	b.apply(l.silent())
	require.Equal(t, "cinnamon", b.rdb.Get(t.Context(), b.keys.Lock("1")).Val())
	require.Equal(t, time.Duration(-1), b.rdb.PTTL(t.Context(), b.keys.Lock("1")).Val())
	b.apply(l.retried("boom"))
	require.False(t, b.exists(b.keys.Lock("1")))
}

func TestScoresAreWholeDecimals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, id := range []string{"a", "b", "c"} {
		l := newLife(id).prioritized(2_097_151)
		b.apply(l.added())
		require.Equal(t, int64(2_097_151)<<32+int64(i)+1, b.score(b.keys.Prioritized(), id))
	}
	for i, id := range []string{"d", "e", "f"} {
		b.apply(newLife(id).addedDelayed(time.Minute))
		require.Equal(t, base.Add(time.Minute).UnixMilli()*4096+int64(i), b.score(b.keys.Delayed(), id), "FIFO in one millisecond")
	}
	late := newLife("g")
	b.apply(late.addedDelayed(20 * 365 * 24 * time.Hour))
	require.Equal(t, late.job.DueAt.UnixMilli(), b.score(b.keys.Delayed(), "g")/4096)
	for _, entry := range b.events() {
		require.NotRegexp(t, `\de\+`, entry)
	}
	require.NotContains(t, b.hash("g")["delay"], "e")
	require.Equal(t, "630720000000", b.hash("g")["delay"])
}

func TestOrderOfThoseThatWait(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lifo := newLife("lifo")
	lifo.job.LIFO = true
	stalled := newLife("back")
	b.apply(stalled.added(), stalled.started())
	b.apply(newLife("a").added(), newLife("b").added(), lifo.added(), stalled.stalled())
	require.Equal(t, []string{"b", "a", "lifo", "back"}, b.list(b.keys.Wait()))
	require.Equal(t, []string{"b", "a", "lifo", "back"}, b.list(b.keys.Waiting()))

	b.apply(newLife("p5").prioritized(5).added(), newLife("p1").prioritized(1).added(), newLife("q5").prioritized(5).added())
	require.Equal(t, []string{"p1", "p5", "q5"}, b.set(b.keys.Prioritized()))
	require.Equal(t, []string{"q5", "p1", "p5", "b", "a", "lifo", "back"}, b.list(b.keys.Waiting()))
}

func TestDrained(t *testing.T) {
	t.Parallel()
	drains := func(prepare func(b *bundle)) bool {
		b, l := setup(t), newLife("1")
		b.apply(l.added(), l.started())
		prepare(b)
		b.forget()
		b.apply(l.completed("1"))
		return len(b.events()) == 2
	}
	require.True(t, drains(func(*bundle) {}))
	require.False(t, drains(func(b *bundle) { b.apply(newLife("2").added()) }), "one waits")
	require.False(t, drains(func(b *bundle) { b.apply(newLife("2").prioritized(1).added()) }), "one waits with a priority")
	require.False(t, drains(func(b *bundle) { b.apply(newLife("2").addedDelayed(time.Hour)) }), "one is delayed")
	require.False(t, drains(func(b *bundle) {
		other := newLife("2")
		b.apply(other.added(), other.started())
	}), "one is active")
	require.False(t, drains(func(b *bundle) { b.rdb.HSet(t.Context(), b.keys.Meta(), "paused", 1) }), "the queue is paused")
	require.False(t, drains(func(b *bundle) { b.rdb.HSet(t.Context(), b.keys.Meta(), "concurrency", 0) }), "nothing may start")
}

func TestMarkerIsOnlyWrittenWhereWorkersMayFetch(t *testing.T) {
	t.Parallel()
	marked := func(setting string, value int) bool {
		b := setup(t)
		require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Meta(), setting, value).Err())
		b.apply(newLife("1").added())
		return b.exists(b.keys.Marker())
	}
	b, l := setup(t), newLife("1")
	b.apply(l.added())
	require.NoError(t, b.rdb.Del(t.Context(), b.keys.Marker()).Err())
	b.apply(l.started())
	require.Equal(t, int64(0), b.score(b.keys.Marker(), "0"), "one that starts wakes the next worker")

	require.True(t, marked("anything", 1))
	require.True(t, marked("concurrency", 1))
	require.False(t, marked("concurrency", 0))
	require.False(t, marked("paused", 1))
}

func TestStreamIsTrimmedToTheQueuesOwnLength(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Meta(), "opts.maxLenEvents", 200).Err())
	for i := range 20 {
		changes := make([]bullmq.Change, 50)
		for n := range changes {
			changes[n] = newLife("j" + strconv.Itoa(i*50+n)).added()
		}
		b.apply(changes...)
	}
	require.LessOrEqual(t, b.rdb.XLen(t.Context(), b.keys.Events()).Val(), int64(400))
}

func TestJobIDCounterStaysAheadOfTheIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.apply(newLife("uuid-like").added())
	require.Equal(t, "1", b.rdb.Get(t.Context(), b.keys.ID()).Val(), "one per add")
	lost := newLife("42")
	lost.seq = 3
	b.apply(lost.silent())
	require.Equal(t, "42", b.rdb.Get(t.Context(), b.keys.ID()).Val(), "a client would otherwise get this id again")
}

func TestStacktraceIsBounded(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	for range 60 {
		l.job.Stacktrace = append(l.job.Stacktrace, string(make([]byte, 20_000)))
	}
	l.job.Stacktrace = append(l.job.Stacktrace, "<newest> & \"last\"")
	b.apply(l.added(), l.started(), l.failed("boom"))
	var stacks []string
	require.NoError(t, json.Unmarshal([]byte(b.hash("1")["stacktrace"]), &stacks))
	require.Len(t, stacks, 50)
	require.Less(t, len(stacks[0]), 17_000)
	require.Equal(t, "<newest> & \"last\"", stacks[48])
	require.Equal(t, "Error: boom", stacks[49])
}

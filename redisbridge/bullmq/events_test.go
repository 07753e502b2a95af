package bullmq_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// client returns a queue of ours on a bundle's.
func (b *bundle) client(options ...bullmq.QueueOption) *bullmq.Queue {
	b.t.Helper()
	queue, err := bullmq.NewQueue(b.rdb, b.queue, append([]bullmq.QueueOption{bullmq.WithPrefix(b.prefix)}, options...)...)
	require.NoError(b.t, err)
	return queue
}

func (b *bundle) add(queue *bullmq.Queue, name string, options bullmq.JobOptions) string {
	b.t.Helper()
	receipt, err := queue.Add(b.t.Context(), name, nil, options)
	require.NoError(b.t, err)
	return receipt.ID
}

// hear reads until so many events were told.
func hear(t *testing.T, events *bullmq.Events, n int) (all []bullmq.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for len(all) < n {
		told, err := events.Next(ctx)
		require.NoError(t, err)
		all = append(all, told...)
	}
	require.Len(t, all, n)
	return all
}

func names(events []bullmq.Event) string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = strings.TrimSpace(e.Name + " " + e.JobID)
	}
	return strings.Join(all, ", ")
}

// TestEventsOfTheRealWorkerAreHeard: every kind of event, as the real library writes it.
func TestEventsOfTheRealWorkerAreHeard(t *testing.T) {
	t.Parallel()
	for _, library := range []string{"bullmq6", "bullmq534"} {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			j, queue := newJudge(t, b, library), b.client()
			events, err := queue.Events(t.Context(), "")
			require.NoError(t, err)
			j.ask(nil, "queue", "add", "n", js{}, js{"attempts": 2, "backoff": js{"type": "fixed", "delay": 60000}, "jobId": "a"})
			j.ask(nil, "take")
			j.ask(nil, "progress", js{"p": 1})
			j.ask(nil, "fail", "boom")
			j.ask(nil, "job", "a", "promote")
			j.ask(nil, "take")
			j.ask(nil, "fail", `no "luck"`)
			j.ask(nil, "queue", "add", "n", js{}, js{"jobId": "b"})
			j.ask(nil, "queue", "add", "n", js{}, js{"jobId": "b"})
			j.ask(nil, "take")
			j.ask(nil, "complete", js{"ok": true})
			j.ask(nil, "queue", "pause")
			j.ask(nil, "queue", "resume")
			j.ask(nil, "queue", "clean", 0, 10, "completed")
			j.ask(nil, "queue", "remove", "a")
			told := hear(t, events, 20)
			require.Equal(t, "added a, waiting a, active a, progress a, delayed a, waiting a, active a, failed a, "+
				"retries-exhausted a, drained, added b, waiting b, duplicated b, active b, completed b, drained, paused, resumed, "+
				"cleaned, removed a", names(told))
			require.Equal(t, "n", told[0].JobName)
			require.JSONEq(t, `{"p":1}`, string(told[3].Progress))
			require.WithinDuration(t, time.Now().Add(time.Minute), told[4].DueAt, 20*time.Second)
			require.Equal(t, []any{"delayed", `no "luck"`, 2}, []any{told[5].Prev, told[7].FailedReason, told[8].AttemptsMade})
			require.JSONEq(t, `{"ok":true}`, string(told[14].ReturnValue))
			require.Equal(t, []any{1, "failed"}, []any{told[18].Count, told[19].Prev})
			require.WithinDuration(t, time.Now(), told[0].At(), time.Minute)
			require.False(t, events.Missed())
		})
	}
}

func TestEventsGoOnWhateverHappensToTheStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	queue, ctx := b.client(), t.Context()
	fresh, err := queue.Events(ctx, "")
	require.NoError(t, err)
	b.add(queue, "n", bullmq.JobOptions{})
	require.Equal(t, "added 1, waiting 1", names(hear(t, fresh, 2)))
	require.False(t, fresh.Missed())

	older, err := queue.Events(ctx, "0")
	require.NoError(t, err)
	require.Equal(t, "added 1, waiting 1", names(hear(t, older, 2)))
	require.Equal(t, fresh.Cursor(), older.Cursor())

	// Trimmed before it was read.
	b.add(queue, "n", bullmq.JobOptions{})
	b.add(queue, "n", bullmq.JobOptions{})
	require.NoError(t, b.rdb.XTrimMaxLen(ctx, b.keys.Events(), 1).Err())
	later, err := queue.Events(ctx, fresh.Cursor())
	require.NoError(t, err)
	require.Equal(t, "waiting 3", names(hear(t, later, 1)))
	require.True(t, later.Missed())
	require.False(t, later.Missed(), "once")

	// Deleted with the queue, and made anew.
	require.NoError(t, queue.Obliterate(ctx, true))
	told, err := later.Next(ctx)
	require.NoError(t, err)
	require.Empty(t, told)
	b.add(queue, "n", bullmq.JobOptions{})
	require.Equal(t, "added 1, waiting 1", names(hear(t, later, 2)))

	// Redis came back with older data: ids are lower than what was read.
	require.NoError(t, b.rdb.Del(ctx, b.keys.Events()).Err())
	require.NoError(t, b.rdb.XAdd(ctx, &redis.XAddArgs{Stream: b.keys.Events(), ID: "5-1", Values: []string{"event", "mine"}}).Err())
	require.Equal(t, "mine", names(hear(t, later, 1)))
	require.True(t, later.Missed())
	require.Equal(t, "5-1", later.Cursor())

	// An entry that stops BullMQ's own listeners for good.
	_, err = queue.PublishEvent(ctx, "completed", map[string]string{"jobId": "9", "returnvalue": "not JSON"})
	require.NoError(t, err)
	bad := hear(t, later, 1)[0]
	require.Nil(t, bad.ReturnValue)
	require.Equal(t, "not JSON", bad.Fields["returnvalue"])

	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = later.Next(ended)
	require.ErrorIs(t, err, context.Canceled)
}

func TestPublishedEventsReachListenersAndLeaveTheStreamItsLength(t *testing.T) {
	t.Parallel()
	b := setup(t)
	queue, ctx := b.client(bullmq.WithMaxEvents(4000)), t.Context()
	require.NoError(t, queue.Announce(ctx))
	for i := range 3000 {
		require.NoError(t, b.rdb.XAdd(ctx, &redis.XAddArgs{Stream: b.keys.Events(), Values: []string{"event", "filler", "n", strconv.Itoa(i)}}).Err())
	}
	_, err := queue.PublishEvent(ctx, "added", map[string]string{"jobId": "own", "name": "n", "src": "go"})
	require.NoError(t, err)
	require.Equal(t, int64(3001), b.rdb.XLen(ctx, b.keys.Events()).Val())
	j := newJudge(t, b, "bullmq6")
	var heard [][]any
	j.ask(&heard, "heard", 1)
	require.Equal(t, []any{"added", map[string]any{"jobId": "own", "name": "n", "src": "go"}}, heard[0][:2])
	for _, name := range []string{"", "error"} {
		_, err := queue.PublishEvent(ctx, name, nil)
		require.ErrorIs(t, err, bullmq.ErrInvalid)
	}
	_, err = queue.PublishEvent(ctx, "mine", map[string]string{"event": "x"})
	require.ErrorIs(t, err, bullmq.ErrInvalid)
}

func TestWaitUntilFinished(t *testing.T) {
	t.Parallel()
	b := setup(t)
	queue, j := b.client(), newJudge(t, b, "bullmq5")
	type end struct {
		value json.RawMessage
		err   error
	}
	wait := func(id string) chan end {
		ended := make(chan end, 1)
		go func() {
			value, err := queue.WaitUntilFinished(t.Context(), id)
			ended <- end{value, err}
		}()
		return ended
	}
	good := b.add(queue, "n", bullmq.JobOptions{})
	bad := b.add(queue, "n", bullmq.JobOptions{})
	brief := b.add(queue, "n", bullmq.JobOptions{RemoveOnComplete: new(bullmq.KeepNewest(0))})
	removed := b.add(queue, "n", bullmq.JobOptions{Delay: time.Hour})
	waiting := []chan end{wait(good), wait(bad), wait(brief), wait(removed)}
	j.ask(nil, "take")
	j.ask(nil, "complete", js{"ok": true})
	j.ask(nil, "take")
	j.ask(nil, "fail", "no luck")
	first := <-waiting[0]
	require.NoError(t, first.err)
	require.JSONEq(t, `{"ok":true}`, string(first.value))
	var failed *bullmq.FailedError
	require.ErrorAs(t, (<-waiting[1]).err, &failed)
	require.Equal(t, bullmq.FailedError{JobID: bad, Reason: "no luck"}, *failed)
	j.ask(nil, "take")
	j.ask(nil, "complete", 7)
	third := <-waiting[2]
	if third.err == nil { // else its waiter began after it had gone
		require.JSONEq(t, "7", string(third.value))
	} else {
		require.ErrorIs(t, third.err, bullmq.ErrUnknownJob)
	}
	require.NoError(t, queue.Remove(t.Context(), removed))
	require.ErrorIs(t, (<-waiting[3]).err, bullmq.ErrUnknownJob)

	value, err := queue.WaitUntilFinished(t.Context(), good)
	require.NoError(t, err)
	require.JSONEq(t, `{"ok":true}`, string(value))
	_, err = queue.WaitUntilFinished(t.Context(), bad)
	require.ErrorAs(t, err, &failed)
	_, err = queue.WaitUntilFinished(t.Context(), "none")
	require.ErrorIs(t, err, bullmq.ErrUnknownJob)
}

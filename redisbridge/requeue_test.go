package redisbridge_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
)

// die creates a run that fails for good, and keeps so many failed jobs in Redis.
func (b *bundle) die(name string, keep int) string {
	b.t.Helper()
	id := b.add(name, func(o *queue.Options) { o.Attempts, o.RemoveOnFail = 1, keep })
	b.finish(id, b.claim(id, 0), store.Outcome{
		Status: store.RunFailed, Class: store.Assertion, Error: "boom", Stack: "at step 1", Result: json.RawMessage(`{"status":"failed"}`),
	})
	b.awaitSeq(id, 3)
	return id
}

func (b *bundle) requeue(id string) {
	b.t.Helper()
	_, err := b.records.Requeue(b.t.Context(), b.def.Name, id, func(store.Start) (json.RawMessage, error) { return json.RawMessage(`{}`), nil })
	require.NoError(b.t, err)
}

// letters are the ids of the runs in the dead letters, the newest first.
func (b *bundle) letters() []string {
	b.t.Helper()
	list, err := b.records.DeadLetters(b.t.Context(), store.LetterFilter{Limit: 10})
	require.NoError(b.t, err)
	ids := []string{}
	for _, l := range list {
		ids = append(ids, l.RunID)
	}
	return ids
}

// TestRequeuedJobIsShownAsAClientRequeuesIt does to one failed job what a client's retry with resetAttemptsMade does, and
// requeues another one.
func TestRequeuedJobIsShownAsAClientRequeuesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stop := b.settled()
	ours, theirs := b.die("ours", 10), b.die("theirs", 10)
	b.awaitRelayed()
	before := len(b.stream())
	b.requeue(ours)
	b.awaitSeq(ours, 4)
	b.awaitRelayed()
	stop() // so that nobody follows what the client does
	client, err := bullmq.NewQueue(b.rdb, b.def.Name, bullmq.WithPrefix(b.cfg.Queue.Prefix), bullmq.WithoutAnnouncing())
	require.NoError(t, err)
	require.NoError(t, client.Retry(t.Context(), theirs, bullmq.Failed, bullmq.RetryOptions{ResetAttemptsMade: true}))

	told := b.stream()[before:]
	require.Len(t, told, 2)
	require.Equal(t, ours, told[0]["jobId"])
	require.Equal(t, theirs, told[1]["jobId"])
	delete(told[0], "jobId")
	delete(told[1], "jobId")
	require.Equal(t, told[1], told[0])
	require.Equal(t, map[string]any{"event": "waiting", "prev": "failed"}, told[0])

	hashes := make([]map[string]string, 2)
	for i, id := range []string{ours, theirs} {
		hashes[i], err = b.rdb.HGetAll(t.Context(), b.keys.Job(id)).Result()
		require.NoError(t, err)
		for _, field := range []string{"data", "opts", "timestamp", "cn:seq", "cn:ev", "cn:at"} { // of the job, and our own
			delete(hashes[i], field)
		}
	}
	delete(hashes[1], "returnvalue") // BullMQ's own workers leave none on a failed job
	require.Equal(t, hashes[1], hashes[0])
	require.Equal(t, "1", hashes[0]["ats"])
	require.NotContains(t, hashes[0], "atm")
	require.Equal(t, []string{theirs, ours}, b.list(b.keys.Wait()))
	require.Empty(t, b.set(b.keys.Failed()))
}

// TestLetterOutlivesItsJobInRedis: Redis keeps the newest failed jobs only. Those that it drops can be requeued all the same,
// those that a client removes can't.
func TestLetterOutlivesItsJobInRedis(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settled()
	forgotten := func(id string) {
		t.Helper()
		b.await(patience, "the record of "+id+" is forgotten", func() bool {
			known, err := b.records.JobsAmong(t.Context(), b.def.Name, []string{id})
			require.NoError(t, err)
			return len(known) == 0
		})
	}
	first, second, third := b.die("first", 2), b.die("second", 2), b.die("third", 2)
	forgotten(first)
	require.Equal(t, []string{third, second, first}, b.letters())

	client, err := bullmq.NewQueue(b.rdb, b.def.Name, bullmq.WithPrefix(b.cfg.Queue.Prefix), bullmq.WithoutAnnouncing())
	require.NoError(t, err)
	require.NoError(t, client.Remove(t.Context(), second))
	forgotten(second)
	require.Equal(t, []string{third, first}, b.letters())

	b.requeue(first)
	b.awaitSeq(first, 4)
	require.Equal(t, []string{first}, b.list(b.keys.Wait()))
	require.Equal(t, "execute-test", b.field(first, "name"))
	require.JSONEq(t, `{"testRunId":"`+first+`"}`, b.field(first, "data"))
	require.Equal(t, "failed", b.stream()[len(b.stream())-1]["prev"])
	b.pass(first)
	b.await(patience, "it has passed", func() bool { return len(b.set(b.keys.Completed())) == 1 })
}

// TestLettersOutliveALossOfRedis: a Redis that lost its data shows the newest failed jobs only.
func TestLettersOutliveALossOfRedis(t *testing.T) {
	t.Parallel()
	b, _ := setupAlone(t)
	b.cfg.Queue.RemoveOnFail = 1
	b.settled()
	first, second := b.die("first", 10), b.die("second", 10)
	b.awaitRelayed()
	require.NoError(t, b.rdb.FlushAll(t.Context()).Err())
	b.await(patience, "the queue is shown again", func() bool { return b.epoch() != "" })
	b.await(patience, "the older one is forgotten", func() bool {
		known, err := b.records.JobsAmong(t.Context(), b.def.Name, []string{first})
		require.NoError(t, err)
		return len(known) == 0
	})
	require.Equal(t, []string{second}, b.set(b.keys.Failed()))
	require.Equal(t, []string{second, first}, b.letters())
	b.requeue(first)
	b.await(patience, "it waits", func() bool { return len(b.list(b.keys.Wait())) == 1 })
}

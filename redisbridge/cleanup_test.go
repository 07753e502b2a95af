package redisbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/cleanup"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/store"
)

// TestLeftoversInRedisGo takes jobs away that are more than the queue keeps, and progress keys that never end, while a bridge
// runs: dead letters of the former stay.
func TestLeftoversInRedisGo(t *testing.T) {
	t.Parallel()
	b, _ := setupAlone(t) // progress keys have no prefix
	b.settled()
	var passed, failed []string
	for _, name := range []string{"a", "b", "c", "d"} {
		id := b.add(name, func(o *queue.Options) { o.RemoveOnComplete, o.RemoveOnFail = 100, 100 })
		b.pass(id)
		passed = append(passed, id)
	}
	for _, name := range []string{"x", "y", "z"} {
		id := b.add(name, nil)
		b.finish(id, b.claim(id, 0), store.Outcome{Status: store.RunFailed, Class: store.Timeout, Error: "late", Final: true})
		failed = append(failed, id)
	}
	b.await(patience, "all are shown", func() bool { return len(b.set(b.keys.Completed())) == 4 && len(b.set(b.keys.Failed())) == 3 })
	open := b.add("open", nil)
	require.NoError(t, b.rdb.Set(t.Context(), "progress:"+open, "{}", 0).Err())
	require.NoError(t, b.rdb.Set(t.Context(), "progress:"+b.id("gone"), "{}", 0).Err())

	l, err := redisbridge.NewLeftovers(b.cfg, b.records, b.logger())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	clean := func(p cleanup.Policy, dryRun bool) cleanup.Amounts {
		sum := cleanup.Amounts{}
		require.NoError(t, l.Clean(t.Context(), p, dryRun, func(a cleanup.Amounts) error {
			for kind, amount := range a {
				sum.Add(kind, amount.Count, amount.Bytes)
			}
			return nil
		}))
		return sum
	}
	spare := cleanup.Policy{KeepCompleted: 1, KeepFailed: 1, Spare: time.Hour, Orphans: 24 * time.Hour}
	require.Empty(t, clean(spare, false), "they have just ended")

	p := cleanup.Policy{KeepCompleted: 1, KeepFailed: 1}
	looked := clean(p, true)
	require.EqualValues(t, 5, looked[cleanup.QueueJobs].Count)
	require.Positive(t, looked[cleanup.QueueJobs].Bytes)
	require.Len(t, b.set(b.keys.Completed()), 4, "a dry run")
	did := clean(p, false)
	require.EqualValues(t, 5, did[cleanup.QueueJobs].Count)
	require.GreaterOrEqual(t, did[cleanup.ProgressKeys].Count, int64(1))
	require.Equal(t, passed[3:], b.set(b.keys.Completed()))
	require.Equal(t, failed[2:], b.set(b.keys.Failed()))
	require.EqualValues(t, 1, b.rdb.Exists(t.Context(), "progress:"+open).Val())
	require.Zero(t, b.rdb.Exists(t.Context(), "progress:"+b.id("gone")).Val())
	require.Zero(t, clean(p, false)[cleanup.QueueJobs].Count, "twice in a row is once")

	b.await(patience, "the records of jobs follow", func() bool {
		known, err := b.records.JobsAmong(t.Context(), b.def.Name, append(passed, failed...))
		require.NoError(t, err)
		return len(known) == 2
	})
	letters, err := b.records.CountDeadLetters(t.Context(), store.LetterFilter{})
	require.NoError(t, err)
	require.Equal(t, 3, letters)
}

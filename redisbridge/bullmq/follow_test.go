package bullmq_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

func TestDeduplicationIDs(t *testing.T) {
	t.Parallel()
	for opts, id := range map[string]string{
		`{"de":{"id":"a"}}`: "a", `{"deduplication":{"id":"b","ttl":5}}`: "b", `{"debounce":{"id":"c"}}`: "c",
		`{"de":5}`: "", `{"de":{"id":5}}`: "", `{}`: "", `[]`: "", ``: "", `{"de":null,"debounce":{"id":"d"}}`: "d",
	} {
		require.Equal(t, id, bullmq.DeduplicationID(json.RawMessage(opts)), opts)
	}
}

// TestAJobFollowsTheOneThatKeptItAway: a projector shows the end of a job while whose activity others were refused.
func TestAJobFollowsTheOneThatKeptItAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	q, err := bullmq.NewQueue(b.rdb, b.queue, bullmq.WithPrefix(b.prefix), bullmq.WithoutAnnouncing())
	require.NoError(t, err)
	keepLast := bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "d", KeepLastIfActive: true}}
	add := func(data string, options bullmq.JobOptions) bullmq.Receipt {
		receipt, err := q.Add(ctx, "n", json.RawMessage(data), options)
		require.NoError(t, err)
		return receipt
	}
	first := add(`{"n":1}`, keepLast)
	l := newLife(first.ID)
	job := bullmq.DecodeJob(first.ID, b.hash(first.ID))
	l.job.Opts, l.job.Data, l.job.Timestamp = job.Opts, job.Data, job.Timestamp
	b.apply(l.added(), l.started())
	require.True(t, add(`{"n":2}`, keepLast).Deduplicated)
	urgent := keepLast
	urgent.Priority = 4
	require.True(t, add(`{"n":3}`, urgent).Deduplicated)
	follow := func(ids ...string) []string {
		added, err := b.projector.FollowUp(ctx, b.queue, ids)
		require.NoError(t, err)
		return added
	}
	require.Empty(t, follow("d", "none"), "the job is still active")

	b.apply(l.completed(`{}`))
	b.forget()
	// What some client made unreadable is in nobody's way.
	require.NoError(t, b.rdb.Set(ctx, b.keys.Base()+"dn:odd", "text", 0).Err())
	require.Equal(t, []string{"d"}, follow("odd", "d"))
	require.Empty(t, follow("d"), "once")
	ids := b.set(b.keys.Prioritized())
	require.Len(t, ids, 1)
	require.JSONEq(t, `{"n":3}`, b.hash(ids[0])["data"], "the last one")
	require.Equal(t, "d", b.hash(ids[0])["deid"])
	require.Equal(t, []string{"event added jobId " + ids[0] + " name n", "event waiting jobId " + ids[0]}, b.events())
	require.Contains(t, b.list(b.keys.Waiting()), ids[0])
	owner, err := b.rdb.Get(ctx, b.keys.Base()+"de:d").Result()
	require.NoError(t, err)
	require.Equal(t, ids[0], owner)
	require.False(t, b.exists(b.keys.Base()+"dn:d"))
}

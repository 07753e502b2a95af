package bullmq_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// record is a scheduler as clients write one.
func record(id string, next time.Time) bullmq.SchedulerRecord {
	return bullmq.SchedulerRecord{ID: id, Next: next, Fields: map[string]string{
		"name": "n", "every": "600000", "ic": "4", "limit": "9", "data": `{"x":1}`,
		"opts": `{"attempts":3,"priority":2,"backoff":{"type":"fixed","delay":100}}`,
	}}
}

func TestSchedulersAreReadAndRestored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	whole, half, taken, changed := record("whole", base), record("half", base), record("taken", base), record("changed", base)
	require.NoError(t, b.projector.RestoreSchedulers(ctx, b.queue, []bullmq.SchedulerRecord{whole, half, changed}))
	require.Equal(t, []string{"changed", "half", "whole"}, b.set(b.keys.Repeat()))

	// What is left of one of which Redis threw the record away, what a client made of another one, and a key that is no record.
	require.NoError(t, b.rdb.Del(ctx, b.keys.Scheduler("half")).Err())
	require.NoError(t, b.rdb.HSet(ctx, b.keys.Scheduler("changed"), "every", "5000").Err())
	require.NoError(t, b.rdb.ZAdd(ctx, b.keys.Repeat(), redis.Z{Score: 5, Member: "changed"}).Err())
	require.NoError(t, b.rdb.Set(ctx, b.keys.Scheduler("taken"), "text", 0).Err())
	next := map[string]time.Time{"whole": base, "half": base, "changed": time.UnixMilli(5), "taken": base}
	read := func() map[string]bullmq.SchedulerRecord {
		records, err := b.projector.SchedulerRecords(ctx, b.queue, next)
		require.NoError(t, err)
		byID := map[string]bullmq.SchedulerRecord{}
		for _, r := range records {
			byID[r.ID] = r
		}
		return byID
	}
	records := read()
	require.Equal(t, whole, records["whole"])
	require.Empty(t, records["half"].Fields)
	require.Empty(t, records["taken"].Fields)

	require.NoError(t, b.projector.RestoreSchedulers(ctx, b.queue, []bullmq.SchedulerRecord{whole, half, taken, changed, {ID: "empty", Next: base}}))
	records = read()
	require.Equal(t, half.Fields, records["half"].Fields)
	require.Equal(t, "5000", records["changed"].Fields["every"], "what is there stays")
	require.EqualValues(t, 5, b.score(b.keys.Repeat(), "changed"))
	require.Empty(t, records["taken"].Fields)
	require.NotContains(t, b.set(b.keys.Repeat()), "empty")

	none, err := b.projector.SchedulerRecords(ctx, b.queue, nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

// TestASchedulerGoesOnWithoutItsJob: what the next job looks like is known from the scheduler's record alone.
func TestASchedulerGoesOnWithoutItsJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	q, err := bullmq.NewQueue(b.rdb, b.queue, bullmq.WithPrefix(b.prefix))
	require.NoError(t, err)
	due := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	for _, c := range []struct {
		name  string
		alter func(fields map[string]string)
		count int // of the next job; 0: there is none
	}{
		{"counted", func(map[string]string) {}, 5},
		{"of an old client", func(f map[string]string) { delete(f, "ic"); delete(f, "limit") }, 1},
		{"at its limit", func(f map[string]string) { f["limit"] = "4" }, 0},
		{"over", func(f map[string]string) { f["endDate"] = "1000" }, 0},
		{"by a pattern", func(f map[string]string) { delete(f, "every"); f["pattern"], f["tz"] = "0 0 1 1 *", "UTC" }, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := record(c.name, due)
			c.alter(r.Fields)
			require.NoError(t, b.projector.RestoreSchedulers(ctx, b.queue, []bullmq.SchedulerRecord{r}))
			id, err := q.ArmNext(ctx, bullmq.SchedulerJob(r))
			require.NoError(t, err)
			require.Equal(t, c.count > 0, id != "")
			if c.count == 0 {
				return
			}
			job := bullmq.DecodeJob(id, b.hash(id))
			options, err := job.Options()
			require.NoError(t, err)
			require.Equal(t, 3, options.Attempts)
			require.Equal(t, 2, options.Priority)
			require.Equal(t, 2, job.Priority)
			require.Equal(t, &bullmq.Backoff{Type: "fixed", Delay: 100 * time.Millisecond}, options.Backoff)
			require.Equal(t, c.count, options.Repeat.Count)
			require.JSONEq(t, `{"x":1}`, string(job.Data))
			count, limit := bullmq.Iteration(job.Opts)
			require.Equal(t, c.count, count)
			require.Equal(t, options.Repeat.Limit, limit)
			again, err := q.ArmNext(ctx, bullmq.SchedulerJob(r))
			require.NoError(t, err)
			require.Empty(t, again, "it is armed")
		})
	}
}

package bullmq_test

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// populate lets the real library make a queue with jobs in every state.
func populate(j *judge) {
	for i := range 7 {
		j.ask(nil, "queue", "add", "job"+strconv.Itoa(i), js{"i": i}, js{
			"jobId": "w" + strconv.Itoa(i), "attempts": 2, "backoff": js{"type": "fixed", "delay": 3600000}, "keepLogs": 4,
		})
	}
	j.ask(nil, "take")
	j.ask(nil, "progress", js{"percentage": 25})
	j.ask(nil, "complete", js{"ok": true})
	j.ask(nil, "take")
	j.ask(nil, "fail", "delayed for an hour")
	j.ask(nil, "take")
	j.ask(nil, "fail", "not yet")
	j.ask(nil, "job", "w2", "promote")
	for range 4 { // w3 to w6, and w2 fails for good
		j.ask(nil, "take")
		j.ask(nil, "complete", "done")
	}
	for i, opts := range []js{
		{"priority": 5},
		{"priority": 5},
		{"priority": 1},
		{"delay": 7200000},
		{"delay": 3600000, "priority": 2},
		{},
		{},
		{"lifo": true},
		{"deduplication": js{"id": "once"}},
		{"attempts": 1},
	} {
		opts["jobId"] = "j" + strconv.Itoa(i)
		j.ask(nil, "queue", "add", "n", js{"n": i}, opts)
	}
	j.ask(nil, "take") // j7, which stays active
	j.ask(nil, "progress", 42)
	for i := range 6 {
		j.ask(nil, "queue", "addJobLog", "w1", "line "+strconv.Itoa(i))
	}
}

// TestGettersSeeWhatTheRealQueueSees compares what we and the real library read of a queue that the latter filled.
func TestGettersSeeWhatTheRealQueueSees(t *testing.T) {
	t.Parallel()
	for _, library := range judges() {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			j, queue, ctx := newJudge(t, b, library), b.client(), t.Context()
			populate(j)

			var counts map[string]int
			j.ask(&counts, "queue", "getJobCounts")
			delete(counts, "paused")
			ours, err := queue.Counts(ctx)
			require.NoError(t, err)
			require.Len(t, ours, len(counts))
			for state, n := range ours {
				require.Equal(t, counts[string(state)], n, state)
				require.Equal(t, n > 0, state != bullmq.WaitingChildren && state != bullmq.Failed, state)
			}
			some, err := queue.Counts(ctx, bullmq.Delayed)
			require.NoError(t, err)
			require.Equal(t, map[bullmq.State]int{bullmq.Delayed: 3}, some)
			_, err = queue.Counts(ctx, "nowhere")
			require.ErrorIs(t, err, bullmq.ErrInvalid)

			var n int
			j.ask(&n, "queue", "count")
			total, err := queue.Count(ctx)
			require.NoError(t, err)
			require.Equal(t, n, total)

			var perPriority map[int]int
			j.ask(&perPriority, "queue", "getCountsPerPriority", []int{0, 1, 2, 5})
			ourPriorities, err := queue.CountsPerPriority(ctx, 0, 1, 2, 5)
			require.NoError(t, err)
			require.Equal(t, perPriority, ourPriorities)
			require.Equal(t, 2, ourPriorities[5])

			for _, ask := range []struct {
				states     []bullmq.State
				start, end int
			}{
				{nil, 0, -1},
				{[]bullmq.State{bullmq.Waiting}, 0, -1},
				{[]bullmq.State{bullmq.Waiting}, 1, 2},
				{[]bullmq.State{bullmq.Waiting}, 1, -2},
				{[]bullmq.State{bullmq.Completed}, 0, 1},
				{[]bullmq.State{bullmq.Delayed}, 0, -1},
				{[]bullmq.State{bullmq.Prioritized}, 1, 1},
				{[]bullmq.State{bullmq.Active, bullmq.Completed, bullmq.Waiting}, 0, 1},
				{[]bullmq.State{bullmq.Failed}, 0, -1},
			} {
				for _, ascending := range []bool{true, false} {
					jobs, err := queue.Jobs(ctx, ask.states, ask.start, ask.end, ascending)
					require.NoError(t, err)
					ids := make([]string, len(jobs))
					for i, job := range jobs {
						ids[i] = job.ID
						require.NoError(t, job.Err)
						require.Equal(t, job.State == bullmq.Delayed, !job.DueAt.IsZero())
						require.Equal(t, j.state(job.ID), string(job.State))
					}
					var states any = ask.states
					if ask.states == nil {
						states = []string{"active", "completed", "delayed", "failed", "prioritized", "waiting", "waiting-children"}
					}
					require.Equal(t, j.ids("getJobs", states, ask.start, ask.end, ascending), ids, "%v", ask)
				}
			}

			for _, id := range []string{"w0", "w1", "w2", "j0", "j3", "j4", "j7", "j8"} {
				var theirs seen
				j.ask(&theirs, "queue", "getJob", id)
				job, err := queue.Job(ctx, id)
				require.NoError(t, err)
				require.Equal(t, j.state(id), string(job.State))
				require.JSONEq(t, string(theirs.Data), string(job.Data))
				progress := string(job.Progress)
				if progress == "" {
					progress = "0"
				}
				require.JSONEq(t, string(theirs.Progress), progress)
				if len(job.ReturnValue) > 0 {
					require.JSONEq(t, string(theirs.ReturnValue), string(job.ReturnValue))
				}
				require.Equal(t, []any{theirs.Name, theirs.Priority, theirs.AttemptsMade, theirs.AttemptsStarted, theirs.FailedReason, theirs.Delay},
					[]any{job.Name, job.Priority, job.AttemptsMade, job.AttemptsStarted, job.FailedReason, job.Delay.Milliseconds()})
				require.Equal(t, theirs.Timestamp, job.Timestamp.UnixMilli())
				if theirs.ProcessedOn > 0 {
					require.Equal(t, theirs.ProcessedOn, job.ProcessedOn.UnixMilli())
				}
				if theirs.FinishedOn > 0 {
					require.Equal(t, theirs.FinishedOn, job.FinishedOn.UnixMilli())
				}
				require.Len(t, job.Stacktrace, len(theirs.Stacktrace))
				require.InDelta(t, theirs.Opts["attempts"], job.MaxAttempts, 0)
			}
			_, err = queue.Job(ctx, "none")
			require.ErrorIs(t, err, bullmq.ErrUnknownJob)
			state, err := queue.State(ctx, "none")
			require.NoError(t, err)
			require.Equal(t, bullmq.Unknown, state)

			for _, ask := range [][2]int{{0, -1}, {1, 2}, {0, 0}, {2, -1}} {
				for _, ascending := range []bool{true, false} {
					var logs struct {
						Logs  []string
						Count int
					}
					j.ask(&logs, "queue", "getJobLogs", "w1", ask[0], ask[1], ascending)
					lines, total, err := queue.Logs(ctx, "w1", ask[0], ask[1], ascending)
					require.NoError(t, err)
					require.Equal(t, logs.Logs, lines)
					require.Equal(t, []int{6, 6}, []int{logs.Count, total})
				}
			}

			owner, err := queue.DeduplicationJobID(ctx, "once")
			require.NoError(t, err)
			require.Equal(t, "j8", owner)
			owner, err = queue.DeduplicationJobID(ctx, "never")
			require.NoError(t, err)
			require.Empty(t, owner)
		})
	}
}

func TestSettingsAreReadBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j, queue, ctx := newJudge(t, b, "bullmq6"), b.client(bullmq.WithMaxEvents(5000)), t.Context()
	require.NoError(t, queue.Announce(ctx))
	require.NoError(t, queue.SetGlobalConcurrency(ctx, 3))
	require.NoError(t, queue.SetGlobalRateLimit(ctx, 10, time.Minute))
	require.NoError(t, queue.Pause(ctx))
	require.NoError(t, b.rdb.HSet(ctx, b.keys.Meta(), "mine", "x").Err())

	var theirs map[string]any
	j.ask(&theirs, "queue", "getMeta")
	require.Equal(t, map[string]any{
		"version": bullmq.ClientVersion, "concurrency": 3.0, "maxLenEvents": 5000.0, "max": 10.0, "duration": 60000.0, "paused": true,
		"mine": "x",
	}, theirs)
	meta, err := queue.Meta(ctx)
	require.NoError(t, err)
	require.Equal(t, bullmq.Meta{
		Version: bullmq.ClientVersion, MaxEvents: 5000, Paused: true, Concurrency: new(3),
		RateLimit: &bullmq.GlobalRate{Most: 10, Duration: time.Minute}, Other: map[string]string{"mine": "x"},
	}, meta)
	version, err := queue.Version(ctx)
	require.NoError(t, err)
	require.Equal(t, bullmq.ClientVersion, version)
	paused, err := queue.IsPaused(ctx)
	require.NoError(t, err)
	require.True(t, paused)
	require.NoError(t, queue.Resume(ctx))
	paused, err = queue.IsPaused(ctx)
	require.NoError(t, err)
	require.False(t, paused)

	ttl := func(most int) time.Duration {
		var theirs int64
		args := []any{"getRateLimitTtl"}
		if most > 0 {
			args = append(args, most)
		}
		j.ask(&theirs, "queue", args...)
		rest, err := queue.RateLimitTTL(ctx, most)
		require.NoError(t, err)
		require.InDelta(t, max(theirs, 0), rest.Milliseconds(), 5000)
		return rest
	}
	require.Zero(t, ttl(0))
	require.NoError(t, queue.RemoveGlobalRateLimit(ctx))
	limit, err := queue.GlobalRateLimit(ctx)
	require.NoError(t, err)
	require.Nil(t, limit)
	require.NoError(t, b.rdb.Set(ctx, b.keys.Limiter(), 2, time.Hour).Err())
	require.Positive(t, ttl(0))
	require.Zero(t, ttl(3))
	require.Positive(t, ttl(2))
	require.NoError(t, queue.RateLimit(ctx, time.Hour))
	require.Positive(t, ttl(1000))
	require.NoError(t, queue.RemoveRateLimitKey(ctx))
	require.Zero(t, ttl(2))
	require.NoError(t, queue.RemoveGlobalConcurrency(ctx))
	concurrency, err := queue.GlobalConcurrency(ctx)
	require.NoError(t, err)
	require.Nil(t, concurrency)
}

func TestMetricsAndPrometheus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j, queue, ctx := newJudge(t, b, "bullmq6"), b.client(), t.Context()
	b.add(queue, "n", bullmq.JobOptions{Priority: 2})
	pipe := b.rdb.Pipeline()
	pipe.HSet(ctx, b.keys.Metrics(bullmq.Completed), "count", 12, "prevTS", base.UnixMilli(), "prevCount", 10)
	pipe.RPush(ctx, b.keys.MetricsData(bullmq.Completed), 3, 0, 7)
	_, err := pipe.Exec(ctx)
	require.NoError(t, err)

	var theirs struct {
		Meta  struct{ Count, PrevTS, PrevCount int64 }
		Data  []int
		Count int
	}
	j.ask(&theirs, "queue", "getMetrics", "completed", 0, 1)
	m, err := queue.Metrics(ctx, bullmq.Completed, 0, 1)
	require.NoError(t, err)
	require.Equal(t, bullmq.Metrics{Count: 12, At: base, CountAt: 10, PerMinute: []int{3, 0}, Minutes: 3}, m)
	require.Equal(t, []any{theirs.Meta.Count, theirs.Meta.PrevTS, theirs.Meta.PrevCount, theirs.Data, theirs.Count},
		[]any{int64(m.Count), m.At.UnixMilli(), int64(m.CountAt), m.PerMinute, m.Minutes})
	_, err = queue.Metrics(ctx, bullmq.Waiting, 0, -1)
	require.ErrorIs(t, err, bullmq.ErrInvalid)

	for _, labels := range []map[string]string{nil, {"app": `x"y`, "env": "prod"}} {
		args := []any{"exportPrometheusMetrics"}
		if labels != nil {
			args = append(args, labels)
		}
		var theirs string
		j.ask(&theirs, "queue", args...)
		text, err := queue.ExportPrometheus(ctx, labels)
		require.NoError(t, err)
		require.Equal(t, theirs, text)
	}
}

func TestWorkersAreFoundByTheirConnections(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j, queue := newJudge(t, b, "bullmq6"), b.client()
	workers, err := queue.Workers(t.Context())
	require.NoError(t, err)
	require.Empty(t, workers)
	j.ask(nil, "take")
	workers, err = queue.Workers(t.Context())
	require.NoError(t, err)
	var theirs []map[string]any
	j.ask(&theirs, "queue", "getWorkers")
	require.Len(t, workers, len(theirs))
	require.NotEmpty(t, workers)
	require.Equal(t, "wk", workers[0].Name)
	require.Equal(t, theirs[0]["rawname"], workers[0].RawName)
	require.Equal(t, theirs[0]["addr"], workers[0].Address)
	require.True(t, strings.HasSuffix(workers[0].RawName, ":w:wk"))
}

// TestOneBrokenJobDoesNotHideTheOthers: what makes the real getters throw.
func TestOneBrokenJobDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	queue, ctx := b.client(), t.Context()
	for range 3 {
		b.add(queue, "n", bullmq.JobOptions{Attempts: 3})
	}
	require.NoError(t, b.rdb.HSet(ctx, b.keys.Job("2"), "data", "{broken", "opts", "nonsense").Err())
	require.NoError(t, b.rdb.LPush(ctx, b.keys.Wait(), "ghost").Err())
	require.NoError(t, b.rdb.Set(ctx, b.keys.Base()+"odd", "not a hash", 0).Err())
	require.NoError(t, b.rdb.LPush(ctx, b.keys.Wait(), "odd").Err())
	jobs, err := queue.Jobs(ctx, []bullmq.State{bullmq.Waiting}, 0, -1, true)
	require.NoError(t, err)
	require.Len(t, jobs, 3)
	require.ErrorContains(t, jobs[1].Err, "its data is not JSON")
	require.Equal(t, []int{3, 0, 3}, []int{jobs[0].MaxAttempts, jobs[1].MaxAttempts, jobs[2].MaxAttempts})
	require.NoError(t, jobs[2].Err)
}

func TestSchedulersAreRead(t *testing.T) {
	t.Parallel()
	for _, library := range judges() {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			j, queue, ctx := newJudge(t, b, library), b.client(), t.Context()
			end := time.Date(2031, 5, 6, 0, 0, 0, 0, time.UTC)
			j.ask(nil, "queue", "upsertJobScheduler", "every", js{"every": 60000}, js{"name": "n", "data": js{"a": 1}, "opts": js{"attempts": 3}})
			j.ask(nil, "queue", "upsertJobScheduler", "cron", js{"pattern": "0 3 1 1 *", "tz": "Asia/Tokyo", "endDate": end.UnixMilli()})
			_, err := queue.UpsertScheduler(ctx, "ours", bullmq.Repeat{Pattern: "0 0 3 1 6 *", TZ: "UTC", Limit: 2}, bullmq.NewJob{Data: "d"})
			require.NoError(t, err)

			n, err := queue.SchedulerCount(ctx)
			require.NoError(t, err)
			require.Equal(t, 3, n)
			for _, ascending := range []bool{true, false} {
				var theirs []struct {
					Key, Name, Pattern, TZ string
					Every                  json.Number // a text in old versions
					Next, Limit            int64
					IterationCount         int
				}
				j.ask(&theirs, "queue", "getJobSchedulers", 0, -1, ascending)
				schedulers, err := queue.Schedulers(ctx, 0, -1, ascending)
				require.NoError(t, err)
				require.Len(t, schedulers, 3)
				for i, s := range schedulers {
					require.NoError(t, s.Err)
					require.Equal(t, []any{theirs[i].Key, theirs[i].Name, theirs[i].Pattern, theirs[i].TZ, theirs[i].Next, cmp.Or(string(theirs[i].Every), "0")},
						[]any{s.ID, s.Template.Name, s.Repeat.Pattern, s.Repeat.TZ, s.Next.UnixMilli(), strconv.FormatInt(s.Repeat.Every.Milliseconds(), 10)})
					if library != "bullmq534" {
						require.Equal(t, []any{theirs[i].Limit, theirs[i].IterationCount}, []any{int64(s.Repeat.Limit), s.Iterations})
					}
				}
			}
			s, found, err := queue.Scheduler(ctx, "every")
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, []any{json.RawMessage(`{"a":1}`), 3}, []any{s.Template.Data, s.Template.Options.Attempts})
			s, _, err = queue.Scheduler(ctx, "cron")
			require.NoError(t, err)
			require.True(t, end.Equal(s.Repeat.End))
			_, found, err = queue.Scheduler(ctx, "none")
			require.NoError(t, err)
			require.False(t, found)
		})
	}
}

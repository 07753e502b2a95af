package bullmq_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// TestRealWorkersRunWhatWeAdd: jobs of every kind run in the order in which BullMQ runs them, with what they were given.
func TestRealWorkersRunWhatWeAdd(t *testing.T) {
	t.Parallel()
	for _, library := range judges() {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			j, queue, ctx := newJudge(t, b, library), b.client(bullmq.WithJobDefaults(bullmq.JobOptions{
				Attempts: 3, Backoff: &bullmq.Backoff{Type: bullmq.ExponentialBackoff, Delay: 2 * time.Second},
				RemoveOnComplete: new(bullmq.KeepNewest(100)),
			})), t.Context()
			receipts, err := queue.AddBulk(ctx, []bullmq.NewJob{
				{Name: "p9", Options: bullmq.JobOptions{Priority: 9}},
				{Name: "first", Data: js{"testCaseId": "ünï", "list": []int{1}}},
				{Name: "p1", Options: bullmq.JobOptions{Priority: 1}},
				{Name: "second", Data: json.RawMessage(`[1,2]`)},
				{Name: "lifo", Options: bullmq.JobOptions{LIFO: true}},
				{Name: "delayed", Options: bullmq.JobOptions{Delay: time.Hour, JobID: "later"}},
				{Name: "once", Options: bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "x"}}},
				{Name: "twice", Options: bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "x"}}},
				{Name: "again", Options: bullmq.JobOptions{JobID: "later"}},
			})
			require.NoError(t, err)
			require.Equal(t, bullmq.Receipt{ID: receipts[6].ID, Deduplicated: true}, receipts[7])
			require.Equal(t, bullmq.Receipt{ID: "later", Duplicate: true}, receipts[8])
			require.Equal(t, bullmq.Receipt{ID: "2"}, receipts[1])

			var job seen
			j.ask(&job, "queue", "getJob", "2")
			require.JSONEq(t, `{"testCaseId":"ünï","list":[1]}`, string(job.Data))
			require.InDelta(t, 3, job.Opts["attempts"], 0)
			require.Equal(t, js{"type": "exponential", "delay": 2000.0}, job.Opts["backoff"])
			require.InDelta(t, 100, job.Opts["removeOnComplete"], 0)
			j.ask(&job, "queue", "getJob", "1")
			require.Equal(t, 9, job.Priority)

			require.NoError(t, queue.Promote(ctx, "later"))
			var order []string
			for range 7 {
				var id string
				j.ask(&id, "take")
				ran, err := queue.Job(ctx, id)
				require.NoError(t, err)
				order = append(order, ran.Name)
				require.Equal(t, bullmq.Active, ran.State)
				require.ErrorIs(t, queue.Remove(ctx, id), bullmq.ErrLocked)
				j.ask(nil, "complete", js{"ran": id})
			}
			require.Equal(t, []string{"lifo", "first", "second", "once", "delayed", "p1", "p9"}, order)
			done, err := queue.Job(ctx, "later")
			require.NoError(t, err)
			require.JSONEq(t, `{"ran":"later"}`, string(done.ReturnValue))
			owner, err := queue.DeduplicationJobID(ctx, "x")
			require.NoError(t, err)
			require.Empty(t, owner, "its end frees the deduplication id")

			_, err = queue.UpsertScheduler(ctx, "every", bullmq.Repeat{Every: time.Hour}, bullmq.NewJob{Name: "tick", Data: 1})
			require.NoError(t, err)
			var id string
			j.ask(&id, "take")
			require.Contains(t, id, "repeat:every:")
			s, _, err := queue.Scheduler(ctx, "every")
			require.NoError(t, err)
			require.NotContains(t, id, millis(s.Next), "the real worker armed it again")
			if library != "bullmq534" { // which doesn't know that the first one runs at once, whoever made the scheduler
				require.WithinDuration(t, time.Now().Add(time.Hour), s.Next, time.Minute)
			}
		})
	}
}

// TestMixedPausesLoseNothing: ways in which clients of majors 5 and 6 and ours pause, add and resume. Some lose jobs where
// a client of one of the majors is in the place of ours.
func TestMixedPausesLoseNothing(t *testing.T) {
	t.Parallel()
	b5, ours := "bullmq5", "ours"
	for i, c := range [][]struct{ who, what string }{
		{{ours, "add"}, {ours, "pause"}, {b5, "add"}, {ours, "resume"}},
		{{ours, "add"}, {b5, "pause"}, {ours, "add"}, {b5, "resume"}},
		{{b5, "add"}, {b5, "pause"}, {b5, "add"}, {ours, "add"}, {b5, "resume"}},
		{{b5, "add"}, {ours, "pause"}, {b5, "add"}, {ours, "pause"}, {b5, "resume"}},
		{{"bullmq6", "add"}, {"bullmq6", "pause"}, {b5, "add"}, {ours, "resume"}},
		{{"bullmq6", "add"}, {b5, "pause"}, {"bullmq6", "add"}, {ours, "resume"}},
		{{"bullmq6", "add"}, {"bullmq6", "pause"}, {"bullmq534", "add"}, {ours, "pause"}, {"bullmq534", "pause"}, {"bullmq6", "resume"}},
		{{ours, "add"}, {b5, "pause"}, {ours, "add"}, {ours, "resume"}, {b5, "pause"}, {"bullmq6", "resume"}},
		{{b5, "add"}, {ours, "pause"}, {b5, "add"}, {b5, "resume"}},
		{{b5, "add"}, {ours, "pause"}, {ours, "add"}, {b5, "pause"}, {ours, "add"}, {b5, "add"}, {b5, "resume"}},
		{{"bullmq6", "add"}, {"bullmq6", "pause"}, {b5, "add"}, {ours, "add"}, {b5, "resume"}},
	} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			queue, ctx, clients, added := b.client(), t.Context(), map[string]*judge{}, 0
			for _, step := range c {
				if step.who != ours && clients[step.who] == nil {
					clients[step.who] = newJudge(t, b, step.who)
				}
				j := clients[step.who]
				switch {
				case step.what == "add" && j == nil:
					b.add(queue, "n", bullmq.JobOptions{})
				case step.what == "add":
					j.ask(nil, "queue", "add", "n", js{})
				case j != nil:
					j.ask(nil, "queue", step.what)
				case step.what == "pause":
					require.NoError(t, queue.Pause(ctx))
				default:
					require.NoError(t, queue.Resume(ctx))
				}
				if step.what == "add" {
					added++
				}
			}
			require.Len(t, b.list(b.keys.Wait()), added)
			require.False(t, b.exists(b.keys.Paused()))
			counts, err := queue.Counts(ctx, bullmq.Waiting)
			require.NoError(t, err)
			require.Equal(t, added, counts[bullmq.Waiting])
		})
	}
}

func TestQueueRefusesWhatWouldBreakIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	queue, ctx := b.client(), t.Context()
	for _, name := range []string{"", "a:b"} {
		_, err := bullmq.NewQueue(b.rdb, name)
		require.ErrorIs(t, err, bullmq.ErrInvalid)
	}
	for _, job := range []bullmq.NewJob{
		{Data: json.RawMessage("{")},
		{Data: make(chan int)},
		{Options: bullmq.JobOptions{JobID: "meta"}},
		{Options: bullmq.JobOptions{JobID: "de:x:y"}},
		{Options: bullmq.JobOptions{Attempts: -1}},
		{Options: bullmq.JobOptions{Parent: &bullmq.ParentJob{ID: "1", Queue: "bull:q"}}},
		{Options: bullmq.JobOptions{Repeat: &bullmq.Repeat{Every: time.Second}}},
		{Options: bullmq.JobOptions{Timestamp: time.UnixMilli(-1)}},
		{Options: bullmq.JobOptions{Delay: -1 << 62}},
		{Options: bullmq.JobOptions{Backoff: &bullmq.Backoff{Type: "fixed", Jitter: 2}}},
	} {
		_, err := queue.Add(ctx, job.Name, job.Data, job.Options)
		require.ErrorIs(t, err, bullmq.ErrInvalid, "%v", job)
		_, err = queue.AddBulk(ctx, []bullmq.NewJob{{Name: "good"}, job})
		require.ErrorIs(t, err, bullmq.ErrInvalid)
	}
	receipts, err := queue.AddBulk(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, receipts)
	for _, refusal := range []error{
		queue.ChangePriority(ctx, "1", 1<<21, false), queue.ChangeDelay(ctx, "1", -1), queue.SetGlobalConcurrency(ctx, -1),
		queue.SetGlobalRateLimit(ctx, 0, time.Second), queue.UpdateProgress(ctx, "1", make(chan int)),
		queue.Retry(ctx, "1", bullmq.Waiting, bullmq.RetryOptions{}), queue.UpdateData(ctx, "1", json.RawMessage("x")),
	} {
		require.ErrorIs(t, refusal, bullmq.ErrInvalid)
	}
	_, err = queue.Clean(ctx, bullmq.Unknown, 0, 0)
	require.ErrorIs(t, err, bullmq.ErrInvalid)
	require.Empty(t, b.rdb.Keys(ctx, b.keys.Base()+"*").Val(), "nothing was written")
	for _, missing := range []error{
		queue.Remove(ctx, "1"), queue.Promote(ctx, "1"), queue.ChangePriority(ctx, "1", 1, false), queue.ChangeDelay(ctx, "1", 0),
		queue.UpdateData(ctx, "1", 1), queue.UpdateProgress(ctx, "1", 1), queue.Retry(ctx, "1", bullmq.Failed, bullmq.RetryOptions{}),
	} {
		require.ErrorIs(t, missing, bullmq.ErrUnknownJob)
	}
	require.Empty(t, b.rdb.Keys(ctx, b.keys.Base()+"*").Val(), "nothing was written")
}

// TestAnActiveIterationIsNotDisturbed: a real queue makes a scheduler's job anew that a worker has, if its slot comes again.
func TestAnActiveIterationIsNotDisturbed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j, queue, ctx := newJudge(t, b, "bullmq6"), b.client(), t.Context()
	yearly := bullmq.Repeat{Pattern: "0 0 1 1 *", TZ: "UTC"}
	first, err := queue.UpsertScheduler(ctx, "s", yearly, bullmq.NewJob{})
	require.NoError(t, err)
	require.NoError(t, queue.Promote(ctx, first))
	j.ask(nil, "take")
	second, err := queue.UpsertScheduler(ctx, "s", yearly, bullmq.NewJob{Name: "changed"})
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	require.Equal(t, []string{"active"}, b.places(first))
	require.Equal(t, []string{"delayed"}, b.places(second))
	require.Equal(t, "changed", b.hash(second)["name"])
	j.ask(nil, "complete", 1)
}

// TestFlowsOfOthers: removing a child lets its parent run, and a parent that waits for children is left alone.
func TestFlowsOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	queue, ctx := b.client(), t.Context()
	parent := b.add(queue, "parent", bullmq.JobOptions{})
	child := b.add(queue, "child", bullmq.JobOptions{})
	pipe := b.rdb.Pipeline()
	pipe.LRem(ctx, b.keys.Wait(), 0, parent)
	pipe.ZAdd(ctx, b.keys.WaitingChildren(), zAt(base, parent))
	pipe.SAdd(ctx, b.keys.Job(parent)+":dependencies", b.keys.Job(child))
	pipe.HSet(ctx, b.keys.Job(child), "parentKey", b.keys.Job(parent))
	_, err := pipe.Exec(ctx)
	require.NoError(t, err)
	require.ErrorIs(t, queue.Remove(ctx, parent), bullmq.ErrFlow)
	ids, err := queue.Clean(ctx, bullmq.WaitingChildren, 0, 0)
	require.NoError(t, err)
	require.Empty(t, ids)
	b.forget()
	require.NoError(t, queue.Remove(ctx, child))
	require.Equal(t, []string{"wait"}, b.places(parent))
	require.Equal(t, []string{"event waiting jobId 1 prev waiting-children", "event removed jobId 2 prev wait"}, b.events())
	state, err := queue.State(ctx, parent)
	require.NoError(t, err)
	require.Equal(t, bullmq.Waiting, state)
}

func TestLargeQueuesAreMovedInParts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	queue, ctx := b.client(), t.Context()
	jobs := make([]bullmq.NewJob, 2500)
	for i := range jobs {
		jobs[i] = bullmq.NewJob{Name: "n", Options: bullmq.JobOptions{Delay: time.Hour}}
	}
	_, err := queue.AddBulk(ctx, jobs)
	require.NoError(t, err)
	moved, err := queue.PromoteAll(ctx)
	require.NoError(t, err)
	require.Equal(t, len(jobs), moved)
	require.Equal(t, "1", b.rdb.LIndex(ctx, b.keys.Wait(), -1).Val(), "the first runs first")
	ids, err := queue.Clean(ctx, bullmq.Waiting, 0, 500)
	require.NoError(t, err)
	require.Len(t, ids, 500)
	require.Equal(t, "1", ids[0], "the oldest go first")
	deleted, err := queue.Drain(ctx, true)
	require.NoError(t, err)
	require.Equal(t, 2000, deleted)
	_, err = queue.AddBulk(ctx, jobs)
	require.NoError(t, err)
	require.NoError(t, queue.Obliterate(ctx, false))
	require.Empty(t, b.rdb.Keys(ctx, b.keys.Base()+"*").Val())
}

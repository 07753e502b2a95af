package bullmq_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// troubles collects what a worker reports.
type troubles struct {
	mutex sync.Mutex
	all   []error
}

func (t *troubles) add(err error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.all = append(t.all, err)
}

// of tells whether one was reported of a job.
func (t *troubles) of(id string, target error) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, err := range t.all {
		var problem *bullmq.JobError
		if errors.As(err, &problem) && problem.JobID == id && errors.Is(err, target) {
			return true
		}
	}
	return false
}

// put adds jobs as clients do, with data and options as they are.
func (b *bundle) put(id, data, opts string, more ...any) {
	b.t.Helper()
	ctx := b.t.Context()
	fields := append([]any{
		"name", "n", "data", data, "opts", opts, "timestamp", time.Now().UnixMilli(), "delay", 0, "priority", 0,
	}, more...)
	pipe := b.rdb.TxPipeline()
	pipe.HSet(ctx, b.keys.Job(id), fields...)
	pipe.LPush(ctx, b.keys.Wait(), id)
	pipe.ZAdd(ctx, b.keys.Marker(), redis.Z{Member: "0"})
	_, err := pipe.Exec(ctx)
	require.NoError(b.t, err)
}

func (b *bundle) ends(id, place string) {
	b.t.Helper()
	eventually(b.t, id+" is "+place, func() bool {
		places := b.places(id)
		return len(places) == 1 && places[0] == place
	})
}

// TestNothingBlocksAWorker: whatever is in the queue, the next job is done.
func TestNothingBlocksAWorker(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	b.put("data", `{bad`, `{}`)
	b.put("opts", `{}`, `[bad`)
	b.put("list", `{}`, `["a list"]`)
	b.put("odd", `{"do":"ok"}`, `{"attempts":"many","removeOnComplete":"never","backoff":{"type":7}}`)
	b.put("numbers", `{"do":"ok"}`, `{}`, "ats", "x", "atm", "1e400", "priority", "nan", "delay", "inf", "stacktrace", "{")
	b.put("exhausted", `{"do":"fail","times":9,"msg":""}`, `{"attempts":2,"backoff":{"type":"strange","delay":1}}`)
	require.NoError(t, b.rdb.LPush(ctx, b.keys.Wait(), "ghost", "text", "nameless", "").Err())
	require.NoError(t, b.rdb.Set(ctx, b.keys.Job("text"), "no hash", 0).Err())
	require.NoError(t, b.rdb.HSet(ctx, b.keys.Job("nameless"), "x", 1).Err())
	require.NoError(t, b.rdb.ZAdd(ctx, b.keys.Prioritized(), redis.Z{Member: "ghost too", Score: 1}).Err())
	for i, id := range []string{"late ghost", "text", "numbers too"} {
		require.NoError(t, b.rdb.ZAdd(ctx, b.keys.Delayed(), redis.Z{Member: id, Score: float64(i)}).Err())
	}
	require.NoError(t, b.rdb.HSet(ctx, b.keys.Job("numbers too"), "name", "n", "priority", "1e999").Err())
	b.put("good", `{"do":"ok"}`, `{}`)
	require.NoError(t, b.rdb.HSet(ctx, b.keys.Meta(), "opts.maxLenEvents", "-1", "concurrency", "few", "max", "nan", "duration", "-1").Err())

	var heard troubles
	b.work(obey, bullmq.WorkerOptions{OnError: heard.add})
	b.ends("good", "completed")
	for _, id := range []string{"odd", "numbers", "numbers too"} {
		b.ends(id, "completed")
	}
	for id, reason := range map[string]string{
		"data": "the job can't be understood: its data is not JSON", "opts": "the job can't be understood: its options are not a JSON object",
		"list": "the job can't be understood: its options are not a JSON object", "nameless": "the job can't be understood: it has no name",
	} {
		b.ends(id, "failed")
		require.Equal(t, reason, b.hash(id)["failedReason"])
		require.True(t, heard.of(id, bullmq.ErrUnreadable), id)
	}
	b.ends("exhausted", "failed")
	require.Equal(t, `failed without a reason (and there is no backoff of type "strange")`, b.hash("exhausted")["failedReason"])
	for _, id := range []string{"ghost", "text", "", "ghost too", "late ghost"} {
		require.True(t, heard.of(id, bullmq.ErrNoJob), id)
		require.Empty(t, b.places(id))
	}
	require.False(t, b.exists(b.keys.Job("ghost")), "a ghost gets no hash")
	for _, key := range []string{b.keys.Wait(), b.keys.Active()} {
		require.Empty(t, b.list(key))
	}
	for _, event := range b.events() {
		require.NotRegexp(t, `(returnvalue|failedReason) (prev|$)`, event, "it would stop BullMQ's listeners")
	}
}

// TestLocksAreFences: who lost a job writes nothing of it.
func TestLocksAreFences(t *testing.T) {
	t.Parallel()
	cases := map[string]func(b *bundle){
		"expired":         func(b *bundle) { require.NoError(b.t, b.rdb.Del(b.t.Context(), b.keys.Lock("1")).Err()) },
		"somebody else's": func(b *bundle) { require.NoError(b.t, b.rdb.Set(b.t.Context(), b.keys.Lock("1"), "other", 0).Err()) },
		"removed": func(b *bundle) {
			require.NoError(b.t, b.rdb.Del(b.t.Context(), b.keys.Lock("1"), b.keys.Job("1")).Err())
			require.NoError(b.t, b.rdb.LRem(b.t.Context(), b.keys.Active(), 0, "1").Err())
		},
		"not active": func(b *bundle) { require.NoError(b.t, b.rdb.LRem(b.t.Context(), b.keys.Active(), 0, "1").Err()) },
	}
	for name, lose := range cases {
		for how, result := range map[string]error{"completes": nil, "fails": errors.New("e"), "retries": bullmq.RetryAt(time.Now())} {
			t.Run(name+" and "+how, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				var heard troubles
				var before portrait
				var progress error
				b.put("1", `{}`, `{}`)
				stop := b.work(func(ctx context.Context, a *bullmq.Attempt) (any, error) {
					lose(b)
					before = b.portrait()
					progress = a.Progress(ctx, 1)
					return 1, result
				}, bullmq.WorkerOptions{OnError: heard.add})
				eventually(t, "the loss is reported", func() bool { return heard.of("1", bullmq.ErrLockLost) })
				stop()
				if name == "not active" {
					require.NoError(t, progress, "the lock is there")
					return
				}
				require.ErrorIs(t, progress, bullmq.ErrLockLost)
				after := b.portrait()
				delete(before.keys, "marker")
				delete(after.keys, "marker")
				require.Equal(t, before, after)
			})
		}
	}
}

// TestAHandlerHearsThatItsJobIsLost through its context.
func TestAHandlerHearsThatItsJobIsLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put("1", `{}`, `{}`)
	cause := make(chan error, 1)
	b.work(func(ctx context.Context, _ *bullmq.Attempt) (any, error) {
		require.NoError(t, b.rdb.Set(ctx, b.keys.Lock("1"), "other", 0).Err())
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return nil, ctx.Err()
	}, bullmq.WorkerOptions{LockDuration: 80 * time.Millisecond})
	select {
	case err := <-cause:
		require.ErrorIs(t, err, bullmq.ErrLockLost)
	case <-time.After(soon):
		require.Fail(t, "nobody told the handler")
	}
	require.Equal(t, []string{"active"}, b.places("1"))
}

// TestALongJobStaysTheWorkers: its lock is renewed, so nobody takes it for stalled.
func TestALongJobStaysTheWorkers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put("1", `{}`, `{}`)
	checked := make(chan struct{})
	o := bullmq.WorkerOptions{LockDuration: 2 * time.Second, StalledInterval: 50 * time.Millisecond}
	b.work(func(context.Context, *bullmq.Attempt) (any, error) {
		<-checked
		return nil, nil //nolint:nilnil // null is a result
	}, o)
	b.ends("1", "active")
	held, renewed := b.rdb.PTTL(t.Context(), b.keys.Lock("1")).Val(), false
	eventually(t, "the lock is renewed", func() bool {
		now := b.rdb.PTTL(t.Context(), b.keys.Lock("1")).Val()
		renewed = renewed || now > held
		held = now
		return renewed
	})
	close(checked)
	b.ends("1", "completed")
	require.Empty(t, b.hash("1")["stc"])
	require.Equal(t, "1", b.hash("1")["ats"])
}

func TestAPanicIsAFailure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put("1", `{}`, `{"attempts":1}`)
	b.work(func(context.Context, *bullmq.Attempt) (any, error) { panic("out of cheese") }, bullmq.WorkerOptions{})
	b.ends("1", "failed")
	require.Equal(t, "the handler panicked: out of cheese", b.hash("1")["failedReason"])
	require.Contains(t, b.hash("1")["stacktrace"], "worker_test.go")
}

func TestAResultThatIsNotJSONIsAFailure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put("1", `{}`, `{}`)
	b.work(func(context.Context, *bullmq.Attempt) (any, error) { return make(chan int), nil }, bullmq.WorkerOptions{})
	b.ends("1", "failed")
	require.Contains(t, b.hash("1")["failedReason"], "writing the result as JSON")
}

func TestBackoffOfAnotherType(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put("soon", `{"do":"fail","times":1,"msg":"e"}`, `{"attempts":3,"backoff":{"type":"mine","delay":7}}`)
	b.put("never", `{"do":"fail","times":9,"msg":"final"}`, `{"attempts":3,"backoff":{"type":"no more"}}`)
	b.put("at once", `{"do":"fail","times":1,"msg":"e"}`, `{"attempts":3,"backoff":{"type":"none"}}`)
	b.work(obey, bullmq.WorkerOptions{Backoff: func(f bullmq.Failure) time.Duration {
		switch {
		case f.Backoff.Type == "mine" && f.Attempt == 1 && f.Job.ID == "soon" && f.Err.Error() == "e":
			return 3 * f.Backoff.Delay
		case f.Backoff.Type == "no more":
			return -1
		}
		return 0
	}})
	b.ends("soon", "completed")
	b.ends("at once", "completed")
	b.ends("never", "failed")
	require.Equal(t, []string{"final", "1"}, []string{b.hash("never")["failedReason"], b.hash("never")["atm"]})
	var delayed int
	for _, event := range b.events() {
		if strings.HasPrefix(event, "event delayed ") {
			delayed++
		}
	}
	require.Equal(t, 1, delayed)
}

func TestBackoffLeavesAPartToChance(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const delay = 1000000
	for _, backoff := range []string{"fixed", "exponential"} {
		for _, jitter := range []float64{0.25, 1} {
			id := fmt.Sprintf("%s %v", backoff, jitter)
			b.put(id, `{"do":"fail","times":9,"msg":"e"}`, fmt.Sprintf(
				`{"attempts":3,"backoff":{"type":%q,"delay":%d,"jitter":%v}}`, backoff, delay, jitter))
		}
	}
	b.work(obey, bullmq.WorkerOptions{})
	eventually(t, "all are delayed", func() bool { return len(b.set(b.keys.Delayed())) == 4 })
	different := map[string]bool{}
	for _, id := range b.set(b.keys.Delayed()) {
		got, err := strconv.Atoi(b.hash(id)["delay"])
		require.NoError(t, err)
		require.LessOrEqual(t, got, delay)
		if strings.HasSuffix(id, "0.25") {
			require.GreaterOrEqual(t, got, delay*3/4)
		}
		different[b.hash(id)["delay"]] = true
	}
	require.Greater(t, len(different), 1)
}

// TestAParentWaitsForItsChildren: one that ends before them is not completed, and nothing is written.
func TestAParentWaitsForItsChildren(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var heard troubles
	var before portrait
	b.put("1", `{}`, `{}`)
	b.work(func(ctx context.Context, _ *bullmq.Attempt) (any, error) {
		err := b.rdb.SAdd(ctx, b.keys.Job("1")+":dependencies", "child").Err()
		before = b.portrait()
		return nil, err
	}, bullmq.WorkerOptions{OnError: heard.add})
	eventually(t, "it is reported", func() bool { return heard.of("1", bullmq.ErrPendingChildren) })
	after := b.portrait()
	delete(before.keys, "marker")
	delete(after.keys, "marker")
	require.Equal(t, before, after)
}

func TestJobsRunTogether(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var running, most atomic.Int64
	together := make(chan struct{})
	meet := sync.OnceFunc(func() { close(together) })
	b.work(func(context.Context, *bullmq.Attempt) (any, error) {
		n := running.Add(1)
		defer running.Add(-1)
		most.Store(max(most.Load(), n))
		if n == 5 {
			meet()
		}
		<-together
		return n, nil
	}, bullmq.WorkerOptions{Concurrency: 5})
	for i := range 20 {
		b.put(strconv.Itoa(i), `{}`, `{}`)
	}
	eventually(t, "all jobs ran", func() bool { return len(b.set(b.keys.Completed())) == 20 })
	require.LessOrEqual(t, most.Load(), int64(5))
}

// TestAWorkerStops: what runs may finish for a while, then it goes back to the queue, and nothing is left of the worker.
func TestAWorkerStops(t *testing.T) { //nolint:paralleltest // others' goroutines would look like its own
	b := setup(t)
	leaks := goleak.IgnoreCurrent()
	finish := make(chan struct{})
	stopped := make(chan struct{})
	handler := func(ctx context.Context, a *bullmq.Attempt) (any, error) {
		if a.Job.ID == "finishes" {
			<-finish
			return "in time", nil
		}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	stop := b.work(handler, bullmq.WorkerOptions{Concurrency: 3, ShutdownTimeout: 500 * time.Millisecond})
	b.put("finishes", `{}`, `{}`)
	b.put("too long", `{}`, `{"attempts":1}`)
	b.put("important", `{}`, `{"attempts":1}`, "priority", 3)
	b.ends("finishes", "active")
	b.ends("too long", "active")
	b.ends("important", "active")
	go func() {
		defer close(stopped)
		stop()
	}()
	b.put("too late", `{}`, `{}`)
	close(finish)
	<-stopped
	require.Equal(t, []string{"completed"}, b.places("finishes"))
	require.Equal(t, []string{"wait"}, b.places("too long"))
	require.Equal(t, []string{"prioritized"}, b.places("important"))
	require.Equal(t, []string{"wait"}, b.places("too late"))
	require.Equal(t, []string{"too late", "too long"}, b.list(b.keys.Wait()), "what was begun comes first")
	require.Empty(t, b.hash("too long")["atm"], "it counts for nothing")
	require.False(t, b.exists(b.keys.Lock("too long")))
	goleak.VerifyNone(t, leaks)
}

// TestAWorkerSurvivesRedis: it goes away, and comes back empty.
func TestAWorkerSurvivesRedis(t *testing.T) {
	t.Parallel()
	own := new(testkit.Redis)
	t.Cleanup(own.Stop)
	b := setupOn(t, own.URL(t))
	var heard troubles
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	b.work(func(_ context.Context, a *bullmq.Attempt) (any, error) {
		if a.Job.ID == "lost" {
			entered <- struct{}{}
			<-leave
		}
		return a.Job.ID, nil
	}, bullmq.WorkerOptions{Concurrency: 2, OnError: heard.add})
	b.put("lost", `{}`, `{}`)
	<-entered
	own.Kill(t)
	close(leave)
	eventually(t, "the worker notices", func() bool {
		heard.mutex.Lock()
		defer heard.mutex.Unlock()
		return len(heard.all) > 0
	})
	own.Restart(t)
	b.put("next", `{}`, `{}`)
	b.ends("next", "completed")
	eventually(t, "the end of the lost job is refused", func() bool { return heard.of("lost", bullmq.ErrLockLost) })
	require.False(t, b.exists(b.keys.Job("lost")))
}

func TestAWorkerRunsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := bullmq.NewWorker(b.rdb, "a:b", obey, bullmq.WorkerOptions{})
	require.ErrorContains(t, err, "colon")
	_, err = bullmq.NewWorker(b.rdb, "q", nil, bullmq.WorkerOptions{})
	require.ErrorContains(t, err, "handler")
	_, err = bullmq.NewWorker(b.rdb, "q", obey, bullmq.WorkerOptions{Name: "two words"})
	require.ErrorContains(t, err, "spaces")
	worker, err := bullmq.NewWorker(b.rdb, "q", obey, bullmq.WorkerOptions{Prefix: b.prefix})
	require.NoError(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, worker.Run(over))
	require.Error(t, worker.Run(over))
}

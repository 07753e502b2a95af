package bullmq_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/internal/redisserver"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// examplesNeedRedis passes over the examples that use Redis where there is none, as tests do that need it.
func examplesNeedRedis() {
	if _, ok := redisserver.Program().Find(); !ok {
		_ = flag.Set("test.skip", "^Example(Queue|Events)")
	}
}

// noTest stands for the test that an example has not.
type noTest struct{ testing.TB }

func (noTest) Helper() {}

func (noTest) Context() context.Context { return context.Background() } //nolint:forbidigo // an example has no other

func (noTest) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// exampleRedis connects to the Redis of the tests.
func exampleRedis() *redis.Client {
	at, err := redis.ParseURL(server.URL(noTest{}))
	if err != nil {
		panic(err)
	}
	return redis.NewClient(at)
}

// Jobs for whoever works on the queue "mails", in whatever language.
func ExampleQueue() {
	ctx, rdb := context.Background(), exampleRedis()
	defer rdb.Close() //nolint:errcheck // nothing is pending on it
	queue, err := bullmq.NewQueue(rdb, "mails", bullmq.WithPrefix("{example}"), bullmq.WithJobDefaults(bullmq.JobOptions{
		Attempts: 3,
		Backoff:  &bullmq.Backoff{Type: bullmq.ExponentialBackoff, Delay: 2 * time.Second},
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	added, err := queue.Add(ctx, "welcome", map[string]string{"to": "ada@example.com"}, bullmq.JobOptions{Priority: 5})
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := queue.Job(ctx, added.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(job.ID, job.Name, job.State, string(job.Data), job.MaxAttempts)

	err = queue.Retry(ctx, added.ID, bullmq.Failed, bullmq.RetryOptions{})
	fmt.Println(errors.Is(err, bullmq.ErrNotInState), err)
	// Output:
	// 1 welcome prioritized {"to":"ada@example.com"} 3
	// true retrying job 1 of queue mails: the job is not in that state
}

// Many jobs in one round trip. One has an id of its own, and is there only once.
func ExampleQueue_AddBulk() {
	ctx, rdb := context.Background(), exampleRedis()
	defer rdb.Close() //nolint:errcheck // nothing is pending on it
	queue, err := bullmq.NewQueue(rdb, "bulk", bullmq.WithPrefix("{example}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	receipts, err := queue.AddBulk(ctx, []bullmq.NewJob{
		{Name: "now"},
		{Name: "later", Options: bullmq.JobOptions{Delay: time.Hour}},
		{Name: "once", Options: bullmq.JobOptions{JobID: "invoice-7"}},
		{Name: "once", Options: bullmq.JobOptions{JobID: "invoice-7"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range receipts {
		fmt.Println(r.ID, r.Duplicate)
	}
	counts, err := queue.Counts(ctx, bullmq.Waiting, bullmq.Delayed)
	fmt.Println(counts, err)
	// Output:
	// 1 false
	// 2 false
	// invoice-7 false
	// invoice-7 true
	// map[delayed:1 waiting:2] <nil>
}

// A job every night at three, in Berlin.
func ExampleQueue_UpsertScheduler() {
	ctx, rdb := context.Background(), exampleRedis()
	defer rdb.Close() //nolint:errcheck // nothing is pending on it
	queue, err := bullmq.NewQueue(rdb, "reports", bullmq.WithPrefix("{example}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	nightly := bullmq.Repeat{Pattern: "0 3 * * *", TZ: "Europe/Berlin", Start: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)}
	id, err := queue.UpsertScheduler(ctx, "nightly", nightly, bullmq.NewJob{Name: "report", Data: map[string]int{"days": 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(id)
	scheduler, found, err := queue.Scheduler(ctx, "nightly")
	if err != nil || !found {
		fmt.Println(found, err)
		return
	}
	fmt.Println(scheduler.Next.UTC(), scheduler.Template.Name)
	fmt.Println(queue.Remove(ctx, id))
	// Output:
	// repeat:nightly:2208996000000
	// 2040-01-01 02:00:00 +0000 UTC report
	// removing job repeat:nightly:2208996000000 of queue reports: the job is a scheduler's next one
}

// What happens on a queue, and a reader that goes on later where this one stopped.
func ExampleEvents() {
	ctx, rdb := context.Background(), exampleRedis()
	defer rdb.Close() //nolint:errcheck // nothing is pending on it
	queue, err := bullmq.NewQueue(rdb, "told", bullmq.WithPrefix("{example}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	events, err := queue.Events(ctx, "") // from now on
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := queue.Add(ctx, "greet", nil, bullmq.JobOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	told, err := events.Next(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range told {
		fmt.Printf("%s %s %q\n", e.Name, e.JobID, e.JobName)
	}
	fmt.Println(events.Cursor() == told[len(told)-1].ID, events.Missed())
	// Output:
	// added 1 "greet"
	// waiting 1 ""
	// true false
}

func ExampleNextRun() {
	friday := time.Date(2027, 3, 26, 12, 0, 0, 0, time.UTC)
	for _, repeat := range []bullmq.Repeat{
		{Pattern: "30 2 * * 0", TZ: "Europe/Berlin"}, // when clocks go forward from two to three
		{Pattern: "0 0 9 L * *", TZ: "America/New_York"},
		{Every: 90 * time.Minute},
	} {
		next, err := bullmq.NextRun(repeat, friday)
		fmt.Println(next.UTC(), err)
	}
	// Output:
	// 2027-03-28 01:30:00 +0000 UTC <nil>
	// 2027-03-31 13:00:00 +0000 UTC <nil>
	// 2027-03-26 13:30:00 +0000 UTC <nil>
}

func ExampleQueue_ExportPrometheus() {
	ctx, rdb := context.Background(), exampleRedis()
	defer rdb.Close() //nolint:errcheck // nothing is pending on it
	queue, err := bullmq.NewQueue(rdb, "measured", bullmq.WithPrefix("{example}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := queue.Add(ctx, "n", nil, bullmq.JobOptions{Delay: time.Hour}); err != nil {
		fmt.Println(err)
		return
	}
	text, err := queue.ExportPrometheus(ctx, map[string]string{"env": "test"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(text)
	// Output:
	// # HELP bullmq_job_count Number of jobs in the queue by state
	// # TYPE bullmq_job_count gauge
	// bullmq_job_count{queue="measured", state="active", env="test"} 0
	// bullmq_job_count{queue="measured", state="completed", env="test"} 0
	// bullmq_job_count{queue="measured", state="delayed", env="test"} 1
	// bullmq_job_count{queue="measured", state="failed", env="test"} 0
	// bullmq_job_count{queue="measured", state="prioritized", env="test"} 0
	// bullmq_job_count{queue="measured", state="waiting", env="test"} 0
	// bullmq_job_count{queue="measured", state="waiting-children", env="test"} 0
	// # HELP bullmq_job_completed_total Total number of completed jobs
	// # TYPE bullmq_job_completed_total counter
	// bullmq_job_completed_total{queue="measured", env="test"} 0
	// # HELP bullmq_job_failed_total Total number of failed jobs
	// # TYPE bullmq_job_failed_total counter
	// bullmq_job_failed_total{queue="measured", env="test"} 0
}

package bullmq_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

type mail struct {
	To string `json:"to"`
}

type receipt struct {
	Sent int `json:"sent"`
}

// Jobs that BullMQ's clients add to the queue "mails" are done, five at a time.
func ExampleWorker() {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
	defer rdb.Close() //nolint:errcheck // nothing is pending on it
	handler := func(ctx context.Context, a *bullmq.Attempt) (any, error) {
		var m mail
		if err := a.Decode(&m); err != nil {
			return nil, bullmq.Unrecoverable(err)
		}
		if err := a.Progress(ctx, map[string]int{"percentage": 50}); err != nil {
			return nil, err
		}
		return receipt{Sent: 1}, nil
	}
	worker, err := bullmq.NewWorker(rdb, "mails", handler, bullmq.WorkerOptions{
		Name:        "mailer-1",
		Concurrency: 5,
		Limiter:     &bullmq.Limiter{Max: 100, Duration: time.Minute},
		OnError:     func(err error) { fmt.Println(err) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Hour)
	defer stop()
	if err := worker.Run(ctx); err != nil {
		fmt.Println(err)
	}
}

// What a handler's error means.
func ExampleHandler() {
	var handler bullmq.Handler = func(_ context.Context, a *bullmq.Attempt) (any, error) {
		switch a.Job.Name {
		case "typo":
			return nil, bullmq.Unrecoverable(errors.New("there is no such address")) // fails, whatever attempts are left
		case "newsletter":
			return nil, bullmq.RetryAt(time.Now().Add(time.Hour)) // runs later; no attempt is used up
		case "busy":
			return nil, bullmq.RateLimit(time.Second) // goes back; workers with a limiter rest for a second
		case "not here":
			return nil, bullmq.GiveBack() // the next free worker takes it
		}
		return nil, errors.New("the server hung up") // an attempt failed: the job's options say what follows
	}
	_, err := handler(context.Background(), &bullmq.Attempt{Job: bullmq.Job{Name: "typo"}})
	fmt.Println(err)
	// Output: there is no such address
}

// A backoff that BullMQ doesn't know: by the minute, and no more than an hour in all.
func ExampleWorkerOptions_backoff() {
	options := bullmq.WorkerOptions{Backoff: func(f bullmq.Failure) time.Duration {
		if f.Backoff.Type != "by the minute" || f.Attempt > 60 {
			return -1
		}
		return time.Minute
	}}
	backoff := bullmq.Backoff{Type: "by the minute"}
	fmt.Println(options.Backoff(bullmq.Failure{Attempt: 1, Backoff: backoff}))
	fmt.Println(options.Backoff(bullmq.Failure{Attempt: 61, Backoff: backoff}))
	// Output:
	// 1m0s
	// -1ns
}

// What OnError hears of one job, and what it does about it.
func ExampleJobError() {
	onError := func(err error) {
		problem, ok := errors.AsType[*bullmq.JobError](err)
		switch {
		case !ok:
			fmt.Println("Redis:", err)
		case errors.Is(err, bullmq.ErrLockLost):
			fmt.Println("done twice, perhaps:", problem.JobID)
		default:
			fmt.Println(problem)
		}
	}
	onError(&bullmq.JobError{JobID: "7", Doing: "ending", Err: fmt.Errorf("%w: it is gone", bullmq.ErrLockLost)})
	onError(&bullmq.JobError{JobID: "8", Doing: "taking", Err: bullmq.ErrNoJob})
	// Output:
	// done twice, perhaps: 7
	// taking job 8: no job belongs to the id
}

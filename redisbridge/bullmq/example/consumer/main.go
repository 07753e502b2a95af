// Consumer is a worker whose jobs say themselves what is to be done with them. It shows how a Go program takes jobs
// that BullMQ's clients add, and testdata/acceptance.cjs checks it as they see it:
//
//	go run ./redisbridge/bullmq/example/consumer -redis redis://127.0.0.1:6379 -queue demo
//
// A job's data is an object with
//
//	do      what to do: ok, fail, progress or sleep
//	result  what it returns
//	times   fail: so many attempts fail
//	msg     fail: with this error
//	steps   progress: shown one after the other, and logged
//	ms      sleep: for so many milliseconds
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // this is a command
	err := run(ctx, log, os.Args[1:])
	stop()
	if err != nil {
		log.Error("stopped", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger, args []string) error {
	flags := flag.NewFlagSet("consumer", flag.ContinueOnError)
	address := flags.String("redis", "redis://127.0.0.1:6379", "`URL` of Redis")
	queue := flags.String("queue", "demo", "`name` of the queue")
	prefix := flags.String("prefix", bullmq.DefaultPrefix, "what the keys begin with")
	name := flags.String("name", "go", "the worker's `name`")
	concurrency := flags.Int("concurrency", 1, "how many jobs run at once")
	metrics := flags.Int("metrics", 0, "for how many `minutes` metrics are kept")
	if err := flags.Parse(args); err != nil {
		return err
	}
	options, err := redis.ParseURL(*address)
	if err != nil {
		return fmt.Errorf("reading the address of Redis: %w", err)
	}
	rdb := redis.NewClient(options)
	defer rdb.Close() //nolint:errcheck // nothing is pending on it
	worker, err := bullmq.NewWorker(rdb, *queue, do, bullmq.WorkerOptions{
		Prefix: *prefix, Name: *name, Concurrency: *concurrency, MetricsMinutes: *metrics,
		OnError: func(err error) { log.Warn("trouble", "error", err) },
	})
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}

// order is what a job's data says.
type order struct {
	Do     string            `json:"do"`
	Result json.RawMessage   `json:"result"`
	Times  int               `json:"times"`
	Msg    string            `json:"msg"`
	Steps  []json.RawMessage `json:"steps"`
	Millis int               `json:"ms"`
}

func do(ctx context.Context, a *bullmq.Attempt) (any, error) {
	var o order
	if err := a.Decode(&o); err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	// A client that waits for the result of a job that doesn't stay must have begun to wait before the job is gone.
	pause(ctx, 5*time.Millisecond)
	switch o.Do {
	case "fail":
		if a.Job.AttemptsMade < o.Times {
			return nil, errors.New(o.Msg)
		}
	case "sleep":
		pause(ctx, time.Duration(o.Millis)*time.Millisecond)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	case "progress":
		for _, step := range o.Steps {
			if err := a.Progress(ctx, step); err != nil {
				return nil, err
			}
			if _, err := a.Log(ctx, "step "+string(step)); err != nil {
				return nil, err
			}
		}
	}
	if len(o.Result) == 0 {
		return nil, nil //nolint:nilnil // null is a result
	}
	return o.Result, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

package bullmq_test

import (
	"context"
	"slices"
	"time"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

func retrySteps(library string) []step {
	retry := func(id string, from bullmq.State, options bullmq.RetryOptions) step {
		args := []any{from}
		if options != (bullmq.RetryOptions{}) {
			args = append(args, js{
				"resetAttemptsMade": options.ResetAttemptsMade, "resetAttemptsStarted": options.ResetAttemptsStarted,
			})
		}
		return onJob(id, "retry", args, func(ctx context.Context, q *bullmq.Queue) error { return q.Retry(ctx, id, from, options) })
	}
	retryAll := func(theirs js, from bullmq.State) step {
		return calling("retryJobs", []any{theirs}, func(ctx context.Context, q *bullmq.Queue) error {
			_, err := q.RetryAll(ctx, from, time.Time{})
			return err
		})
	}
	end := func(failed ...bool) (steps []step) {
		for _, bad := range failed {
			steps = append(steps, working("take"))
			if bad {
				steps = append(steps, working("fail", "boom"))
			} else {
				steps = append(steps, working("complete", js{"ok": true}))
			}
		}
		return steps
	}
	steps := slices.Concat(
		addAll(3, nil, bullmq.JobOptions{}), addAll(1, js{"lifo": true}, bullmq.JobOptions{LIFO: true}),
		end(true, true, false, false),
		[]step{
			retry("1", bullmq.Failed, bullmq.RetryOptions{}),
			retry("1", bullmq.Failed, bullmq.RetryOptions{}).failing(),
			retry("4", bullmq.Failed, bullmq.RetryOptions{ResetAttemptsMade: true, ResetAttemptsStarted: true}),
			retry("2", bullmq.Completed, bullmq.RetryOptions{ResetAttemptsMade: true}),
			retry("3", bullmq.Failed, bullmq.RetryOptions{}).failing(),
		},
		end(true, true, true),
		[]step{
			retryAll(js{"state": "failed"}, bullmq.Failed), retryAll(js{"state": "completed"}, bullmq.Completed),
			retryAll(js{}, bullmq.Failed), pause(),
		},
		[]step{
			removing("3"), resume(),
		},
	)
	if library == "bullmq6" { // of major 5, all go to wait
		steps = slices.Concat(steps, end(false, false, false),
			addAll(2, js{"priority": 4}, bullmq.JobOptions{Priority: 4}), end(true, false),
			[]step{
				retry("5", bullmq.Failed, bullmq.RetryOptions{}), retry("6", bullmq.Completed, bullmq.RetryOptions{}),
			},
		)
	}
	return slices.Concat(steps, addAll(1, js{"attempts": 2, "backoff": js{"type": "fixed", "delay": 864e5}, "lifo": true},
		bullmq.JobOptions{Attempts: 2, LIFO: true, Backoff: &bullmq.Backoff{Type: "fixed", Delay: 24 * time.Hour}}),
		end(true),
	)
}

func cleaning(state bullmq.State, name string, grace time.Duration, limit int) step {
	return calling("clean", []any{grace.Milliseconds(), limit, name}, func(ctx context.Context, q *bullmq.Queue) error {
		_, err := q.Clean(ctx, state, grace, limit)
		return err
	})
}

func cleanSteps(library string) []step {
	aside := "wait"
	if library == "bullmq5" {
		aside = "paused"
	}
	active, old := bullmq.Active, 24*365*time.Hour
	return slices.Concat(
		addAll(3, nil, bullmq.JobOptions{}),
		[]step{
			cleaning(bullmq.Waiting, "wait", 100*old, 0),
			cleaning(bullmq.Waiting, "wait", 0, 1),
			adding("new", js{}, js{"timestamp": nil}, bullmq.JobOptions{}),
			cleaning(bullmq.Waiting, "wait", time.Hour, 0),
			cleaning(bullmq.Waiting, "wait", 0, 0),
		},
		addAll(3, js{"delay": 1e6}, bullmq.JobOptions{Delay: 1000 * time.Second}),
		[]step{cleaning(bullmq.Delayed, "delayed", 0, 2), cleaning(bullmq.Delayed, "delayed", 0, 0)},
		addAll(3, js{"priority": 2}, bullmq.JobOptions{Priority: 2}),
		[]step{cleaning(bullmq.Prioritized, "prioritized", 0, 2), cleaning(bullmq.Prioritized, "prioritized", 0, 0)},
		addAll(4, nil, bullmq.JobOptions{}),
		[]step{
			working("take"), working("complete", 1), working("take"), working("complete", 2), working("take"),
			working("fail", "no"),
			cleaning(bullmq.Completed, "completed", time.Hour, 0),
			cleaning(bullmq.Completed, "completed", 0, 1),
			cleaning(bullmq.Completed, "completed", 0, 5),
			cleaning(bullmq.Failed, "failed", 0, 0),
			working("take"),
			cleaning(active, "active", 0, 0),
			removing("14").locked(),
			pause(),
			adding("paused", js{}, nil, bullmq.JobOptions{}),
			cleaning(bullmq.Waiting, aside, 0, 0),
		},
	)
}

// locked: the real queue returns 0 where ours returns an error.
func (s step) locked() step {
	refused := s.ours
	s.ours = func(ctx context.Context, q *bullmq.Queue) error {
		if err := refused(ctx, q); err == nil {
			return bullmq.ErrLocked
		}
		return nil
	}
	return s
}

func limitSteps(string) []step {
	maxed := func(ctx context.Context, q *bullmq.Queue) error { return q.SetGlobalConcurrency(ctx, 1) }
	return slices.Concat(
		addAll(2, nil, bullmq.JobOptions{}),
		[]step{
			calling("setGlobalRateLimit", []any{5, 1000}, func(ctx context.Context, q *bullmq.Queue) error {
				return q.SetGlobalRateLimit(ctx, 5, time.Second)
			}),
			calling("removeGlobalRateLimit", nil, func(ctx context.Context, q *bullmq.Queue) error { return q.RemoveGlobalRateLimit(ctx) }),
			calling("rateLimit", []any{60000}, func(ctx context.Context, q *bullmq.Queue) error { return q.RateLimit(ctx, time.Minute) }),
			calling("removeRateLimitKey", nil, func(ctx context.Context, q *bullmq.Queue) error { return q.RemoveRateLimitKey(ctx) }),
			calling("setGlobalConcurrency", []any{1}, maxed),
			working("take"),
			pause(), // which deletes the marker
			adding("in a pause", js{}, nil, bullmq.JobOptions{}),
			resume(),
			pause(),
			resume(),
			adding("maxed", js{}, nil, bullmq.JobOptions{}),
			adding("maxed p", js{}, js{"priority": 2}, bullmq.JobOptions{Priority: 2}),
			adding("maxed d", js{}, js{"delay": 864e5, "jobId": "d"}, bullmq.JobOptions{Delay: 24 * time.Hour, JobID: "d"}),
			onJob("d", "promote", nil, func(ctx context.Context, q *bullmq.Queue) error { return q.Promote(ctx, "d") }),
			calling("removeGlobalConcurrency", nil, func(ctx context.Context, q *bullmq.Queue) error { return q.RemoveGlobalConcurrency(ctx) }),
			calling("trimEvents", []any{2}, func(ctx context.Context, q *bullmq.Queue) error {
				_, err := q.TrimEvents(ctx, 2)
				return err
			}),
			working("complete", 1),
		},
	)
}

func obliterateSteps(string) []step {
	obliterate := func(force bool) step {
		return calling("obliterate", []any{js{"force": force}}, func(ctx context.Context, q *bullmq.Queue) error {
			return q.Obliterate(ctx, force)
		})
	}
	once := bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "d"}}
	return slices.Concat(
		addAll(3, nil, bullmq.JobOptions{}),
		addAll(2, js{"priority": 1}, bullmq.JobOptions{Priority: 1}),
		addAll(2, js{"delay": 864e5}, bullmq.JobOptions{Delay: 24 * time.Hour}),
		addAll(1, js{"deduplication": js{"id": "d"}}, once),
		[]step{
			working("take"), working("complete", 1), working("take"), working("fail", "x"),
			working("take"),
			obliterate(false).failing(),
			obliterate(true),
			adding("anew", js{}, nil, bullmq.JobOptions{}),
			obliterate(false),
			obliterate(false),
		},
	)
}

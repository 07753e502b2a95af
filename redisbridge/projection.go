package redisbridge

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// project turns a change of a job into what BullMQ's clients see of it.
func project(c queue.Change) (bullmq.Change, error) {
	j := c.Job
	if err := j.Validate(); err != nil {
		return bullmq.Change{}, err
	}
	opts, err := json.Marshal(j.Options)
	if err != nil {
		return bullmq.Change{}, fmt.Errorf("encoding the options of job %s: %w", j.ID, err)
	}
	transition, err := transitionOf(c.Transition)
	if err != nil {
		return bullmq.Change{}, err
	}
	return bullmq.Change{
		Transition: transition,
		Seq:        j.Seq,
		Job: bullmq.Job{
			ID: j.ID, Name: j.Name, Data: j.Data, Opts: opts, Timestamp: j.CreatedAt,
			State: bullmq.State(j.State), Delay: time.Duration(j.Delay()) * time.Millisecond, DueAt: j.DueAt,
			Priority: j.Options.Priority, MaxAttempts: j.Options.Attempts,
			AttemptsStarted: j.AttemptsStarted, AttemptsMade: j.AttemptsMade, Stalls: j.Stalls,
			ProcessedOn: j.StartedAt, FinishedOn: j.FinishedAt, ProcessedBy: j.Worker,
			Progress: j.Progress, ReturnValue: j.ReturnValue, FailedReason: j.FailedReason, Stacktrace: j.Stacktrace,
			KeepCompleted: bullmq.KeepNewest(j.Options.RemoveOnComplete), KeepFailed: bullmq.KeepNewest(j.Options.RemoveOnFail),
		},
	}, nil
}

func transitionOf(t queue.Transition) (bullmq.Transition, error) {
	switch t {
	case queue.Added:
		return bullmq.Added, nil
	case queue.Started:
		return bullmq.Started, nil
	case queue.Stalled:
		return bullmq.Stalled, nil
	case queue.Retried:
		return bullmq.Retried, nil
	case queue.BackedOff:
		return bullmq.BackedOff, nil
	case queue.Succeeded:
		return bullmq.Succeeded, nil
	case queue.Exhausted:
		return bullmq.Exhausted, nil
	default:
		return bullmq.Silent, fmt.Errorf("the transition %q is not known", t)
	}
}

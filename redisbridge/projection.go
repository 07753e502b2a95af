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
	opts, keeps, err := optsOf(j)
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
			ID: j.ID, SchedulerID: j.Scheduler, Name: j.Name, Data: j.Data, Opts: opts, Timestamp: j.CreatedAt,
			State: bullmq.State(j.State), Delay: time.Duration(j.Delay()) * time.Millisecond, DueAt: j.DueAt,
			Priority: j.Options.Priority, MaxAttempts: j.Options.Attempts,
			AttemptsStarted: j.AttemptsStarted, AttemptsMade: j.AttemptsMade, Stalls: j.Stalls,
			ProcessedOn: j.StartedAt, FinishedOn: j.FinishedAt, ProcessedBy: j.Worker,
			Progress: j.Progress, ReturnValue: j.ReturnValue, FailedReason: j.FailedReason, Stacktrace: j.Stacktrace,
			KeepCompleted: keeps.Completed, KeepFailed: keeps.Failed, LIFO: keeps.LIFO,
		},
	}, nil
}

// written are the options that a job's queue goes by.
type written struct {
	Completed bullmq.Keep `json:"removeOnComplete"`
	Failed    bullmq.Keep `json:"removeOnFail"`
	LIFO      bool        `json:"lifo"`
}

// optsOf returns a job's options as its clients read them: as the client wrote them that added it, if one did.
func optsOf(j queue.Job) (opts json.RawMessage, w written, err error) {
	if len(j.Opts) > 0 {
		_ = json.Unmarshal(j.Opts, &w) // one option of another type leaves the others
		return j.Opts, w, nil
	}
	opts, err = json.Marshal(j.Options)
	w.Completed, w.Failed = bullmq.KeepNewest(j.Options.RemoveOnComplete), bullmq.KeepNewest(j.Options.RemoveOnFail)
	return opts, w, err
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
	case queue.Requeued:
		return bullmq.Requeued, nil
	case queue.BackedOff:
		return bullmq.BackedOff, nil
	case queue.Succeeded:
		return bullmq.Succeeded, nil
	case queue.Exhausted:
		return bullmq.Exhausted, nil
	case queue.Shown:
		return bullmq.Silent, nil
	default:
		return bullmq.Silent, fmt.Errorf("the transition %q is not known", t)
	}
}

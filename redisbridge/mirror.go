package redisbridge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

type reconciled = store.Reconciled

// mirror compares what Redis shows of jobs with what Postgres records of them.
//
// It goes by states, not by what happened: whoever moved a job, and whenever, the job is in another collection than the
// one where this system put it last. So it makes no difference whether a bridge was there to see it, saw it twice, or
// died over it.
type mirror struct {
	projector *bullmq.Projector
	store     *postgres.Store
	log       *slog.Logger
}

// reconcile makes a job's record follow what was done to the job in Redis, and tells its workflow.
func (m *mirror) reconcile(ctx context.Context, queueName, jobID string, tell postgres.Tell) (reconciled, bool, error) {
	r, changed, err := m.store.Reconcile(ctx, queueName, jobID, func(ctx context.Context, job queue.Job, position int64) (store.Sight, error) {
		return m.look(ctx, job, position)
	}, tell)
	switch {
	case err == nil:
		return r, changed, nil
	case fault.Of(err) == fault.NotFound: // somebody else was faster
		return r, false, nil
	default:
		return r, false, fmt.Errorf("reconciling job %s of queue %s: %w", jobID, queueName, err)
	}
}

// look says what Redis shows of a job that differs from its record, all of whose changes have been shown.
func (m *mirror) look(ctx context.Context, job queue.Job, position int64) (store.Sight, error) {
	views, err := m.projector.Look(ctx, job.Queue, []string{job.ID})
	if err != nil {
		return store.Sight{}, err
	}
	v := views[0]
	lost := v.Kept.Epoch == "" || v.Kept.Position < position
	switch {
	case lost:
		return store.Sight{Same: true}, nil
	case !v.Exists():
		evicted, err := m.evicted(ctx, job.Queue)
		if err != nil {
			return store.Sight{}, err
		}
		dropped, err := m.projector.Dropped(ctx, job.Queue, job.ID)
		if err != nil {
			return store.Sight{}, err
		}
		return store.Sight{Gone: !evicted, Dropped: dropped, Same: evicted}, nil
	case !sameTime(v, job):
		return store.Sight{Gone: true}, nil // the id was given out again: the job that had it is gone
	}
	state, ok := v.Place.State()
	if !ok {
		return store.Sight{Lost: v.Place == bullmq.Nowhere, Same: v.Place != bullmq.Nowhere}, nil // or it waits for children
	}
	if state == bullmq.Waiting && ripe(job.State, job.DueAt) {
		return store.Sight{Same: true}, nil
	}
	if state != bullmq.Active || !bullmq.OwnToken(v.Token) {
		return store.Sight{Seen: seenOf(v, state)}, nil
	}
	if taken := number(v, "ats"); job.State.Finished() && taken > job.AttemptsStarted {
		// A client had it wait again, and before that was recorded the attempt that ended it was repeated and took it.
		seen := seenOf(v, bullmq.Waiting)
		seen.AttemptsStarted = taken - 1
		return store.Sight{Seen: seen}, nil
	}
	return store.Sight{Same: true}, nil // an attempt of ours has taken it, or its end is on its way
}

// evicted says whether Redis has thrown keys away, memory being short, that have not been shown again: what is missing may
// be one of them.
func (m *mirror) evicted(ctx context.Context, queueName string) (bool, error) {
	memory, err := m.projector.Memory(ctx, queueName)
	if err != nil {
		return false, err
	}
	marks, err := m.projector.Marks(ctx, queueName)
	if err != nil {
		return false, err
	}
	return memory.Evicted > 0 && memory.Evicted != marks.Evicted, nil
}

// sameTime says whether a job's hash is of the job that the record means: ids are given out again after an obliterate.
func sameTime(v bullmq.View, job queue.Job) bool {
	added := milliseconds(v, "timestamp")
	return added.IsZero() || added.UnixMilli() == job.CreatedAt.UnixMilli()
}

func seenOf(v bullmq.View, state bullmq.State) queue.Seen {
	s := queue.Seen{
		State: queue.State(state), Priority: number(v, "priority"),
		AttemptsStarted: number(v, "ats"), AttemptsMade: number(v, "atm"), Stalls: max(number(v, "stc"), number(v, "stalledCounter")),
		StartedAt: milliseconds(v, "processedOn"), Worker: v.Fields["pb"],
		Progress: jsonOr(v.Fields["progress"], ""), FailedReason: v.Fields["failedReason"],
	}
	if text := v.Fields["stacktrace"]; text != "" {
		_ = json.Unmarshal([]byte(text), &s.Stacktrace) // what is no list of texts says nothing
	}
	switch state {
	case bullmq.Delayed:
		s.DueAt = v.DueAt.UTC()
	case bullmq.Active:
		s.Foreign, s.Worker = true, cmp.Or(s.Worker, "another consumer")
	case bullmq.Completed, bullmq.Failed:
		s.FinishedAt = milliseconds(v, "finishedOn")
		if s.FinishedAt.IsZero() {
			s.FinishedAt = time.Now().UTC().Truncate(time.Millisecond)
		}
		s.ReturnValue = jsonOr(v.Fields["returnvalue"], "")
	case bullmq.Waiting, bullmq.Prioritized, bullmq.WaitingChildren, bullmq.Unknown:
	}
	return s
}

// jsonOr returns text if it is JSON, else the other one.
func jsonOr(text, other string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	if other == "" {
		return nil
	}
	return json.RawMessage(other)
}

package activities_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// slowRecords is a store that does something before it records the end of a step.
type slowRecords struct {
	*postgres.Store

	before func(ctx context.Context, step store.Step) error
	mu     sync.Mutex
	log    []int
}

func (r *slowRecords) EndStep(ctx context.Context, queueName string, s store.Step, shot *store.Artifact, now time.Time) error {
	if err := r.before(ctx, s); err != nil {
		return err
	}
	r.mu.Lock()
	r.log = append(r.log, s.Number)
	r.mu.Unlock()
	return r.Store.EndStep(ctx, queueName, s, shot, now)
}

// A step's record does not hold up the next step, but that one's record: one is on its way at the most.
func TestStepRunsWhileTheOneBeforeIsRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	began := map[int]chan struct{}{1: make(chan struct{}), 2: make(chan struct{}), 3: make(chan struct{})}
	records := &slowRecords{Store: b.records, before: func(ctx context.Context, s store.Step) error {
		if s.Number == 3 {
			return nil
		}
		select {
		case <-began[s.Number+1]: // the next step runs meanwhile
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	b.cfg.Store = records
	starts := func(number int) outcome {
		return func(context.Context) error {
			records.mu.Lock()
			written := len(records.log)
			records.mu.Unlock()
			close(began[number])
			if written < number-2 {
				return &browser.Error{Kind: browser.Script, Message: "two records are on their way"}
			}
			return nil
		}
	}
	b.script.steps = map[int]outcome{1: starts(1), 2: starts(2), 3: starts(3)}
	id := b.add(threeSteps)
	require.Equal(t, store.RunCompleted, b.attempt(b.input(id, 0)).Result.Status)
	require.Equal(t, []int{1, 2, 3}, records.log)
	require.Equal(t, []store.StepStatus{store.StepSuccess, store.StepSuccess, store.StepSuccess}, statuses(b.steps(id, 1)))
}

// Before the outcome, all steps are recorded, also those before one that fails.
func TestStepsAreRecordedBeforeTheOutcome(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]map[int]outcome{
		"passed": nil, "failed": {3: fails(browser.Assertion, "no")}, "cancelled": {3: hangs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.script.steps = steps
			records := &slowRecords{Store: b.records, before: func(context.Context, store.Step) error { return nil }}
			b.cfg.Store = records
			id := b.add(threeSteps)
			in := b.input(id, 0)
			if name == "cancelled" {
				in.Timeout = 300
			}
			b.attempt(in)
			require.Equal(t, []int{1, 2, 3}, records.log)
		})
	}
}

// A record that is refused, or that can't be written at all, ends the attempt with the next step's end at the latest, the last
// step's before the outcome.
func TestRecordThatCannotBeWrittenEndsTheAttempt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		of   int // the step
		err  error
		done int // steps that were carried out
		kind string
	}{
		"first, superseded": {1, queue.ErrSuperseded, 2, "conflict"},
		"last, superseded":  {3, queue.ErrSuperseded, 3, "conflict"},
		"first, impossible": {1, fault.New(fault.Internal, "the disk is broken"), 2, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.cfg.Store = &slowRecords{Store: b.records, before: func(_ context.Context, s store.Step) error {
				if s.Number == test.of {
					return test.err
				}
				return nil
			}}
			id := b.add(threeSteps)
			_, err := b.try(b.input(id, 0))
			requireFailure(t, err, test.kind, "")
			require.Len(t, b.script.done, test.done)
			require.Equal(t, queue.Active, b.job(id).State, "nothing is said of the run")
		})
	}
}

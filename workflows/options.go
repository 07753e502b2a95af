package workflows

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// attemptSlack is what an attempt may take beside its browser's time: the claim, the artifacts, the records.
const attemptSlack = 90 * time.Second

// attemptOptions are the options of an activity that drives a browser. Whoever takes over from a worker that died has the whole
// queue timeout again: Temporal counts it from each try. The workflow's own loop counts attempts; what
// Temporal repeats here is only an attempt whose worker died or whose database was away.
func attemptOptions(p Policy) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		ScheduleToStartTimeout: milliseconds(p.QueueTimeout), // 0: none
		StartToCloseTimeout:    milliseconds(p.AttemptTimeout) + attemptSlack,
		HeartbeatTimeout:       milliseconds(p.HeartbeatTimeout),
		WaitForCancellation:    true,
		RetryPolicy:            untilAvailable(),
	}
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// recordOptions are the options of the activity that closes a run's records. It is a local one: it must not queue for a
// browser behind long tests. Only a run that does not exist is no reason to go on trying.
func recordOptions() workflow.LocalActivityOptions {
	retry := untilAvailable()
	retry.NonRetryableErrorTypes = []string{string(fault.NotFound)}
	return workflow.LocalActivityOptions{
		StartToCloseTimeout:    15 * time.Second,
		ScheduleToCloseTimeout: 30 * 24 * time.Hour,
		RetryPolicy:            retry,
	}
}

// untilAvailable repeats for as long as it takes, unless repeating can't help.
func untilAvailable() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:    500 * time.Millisecond,
		BackoffCoefficient: 2,
		MaximumInterval:    15 * time.Second,
		NonRetryableErrorTypes: []string{
			string(fault.Invalid), string(fault.NotFound), string(fault.Conflict), string(fault.Internal),
		},
	}
}

// callLocal runs a local activity like call.
func callLocal[I, O any](ctx workflow.Context, act func(context.Context, I) (O, error), in I) (O, error) {
	var out O
	err := workflow.ExecuteLocalActivity(ctx, act, in).Get(ctx, &out)
	return out, err
}

// call runs an activity; a wrong argument is a compile error.
func call[I, O any](ctx workflow.Context, act func(context.Context, I) (O, error), in I) (O, error) {
	var out O
	err := workflow.ExecuteActivity(ctx, act, in).Get(ctx, &out)
	return out, err
}

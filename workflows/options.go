package workflows

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// attemptSlack is what an attempt may take beside its browser's time: the claim, the artifacts, the records.
const attemptSlack = 60 * time.Second

// attemptOptions are the options of an activity that drives a browser. The workflow's own loop counts attempts; what
// Temporal repeats here is only an attempt whose worker died or whose database was away.
func attemptOptions(p Policy) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: milliseconds(p.AttemptTimeout) + attemptSlack,
		HeartbeatTimeout:    milliseconds(p.HeartbeatTimeout),
		WaitForCancellation: true,
		RetryPolicy:         untilAvailable(),
	}
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// recordOptions are the options of an activity that only writes a record.
func recordOptions() workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         untilAvailable(),
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

// call runs an activity; a wrong argument is a compile error.
func call[I, O any](ctx workflow.Context, act func(context.Context, I) (O, error), in I) (O, error) {
	var out O
	err := workflow.ExecuteActivity(ctx, act, in).Get(ctx, &out)
	return out, err
}

package workflows

import (
	"encoding/json"

	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/activities"
)

// Cleanup carries out a job of the queue cleanup. Its result is the report of what went.
func Cleanup(ctx workflow.Context, in JobInput) (json.RawMessage, error) {
	var act *activities.Cleanup
	return runJob(ctx, in, act.ExecuteCleanup)
}

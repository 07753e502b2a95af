package workflows

import (
	"encoding/json"

	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/activities"
)

// AdaptationLearning carries out a job of the queue adaptation-learning. Its result is the report of what was learned.
func AdaptationLearning(ctx workflow.Context, in JobInput) (json.RawMessage, error) {
	var act *activities.Learning
	return runJob(ctx, in, act.ExecuteLearning)
}

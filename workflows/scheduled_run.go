package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// ScheduledRunInput is what a Temporal schedule starts a ScheduledRun workflow with.
type ScheduledRunInput struct {
	ScheduleID string `json:"scheduleId"`
	// Definition is the schedule's own, as the starter keeps it.
	Definition json.RawMessage `json:"definition"`

	// Started is what was submitted before the workflow continued as new.
	Started activities.Scheduled `json:"started,omitzero"`
}

// ScheduledResult is how what a schedule started has ended.
type ScheduledResult struct {
	activities.Scheduled
	Status store.RunStatus `json:"status"`
}

const (
	firstLook = time.Second
	lastLook  = time.Minute
	// submitWithin bounds how long a database or Temporal that is away is waited for: the next time comes.
	submitWithin = time.Hour
)

// ScheduledRun submits what a schedule asks for, as a request to the API would, and goes on until that has ended: so the
// schedule's policy for overlaps counts for the run itself. Failing tests are a result of the workflow, not its failure.
func ScheduledRun(ctx workflow.Context, in ScheduledRunInput) (ScheduledResult, error) {
	if in.ScheduleID == "" || len(in.Definition) == 0 {
		return ScheduledResult{}, temporal.NewNonRetryableApplicationError("scheduleId and definition are required", string(fault.Invalid), nil)
	}
	if in.Started == (activities.Scheduled{}) {
		var err error
		if in.Started, err = submitScheduled(ctx, in); err != nil {
			workflow.SetCurrentDetails(ctx, "**Nothing was started**: "+cell(rootMessage(err)))
			return ScheduledResult{}, err
		}
	}
	return awaitScheduled(ctx, in)
}

// submitScheduled submits once, however often it is tried: this run of the workflow is the key of the request.
func submitScheduled(ctx workflow.Context, in ScheduledRunInput) (activities.Scheduled, error) {
	options := recordOptions()
	options.StartToCloseTimeout, options.ScheduleToCloseTimeout = time.Minute, submitWithin
	options.RetryPolicy = untilAvailable()
	var act *activities.ScheduledRun
	return callLocal(workflow.WithLocalActivityOptions(ctx, options), act.SubmitScheduled, activities.SubmitScheduledInput{
		ScheduleID: in.ScheduleID, Definition: in.Definition, Key: "schedule " + workflow.GetInfo(ctx).WorkflowExecution.RunID,
	})
}

// awaitScheduled looks, less and less often, until what was submitted has ended.
func awaitScheduled(ctx workflow.Context, in ScheduledRunInput) (ScheduledResult, error) {
	describeScheduled(ctx, in.Started, store.RunRunning)
	var act *activities.ScheduledRun
	looking, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	looking = workflow.WithLocalActivityOptions(looking, recordOptions())
	asked := false
	for pause := firstLook; ; pause = min(pause*3/2, lastLook) {
		// A cancelled workflow cancels the run, and still waits for its end.
		if ctx.Err() != nil && !asked {
			if _, err := callLocal(looking, act.CancelScheduled, in.Started); err != nil {
				return ScheduledResult{}, err
			}
			asked, pause = true, firstLook
		}
		state, err := callLocal(looking, act.ScheduledState, in.Started)
		if err != nil {
			return ScheduledResult{}, err
		}
		if state.Finished() {
			describeScheduled(ctx, in.Started, state)
			result := ScheduledResult{Scheduled: in.Started, Status: state}
			if errors.Is(ctx.Err(), workflow.ErrCanceled) {
				return result, temporal.NewCanceledError("what the schedule had started was cancelled")
			}
			return result, nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() && ctx.Err() == nil {
			return ScheduledResult{}, workflow.NewContinueAsNewError(ctx, ScheduledRun, in)
		}
		waiting := ctx
		if asked {
			waiting = looking
		}
		if err := workflow.Sleep(waiting, pause); err != nil && !temporal.IsCanceledError(err) {
			return ScheduledResult{}, err //nolint:wrapcheck // the SDK's own
		}
	}
}

// describeScheduled says on the workflow's page of the Temporal Web UI what was started.
func describeScheduled(ctx workflow.Context, started activities.Scheduled, status store.RunStatus) {
	what, id := "Test run", started.TestRunID
	if started.SuiteRunID != "" {
		what, id = "Suite run", started.SuiteRunID
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("%s **%s**: %s", what, cell(id), status))
}

package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/activities"
)

// JobInput starts the workflow of a job that carries out no test run.
type JobInput struct {
	Queue  string `json:"queue"`
	JobID  string `json:"jobId"`
	Title  string `json:"title"`
	Policy Policy `json:"policy"`
	Rerun
}

// attemptJob is the activity that carries out one attempt of a queue's jobs.
type attemptJob func(context.Context, activities.JobAttemptInput) (activities.JobAttemptResult, error)

// runJob carries out a job: attempt after attempt until one succeeds or none is left. It returns the job's return value.
func runJob(ctx workflow.Context, in JobInput, attempt attemptJob) (json.RawMessage, error) {
	j := jobRun{in: in, made: in.Made}
	result, err := j.run(ctx, attempt)
	if err != nil {
		return nil, j.end(ctx, err)
	}
	switch {
	case result.Cancelled:
		j.describe(ctx, "Ended: cancelled. "+result.Error)
		return nil, temporal.NewCanceledError(result.Error)
	case result.Error != "":
		j.describe(ctx, "Ended: failed. "+result.Error)
		return nil, temporal.NewNonRetryableApplicationError(result.Error, "job-failed", nil)
	}
	j.describe(ctx, "Ended: completed")
	return result.Result, nil
}

type jobRun struct {
	in   JobInput
	made int
}

func (j *jobRun) run(ctx workflow.Context, attempt attemptJob) (activities.JobAttemptResult, error) {
	none := activities.JobAttemptResult{}
	if j.in.JobID == "" || j.in.Queue == "" || j.in.Policy.AttemptTimeout <= 0 || j.in.Policy.HeartbeatTimeout <= 0 {
		return none, temporal.NewNonRetryableApplicationError(
			"queue, jobId, policy.attemptTimeout and policy.heartbeatTimeout are required", "invalid", nil)
	}
	if err := sleepUntil(ctx, j.in.Policy.DueAt, "Delayed", j.describe); err != nil {
		return none, err
	}
	attemptCtx := workflow.WithActivityOptions(ctx, attemptOptions(j.in.Policy))
	for {
		j.describe(ctx, "Waiting for a worker, or running")
		result, err := call(attemptCtx, attempt, activities.JobAttemptInput{Queue: j.in.Queue, JobID: j.in.JobID, Made: j.made})
		if err != nil {
			return none, err
		}
		why := result.Waits
		if why == "" {
			why = "Backing off after a failed attempt"
			j.made++
		}
		j.made = max(j.made, result.Made)
		if result.Finished {
			return result, nil
		}
		if err := sleepUntil(ctx, result.RetryAt, why, j.describe); err != nil {
			return none, err
		}
	}
}

// end records the end of a job that no attempt ended: it was cancelled in between, or the platform failed.
func (j *jobRun) end(ctx workflow.Context, cause error) error {
	reason := "The platform could not carry out the job: " + rootMessage(cause)
	cancelled := temporal.IsCanceledError(cause) || errors.Is(ctx.Err(), workflow.ErrCanceled)
	if cancelled {
		reason = "Cancelled on request"
	}
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	var act *activities.Jobs
	_, err := callLocal(workflow.WithLocalActivityOptions(ctx, recordOptions()), act.EndJob, activities.EndJobInput{
		Queue: j.in.Queue, JobID: j.in.JobID, Reason: reason,
	})
	j.describe(ctx, "Ended: "+reason)
	switch {
	case err != nil:
		workflow.GetLogger(ctx).Error("the end of the job could not be recorded", "error", err, "cause", cause)
		return err
	case cancelled:
		return temporal.NewCanceledError(reason)
	}
	return cause
}

func (j *jobRun) describe(ctx workflow.Context, state string) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s**\n\n%s\n", cell(j.in.Title), cell(state)))
}

// ScheduledInput starts a ScheduledJob workflow.
type ScheduledInput struct {
	Queue string `json:"queue"`
	// Name begins the ids of the schedule's jobs.
	Name string          `json:"name"`
	Data json.RawMessage `json:"data,omitempty"`
}

// ScheduledJob is what a Temporal schedule starts: it adds a job to a queue, as a client would, and lasts as long as that
// takes, so that the schedule's overlap policy goes by the job.
func ScheduledJob(ctx workflow.Context, in ScheduledInput) error {
	info := workflow.GetInfo(ctx)
	id := fmt.Sprintf("%s-%s-%.8s", in.Name, workflow.Now(ctx).UTC().Format("20060102-150405"), info.FirstRunID)
	var act *activities.Scheduling
	job, err := callLocal(workflow.WithLocalActivityOptions(ctx, recordOptions()), act.AddJob, activities.AddJobInput{
		Queue: in.Queue, JobID: id, Data: in.Data,
	})
	if err != nil {
		return err
	}
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: job.WorkflowID, TaskQueue: in.Queue, StaticSummary: job.Title,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
	})
	workflow.SetCurrentDetails(ctx, "Carries out job "+id+" of queue "+in.Queue)
	err = workflow.ExecuteChildWorkflow(ctx, job.Workflow, job.Input).Get(ctx, nil)
	if _, started := errors.AsType[*temporal.ChildWorkflowExecutionAlreadyStartedError](err); started {
		return nil // the API's sweep was faster
	}
	return err
}

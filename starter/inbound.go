package starter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	activitypb "go.temporal.io/api/activity/v1"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

// mostJobData bounds the data of a job that a client adds.
const mostJobData = 256 << 10

// Accept takes a job that a client added to the queue in Redis. A fault of code Invalid or Conflict says, in words for the
// client, why it can never run. A job that is known already is left alone.
func (s *Starter) Accept(ctx context.Context, def queue.Definition, job queue.Job) error {
	if !def.TestRuns {
		return s.acceptJob(ctx, def, job)
	}
	r, err := requestOf(def, job)
	if err != nil {
		return err
	}
	n, _, err := s.prepare(ctx, r)
	if err != nil {
		return err
	}
	job.RunID, job.QueueTimeout = ifOther(n.ID, job.ID), n.Config.QueueTimeout
	n.Shown, n.CreatedAt = true, job.CreatedAt
	n.Added = queue.Change{Transition: queue.Added, Job: job}
	start, err := s.startOf(&n, job)
	if err != nil {
		return err
	}
	if _, _, err := s.Store.CreateRun(ctx, n); err != nil {
		return err
	}
	obs.Named(s.Log, obs.QueueLog(def.Name)).InfoContext(ctx, "job taken over from a client", "queue", def.Name, "job_id", job.ID, "test_run_id", n.ID, "test_case_id", n.TestCaseID)
	soon, cancel := context.WithTimeout(ctx, temporalWithin)
	defer cancel()
	if err := s.start(soon, start); err != nil {
		s.Log.WarnContext(ctx, "the workflow could not be started yet; it will be", "test_run_id", n.ID, "error", err)
	}
	return nil
}

// requestOf reads the documented data of a job.
func requestOf(def queue.Definition, job queue.Job) (Request, error) {
	none := Request{}
	switch {
	case job.Name != def.JobName:
		return none, fault.New(fault.Invalid, "jobs of queue %s are named %q, not %q", def.Name, def.JobName, job.Name)
	case len(job.Data) > mostJobData:
		return none, fault.New(fault.Invalid, "the job's data is larger than %d KiB", mostJobData>>10)
	case !bytes.HasPrefix(bytes.TrimLeft(job.Data, " \t\r\n"), []byte("{")):
		return none, fault.New(fault.Invalid, "the job's data must be an object with testCaseId and testRunId")
	}
	var data struct {
		TestCaseID string         `json:"testCaseId"`
		TestRunID  string         `json:"testRunId"`
		UserID     string         `json:"userId"`
		Config     *RequestConfig `json:"config"`
	}
	if err := json.Unmarshal(job.Data, &data); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return none, fault.New(fault.Invalid, "the job's data can't be understood: %s must be a %s, not a %s", wrong.Field, wrong.Type, wrong.Value)
		}
		return none, fault.New(fault.Invalid, "the job's data can't be understood: %s", err)
	}
	switch {
	case data.TestCaseID == "":
		return none, fault.New(fault.Invalid, "the job's data has no testCaseId")
	case data.TestRunID == "" && job.Scheduler == "":
		return none, fault.New(fault.Invalid, "the job's data has no testRunId")
	}
	r := Request{
		TestCaseID: data.TestCaseID, TestRunID: data.TestRunID, UserID: data.UserID, Config: data.Config,
		Attempts: max(job.Options.Attempts, 1),
	}
	if job.Scheduler != "" { // each job of a scheduler is a run of its own
		r.TestRunID = iterationID(data.TestRunID, job)
	}
	return r, nil
}

// iterationID names the run of one job of a scheduler, whose jobs all carry the same data.
func iterationID(runID string, job queue.Job) string {
	last := job.ID[strings.LastIndex(job.ID, ":")+1:]
	if runID == "" {
		runID = job.Scheduler
	}
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		default:
			return '-'
		}
	}, runID)
	const longest = 100
	safe = strings.TrimLeft(safe[:min(len(safe), longest)], "._-")
	return fmt.Sprintf("%s-%s", safe, last)
}

// isIteration says whether a job is one of a scheduler. When the scheduler is changed, a job of the same id may take its place.
func isIteration(jobID string) bool { return strings.HasPrefix(jobID, "repeat:") }

// Tell lets a run's workflow know what was done to its job in Redis. It may be called again for the same thing. For a job
// that had ended and is to run again it returns the input of its next workflow, which StartAgain starts once that is recorded.
func (s *Starter) Tell(ctx context.Context, r store.Reconciled) (input json.RawMessage, err error) {
	def, ok := queue.Find(r.After.Queue)
	if !ok {
		return nil, fault.New(fault.Internal, "job %s belongs to the unknown queue %q", r.After.ID, r.After.Queue)
	}
	if r.Again() {
		return inputAgain(r.Start, r.After.AttemptsMade, r.After.DueAt)
	}
	ctx, cancel := context.WithTimeout(ctx, temporalWithin)
	defer cancel()
	workflowID := def.WorkflowID(r.Start.RunID)
	before, after := r.Before, r.After
	switch {
	case r.Gone && r.Planned():
		err = s.Temporal.TerminateWorkflow(ctx, workflowID, "", "Its job scheduler was changed or removed")
	case r.Gone && r.Running:
		err = s.Temporal.CancelWorkflow(ctx, workflowID, "")
	case r.Gone:
	case before.State != after.State, !before.DueAt.Equal(after.DueAt), before.AttemptsMade != after.AttemptsMade:
		err = s.Temporal.SignalWorkflow(ctx, workflowID, "", workflows.JobChanged, nil)
	case before.Options.Priority != after.Options.Priority:
		err = s.reprioritize(ctx, workflowID, after.Options.Priority)
	}
	return nil, unlessGone(err)
}

// inputAgain is the input of a workflow that carries out a job that had ended.
func inputAgain(st store.Start, made int, dueAt time.Time) (json.RawMessage, error) {
	def, _ := queue.Find(st.Queue)
	in, err := inputOf(def, st.WorkflowInput)
	if err != nil {
		return nil, err
	}
	*in.rerun() = workflows.Rerun{Again: true, Made: made, After: st.Ended}
	in.policy().DueAt = dueAt
	input, err := json.Marshal(in.value())
	if err != nil {
		return nil, fmt.Errorf("encoding the workflow's input: %w", err)
	}
	return input, nil
}

// unlessGone forgives that a workflow has ended: whoever ended it knows of the run.
func unlessGone(err error) error {
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone || err == nil {
		return nil
	}
	return fault.Wrap(fault.Unavailable, err, "Temporal could not be told what was done to a job")
}

// reprioritize moves a workflow's attempt, if it waits for a worker, to its new place among those that do.
func (s *Starter) reprioritize(ctx context.Context, workflowID string, priority int) error {
	described, err := s.Temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return err
	}
	for _, pending := range described.GetPendingActivities() {
		if pending.GetState() != enumspb.PENDING_ACTIVITY_STATE_SCHEDULED {
			continue
		}
		_, err := s.Temporal.WorkflowService().UpdateActivityExecutionOptions(ctx, &workflowservice.UpdateActivityExecutionOptionsRequest{
			Namespace: s.Namespace, WorkflowId: workflowID, ActivityId: pending.GetActivityId(), Identity: "cinnamon",
			ActivityOptions: &activitypb.ActivityOptions{Priority: &commonpb.Priority{
				PriorityKey: int32(s.PriorityScale.key(priority)), //nolint:gosec // 1 to 5
			}},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"priority.priority_key"}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

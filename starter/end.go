package starter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

const (
	cancelled  = "Cancelled on request"
	terminated = "Terminated in Temporal"
)

// Cancel ends a run: at once if no worker has it, else within seconds. A run that has ended stays as it is.
func (s *Starter) Cancel(ctx context.Context, runID string) error {
	run, err := s.Store.Run(ctx, runID)
	if err != nil {
		return err
	}
	if run.Status.Finished() {
		return fault.New(fault.Conflict, "test run %q has ended already: it is %s", runID, run.Status)
	}
	outcome := run.Ended(store.RunCancelled, "", cancelled)
	waited, err := s.Store.EndWaiting(ctx, queue.TestExecution, run.ID, outcome, time.Now())
	if err != nil {
		return err
	}
	soon, stop := context.WithTimeout(ctx, temporalWithin)
	defer stop()
	running, err := s.running(soon, run.WorkflowID)
	if err == nil && running {
		err = s.Temporal.CancelWorkflow(soon, run.WorkflowID, "")
	}
	switch {
	case err != nil && waited:
		s.Log.WarnContext(ctx, "the workflow of a cancelled run could not be told; it will find out", "test_run_id", runID, "error", err)
		return nil
	case err != nil:
		return fault.Wrap(fault.Unavailable, err, "cancelling workflow %s", run.WorkflowID)
	case !running && !waited: // its workflow was ended in Temporal, and nobody else will end the run
		return s.Store.EndRun(ctx, queue.TestExecution, run.ID, outcome, time.Now())
	default:
		return nil
	}
}

// running says whether a workflow is there and has not ended.
func (s *Starter) running(ctx context.Context, workflowID string) (bool, error) {
	described, err := s.Temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for workflow %s: %w", workflowID, err)
	}
	return described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}

const (
	sweepEvery = 2 * time.Second
	// sweepGrace is how long the request that accepted a run has to start it.
	sweepGrace = 3*time.Second + temporalWithin
	sweepBatch = 100
	// lookBack is how far back a first look for ended workflows goes, lookAgain a later one: visibility lags a little.
	lookBack  = 24 * time.Hour
	lookAgain = 5 * time.Minute
	lookEvery = 10 * time.Second
)

// Sweep puts right what fell between the database and Temporal, until ctx ends: runs that were accepted and have no
// workflow are started, runs whose workflow was ended from outside, or that no worker took in time, are ended.
func (s *Starter) Sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	var starting sync.WaitGroup
	defer starting.Wait()
	for range startAtOnce {
		starting.Go(func() { s.startAccepted(ctx) })
	}
	since, next := time.Now().Add(-lookBack), time.Time{}
	r := reconciler{Starter: s, told: map[string]bool{}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.startMissed(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "runs and jobs without a workflow could not be started yet; they will be", "error", err)
		}
		if err := s.startMissedSuites(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "suites without a workflow could not be started yet; they will be", "error", err)
		}
		if err := s.addLearning(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "jobs that learn of runs could not be added yet; they will be", "error", err)
		}
		if err := s.endOverdue(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "runs that have waited too long could not be ended yet; they will be", "error", err)
		}
		if time.Now().Before(next) {
			continue
		}
		next = time.Now().Add(lookEvery)
		if err := s.endAbandoned(ctx, since); err == nil {
			since = time.Now().Add(-lookAgain)
		} else if ctx.Err() == nil {
			s.Log.WarnContext(ctx, "workflows that were ended in Temporal could not be looked for", "error", err)
		}
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "runs and workflows could not be compared", "error", err)
		}
	}
}

// startMissed starts the workflows of runs, and of jobs without one, that were accepted some time ago and have none.
func (s *Starter) startMissed(ctx context.Context) error {
	before := time.Now().Add(-sweepGrace)
	starts, err := s.Store.NotStarted(ctx, before, sweepBatch)
	if err != nil {
		return err
	}
	jobs, err := s.Store.JobsNotStarted(ctx, before, sweepBatch)
	if err != nil {
		return err
	}
	for _, st := range append(starts, jobs...) {
		log := s.Log.With("queue", st.Queue, idName(st), st.RunID)
		err := s.start(ctx, st)
		switch {
		case err == nil:
			s.Metrics.Reconciled(st.Queue, metrics.NeverStarted)
			log.InfoContext(ctx, "a workflow was started that an earlier try had missed")
		case fault.Of(err) == fault.Unavailable:
			return err
		default: // it can never be started, and must not be in the way of others
			log.ErrorContext(ctx, "a workflow can't be started", "error", err)
			if err := s.endUnstarted(ctx, st, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// endUnstarted ends a run, or a job without one, whose workflow can never be started.
func (s *Starter) endUnstarted(ctx context.Context, st store.Start, why error) error {
	if !queue.CarriesTestRuns(st.Queue) {
		_, err := s.Store.EndJob(ctx, st.Queue, st.RunID, "The platform could not start the job: "+why.Error(), time.Now())
		return err
	}
	o := store.Outcome{Status: store.RunFailed, Class: store.Platform, Error: "The platform could not start the test: " + why.Error()}
	return s.Store.EndRun(ctx, st.Queue, st.RunID, o, time.Now())
}

// idName is what the log calls the id of what a workflow carries out.
func idName(st store.Start) string {
	if !queue.CarriesTestRuns(st.Queue) {
		return "job_id"
	}
	return "test_run_id"
}

// endAbandoned ends the runs whose workflow was terminated, timed out or failed since that time.
func (s *Starter) endAbandoned(ctx context.Context, since time.Time) error {
	for _, def := range queue.All() {
		err := s.eachAbandoned(ctx, def.Workflow, since, func(workflowID, workflowRunID string, status enumspb.WorkflowExecutionStatus) error {
			id := strings.TrimPrefix(workflowID, def.WorkflowID(""))
			if !def.TestRuns {
				return s.endAbandonedJob(ctx, def.Name, id, workflowRunID, status)
			}
			return s.endAbandonedRun(ctx, def.Name, id, workflowRunID, status)
		})
		if err != nil {
			return err
		}
	}
	return s.eachAbandoned(ctx, suiteWorkflow, since, func(workflowID, _ string, status enumspb.WorkflowExecutionStatus) error {
		return s.endAbandonedSuite(ctx, strings.TrimPrefix(workflowID, suiteWorkflowID("")), status)
	})
}

// eachAbandoned calls end with each workflow of a type that was terminated, timed out or failed since that time.
func (s *Starter) eachAbandoned(ctx context.Context, workflowType string, since time.Time, end func(workflowID, workflowRunID string, status enumspb.WorkflowExecutionStatus) error) error {
	query := fmt.Sprintf(`WorkflowType = '%s' AND ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed') AND CloseTime > '%s'`,
		workflowType, since.UTC().Format(time.RFC3339))
	var page []byte
	for {
		list, err := s.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: page})
		if err != nil {
			return fmt.Errorf("listing ended workflows: %w", err)
		}
		for _, execution := range list.GetExecutions() {
			id := execution.GetExecution()
			if err := end(id.GetWorkflowId(), id.GetRunId(), execution.GetStatus()); err != nil {
				return err
			}
		}
		if page = list.GetNextPageToken(); len(page) == 0 {
			return nil
		}
	}
}

func (s *Starter) endAbandonedRun(ctx context.Context, queueName, runID, workflowRunID string, status enumspb.WorkflowExecutionStatus) error {
	run, err := s.Store.Run(ctx, runID)
	if fault.Of(err) == fault.NotFound || (err == nil && run.Status.Finished()) {
		return nil
	}
	if err != nil {
		return err
	}
	if run.WorkflowRunID != "" && run.WorkflowRunID != workflowRunID {
		return nil // it was requeued since, and another workflow carries it out
	}
	o := run.Ended(store.RunFailed, store.Platform, "The platform could not carry out the test: its workflow ended as "+status.String())
	if status == enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED {
		o = run.Ended(store.RunCancelled, "", terminated)
	}
	s.Log.WarnContext(ctx, "a run is ended whose workflow was ended in Temporal", "test_run_id", runID, "status", status.String())
	s.Metrics.Reconciled(queueName, metrics.EndedOutside)
	return s.Store.EndRun(ctx, queueName, runID, o, time.Now())
}

// endAbandonedJob ends a job without a test run whose workflow was ended from outside.
func (s *Starter) endAbandonedJob(ctx context.Context, queueName, id, workflowRunID string, status enumspb.WorkflowExecutionStatus) error {
	job, started, err := s.Store.Job(ctx, queueName, id)
	if fault.Of(err) == fault.NotFound || err == nil && (job.State.Finished() || started != "" && started != workflowRunID) {
		return nil
	}
	if err != nil {
		return err
	}
	reason := "The platform could not carry out the job: its workflow ended as " + status.String()
	if status == enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED {
		reason = terminated
	}
	s.Log.WarnContext(ctx, "a job is ended whose workflow was ended in Temporal", "job_id", id, "queue", queueName, "status", status.String())
	s.Metrics.Reconciled(queueName, metrics.EndedOutside)
	_, err = s.Store.EndJob(ctx, queueName, id, reason, time.Now())
	return err
}

// endOverdue ends the runs that no worker took in time. Their workflows find out when a worker asks for them.
func (s *Starter) endOverdue(ctx context.Context) error {
	waits, err := s.Store.Overdue(ctx, "", "", sweepBatch)
	if err != nil {
		return err
	}
	for _, wait := range waits {
		run, err := s.Store.Run(ctx, wait.RunID)
		if err != nil {
			return err
		}
		if _, err := activities.Expire(ctx, s.Store, run, wait, s.Log); err != nil {
			return err
		}
	}
	return nil
}

package starter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

// startSuite starts a suite run's workflow and notes it. One that was started before is left alone.
func (s *Starter) startSuite(ctx context.Context, st store.SuiteStart) error {
	var input workflows.SuiteExecutionInput
	if err := json.Unmarshal(st.WorkflowInput, &input); err != nil {
		return fmt.Errorf("decoding the workflow's input: %w", err)
	}
	attributes := []temporal.SearchAttributeUpdate{workflows.Status.ValueSet(string(store.RunRunning))}
	if st.UserID != "" {
		attributes = append(attributes, workflows.UserID.ValueSet(st.UserID))
	}
	id := suiteWorkflowID(st.ID)
	started, err := s.Temporal.ExecuteWorkflow(ctx, sdkclient.StartWorkflowOptions{
		ID:                       id,
		TaskQueue:                queue.TestExecution,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		TypedSearchAttributes:    temporal.NewSearchAttributes(attributes...),
		StaticSummary:            activities.Summary(st.Title),
	}, suiteWorkflow, input)
	if already, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		return s.Store.SuiteRunStarted(ctx, st.ID, already.RunId)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "starting workflow %s", id)
	}
	return s.Store.SuiteRunStarted(ctx, st.ID, started.GetRunID())
}

// startMissedSuites starts the workflows of suite runs that were accepted some time ago and have none.
func (s *Starter) startMissedSuites(ctx context.Context) error {
	starts, err := s.Store.SuiteRunsNotStarted(ctx, time.Now().Add(-sweepGrace), sweepBatch)
	if err != nil {
		return err
	}
	for _, st := range starts {
		if err := s.startSuite(ctx, st); err != nil {
			return err
		}
		s.Log.InfoContext(ctx, "a workflow was started that an earlier try had missed", "suite_run_id", st.ID)
	}
	return nil
}

// CancelSuite ends a suite run and all its runs that have not ended, within seconds.
func (s *Starter) CancelSuite(ctx context.Context, id string) error {
	suite, err := s.Store.SuiteRun(ctx, id)
	if err != nil {
		return err
	}
	if suite.Status.Finished() {
		return fault.New(fault.Conflict, "suite run %q has ended already: it is %s", id, suite.Status)
	}
	soon, stop := context.WithTimeout(ctx, temporalWithin)
	defer stop()
	running, err := s.running(soon, suite.WorkflowID)
	if err == nil && running {
		err = s.Temporal.CancelWorkflow(soon, suite.WorkflowID, "")
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "cancelling workflow %s", suite.WorkflowID)
	}
	if running {
		return s.endWaitingOfSuite(ctx, id)
	}
	return s.endSuite(ctx, id, true, "the suite was cancelled on request")
}

// endWaitingOfSuite ends the runs of a suite that no worker has. Their workflows are told by that of the suite, one after the other, and
// none of them is to begin meanwhile.
func (s *Starter) endWaitingOfSuite(ctx context.Context, id string) error {
	open, err := s.Store.UnfinishedOfSuite(ctx, id, maxSuiteCases)
	if err != nil {
		return err
	}
	runs, err := s.Store.Runs(ctx, open, len(open))
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(recordAtOnce)
	for _, run := range runs {
		group.Go(func() error {
			_, err := s.Store.EndWaiting(ctx, queue.TestExecution, run.ID, run.Ended(store.RunCancelled, "", cancelled), time.Now())
			return err
		})
	}
	return group.Wait() //nolint:wrapcheck // the store says what it was about
}

// endAbandonedSuite ends a suite run whose workflow was ended from outside. Temporal has asked its runs to end.
func (s *Starter) endAbandonedSuite(ctx context.Context, id string, status enumspb.WorkflowExecutionStatus) error {
	suite, err := s.Store.SuiteRun(ctx, id)
	if fault.Of(err) == fault.NotFound || (err == nil && suite.Status.Finished()) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Log.WarnContext(ctx, "a suite is ended whose workflow was ended in Temporal", "suite_run_id", id, "status", status.String())
	return s.endSuite(ctx, id, status == enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, "the suite's workflow was ended in Temporal")
}

// endSuite ends what is open of a suite run that has no workflow any more, and the suite run with it.
func (s *Starter) endSuite(ctx context.Context, id string, cancelled bool, reason string) error {
	for {
		open, err := s.Store.UnfinishedOfSuite(ctx, id, sweepBatch)
		if err != nil {
			return err
		}
		if len(open) == 0 {
			break
		}
		for _, runID := range open {
			run, err := s.Store.Run(ctx, runID)
			if err != nil {
				return err
			}
			if err := s.endOfSuite(ctx, run, "Not run: "+reason); err != nil {
				return err
			}
		}
	}
	return s.Store.FinishSuiteRun(ctx, id, cancelled, reason, time.Now())
}

// endOfSuite ends a run, and its workflow if it has one.
func (s *Starter) endOfSuite(ctx context.Context, run store.Run, reason string) error {
	outcome := run.Ended(store.RunCancelled, "", reason)
	if running, err := s.running(ctx, run.WorkflowID); err != nil {
		return err
	} else if running {
		if err := s.Temporal.CancelWorkflow(ctx, run.WorkflowID, ""); err != nil {
			return fault.Wrap(fault.Unavailable, err, "cancelling workflow %s", run.WorkflowID)
		}
	}
	return s.Store.EndRun(ctx, queue.TestExecution, run.ID, outcome, time.Now())
}

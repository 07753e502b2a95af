package starter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

const (
	// reconcileEvery is how often all open runs are held against all workflows that run, reconcileRest how many times as long
	// as that took it is put off.
	reconcileEvery = 20 * time.Second
	reconcileRest  = 10
	// reconcileGrace is how old a run or a workflow must be: Temporal's lists lag a little behind.
	reconcileGrace = 20 * time.Second
	reconcilePage  = 500
)

// reconciler holds runs against workflows, each of which should have the other.
type reconciler struct {
	*Starter
	next time.Time
	told map[string]bool // workflows without a record that were told to look
}

// look compares them, if it is time to.
func (r *reconciler) look(ctx context.Context) error {
	began := time.Now()
	if began.Before(r.next) {
		return nil
	}
	for _, def := range queue.All() {
		if err := r.queue(ctx, def, began.Add(-reconcileGrace)); err != nil {
			return err
		}
	}
	r.next = began.Add(max(reconcileEvery, reconcileRest*time.Since(began)))
	return nil
}

func (r *reconciler) queue(ctx context.Context, def queue.Definition, before time.Time) error {
	running, err := r.runningWorkflows(ctx, def)
	if err != nil {
		return err
	}
	after := ""
	for {
		page, err := r.Store.CarriedOut(ctx, def.Name, before, after, reconcilePage)
		if err != nil {
			return err
		}
		for _, c := range page {
			if _, runs := running[c.RunID]; runs {
				delete(running, c.RunID)
				continue
			}
			if err := r.withoutWorkflow(ctx, def, c); err != nil {
				return err
			}
		}
		if len(page) < reconcilePage {
			break
		}
		after = page[len(page)-1].RunID
	}
	var old []string
	for id, started := range running {
		if started.Before(before) && !r.told[def.WorkflowID(id)] {
			old = append(old, id)
		}
	}
	for ids := range slices.Chunk(old, reconcilePage) {
		if err := r.withoutRecord(ctx, def, ids); err != nil {
			return err
		}
	}
	return nil
}

// runningWorkflows lists the workflows of a queue that run, by the ids of their runs, with the times of their starts.
func (r *reconciler) runningWorkflows(ctx context.Context, def queue.Definition) (map[string]time.Time, error) {
	running := map[string]time.Time{}
	var page []byte
	for {
		list, err := r.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query:         fmt.Sprintf(`WorkflowType = '%s' AND ExecutionStatus = 'Running'`, def.Workflow),
			NextPageToken: page, PageSize: reconcilePage,
		})
		if err != nil {
			return nil, fmt.Errorf("listing workflows that run: %w", err)
		}
		for _, execution := range list.GetExecutions() {
			if id, ours := strings.CutPrefix(execution.GetExecution().GetWorkflowId(), def.WorkflowID("")); ours {
				running[id] = execution.GetStartTime().AsTime()
			}
		}
		if page = list.GetNextPageToken(); len(page) == 0 {
			return running, nil
		}
	}
}

// withoutWorkflow ends an open run that no workflow carries out any more. Temporal's list may lag: it is asked once more.
func (r *reconciler) withoutWorkflow(ctx context.Context, def queue.Definition, c store.Carried) error {
	described, err := r.Temporal.DescribeWorkflowExecution(ctx, def.WorkflowID(c.RunID), "")
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return r.end(ctx, def, c, store.RunFailed, metrics.WorkflowGone, "Temporal does not know its workflow any more")
	}
	if err != nil {
		return fmt.Errorf("looking for workflow %s: %w", def.WorkflowID(c.RunID), err)
	}
	info := described.GetWorkflowExecutionInfo()
	if closed := info.GetCloseTime(); closed == nil || time.Since(closed.AsTime()) < reconcileGrace || info.GetExecution().GetRunId() != c.WorkflowRunID {
		return nil // it runs, has just ended, or another one is about to take its place
	}
	status := info.GetStatus()
	if status == enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED {
		return r.end(ctx, def, c, store.RunCancelled, metrics.EndedOutside, terminated)
	}
	if status == enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED {
		return r.end(ctx, def, c, store.RunCancelled, metrics.NotRecorded, cancelled)
	}
	return r.end(ctx, def, c, store.RunFailed, metrics.NotRecorded, "its workflow ended as "+status.String())
}

func (r *reconciler) end(ctx context.Context, def queue.Definition, c store.Carried, status store.RunStatus, why, reason string) error {
	var err error
	if status == store.RunFailed {
		reason = "The platform could not carry it out: " + reason
	}
	if !def.TestRuns {
		_, err = r.Store.EndJob(ctx, def.Name, c.RunID, reason, time.Now())
	} else {
		var run store.Run
		if run, err = r.Store.Run(ctx, c.RunID); err == nil && (run.Status.Finished() || run.WorkflowRunID != c.WorkflowRunID) {
			return nil // somebody was faster
		}
		class := store.Class("")
		if status == store.RunFailed {
			class = store.Platform
		}
		if err == nil {
			err = r.Store.EndRun(ctx, def.Name, c.RunID, run.Ended(status, class, reason), time.Now())
		}
	}
	if fault.Of(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	r.Log.WarnContext(ctx, "what no workflow carries out any more is ended", "queue", def.Name, "id", c.RunID, "reason", reason)
	r.Metrics.Reconciled(def.Name, why)
	return nil
}

// withoutRecord tells workflows to look after their jobs that have none: they end when they find out. The record is looked for
// by the worker, so an API that was led to another database ends nothing.
func (r *reconciler) withoutRecord(ctx context.Context, def queue.Definition, ids []string) error {
	known, err := r.Store.KnownAmong(ctx, def.Name, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if known[id] {
			continue
		}
		workflowID := def.WorkflowID(id)
		if err := unlessGone(r.Temporal.SignalWorkflow(ctx, workflowID, "", workflows.JobChanged, nil)); err != nil {
			return err
		}
		r.told[workflowID] = true
		r.Log.WarnContext(ctx, "a workflow has no record of what it is to carry out; it was told to look", "workflow_id", workflowID)
		r.Metrics.Reconciled(def.Name, metrics.NoRecord)
	}
	return nil
}

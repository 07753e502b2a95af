package workflows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// SuiteExecutionInput starts a SuiteExecution workflow.
type SuiteExecutionInput struct {
	SuiteRunID string `json:"suiteRunId"`
	Queue      string `json:"queue"`
	Title      string `json:"title"`
	UserID     string `json:"userId,omitempty"`
	Total      int    `json:"total"`
	// Parallel is how many runs go on at once; 0 leaves that to the workers.
	Parallel int `json:"parallel,omitempty"`
	// FailFast ends the suite with the first run that fails.
	FailFast bool `json:"failFast,omitempty"`
	// PriorityKey, FairnessKey and FairnessWeight are those of the runs.
	PriorityKey    int     `json:"priorityKey,omitempty"`
	FairnessKey    string  `json:"fairnessKey,omitempty"`
	FairnessWeight float32 `json:"fairnessWeight,omitempty"`

	// Place is that of the last run that was started, and Tally counts those that ended, before the workflow continued as new.
	Place int   `json:"place,omitempty"`
	Tally Tally `json:"tally,omitzero"`
}

// Tally counts runs that have ended.
type Tally struct {
	Passed    int `json:"passed,omitempty"`
	Adapted   int `json:"adapted,omitempty"`
	Failed    int `json:"failed,omitempty"`
	Cancelled int `json:"cancelled,omitempty"`
	// Quarantined are failures that don't count, and are not among the failed ones.
	Quarantined int `json:"quarantined,omitempty"`
}

func (t *Tally) count(status store.RunStatus, quarantined bool) {
	if quarantined && status == store.RunFailed {
		t.Quarantined++
		return
	}
	switch status {
	case store.RunCompleted:
		t.Passed++
	case store.RunAdapted:
		t.Adapted++
	case store.RunCancelled:
		t.Cancelled++
	case store.RunFailed, store.RunPending, store.RunRunning:
		t.Failed++
	}
}

// SuiteResult is how a suite run ended.
type SuiteResult struct {
	SuiteRunID string          `json:"suiteRunId"`
	Status     store.RunStatus `json:"status"`
	Total      int             `json:"total"`
	Tally
}

const (
	// childrenAtOnce is how many runs one look at the database names; what it returns must stay small in the history.
	childrenAtOnce = 20
	// namedFailures is how many failed runs the page of the Temporal Web UI names.
	namedFailures = 30
	// lookAgain is how soon a run is looked at again that somebody else carries out.
	lookAgain = 5 * time.Second
)

// SuiteExecution carries out the runs of a suite as child workflows, in the order of their places. Failing tests are a result
// of the workflow, not its failure.
func SuiteExecution(ctx workflow.Context, in SuiteExecutionInput) (SuiteResult, error) {
	if in.SuiteRunID == "" || in.Queue == "" || in.Parallel < 0 {
		return SuiteResult{}, temporal.NewNonRetryableApplicationError("suiteRunId and queue are required", "invalid", nil)
	}
	s := suiteRun{in: in}
	more, err := s.run(ctx)
	if err == nil && more {
		return SuiteResult{}, workflow.NewContinueAsNewError(ctx, SuiteExecution, s.in)
	}
	return s.end(ctx, err)
}

type suiteRun struct {
	in       SuiteExecutionInput
	running  int
	started  bool // this run of the workflow has started some
	failures []string
	stopped  string // why no more runs are started
	cancel   workflow.CancelFunc
}

// run starts the runs and waits for them. It says whether there are more, for the next run of the workflow.
func (s *suiteRun) run(ctx workflow.Context) (more bool, err error) {
	children, cancel := workflow.WithCancel(ctx)
	s.cancel = cancel
	more, err = s.startAll(ctx, children)
	// Runs that are cancelled, with the suite or by its first failure, take a moment to end.
	waiting, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	if waitErr := workflow.Await(waiting, func() bool { return s.running == 0 }); err == nil {
		err = waitErr
	}
	if err == nil {
		err = ctx.Err()
	}
	return more && s.stopped == "", err
}

func (s *suiteRun) startAll(ctx, children workflow.Context) (more bool, err error) {
	var act *activities.SuiteExecution
	local := workflow.WithLocalActivityOptions(ctx, recordOptions())
	for {
		page, err := callLocal(local, act.NextOfSuite, activities.NextOfSuiteInput{
			SuiteRunID: s.in.SuiteRunID, After: s.in.Place, Limit: childrenAtOnce,
		})
		if err != nil || len(page.Children) == 0 {
			return false, err
		}
		for _, child := range page.Children {
			if err := workflow.Await(ctx, s.mayStart); err != nil {
				return false, err //nolint:wrapcheck // it was cancelled
			}
			if s.stopped != "" {
				return false, nil
			}
			if s.started && workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
				return true, nil
			}
			s.start(children, child)
			s.in.Place = child.Place
			s.describe(ctx)
		}
	}
}

func (s *suiteRun) mayStart() bool {
	return s.stopped != "" || s.in.Parallel == 0 || s.running < s.in.Parallel
}

// start starts one run as a child workflow.
func (s *suiteRun) start(ctx workflow.Context, child activities.SuiteChild) {
	def, _ := queue.Find(s.in.Queue)
	s.running++
	s.started = true
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            def.WorkflowID(child.RunID),
		TaskQueue:             def.Name,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		TypedSearchAttributes: RunAttributes(child.TestCaseID, child.RunID, s.in.UserID),
		Priority: temporal.Priority{
			PriorityKey: s.in.PriorityKey, FairnessKey: s.in.FairnessKey, FairnessWeight: s.in.FairnessWeight,
		},
		StaticSummary: child.Summary,
	})
	future := workflow.ExecuteChildWorkflow(ctx, def.Workflow, child.Input)
	workflow.Go(ctx, func(ctx workflow.Context) {
		var result activities.Result
		err := future.Get(ctx, &result)
		s.running--
		s.ended(child, result, err)
		s.describe(ctx)
	})
}

// ended counts a run. What it comes to is in the database; a run whose workflow was there already is somebody else's.
func (s *suiteRun) ended(child activities.SuiteChild, result activities.Result, err error) {
	if _, elsewhere := errors.AsType[*temporal.ChildWorkflowExecutionAlreadyStartedError](err); elsewhere {
		return
	}
	status, quarantined := result.Status, result.Quarantined
	switch {
	case temporal.IsCanceledError(err):
		status = store.RunCancelled
	case err != nil:
		status, quarantined = store.RunFailed, child.Quarantined // as it was when the suite came to it: there is no result
	}
	s.in.Tally.count(status, quarantined)
	if status != store.RunFailed || quarantined {
		return
	}
	s.failures = append(s.failures, child.Summary)
	if s.in.FailFast && s.stopped == "" {
		s.stopped = fmt.Sprintf("the suite stops at its first failure: %s", child.Summary)
		s.cancel()
	}
}

// end records how the suite ended and, if it ends early, that its other runs will not start.
func (s *suiteRun) end(ctx workflow.Context, cause error) (SuiteResult, error) {
	cancelled := temporal.IsCanceledError(cause) || errors.Is(ctx.Err(), workflow.ErrCanceled)
	in := activities.EndSuiteInput{SuiteRunID: s.in.SuiteRunID, Queue: s.in.Queue, Reason: s.stopped}
	switch {
	case cancelled:
		in.Cancelled, in.Reason = true, "the suite was cancelled on request"
	case cause != nil:
		in.Reason = "the platform could not carry out the suite: " + rootMessage(cause)
	}
	ctx, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	var act *activities.SuiteExecution
	local := workflow.WithLocalActivityOptions(ctx, recordOptions())
	var end activities.SuiteEnd
	for {
		var err error
		if end, err = callLocal(local, act.EndSuite, in); err != nil {
			return SuiteResult{}, err
		}
		if end.Finished {
			break
		}
		if !end.More {
			if err := workflow.Sleep(ctx, lookAgain); err != nil {
				return SuiteResult{}, err //nolint:wrapcheck // nothing cancels it
			}
		}
	}
	s.describe(ctx)
	if err := workflow.UpsertTypedSearchAttributes(ctx, Status.ValueSet(string(end.Status))); err != nil {
		workflow.GetLogger(ctx).Warn("the verdict could not be made searchable", "error", err)
	}
	result := SuiteResult{SuiteRunID: s.in.SuiteRunID, Status: end.Status, Total: s.in.Total, Tally: s.in.Tally}
	switch {
	case cancelled:
		return result, temporal.NewCanceledError(in.Reason)
	case cause != nil:
		return result, cause
	}
	return result, nil
}

// describe shows how the suite goes on the workflow's page of the Temporal Web UI.
func (s *suiteRun) describe(ctx workflow.Context) {
	t := s.in.Tally
	ended := t.Passed + t.Adapted + t.Failed + t.Cancelled + t.Quarantined
	var b strings.Builder
	counts := fmt.Sprintf("**%s**\n\n%d of %d runs ended: %d passed, %d adapted, %d failed, %d cancelled. %d running.\n",
		cell(s.in.Title), ended, s.in.Total, t.Passed, t.Adapted, t.Failed, t.Cancelled, s.running)
	b.WriteString(counts)
	if t.Quarantined > 0 {
		b.WriteString("\n" + strconv.Itoa(t.Quarantined) + " failed in quarantine, which does not count.\n")
	}
	if s.stopped != "" {
		b.WriteString("\nStopped: " + cell(s.stopped) + "\n")
	}
	if len(s.failures) > 0 {
		b.WriteString("\n### Failed\n\n")
		for _, title := range s.failures[:min(len(s.failures), namedFailures)] {
			b.WriteString("- " + cell(title) + "\n")
		}
	}
	if more := len(s.failures) - namedFailures; more > 0 {
		b.WriteString("- … and " + strconv.Itoa(more) + " more\n")
	}
	workflow.SetCurrentDetails(ctx, b.String())
}

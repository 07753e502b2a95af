package starter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/internal/tracing"
	"github.com/cinnamon-qa/cinnamon/payload"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

// runStore keeps runs.
type runStore interface {
	CreateRun(ctx context.Context, n store.NewRun) (runID string, created bool, err error)
	CreateRuns(ctx context.Context, runs []store.NewRun) ([]store.Created, error)
	Run(ctx context.Context, id string) (store.Run, error)
	Runs(ctx context.Context, ids []string, limit int) ([]store.Run, error)
	Case(ctx context.Context, id string) (store.TestCase, error)
	FindCases(ctx context.Context, ids []string) ([]store.TestCase, error)
}

// startStore keeps track of which runs have a workflow.
type startStore interface {
	RunStarted(ctx context.Context, runID, workflowRunID string) error
	NotStarted(ctx context.Context, before time.Time, limit int) ([]store.Start, error)
	OpenRuns(ctx context.Context, userID string) (int, error)
	CarriedOut(ctx context.Context, queueName string, before time.Time, after string, limit int) ([]store.Carried, error)
	KnownAmong(ctx context.Context, queueName string, runIDs []string) (map[string]bool, error)
}

// endStore ends runs that no workflow ends.
type endStore interface {
	EndWaiting(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) (ended bool, err error)
	EndRun(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) error
	EndOverdue(ctx context.Context, queueName, runID string, o store.Outcome, now time.Time) (ended bool, err error)
	Overdue(ctx context.Context, queueName, runID string, limit int) ([]store.Wait, error)
}

// letterStore keeps the jobs that failed for good.
type letterStore interface {
	Requeue(ctx context.Context, queueName, runID string, again func(store.Start) (json.RawMessage, error)) (store.Start, error)
}

// suiteStore keeps suites and their runs.
type suiteStore interface {
	Suite(ctx context.Context, id string) (store.Suite, error)
	CreateSuiteRun(ctx context.Context, n store.NewSuiteRun) (id string, created bool, err error)
	SuiteRun(ctx context.Context, id string) (store.SuiteRun, error)
	SuiteRuns(ctx context.Context, of store.SuiteRunsOf, limit int) ([]store.SuiteRun, error)
	SuiteCases(ctx context.Context, suiteRunID string, onlyFailed bool) ([]store.SuiteCase, error)
	CaseDurations(ctx context.Context, caseIDs []string) (map[string]time.Duration, error)
	SuiteRunStarted(ctx context.Context, id, workflowRunID string) error
	SuiteRunsNotStarted(ctx context.Context, before time.Time, limit int) ([]store.SuiteStart, error)
	UnfinishedOfSuite(ctx context.Context, suiteRunID string, limit int) ([]string, error)
	FinishSuiteRun(ctx context.Context, id string, cancelled bool, reason string, now time.Time) error
}

// Store is what a starter needs of the database.
type Store interface {
	runStore
	suiteStore
	startStore
	endStore
	letterStore
	jobStore
	learnStore
}

// Config of a starter.
type Config struct {
	Store        Store
	Temporal     sdkclient.Client
	Namespace    string
	MaxAttempts  int
	BackoffDelay time.Duration
	// QueueTimeout is how long runs may wait for a worker unless they say otherwise; 0: for as long as it takes.
	QueueTimeout     time.Duration
	RemoveOnComplete int
	RemoveOnFail     int
	HeartbeatTimeout time.Duration
	// LearningDebounce is for how long a case waits to be learned of.
	LearningDebounce time.Duration
	// PriorityScale says how to read a job's priority.
	PriorityScale Scale
	// Metrics counts what the sweep puts right; nil counts nothing.
	Metrics *metrics.Sweep
	// Data reads back what Temporal keeps of schedules; nil if nothing is encrypted.
	Data converter.DataConverter
	Log  *slog.Logger
}

// Starter submits runs.
type Starter struct {
	Config
	// soon are runs that were accepted together, for Sweep to start.
	soon chan store.Start
}

// New makes a starter.
func New(cfg Config) *Starter {
	return &Starter{Config: cfg, soon: make(chan store.Start, 4*MostBatched)}
}

// Open makes a starter as the settings say. Close its Temporal client when it is not needed any more.
func Open(cfg config.Config, records Store, log *slog.Logger, more ...Option) (*Starter, error) {
	client, err := Dial(cfg.Temporal, log, more...)
	if err != nil {
		return nil, err
	}
	return With(cfg, records, client, log)
}

// With makes a starter as the settings say, for a connection to Temporal that its caller closes.
func With(cfg config.Config, records Store, client sdkclient.Client, log *slog.Logger) (*Starter, error) {
	codec, err := cfg.Temporal.Codec()
	if err != nil {
		return nil, err
	}
	return New(Config{
		Store: records, Temporal: client, Namespace: cfg.Temporal.Namespace, MaxAttempts: cfg.Queue.MaxAttempts, Data: payload.Converter(codec),
		BackoffDelay: cfg.Queue.BackoffDelay, QueueTimeout: cfg.Queue.Timeout, RemoveOnComplete: cfg.Queue.RemoveOnComplete, RemoveOnFail: cfg.Queue.RemoveOnFail,
		HeartbeatTimeout: cfg.Worker.HeartbeatTimeout, LearningDebounce: cfg.Learning.Debounce, PriorityScale: Scale(cfg.Queue.PriorityScale), Log: log,
	}), nil
}

// Close closes the connection to Temporal.
func (s *Starter) Close() { s.Temporal.Close() }

// temporalWithin bounds how long a request waits for Temporal. A run that is accepted is started later if need be.
const temporalWithin = 3 * time.Second

// Submit accepts a run. created is false when an earlier request with the same idempotency key had created it.
func (s *Starter) Submit(ctx context.Context, r Request) (run store.Run, created bool, err error) {
	n, start, err := s.prepare(ctx, r)
	if err != nil {
		return run, false, err
	}
	id, created, err := s.Store.CreateRun(ctx, n)
	if err != nil {
		return run, false, err
	}
	if created {
		obs.Named(s.Log, obs.QueueLog(start.Queue)).DebugContext(ctx, obs.JobAdded, "job_id", id, "queue", start.Queue, "test_run_id", id, "test_case_id", n.TestCaseID)
		soon, cancel := context.WithTimeout(ctx, temporalWithin)
		err := s.start(soon, start)
		cancel()
		if err != nil {
			s.Log.WarnContext(ctx, "the workflow could not be started yet; it will be", "test_run_id", id, "error", err)
		}
	}
	run, err = s.Store.Run(ctx, id)
	return run, created, err
}

// prepare turns a request into the records of a run.
func (s *Starter) prepare(ctx context.Context, r Request) (store.NewRun, store.Start, error) {
	none, nothing := store.NewRun{}, store.Start{}
	if err := r.validate(); err != nil {
		return none, nothing, err
	}
	definition, field := r.Case, "case"
	if r.TestCaseID != "" {
		stored, err := s.Store.Case(ctx, r.TestCaseID)
		if fault.Of(err) == fault.NotFound {
			return none, nothing, fault.InvalidField("testCaseId", "there is no test case %q", r.TestCaseID)
		}
		if err != nil {
			return none, nothing, err
		}
		definition, field = stored.Definition, "testCaseId"
	}
	c, err := ParseCase(field, definition)
	if err != nil {
		return none, nothing, err
	}
	if c, err = c.In(r.defaults); err != nil {
		return none, nothing, fmt.Errorf("merging the suite's config into the case's: %w", err)
	}
	hash, err := hashOf(r)
	if err != nil {
		return none, nothing, err
	}

	settings, err := r.config(c)
	if err != nil {
		return none, nothing, err
	}
	if r.Config == nil || r.Config.QueueTimeout == nil {
		settings.QueueTimeout = s.QueueTimeout.Milliseconds()
	}
	if err := runsAlone(field, c); err != nil {
		return none, nothing, err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	run := store.Run{
		ID: r.TestRunID, TestCaseID: r.TestCaseID, Title: c.Title, UserID: r.UserID, Status: store.RunPending,
		Config: settings, MaxAttempts: r.attempts(c, s.MaxAttempts), TotalSteps: c.Size(), CreatedAt: now,
	}
	if run.ID == "" {
		run.ID = uuid.NewString()
	}
	n := store.NewRun{IdempotencyKey: r.IdempotencyKey, RequestHash: hash}
	if run.TestCaseID == "" {
		run.TestCaseID, n.Definition = testcase.InlineID(c.Title), c.JSON()
	}
	def, _ := queue.Find(queue.TestExecution)
	run.WorkflowID = def.WorkflowID(run.ID)
	n.Run = run

	encoded, err := json.Marshal(run.Config)
	if err != nil {
		return none, nothing, fmt.Errorf("encoding the configuration: %w", err)
	}
	data, err := json.Marshal(store.JobData{TestCaseID: run.TestCaseID, TestRunID: run.ID, UserID: run.UserID, Config: encoded, TraceParent: tracing.Parent(ctx)})
	if err != nil {
		return none, nothing, fmt.Errorf("encoding the job: %w", err)
	}
	_, added := queue.New(def, run.ID, data, queue.Options{
		Attempts: run.MaxAttempts, Delay: r.Delay, JobID: run.ID, Priority: int(r.Priority),
		Backoff:          &queue.Backoff{Type: "exponential", Delay: s.BackoffDelay.Milliseconds()},
		RemoveOnComplete: s.RemoveOnComplete, RemoveOnFail: s.RemoveOnFail,
	}, now)
	added.Job.QueueTimeout = run.Config.QueueTimeout
	n.Added = added
	start, err := s.startOf(&n, added.Job)
	return n, start, err
}

// startOf freezes what the workflow of a new run needs to know.
func (s *Starter) startOf(n *store.NewRun, job queue.Job) (store.Start, error) {
	var err error
	var traced struct {
		Parent string `json:"traceparent"`
	}
	_ = json.Unmarshal(job.Data, &traced) // data of another shape is followed by nobody
	n.WorkflowInput, err = json.Marshal(workflows.TestExecutionInput{
		Queue: job.Queue, RunID: n.ID, JobID: ifOther(job.ID, n.ID), Title: n.Title, TraceParent: traced.Parent,
		Rerun: workflows.Rerun{Made: job.AttemptsMade},
		Policy: workflows.Policy{
			DueAt:            job.DueAt,
			AttemptTimeout:   n.Config.Timeout,
			QueueTimeout:     n.Config.QueueTimeout,
			HeartbeatTimeout: s.HeartbeatTimeout.Milliseconds(),
		},
	})
	if err != nil {
		return store.Start{}, fmt.Errorf("encoding the workflow's input: %w", err)
	}
	return store.Start{
		RunID: n.ID, Queue: job.Queue, TestCaseID: n.TestCaseID, UserID: n.UserID, Title: n.Title,
		Priority: job.Options.Priority, WorkflowInput: n.WorkflowInput,
	}, nil
}

// ifOther returns the id unless it is the other one.
func ifOther(id, other string) string {
	if id == other {
		return ""
	}
	return id
}

// start starts a run's workflow and notes it. One that was started before is left alone, also when it has ended.
func (s *Starter) start(ctx context.Context, st store.Start) error {
	workflowRunID, err := s.launch(ctx, st)
	if err != nil {
		return err
	}
	if !queue.CarriesTestRuns(st.Queue) {
		return s.Store.JobStarted(ctx, st.Queue, st.RunID, workflowRunID)
	}
	return s.Store.RunStarted(ctx, st.RunID, workflowRunID)
}

// errNotEnded: a workflow can't be started again yet.
var errNotEnded = errors.New("the workflow that carried the job out before has not ended yet")

// launch starts a run's workflow, unless it was started before, and returns its Temporal run id.
func (s *Starter) launch(ctx context.Context, st store.Start) (workflowRunID string, err error) {
	def, ok := queue.Find(st.Queue)
	if !ok {
		return "", fault.New(fault.Internal, "run %s belongs to the unknown queue %q", st.RunID, st.Queue)
	}
	input, err := inputOf(def, st.WorkflowInput)
	if err != nil {
		return "", err
	}
	reuse := enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	switch {
	case input.rerun().After != "" || input.rerun().Again, !def.TestRuns: // ids of jobs without runs are given out again after a flush
		reuse = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	case isIteration(input.jobID()):
		reuse = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	}
	if input.run != nil {
		if r := input.rerun(); r.After != "" || r.Again {
			ctx = tracing.Again(ctx, input.run.TraceParent)
		} else {
			ctx = tracing.Or(ctx, input.run.TraceParent)
		}
	}
	options := sdkclient.StartWorkflowOptions{
		ID:                       def.WorkflowID(st.RunID),
		TaskQueue:                def.Name,
		WorkflowIDReusePolicy:    reuse,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            activities.Summary(st.Title),
	}
	if def.TestRuns {
		options.TypedSearchAttributes = workflows.RunAttributes(st.TestCaseID, st.RunID, st.UserID)
		options.Priority = s.place(ctx, st)
	}
	started, err := s.Temporal.ExecuteWorkflow(ctx, options, def.Workflow, input.value())
	if already, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		return already.RunId, nil
	}
	if _, refused := errors.AsType[*serviceerror.InvalidArgument](err); refused {
		return "", fault.Wrap(fault.Invalid, err, "Temporal refuses to start workflow %s", def.WorkflowID(st.RunID))
	}
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "starting workflow %s", def.WorkflowID(st.RunID))
	}
	if after := input.rerun().After; after != "" && started.GetRunID() == after {
		return "", fault.Wrap(fault.Unavailable, errNotEnded, "starting workflow %s again", def.WorkflowID(st.RunID))
	}
	return started.GetRunID(), nil
}

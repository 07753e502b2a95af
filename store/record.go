package store

import (
	"encoding/json"
	"time"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/queue"
)

// RunStatus is the status of a test run.
type RunStatus string

// The statuses of a test run.
const (
	RunPending   RunStatus = "pending"
	RunRunning   RunStatus = "running"
	RunCompleted RunStatus = "completed"
	RunFailed    RunStatus = "failed"
	RunAdapted   RunStatus = "adapted"
	RunCancelled RunStatus = "cancelled"
)

// Finished says whether a run in this status has ended.
func (s RunStatus) Finished() bool { return s != RunPending && s != RunRunning }

// StepStatus is the status of a test step.
type StepStatus string

// The statuses of a test step.
const (
	StepPending StepStatus = "pending"
	StepRunning StepStatus = "running"
	StepSuccess StepStatus = "success"
	StepFailed  StepStatus = "failed"
	StepAdapted StepStatus = "adapted"
	StepSkipped StepStatus = "skipped"
)

// TestCase is a stored test case.
type TestCase struct {
	ID         string
	Title      string
	Definition json.RawMessage
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// RunConfig is the documented configuration of one run. BaseURL, where relative addresses lead, and Artifacts are additions.
type RunConfig struct {
	Timeout int64 `json:"timeout,omitempty"` // milliseconds of one attempt
	// QueueTimeout is how long the run may wait for a worker each time it is due, in milliseconds; 0: for as long as it takes.
	QueueTimeout   int64        `json:"queueTimeout,omitempty"`
	Headless       bool         `json:"headless"`
	Viewport       Viewport     `json:"viewport"`
	AdaptiveMode   AdaptiveMode `json:"adaptiveMode"`
	MaxAdaptations int          `json:"maxAdaptations"` // of each attempt
	BaseURL        string       `json:"baseUrl,omitempty"`
	// Artifacts are policies by kind, where they differ from the worker's settings.
	Artifacts map[artifact.Kind]artifact.Policy `json:"artifacts,omitempty"`
	// Tags are what the run is held by, beside its id.
	Tags []string `json:"tags,omitempty"`
}

// Viewport is the size of the page in CSS pixels.
type Viewport struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Run is a test run.
type Run struct {
	ID          string
	JobID       string // the queue's id of its job
	TestCaseID  string
	Title       string
	UserID      string
	Status      RunStatus
	Config      RunConfig
	Attempt     int // the newest attempt's number, 0 before the first one
	MaxAttempts int
	Flaky       bool

	TotalSteps     int
	CompletedSteps int
	FailedSteps    int
	AdaptedSteps   int
	Duration       time.Duration // of the newest attempt
	Error          string
	// Class is why the newest attempt failed; empty if it did not.
	Class Class
	// Quarantined: its case was in quarantine when it was made, or its newest attempt began. Its failure fails no suite.
	Quarantined bool

	WorkflowID    string
	WorkflowRunID string
	SuiteRunID    string // of the suite run that it belongs to, if any

	CreatedAt  time.Time
	StartedAt  time.Time
	FinishedAt time.Time
}

// Ended is how a run ends that no attempt ends, as far as it has come. class is empty unless it fails.
func (r Run) Ended(status RunStatus, class Class, reason string) Outcome {
	return Outcome{
		Status: status, Class: class, Error: reason, Final: true, TotalSteps: r.TotalSteps, CompletedSteps: r.CompletedSteps,
		FailedSteps: r.FailedSteps, AdaptedSteps: r.AdaptedSteps, Duration: r.Duration,
	}
}

// NewRun is a run to be created with its job.
type NewRun struct {
	Run
	// Definition is the inline case; nil for a run of a stored case.
	Definition json.RawMessage
	// IdempotencyKey makes a repeated request find the first one's run; RequestHash tells whether it is the same request.
	IdempotencyKey string
	RequestHash    string
	// WorkflowInput starts the workflow, now or after a crash in between.
	WorkflowInput json.RawMessage
	// Added is the job's first change.
	Added queue.Change
	// Shown says that Redis shows the job already: a client added it there.
	Shown bool
}

// Created says what became of a run that was to be created with others.
type Created struct {
	// RunID is that of the run, or of the earlier one with the same idempotency key if it was not created.
	RunID   string
	Created bool
	Err     error // why there is none
}

// Start is what is needed to start the workflow of a run that has none yet.
type Start struct {
	RunID         string
	Queue         string
	TestCaseID    string
	UserID        string
	Title         string
	Priority      int
	WorkflowInput json.RawMessage
	// Ended is the Temporal run that carried the run out before; empty if this is the first one.
	Ended string
}

// MostCounted is how far the open runs of a user are counted.
const MostCounted = 100

// Claim is what an attempt needs to know when it starts.
type Claim struct {
	// Attempt numbers the attempts of this run from 1, stalled ones included; it fences the writes of earlier ones.
	Attempt int
	// Job is the job as it stands.
	Job queue.Job
	Run Run
	// Definition is the case to run; nil if the stored case is gone.
	Definition json.RawMessage
	// Defaults are what the run's suite says for all its cases, where the case does not; nil if it says nothing.
	Defaults json.RawMessage
}

// Step is one executed or planned step of one attempt.
type Step struct {
	RunID        string
	Attempt      int
	Number       int // from 1
	Action       string
	Description  string
	Status       StepStatus
	Duration     time.Duration
	Error        string
	StartedAt    time.Time
	ScreenshotID string
	// Target is the hash of what the step does to which element; empty if it acts on none. It and Page, the address on which the step
	// failed, are written and not read.
	Target, Page string
}

// Artifact describes a stored file of a run.
type Artifact struct {
	ID          string
	RunID       string
	Attempt     int
	StepNumber  int // 0: of the whole attempt
	Kind        artifact.Kind
	ContentType string
	Bytes       int64
	SHA256      string
	Path        string // in the artifact store; empty if there is no file
	// Note says why there is no file, or what the file lacks.
	Note      string
	CreatedAt time.Time
}

// Outcome is how an attempt, or a run, ended.
type Outcome struct {
	Status         RunStatus
	CompletedSteps int
	FailedSteps    int
	AdaptedSteps   int
	TotalSteps     int
	Duration       time.Duration
	Error          string
	// Class is why it failed; empty if it did not.
	Class Class
	// Final says that no further attempt would help.
	Final bool
	// Stack is what a developer reads about the failure.
	Stack string
	// Adaptations are how the attempt found elements again, or why not.
	Adaptations []Adaptation
	// Environment is where the case ran, and CaseVersion how it was written; empty if the attempt did not get so far.
	Environment, CaseVersion string
	// Result is the documented job result, Progress the documented progress record.
	Result   json.RawMessage
	Progress json.RawMessage
}

// OutboxRow is a change that waits to be projected to Redis.
type OutboxRow struct {
	ID     int64
	Change queue.Change
	// CreatedAt is since when it waits, by the database's clock.
	CreatedAt time.Time
}

// Which jobs are meant: any, or only those of which no change waits to be projected to Redis.
type Which bool

// The kinds of jobs.
const (
	Any     Which = true
	Relayed Which = false
)

// Sight is what Redis shows of a job, as far as that differs from its record.
type Sight struct {
	// Same says that nothing is to be done: they agree, or it can't be told.
	Same bool
	// Gone says that the job was deleted there, Dropped that this was only to keep no more than the newest finished ones.
	Gone, Dropped bool
	// Lost says that the job is there, but in none of the queue's collections: it has to be shown again.
	Lost bool
	Seen queue.Seen
}

// Reconciled is a job whose record follows what was done to the job in Redis.
type Reconciled struct {
	Before queue.Job
	After  queue.Job // as Before if the job is gone
	Gone   bool
	// Dropped says that the job is gone from Redis only to keep no more than the newest finished ones there.
	Dropped bool
	Lost    bool // the job is shown again
	Start   Start
	// Running says that the run had not ended before.
	Running bool
}

// Again says that the job had ended and is to run again.
func (r Reconciled) Again() bool {
	return !r.Gone && r.Before.State.Finished() && !r.After.State.Finished()
}

// Planned says that the run was never more than the next job of a job scheduler: nobody asked for it, and nothing of it has
// begun. It goes with that job.
func (r Reconciled) Planned() bool {
	return r.Running && r.After.Scheduler != "" && r.Before.AttemptsStarted == 0
}

// JobState is a job in short.
type JobState struct {
	ID        string
	State     queue.State
	Seq       int64
	CreatedAt time.Time
	DueAt     time.Time // of a delayed job
	Priority  int
	// Pending says that changes of it are on their way to Redis.
	Pending bool
}

// JobScheduler is what makes jobs of a queue again and again, as the client that set it up wrote it.
type JobScheduler struct {
	ID     string
	Fields map[string]string
	Next   time.Time // what its newest job is for
}

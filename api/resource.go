package api

import (
	"net/url"
	"time"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// runResource is a test run as clients see it.
type runResource struct {
	TestRunID      string           `json:"testRunId"`
	JobID          string           `json:"jobId"`
	Queue          string           `json:"queue"`
	TestCaseID     string           `json:"testCaseId"`
	SuiteRunID     string           `json:"suiteRunId,omitempty"`
	Title          string           `json:"title"`
	UserID         string           `json:"userId,omitempty"`
	Status         store.RunStatus  `json:"status"`
	Attempt        int              `json:"attempt"`
	MaxAttempts    int              `json:"maxAttempts"`
	Flaky          bool             `json:"flaky"`
	Quarantined    bool             `json:"quarantined"` // a failure fails no suite
	TotalSteps     int              `json:"totalSteps"`
	CompletedSteps int              `json:"completedSteps"`
	FailedSteps    int              `json:"failedSteps"`
	AdaptedSteps   int              `json:"adaptedSteps"`
	Progress       progressResource `json:"progress"`
	Duration       *int64           `json:"duration,omitempty"` // milliseconds, of the newest attempt
	Error          string           `json:"error,omitempty"`
	Failure        *failureResource `json:"failure,omitempty"`
	// Adaptations are those of all attempts; of a single run, never in lists.
	Adaptations []adaptationResource `json:"adaptations,omitempty"`
	Config      store.RunConfig      `json:"config"`
	CreatedAt   time.Time            `json:"createdAt"`
	StartedAt   *time.Time           `json:"startedAt,omitempty"`
	FinishedAt  *time.Time           `json:"finishedAt,omitempty"`
	Links       links                `json:"links"`
}

// failureResource says what kind of failure it was; the run's error is the reason in words.
type failureResource struct {
	Class store.Class `json:"class"`
}

type progressResource struct {
	CurrentStep int `json:"currentStep"`
	TotalSteps  int `json:"totalSteps"`
	Percentage  int `json:"percentage"`
}

type links struct {
	Self        string `json:"self"`
	Steps       string `json:"steps"`
	Artifacts   string `json:"artifacts"`
	Adaptations string `json:"adaptations"`
	Temporal    string `json:"temporal"`
}

// stepResource is a step of a run as clients see it.
type stepResource struct {
	Number      int              `json:"number"`
	Attempt     int              `json:"attempt"`
	Action      string           `json:"action"`
	Description string           `json:"description"`
	Status      store.StepStatus `json:"status"`
	Duration    *int64           `json:"duration,omitempty"` // milliseconds
	Error       string           `json:"error,omitempty"`
	StartedAt   *time.Time       `json:"startedAt,omitempty"`
	Screenshot  string           `json:"screenshot,omitempty"`
}

// caseResource is a stored test case as clients see it.
type caseResource struct {
	TestCaseID string    `json:"testCaseId"`
	Title      string    `json:"title"`
	Case       any       `json:"case,omitempty"`
	CreatedAt  time.Time `json:"createdAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
}

// addresses makes the links of answers.
type addresses struct {
	public     string // where clients reach the API; empty for relative links
	temporalUI string
	namespace  string
}

func (a addresses) run(id string) string { return a.public + "/api/test-runs/" + url.PathEscape(id) }

func (a addresses) artifact(runID, id string) string {
	if id == "" {
		return ""
	}
	return a.run(runID) + "/artifacts/" + url.PathEscape(id)
}

// viewer opens a trace in the trace viewer.
func (a addresses) viewer(trace string) string {
	return a.public + "/trace/index.html?trace=" + url.QueryEscape(trace)
}

func (a addresses) workflow(id, runID string) string {
	address := a.temporalUI + "/namespaces/" + url.PathEscape(a.namespace) + "/workflows/" + url.PathEscape(id)
	if runID != "" {
		address += "/" + url.PathEscape(runID) + "/history"
	}
	return address
}

func (a addresses) links(r store.Run) links {
	return links{
		Self: a.run(r.ID), Steps: a.run(r.ID) + "/steps", Artifacts: a.run(r.ID) + "/artifacts", Adaptations: a.run(r.ID) + "/adaptations",
		Temporal: a.workflow(r.WorkflowID, r.WorkflowRunID),
	}
}

func (a addresses) resource(r store.Run) runResource {
	done := r.CompletedSteps + r.FailedSteps
	p := progressResource{CurrentStep: done, TotalSteps: r.TotalSteps}
	if !r.Status.Finished() && r.Status == store.RunRunning && done < r.TotalSteps {
		p.CurrentStep++
	}
	if r.TotalSteps > 0 {
		p.Percentage = r.CompletedSteps * 100 / r.TotalSteps
	}
	out := runResource{
		TestRunID: r.ID, JobID: r.JobID, Queue: queue.TestExecution, TestCaseID: r.TestCaseID, SuiteRunID: r.SuiteRunID, Title: r.Title, UserID: r.UserID,
		Status: r.Status, Attempt: r.Attempt, MaxAttempts: r.MaxAttempts, Flaky: r.Flaky, Quarantined: r.Quarantined, TotalSteps: r.TotalSteps,
		CompletedSteps: r.CompletedSteps, FailedSteps: r.FailedSteps, AdaptedSteps: r.AdaptedSteps, Progress: p,
		Error: r.Error, Config: r.Config, CreatedAt: r.CreatedAt, StartedAt: present(r.StartedAt),
		FinishedAt: present(r.FinishedAt), Links: a.links(r),
	}
	if r.Class != "" {
		out.Failure = &failureResource{Class: r.Class}
	}
	if r.Duration > 0 {
		ms := r.Duration.Milliseconds()
		out.Duration = &ms
	}
	return out
}

func (a addresses) step(s store.Step) stepResource {
	out := stepResource{
		Number: s.Number, Attempt: s.Attempt, Action: s.Action, Description: s.Description, Status: s.Status, Error: s.Error,
		StartedAt: present(s.StartedAt), Screenshot: a.artifact(s.RunID, s.ScreenshotID),
	}
	if s.Status == store.StepSuccess || s.Status == store.StepFailed || s.Status == store.StepAdapted {
		ms := s.Duration.Milliseconds()
		out.Duration = &ms
	}
	return out
}

func present(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

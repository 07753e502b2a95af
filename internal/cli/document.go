package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// document is what Output "json" writes. Fields may be added, never renamed.
type document struct {
	ExitCode int           `json:"exitCode"`
	Error    string        `json:"error,omitempty"`
	Problems []problem     `json:"problems,omitempty"` // of files
	Summary  summary       `json:"summary"`
	Runs     []documentRun `json:"runs"`
}

type summary struct {
	Total   int `json:"total"`
	Passed  int `json:"passed"` // flaky and adapted ones included
	Flaky   int `json:"flaky"`
	Adapted int `json:"adapted"`
	// Quarantined ones failed, which does not count; the failed ones are the others.
	Quarantined int   `json:"quarantined"`
	Failed      int   `json:"failed"`
	Cancelled   int   `json:"cancelled"`
	NotStarted  int   `json:"notStarted"`
	Unknown     int   `json:"unknown"`
	Unfinished  int   `json:"unfinished"` // started and not waited for
	Duration    int64 `json:"duration"`   // milliseconds
}

type documentRun struct {
	File           string              `json:"file,omitempty"` // missing if the case is not in one
	Title          string              `json:"title"`
	BaseURL        string              `json:"baseUrl,omitempty"`
	Result         state               `json:"result"`
	TestRunID      string              `json:"testRunId,omitempty"`
	TestCaseID     string              `json:"testCaseId,omitempty"` // of a stored case
	SuiteRunID     string              `json:"suiteRunId,omitempty"`
	Status         string              `json:"status,omitempty"` // as the API has it
	Attempt        int                 `json:"attempt"`
	MaxAttempts    int                 `json:"maxAttempts"`
	Flaky          bool                `json:"flaky"`
	Quarantined    bool                `json:"quarantined"`
	TotalSteps     int                 `json:"totalSteps"`
	CompletedSteps int                 `json:"completedSteps"`
	FailedSteps    int                 `json:"failedSteps"`
	AdaptedSteps   int                 `json:"adaptedSteps"`
	Duration       int64               `json:"duration"` // milliseconds
	Error          string              `json:"error,omitempty"`
	Failure        *failure            `json:"failure,omitempty"`
	FailedStep     *documentFailedStep `json:"failedStep,omitempty"`
	Artifacts      []documentArtifact  `json:"artifacts,omitempty"`   // that show the newest attempt as a whole
	Adaptations    []apiAdaptation     `json:"adaptations,omitempty"` // what the newest attempt passed with
	Links          links               `json:"links"`
}

type documentFailedStep struct {
	Number      int    `json:"number"`
	Action      string `json:"action"`
	Description string `json:"description"`
	Error       string `json:"error,omitempty"`
	Screenshot  string `json:"screenshot,omitempty"`
}

type documentArtifact struct {
	Kind     string `json:"kind"`
	Bytes    int64  `json:"bytes"`
	Download string `json:"download"`
	Viewer   string `json:"viewer,omitempty"`
}

func writeDocument(out io.Writer, tests []test, c *client, elapsed time.Duration, code int, failure error) error {
	n := tallyOf(tests)
	doc := document{
		ExitCode: code,
		Summary: summary{
			Total: len(tests), Passed: n.passed(), Flaky: n[stateFlaky], Adapted: n[stateAdapted], Quarantined: n[stateQuarantined], Failed: n[stateFailed],
			Cancelled: n[stateCancelled], NotStarted: n[stateNotStarted], Unknown: n[stateUnknown],
			Unfinished: n[stateWaiting] + n[stateRunning] + n[stateRetrying], Duration: elapsed.Milliseconds(),
		},
		Runs: make([]documentRun, len(tests)),
	}
	if failure != nil {
		doc.Error = failure.Error()
		doc.Problems = problemsOf(failure)
	}
	for i := range tests {
		doc.Runs[i] = runDocument(&tests[i], c)
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(doc); err != nil {
		return fmt.Errorf("writing the JSON document: %w", err)
	}
	return nil
}

func runDocument(t *test, c *client) documentRun {
	r := documentRun{
		File: t.file, Title: t.title, BaseURL: t.baseURL, Result: t.state(), TestRunID: t.id, TestCaseID: t.caseID, SuiteRunID: t.suiteRun, Status: t.run.Status,
		Attempt: t.run.Attempt, MaxAttempts: t.run.MaxAttempts, Flaky: t.run.Flaky, Quarantined: t.run.Quarantined,
		TotalSteps: t.totalSteps(), CompletedSteps: t.run.CompletedSteps, FailedSteps: t.run.FailedSteps,
		AdaptedSteps: t.run.AdaptedSteps, Duration: t.run.DurationMS, Error: t.reason(),
	}
	if t.id != "" {
		r.Links = c.linksOf(t)
	}
	if t.run.Failure.Class != "" {
		r.Failure = &t.run.Failure
	}
	for _, f := range t.files {
		r.Artifacts = append(r.Artifacts, documentArtifact{Kind: f.Kind, Bytes: f.Bytes, Download: c.link(f.Download), Viewer: c.link(f.Viewer)})
	}
	for _, a := range t.adaptations {
		a.Screenshots.Before, a.Screenshots.After = c.link(a.Screenshots.Before), c.link(a.Screenshots.After)
		r.Adaptations = append(r.Adaptations, a)
	}
	if e := t.evidence; e != nil {
		r.FailedStep = &documentFailedStep{
			Number: e.Number, Action: e.Action, Description: e.Description, Error: e.Error, Screenshot: c.link(e.Screenshot),
		}
	}
	return r
}

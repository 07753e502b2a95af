package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/cinnamon-qa/cinnamon/store"
)

// suiteRun is a suite run as the API shows it.
type suiteRun struct {
	SuiteRunID string         `json:"suiteRunId"`
	SuiteID    string         `json:"suiteId"`
	Status     string         `json:"status"`
	Error      string         `json:"error"`
	Counts     map[string]int `json:"counts"`
}

// passingCase opens a page and is done.
const passingCase = `{"title": %q, "steps": [{"type": "navigate", "url": "/"}]}`

// lingersCase takes longer than passingCase.
const lingersCase = `{"title": "Home for a while", "steps": [{"type": "navigate", "url": "/"},
	{"type": "waitForExpression", "expression": "new Promise(done => setTimeout(() => done(true), 1500))"}]}`

// failsSoon needs no patience.
const failsSoon = `{"title": "Asks for a unicorn, once", "timeout": 300, "steps": [
	{"type": "navigate", "url": "/", "timeout": 5000}, {"type": "click", "selectors": [["#unicorn"]]}]}`

func (s *stack) submitSuite(t *testing.T, path string, fields map[string]any, want int, header ...string) suiteRun {
	t.Helper()
	if fields == nil {
		fields = map[string]any{}
	}
	fields["config"] = map[string]any{"baseUrl": s.Shop}
	body, err := json.Marshal(fields)
	require.NoError(t, err)
	var accepted suiteRun
	s.request(t, http.MethodPost, path, string(body), want, &accepted, header...)
	return accepted
}

func (s *stack) awaitSuite(t *testing.T, id string) suiteRun {
	t.Helper()
	var r suiteRun
	await(t, time.Minute, "the end of the suite", func() bool {
		s.request(t, http.MethodGet, "/api/suite-runs/"+id, "", http.StatusOK, &r)
		return r.Status != "running"
	})
	return r
}

// runsOf returns the runs of a suite run in the order in which they start.
func (s *stack) runsOf(t *testing.T, id string) []run {
	t.Helper()
	return listed[run](t, s, "/api/suite-runs/"+id+"/runs")
}

func inline(definitions ...string) []map[string]any {
	cases := make([]map[string]any, len(definitions))
	for i, d := range definitions {
		cases[i] = map[string]any{"case": json.RawMessage(d)}
	}
	return cases
}

// TestSuiteRunsItsCasesAndThenOnlyThoseThatFailed follows one suite from its definition to the second run, in the API, in
// Postgres and in Temporal.
func TestSuiteRunsItsCasesAndThenOnlyThoseThatFailed(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	mark := uuid.NewString()[:8]
	var ids []string
	for i, definition := range []string{fmt.Sprintf(passingCase, "Home"), failingCase, lingersCase} {
		ids = append(ids, fmt.Sprintf("suite-%s-%d", mark, i))
		s.request(t, http.MethodPut, "/api/test-cases/"+ids[i], definition, http.StatusCreated, nil)
	}
	suiteID := "smoke-" + mark
	definition, err := json.Marshal(map[string]any{"title": "Smoke", "cases": ids, "attempts": 1, "parallel": 2})
	require.NoError(t, err)
	s.request(t, http.MethodPut, "/api/suites/"+suiteID, string(definition), http.StatusCreated, nil)

	key := uuid.NewString()
	accepted := s.submitSuite(t, "/api/suites/"+suiteID+"/runs", map[string]any{"userId": "ada"}, http.StatusAccepted, "Idempotency-Key", key)
	require.Equal(t, "running", accepted.Status)
	require.Equal(t, 3, accepted.Counts["total"])
	repeated := s.submitSuite(t, "/api/suites/"+suiteID+"/runs", map[string]any{"userId": "ada"}, http.StatusOK, "Idempotency-Key", key)
	require.Equal(t, accepted.SuiteRunID, repeated.SuiteRunID)

	ended := s.awaitSuite(t, accepted.SuiteRunID)
	require.Equal(t, "failed", ended.Status)
	require.Equal(t, 2, ended.Counts["completed"])
	require.Equal(t, 1, ended.Counts["failed"])
	for _, r := range s.runsOf(t, accepted.SuiteRunID) {
		recorded, err := s.store.Run(t.Context(), r.TestRunID)
		require.NoError(t, err)
		require.Equal(t, accepted.SuiteRunID, recorded.SuiteRunID)
		described, err := s.client.DescribeWorkflowExecution(t.Context(), recorded.WorkflowID, recorded.WorkflowRunID)
		require.NoError(t, err)
		info := described.GetWorkflowExecutionInfo()
		require.Equal(t, "suite/"+accepted.SuiteRunID, info.GetParentExecution().GetWorkflowId())
		require.Equal(t, "ada", info.GetPriority().GetFairnessKey())
	}
	s.requireReplay(t, "SuiteExecution-ended", "suite/"+accepted.SuiteRunID)

	again := s.submitSuite(t, "/api/suites/"+suiteID+"/runs", map[string]any{"failedOf": "latest"}, http.StatusAccepted)
	require.Equal(t, 1, again.Counts["total"])
	s.awaitSuite(t, again.SuiteRunID)
	require.Equal(t, ids[1], s.runsOf(t, again.SuiteRunID)[0].TestCaseID)

	// Those that passed before start by how long they took, the longest first; what never passed may take longest of all.
	third := s.submitSuite(t, "/api/suites/"+suiteID+"/runs", nil, http.StatusAccepted)
	var order []string
	for _, r := range s.runsOf(t, third.SuiteRunID) {
		order = append(order, r.TestCaseID)
	}
	require.Equal(t, []string{ids[1], ids[2], ids[0]}, order)
	s.request(t, http.MethodPost, "/api/suite-runs/"+third.SuiteRunID+"/cancel", "", http.StatusAccepted, nil)
	s.awaitSuite(t, third.SuiteRunID)
}

func TestSuiteStopsAtItsFirstFailure(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	accepted := s.submitSuite(t, "/api/suite-runs", map[string]any{
		"title": "Fails fast", "cases": inline(failsSoon, slowCase, slowCase, slowCase, slowCase), "parallel": 2, "failFast": true, "attempts": 1,
	}, http.StatusAccepted)
	ended := s.awaitSuite(t, accepted.SuiteRunID)
	require.Equal(t, "failed", ended.Status)
	require.Contains(t, ended.Error, "first failure")
	require.Equal(t, 1, ended.Counts["failed"])
	require.Equal(t, 5, ended.Counts["failed"]+ended.Counts["completed"]+ended.Counts["cancelled"])
	runs := s.runsOf(t, accepted.SuiteRunID)
	require.Equal(t, "cancelled", runs[4].Status)
	require.Contains(t, runs[4].Error, "Not run: the suite stops at its first failure")
	s.requireReplay(t, "SuiteExecution-fail-fast", "suite/"+accepted.SuiteRunID)
	judge := newJudge(t, s.Redis, "bullmq6")
	for _, r := range runs {
		await(t, soon, "the end of each job in Redis", func() bool {
			state := judge.observe(t, r.JobID).State
			return state == "failed" || state == "completed" && r.Status == "completed"
		})
	}
}

func TestCancelledSuiteEndsAllItsRuns(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	accepted := s.submitSuite(t, "/api/suite-runs", map[string]any{
		"title": "Is cancelled", "cases": inline(slowCase, slowCase, slowCase), "parallel": 1,
	}, http.StatusAccepted)
	await(t, soon, "the first run", func() bool {
		var r suiteRun
		s.request(t, http.MethodGet, "/api/suite-runs/"+accepted.SuiteRunID, "", http.StatusOK, &r)
		return r.Counts["running"] == 1
	})
	s.request(t, http.MethodPost, "/api/suite-runs/"+accepted.SuiteRunID+"/cancel", "", http.StatusAccepted, nil)
	ended := s.awaitSuite(t, accepted.SuiteRunID)
	require.Equal(t, "cancelled", ended.Status)
	require.Equal(t, 3, ended.Counts["cancelled"])
	s.requireReplay(t, "SuiteExecution-cancelled", "suite/"+accepted.SuiteRunID)
	var p problem
	s.request(t, http.MethodPost, "/api/suite-runs/"+accepted.SuiteRunID+"/cancel", "", http.StatusConflict, &p)
	require.Contains(t, p.Detail, "has ended already")
}

func TestSuiteThatIsTerminatedInTemporalEnds(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	accepted := s.submitSuite(t, "/api/suite-runs", map[string]any{
		"title": "Is terminated", "cases": inline(slowCase, slowCase), "parallel": 1,
	}, http.StatusAccepted)
	await(t, soon, "its workflow", func() bool {
		described, err := s.client.DescribeWorkflowExecution(t.Context(), "suite/"+accepted.SuiteRunID, "")
		return err == nil && described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	})
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), "suite/"+accepted.SuiteRunID, "", "on purpose"))
	ended := s.awaitSuite(t, accepted.SuiteRunID)
	require.Equal(t, "cancelled", ended.Status)
	require.Equal(t, 2, ended.Counts["cancelled"])
	for _, r := range s.runsOf(t, accepted.SuiteRunID) {
		recorded, err := s.store.Run(t.Context(), r.TestRunID)
		require.NoError(t, err)
		require.Equal(t, store.RunCancelled, recorded.Status)
	}
}

func TestWrongSuiteNamesItsField(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	cases := map[string]struct {
		path, body, field string
		status            int
	}{
		"no case":            {"/api/suite-runs", `{}`, "cases", 422},
		"unknown stored":     {"/api/suite-runs", `{"cases": [{"testCaseId": "no-such-case"}]}`, "cases[0].testCaseId", 422},
		"invalid inline":     {"/api/suite-runs", `{"cases": [{"case": {"title": "x", "steps": [{"type": "click"}]}}]}`, "cases[0].case.steps[0].selectors", 422},
		"negative parallel":  {"/api/suite-runs", `{"cases": [{"testCaseId": "a"}], "parallel": -1}`, "parallel", 422},
		"unknown suite":      {"/api/suites/no-such-suite/runs", `{}`, "", 404},
		"latest of nothing":  {"/api/suite-runs", `{"failedOf": "latest"}`, "failedOf", 422},
		"unknown earlier":    {"/api/suite-runs", `{"failedOf": "no-such-run"}`, "", 404},
		"suite and cases":    {"/api/suites/any/runs", `{"cases": [{"testCaseId": "a"}]}`, "cases", 422},
		"wrong defaults":     {"/api/suite-runs", `{"cases": [{"testCaseId": "a"}], "defaults": {"viewport": {"width": 5}}}`, "defaults.viewport.height", 422},
		"unknown default":    {"/api/suite-runs", `{"cases": [{"testCaseId": "a"}], "defaults": {"vewport": {}}}`, "defaults.vewport", 422},
		"stored suite there": {"/api/suite-runs", `{"suiteId": "any"}`, "suiteId", 422},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p problem
			s.request(t, http.MethodPost, c.path, c.body, c.status, &p)
			if c.field != "" {
				require.NotEmpty(t, p.Errors, p.Detail)
				require.Equal(t, c.field, p.Errors[0].Field)
			}
		})
	}
}

// speaks is a case that wants to be run in a browser of that language, with the suite's header.
const speaks = `{"title": "Speaks %[1]s", %[2]s "steps": [{"type": "navigate", "url": "/"},
	{"type": "waitForExpression", "expression": "navigator.language === '%[1]s' && matchMedia('(prefers-color-scheme: dark)').matches && innerWidth === 800"}]}`

// TestSuiteConfigCountsBelowTheCases runs a stored suite, whose config is frozen with its run.
func TestSuiteConfigCountsBelowTheCases(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	mark := uuid.NewString()[:8]
	ids := []string{"german-" + mark, "french-" + mark}
	s.request(t, http.MethodPut, "/api/test-cases/"+ids[0], fmt.Sprintf(speaks, "de-DE", ""), http.StatusCreated, nil)
	s.request(t, http.MethodPut, "/api/test-cases/"+ids[1], fmt.Sprintf(speaks, "fr-FR", `"config": {"locale": "fr-FR"},`), http.StatusCreated, nil)
	suite := map[string]any{"cases": ids, "attempts": 1, "config": map[string]any{
		"locale": "de-DE", "colorScheme": "dark", "viewport": map[string]any{"width": 800, "height": 600}, "timeout": 61_000,
		"baseUrls": map[string]any{"here": s.Shop}, "environment": "here",
	}}
	definition, err := json.Marshal(suite)
	require.NoError(t, err)
	s.request(t, http.MethodPut, "/api/suites/"+mark, string(definition), http.StatusCreated, nil)
	var accepted suiteRun
	s.request(t, http.MethodPost, "/api/suites/"+mark+"/runs", `{"userId": "ada"}`, http.StatusAccepted, &accepted)
	s.request(t, http.MethodPut, "/api/suites/"+mark, `{"cases": ["`+ids[0]+`"], "config": {"locale": "es-ES"}}`, http.StatusOK, nil)

	require.Equal(t, "completed", s.awaitSuite(t, accepted.SuiteRunID).Status)
	for _, r := range s.runsOf(t, accepted.SuiteRunID) {
		recorded, err := s.store.Run(t.Context(), r.TestRunID)
		require.NoError(t, err)
		require.Equal(t, int64(61_000), recorded.Config.Timeout)
		require.Equal(t, store.Viewport{Width: 800, Height: 600}, recorded.Config.Viewport)
		require.Equal(t, s.Shop, recorded.Config.BaseURL)
		require.Equal(t, 1, recorded.MaxAttempts)
	}
	var shown struct {
		Settings map[string]any `json:"settings"`
		Defaults map[string]any `json:"defaults"`
	}
	s.request(t, http.MethodGet, "/api/suite-runs/"+accepted.SuiteRunID, "", http.StatusOK, &shown)
	require.Equal(t, "de-DE", shown.Defaults["locale"])
	require.Zero(t, shown.Defaults["retries"], "one attempt")
	require.NotContains(t, shown.Settings, "config")
}

// TestRerunOfASuiteRunIsAsItWas runs again what failed, with what the request had said of it.
func TestRerunOfASuiteRunIsAsItWas(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	accepted := s.submitSuite(t, "/api/suite-runs", map[string]any{
		"title": "Speaks", "attempts": 1, "parallel": 3, "cases": inline(fmt.Sprintf(passingCase, "Home"), failsSoon), "defaults": map[string]any{"locale": "de-DE"},
	}, http.StatusAccepted)
	s.awaitSuite(t, accepted.SuiteRunID)
	var again suiteRun
	s.request(t, http.MethodPost, "/api/suite-runs", `{"failedOf": "`+accepted.SuiteRunID+`"}`, http.StatusAccepted, &again)
	require.Equal(t, 1, again.Counts["total"])
	require.Equal(t, "failed", s.awaitSuite(t, again.SuiteRunID).Status)
	kept, err := s.store.SuiteRun(t.Context(), again.SuiteRunID)
	require.NoError(t, err)
	require.Equal(t, 3, kept.Parallel)
	require.JSONEq(t, `{"locale": "de-DE"}`, string(kept.Defaults))
	recorded, err := s.store.Run(t.Context(), s.runsOf(t, again.SuiteRunID)[0].TestRunID)
	require.NoError(t, err)
	require.Equal(t, s.Shop, recorded.Config.BaseURL)
	require.Equal(t, 1, recorded.MaxAttempts)
}

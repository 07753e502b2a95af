package e2e_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Errors []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

func TestWrongInputNamesItsField(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	fine := `{"title": "Fine", "steps": [{"type": "navigate", "url": "https://example.com/"}]}`
	cases := map[string]struct {
		body   string
		status int
		field  string
	}{
		"nothing to run":        {`{}`, 422, "testCaseId"},
		"both":                  {`{"testCaseId": "a", "case": ` + fine + `}`, 422, "case"},
		"unknown case":          {`{"testCaseId": "no-such-case"}`, 422, "testCaseId"},
		"unknown field":         {`{"testCaseID2": "a"}`, 422, "testCaseID2"},
		"wrong type":            {`{"case": ` + fine + `, "attempts": "three"}`, 422, "attempts"},
		"too many attempts":     {`{"case": ` + fine + `, "attempts": 1000}`, 422, "attempts"},
		"negative delay":        {`{"case": ` + fine + `, "delay": -1}`, 422, "delay"},
		"unknown priority":      {`{"case": ` + fine + `, "priority": "asap"}`, 422, "priority"},
		"bad run id":            {`{"case": ` + fine + `, "testRunId": "a:b"}`, 422, "testRunId"},
		"run id that is a key":  {`{"case": ` + fine + `, "testRunId": "meta"}`, 422, "testRunId"},
		"numeric run id":        {`{"case": ` + fine + `, "testRunId": "123"}`, 422, "testRunId"},
		"timeout too short":     {`{"case": ` + fine + `, "config": {"timeout": 5}}`, 422, "config.timeout"},
		"base URL of a file":    {`{"case": ` + fine + `, "config": {"baseUrl": "file:///etc"}}`, 422, "config.baseUrl"},
		"viewport":              {`{"case": ` + fine + `, "config": {"viewport": {"width": 0, "height": 5}}}`, 422, "config.viewport"},
		"step without selector": {`{"case": {"title": "x", "steps": [{"type": "click"}]}}`, 422, "case.steps[0].selectors"},
		"step of unknown type":  {`{"case": {"title": "x", "steps": [{"type": "teleport"}]}}`, 422, "case.steps[0].type"},
		"not JSON":              {`{"case": `, 400, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p problem
			header := s.request(t, http.MethodPost, "/api/test-runs", c.body, c.status, &p)
			require.Equal(t, "application/problem+json", header.Get("Content-Type"))
			require.Equal(t, c.status, p.Status)
			require.NotEmpty(t, p.Title)
			require.NotEmpty(t, p.Detail)
			if c.field != "" {
				require.NotEmpty(t, p.Errors)
				require.Equal(t, c.field, p.Errors[0].Field)
				require.NotEmpty(t, p.Errors[0].Message)
			}
		})
	}
}

func TestIdempotencyKeyStartsOneRun(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	body, err := json.Marshal(map[string]any{
		"case": json.RawMessage(exampleCase(t, "login.json")), "config": map[string]any{"baseUrl": s.Shop},
	})
	require.NoError(t, err)
	key := "key-" + uuid.NewString()
	var first, second run
	s.request(t, http.MethodPost, "/api/test-runs", string(body), http.StatusAccepted, &first, "Idempotency-Key", key)
	s.request(t, http.MethodPost, "/api/test-runs", string(body), http.StatusOK, &second, "Idempotency-Key", key)
	require.Equal(t, first.TestRunID, second.TestRunID)
	require.Equal(t, first.Links.Self, second.Links.Self)

	var p problem
	other := strings.Replace(string(body), `"config"`, `"userId":"eve","config"`, 1)
	s.request(t, http.MethodPost, "/api/test-runs", other, http.StatusConflict, &p, "Idempotency-Key", key)
	require.Contains(t, p.Detail, "Idempotency-Key")
	require.Equal(t, "completed", s.awaitEnd(t, first.TestRunID, soon).Status)
}

func TestRunIDIsTakenOnce(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	id := "nightly-2026.11-a_" + uuid.NewString()
	accepted := s.submit(t, exampleCase(t, "login.json"), map[string]any{"testRunId": id})
	require.Equal(t, id, accepted.TestRunID)
	body := `{"testRunId": "` + id + `", "case": ` + exampleCase(t, "login.json") + `}`
	s.request(t, http.MethodPost, "/api/test-runs", body, http.StatusConflict, nil)
}

func TestStoredCaseIsRunByItsID(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	id := "shop.login-" + uuid.NewString()
	var saved struct {
		TestCaseID string          `json:"testCaseId"`
		Title      string          `json:"title"`
		Case       json.RawMessage `json:"case"`
	}
	s.request(t, http.MethodPut, "/api/test-cases/"+id, exampleCase(t, "login.json"), http.StatusCreated, &saved)
	require.JSONEq(t, exampleCase(t, "login.json"), string(saved.Case), "a case is kept as it came")
	s.request(t, http.MethodPut, "/api/test-cases/"+id, exampleCase(t, "login.json"), http.StatusOK, nil)
	s.request(t, http.MethodPut, "/api/test-cases/inline-x", exampleCase(t, "login.json"), http.StatusUnprocessableEntity, nil)

	var accepted run
	s.request(t, http.MethodPost, "/api/test-runs", `{"testCaseId": "`+id+`", "config": {"baseUrl": "`+s.Shop+`"}}`, http.StatusAccepted, &accepted)
	ended := s.awaitEnd(t, accepted.TestRunID, soon)
	require.Equal(t, "completed", ended.Status, ended.Error)
	require.Equal(t, id, ended.TestCaseID)
}

func TestKeyIsNeeded(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	for path, want := range map[string]int{"/api/test-runs": 401, "/api/health": 401, "/livez": 200, "/readyz": 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.API+path, http.NoBody)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, want, res.StatusCode, path)
	}
	var health struct {
		Status string                    `json:"status"`
		Checks map[string]map[string]any `json:"checks"`
	}
	s.request(t, http.MethodGet, "/api/health", "", http.StatusOK, &health)
	require.Equal(t, "ok", health.Status)
	require.ElementsMatch(t, []string{"artifacts", "postgres", "redis", "temporal"}, slices.Collect(maps.Keys(health.Checks)))
	s.request(t, http.MethodGet, "/api/test-runs/no-such-run", "", http.StatusNotFound, nil)
	s.request(t, http.MethodGet, "/api/nowhere", "", http.StatusNotFound, nil)
	s.request(t, http.MethodDelete, "/api/test-runs", "", http.StatusMethodNotAllowed, nil)
}

// TestManyRunsOfOneUserCountLess: who has many open runs has a smaller share of the workers for each further one.
func TestManyRunsOfOneUserCountLess(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	user := "heavy-" + uuid.NewString()
	weights := make([]float32, 20)
	for i := range weights {
		accepted := s.submit(t, exampleCase(t, "login.json"), map[string]any{"userId": user, "delay": 3600000})
		described, err := s.client.DescribeWorkflowExecution(t.Context(), "test-execution/"+accepted.TestRunID, "")
		require.NoError(t, err)
		place := described.GetWorkflowExecutionInfo().GetPriority()
		require.Equal(t, user, place.GetFairnessKey())
		weights[i] = place.GetFairnessWeight()
	}
	require.InDelta(t, 1, weights[0], 0.001)
	require.InDelta(t, 1, weights[9], 0.001)
	require.InDelta(t, 0.5, weights[19], 0.001)
}

// TestBatchIsAcceptedRunByRun: what is wrong with one run keeps no other from running, and the batch sent again finds its runs.
func TestBatchIsAcceptedRunByRun(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	one := `{"case": ` + exampleCase(t, "login.json") + `, "config": {"baseUrl": "` + s.Shop + `"}}`
	body := `{"runs": [` + one + `, {"testCaseId": "no-such-case"}, {"case": {}, "typo": 1}, ` + one + `]}`
	type answer struct {
		Accepted int `json:"accepted"`
		Refused  int `json:"refused"`
		Items    []struct {
			Status int     `json:"status"`
			Run    run     `json:"run"`
			Error  problem `json:"error"`
		} `json:"items"`
	}
	key := "batch-" + uuid.NewString()
	var first, second answer
	s.request(t, http.MethodPost, "/api/test-runs/batch", body, http.StatusOK, &first, "Idempotency-Key", key)
	require.Equal(t, 2, first.Accepted)
	require.Equal(t, 2, first.Refused)
	require.Equal(t, "testCaseId", first.Items[1].Error.Errors[0].Field)
	require.Equal(t, "typo", first.Items[2].Error.Errors[0].Field)
	s.request(t, http.MethodPost, "/api/test-runs/batch", body, http.StatusOK, &second, "Idempotency-Key", key)
	for _, i := range []int{0, 3} {
		require.Equal(t, http.StatusAccepted, first.Items[i].Status)
		require.Equal(t, http.StatusOK, second.Items[i].Status)
		require.Equal(t, first.Items[i].Run.TestRunID, second.Items[i].Run.TestRunID)
		require.Equal(t, "completed", s.awaitEnd(t, first.Items[i].Run.TestRunID, soon).Status)
	}
	s.request(t, http.MethodPost, "/api/test-runs/batch", `{"runs": []}`, http.StatusUnprocessableEntity, nil)
}

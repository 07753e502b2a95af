package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// locators is a store with one learned locator, which somebody else decides about first.
type locators struct {
	filters  []store.LocatorFilter
	verdicts []store.LocatorVerdict
	hash     string
}

func (l *locators) one() store.Locator {
	return store.Locator{
		LearnedLocator: store.LearnedLocator{ID: 7, Step: store.StepKey{Number: 2, Hash: l.hash}, Selectors: [][]string{{"#a"}, {"#host", "b"}}, Status: store.LocatorPromoted},
		TestCaseID:     "login", Environment: "shop.test", Passed: 3,
		Heal: &store.Adaptation{
			ID: "a", RunID: "run-1", Step: store.StepKey{Number: 2}, Type: store.AdaptedLocator, Successful: true, Reason: "the same caption",
			Evidence: store.Evidence{OldLocator: "#old", Confidence: 0.75, Before: "shot"},
		},
		Decision: &store.LocatorDecision{ID: 12, From: store.LocatorProposed, To: store.LocatorPromoted, By: store.ByLearning, Reason: "3 of 3"},
	}
}

func (l *locators) Locators(_ context.Context, f store.LocatorFilter) ([]store.Locator, error) {
	l.filters = append(l.filters, f)
	if f.Status != store.LocatorPromoted {
		return nil, nil
	}
	return []store.Locator{l.one()}, nil
}

func (l *locators) CountLocators(context.Context, store.LocatorFilter) (int, error) { return 5, nil }

func (l *locators) Locator(_ context.Context, id int64) (store.Locator, error) {
	if id != 7 {
		return store.Locator{}, fault.New(fault.NotFound, "there is no learned locator %d", id)
	}
	return l.one(), nil
}

func (l *locators) LocatorRuns(context.Context, store.Locator) ([]string, error) {
	return []string{"run-2"}, nil
}

func (l *locators) LocatorDecisions(context.Context, int64) ([]store.LocatorDecision, error) {
	return []store.LocatorDecision{*l.one().Decision}, nil
}

func (l *locators) DecideLocator(_ context.Context, v store.LocatorVerdict, _ time.Time) (bool, error) {
	l.verdicts = append(l.verdicts, v)
	if v.Expected == store.LocatorProposed {
		return false, fault.New(fault.Conflict, "learned locator %d is promoted by now", v.LocatorID)
	}
	return true, nil
}

func TestLocatorsAreShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var page struct {
		Total int              `json:"total"`
		Items []map[string]any `json:"items"`
	}
	b.read(t, http.MethodGet, "/api/locators?testCaseId=login&environment=shop.test&status=promoted&limit=3&after=9", "", &page)
	require.Equal(t, 5, page.Total)
	require.Equal(t, store.LocatorFilter{TestCaseID: "login", Environment: "shop.test", Status: store.LocatorPromoted, Limit: 3, After: 9}, b.locators.filters[0])
	require.Equal(t, []any{"#old", "#a", 0.75}, []any{page.Items[0]["oldLocator"], page.Items[0]["newLocator"], page.Items[0]["confidence"]})
	require.NotContains(t, page.Items[0], "heal")

	var one struct {
		Heal struct {
			TestRunID   string            `json:"testRunId"`
			Reason      string            `json:"reason"`
			Screenshots map[string]string `json:"screenshots"`
		} `json:"heal"`
		Runs      []map[string]any `json:"runs"`
		Decisions []map[string]any `json:"decisions"`
	}
	b.read(t, http.MethodGet, "/api/locators/7", "", &one)
	require.Equal(t, "run-1", one.Heal.TestRunID)
	require.Contains(t, one.Heal.Screenshots["before"], "/api/test-runs/run-1/artifacts/shot?")
	require.Equal(t, "run-2", one.Runs[0]["testRunId"])
	require.Equal(t, "learning", one.Decisions[0]["by"])

	for field, query := range map[string]string{
		"testCaseId": "testCaseId=a%00", "status": "status=good", "limit": "limit=201", "after": "after=x", "environment": "environment=a%00",
	} {
		code, p := b.send(t, http.MethodGet, "/api/locators?"+query, "")
		require.Equal(t, http.StatusUnprocessableEntity, code, query)
		require.Equal(t, field, p.Errors[0].Field)
	}
	for _, id := range []string{"8", "x", "0"} {
		code, _ := b.send(t, http.MethodGet, "/api/locators/"+id, "")
		require.Equal(t, http.StatusNotFound, code)
	}
}

func TestPeopleDecide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	code, _ := b.send(t, http.MethodPost, "/api/locators/7/approve", `{"by": " ada ", "reason": "it is", "expected": "promoted"}`)
	require.Equal(t, http.StatusOK, code)
	code, _ = b.send(t, http.MethodPost, "/api/locators/7/reject", `{"by": "ada"}`)
	require.Equal(t, http.StatusOK, code)
	code, _ = b.send(t, http.MethodPost, "/api/locators/7/rollback", `{"by": "bob"}`, "If-Match", `"12"`)
	require.Equal(t, http.StatusOK, code)
	known := int64(12)
	require.Equal(t, []store.LocatorVerdict{
		{LocatorID: 7, To: store.LocatorPromoted, By: "ada", Reason: "it is", Expected: store.LocatorPromoted},
		{LocatorID: 7, To: store.LocatorRejected, By: "ada"},
		{LocatorID: 7, By: "bob", Decision: &known},
	}, b.locators.verdicts)
	code, p := b.send(t, http.MethodPost, "/api/locators/7/reject", `{"by": "ada", "expected": "proposed"}`)
	require.Equal(t, http.StatusConflict, code)
	require.Contains(t, p.Detail, "promoted by now")

	for body, field := range map[string]string{
		`{}`: "by", `{"by": "Learning"}`: "by", `{"by": "a\u0000"}`: "by", `{"by": "ada", "expected": "good"}`: "expected", `{"by": "ada", "status": "x"}`: "status",
	} {
		code, p := b.send(t, http.MethodPost, "/api/locators/7/approve", body)
		require.Equal(t, http.StatusUnprocessableEntity, code, body)
		require.Equal(t, field, p.Errors[0].Field)
	}
	code, p = b.send(t, http.MethodPost, "/api/locators/7/approve", `{"by": "ada"}`, "If-Match", "yes")
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Equal(t, "If-Match", p.Errors[0].Field)
	require.Len(t, b.locators.verdicts, 4)
}

func TestStoredCaseIsPatched(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := `{"title":"Log in","steps":[{"type":"navigate","url":"http://shop.test/"},{"type":"click","selectors":[["#go"]]}]}`
	c, err := testcase.Parse([]byte(text))
	require.NoError(t, err)
	b.records.definition, b.locators.hash = text, c.Steps[1].TargetHash()
	var got struct {
		Patch string          `json:"patch"`
		Case  json.RawMessage `json:"case"`
		Steps []struct {
			StepNumber int        `json:"stepNumber"`
			Added      [][]string `json:"added"`
		} `json:"steps"`
		Left []any `json:"left"`
	}
	b.read(t, http.MethodGet, "/api/test-cases/login/patch?proposed=true&environment=shop.test", "", &got)
	require.Len(t, b.locators.filters, 2)
	require.Equal(t, store.LocatorFilter{TestCaseID: "login", Environment: "shop.test", Status: store.LocatorProposed, Limit: 200}, b.locators.filters[1])
	require.JSONEq(t, strings.Replace(text, `["#go"]`, `["#a"],["#host","b"],["#go"]`, 1), string(got.Case))
	require.Contains(t, got.Patch, "--- a/login.json\n+++ b/login.json\n")
	require.Equal(t, [][]string{{"#a"}, {"#host", "b"}}, got.Steps[0].Added)
	require.Empty(t, got.Left)

	b.locators.hash = "changed since"
	b.read(t, http.MethodGet, "/api/test-cases/login/patch", "", &got)
	require.Empty(t, got.Patch)
	require.Len(t, got.Left, 1)
	code, p := b.send(t, http.MethodGet, "/api/test-cases/login/patch?proposed=yes", "")
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Equal(t, "proposed", p.Errors[0].Field)
}

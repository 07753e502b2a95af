package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/learning"
	"github.com/cinnamon-qa/cinnamon/store"
)

// learned is a store with what was learned of one case.
type learned struct{}

func (learned) Reliabilities(_ context.Context, id string, _ int) ([]store.CaseReliability, error) {
	return []store.CaseReliability{{
		TestCaseID: id, Environment: "shop.test", Reliability: learning.Reliability{Runs: 9, Passed: 8, Flaky: 1, Reliability: learning.Belief{Mean: 0.8, Low: 0.6, High: 0.9}},
	}}, nil
}

func (learned) Patterns(_ context.Context, id, kind string, _ int) ([]store.Pattern, error) {
	return []store.Pattern{{Kind: kind, TestCaseID: id, Step: 3, Count: 4, Evidence: json.RawMessage(`{"error": "no such element"}`)}}, nil
}

func TestWhatWasLearnedIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var list struct {
		Items []struct {
			TestCaseID  string          `json:"testCaseId"`
			Runs        int             `json:"runs"`
			Reliability learning.Belief `json:"reliability"`
			Kind        string          `json:"kind"`
			StepNumber  int             `json:"stepNumber"`
			Evidence    map[string]any  `json:"evidence"`
		} `json:"items"`
	}
	b.read(t, http.MethodGet, "/api/reliability?testCaseId=login", "", &list)
	require.Equal(t, []any{"login", 9, 0.6}, []any{list.Items[0].TestCaseID, list.Items[0].Runs, list.Items[0].Reliability.Low})
	b.read(t, http.MethodGet, "/api/patterns?testCaseId=login&kind=failure", "", &list)
	require.Equal(t, []any{"failure", 3, "no such element"}, []any{list.Items[0].Kind, list.Items[0].StepNumber, list.Items[0].Evidence["error"]})
	code, p := b.send(t, http.MethodGet, "/api/patterns?kind=other", "")
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Equal(t, "kind", p.Errors[0].Field)
}

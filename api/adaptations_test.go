package api_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/store"
)

func TestAdaptations(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.records.adaptations = []store.Adaptation{{
		ID: "a", RunID: "run-1", Attempt: 1, Step: store.StepKey{Number: 3}, Type: store.AdaptedLocator, Successful: true, Reason: "the same caption",
		Environment: "shop.test", CreatedAt: time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC),
		Evidence: store.Evidence{
			OldLocator: "#old", NewLocator: "aria/New", Selectors: [][]string{{"aria/New"}}, Element: `button "New"`, RunnerUp: `button "Other"`, RunnerUpScore: 0.25,
			Score: 0.75, Parts: []store.ScorePart{{Name: "caption", Similarity: 1, Contribution: 0.5}}, Confidence: 0.875, Before: "shot",
		},
	}}
	var run struct {
		Adaptations []json.RawMessage `json:"adaptations"`
		Links       map[string]string `json:"links"`
	}
	s.read(t, http.MethodGet, "/api/test-runs/run-1", "", &run)
	require.Len(t, run.Adaptations, 1)
	require.Contains(t, run.Links["adaptations"], "/api/test-runs/run-1/adaptations")
	var list struct {
		Items []map[string]any `json:"items"`
	}
	s.read(t, http.MethodGet, "/api/test-runs/run-1/adaptations", "", &list)
	require.Len(t, list.Items, 1)
	shown := list.Items[0]
	shots, ok := shown["screenshots"].(map[string]any)
	require.True(t, ok)
	require.Contains(t, shots["before"], "/artifacts/shot?")
	delete(shown, "screenshots")
	text, err := json.Marshal(shown)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"a","attempt":1,"stepNumber":3,"adaptationType":"locator","reason":"the same caption","successful":true,"oldLocator":"#old",
		"newLocator":"aria/New","selectors":[["aria/New"]],"element":"button \"New\"","score":0.75,"parts":[{"name":"caption","similarity":1,"contribution":0.5}],
		"confidence":0.875,"runnerUp":{"element":"button \"Other\"","score":0.25},"environment":"shop.test","createdAt":"2026-11-03T12:00:00Z"}`, string(text))
}

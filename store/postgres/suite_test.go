package postgres_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// What a suite says of its cases is kept with the suite run, and known to each attempt.
func testSuiteRunKeepsItsConfig(t *testing.T, f *fixture) {
	f.migrated(t)
	defaults := json.RawMessage(`{"locale": "de-DE",  "extraHeaders": {"a": "\u0000"}}`)
	for i, id := range []string{"older", "newer", "of-a-suite"} {
		n := store.NewSuiteRun{SuiteRun: store.SuiteRun{
			ID: id, Title: "Smoke", WorkflowID: "suite/" + id, CreatedAt: now.Add(time.Duration(i) * time.Second), Settings: json.RawMessage(`{"attempts":2}`), Defaults: defaults,
		}, WorkflowInput: json.RawMessage(`{}`), Runs: []store.NewRun{newRun(t, "run-of-"+id, queue.Options{Attempts: 1})}}
		if id == "of-a-suite" {
			n.SuiteID, n.Settings, n.Defaults = "smoke", nil, nil
		}
		_, created, err := f.CreateSuiteRun(t.Context(), n)
		require.NoError(t, err)
		require.True(t, created)
	}
	require.Equal(t, defaults, f.claim(t, "run-of-older", 0).Defaults)
	require.Nil(t, f.claim(t, "run-of-of-a-suite", 0).Defaults)
	run, err := f.SuiteRun(t.Context(), "older")
	require.NoError(t, err)
	require.Equal(t, defaults, run.Defaults)
	require.JSONEq(t, `{"attempts":2}`, string(run.Settings))

	ids := func(of store.SuiteRunsOf, limit int) (list []string) {
		runs, err := f.SuiteRuns(t.Context(), of, limit)
		require.NoError(t, err)
		for _, r := range runs {
			require.Nil(t, r.Defaults, "lists are short")
			list = append(list, r.ID)
		}
		return list
	}
	require.Equal(t, []string{"of-a-suite", "newer", "older"}, ids(store.SuiteRunsOf{}, 10))
	require.Equal(t, []string{"newer", "older"}, ids(store.SuiteRunsOf{Title: "Smoke"}, 10), "that of the stored suite is found by its id")
	require.Equal(t, []string{"newer"}, ids(store.SuiteRunsOf{Title: "Smoke"}, 1))
	require.Equal(t, []string{"of-a-suite"}, ids(store.SuiteRunsOf{SuiteID: "smoke"}, 10))
	require.Empty(t, ids(store.SuiteRunsOf{Title: "smoke"}, 10))
}

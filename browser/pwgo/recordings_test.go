package pwgo_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testcase"
	"github.com/cinnamon-qa/cinnamon/testsite"
)

// recordedAt is the site that the recordings name; each test puts its own in its place.
const recordedAt = "https://lab.example"

// TestRecordings imports recordings as Chrome DevTools' Recorder writes them, runs them, and exports them unchanged.
func TestRecordings(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../../testcase/testdata/recordings/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(names), 30)
	site := lab(t)
	used := map[string]bool{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		recording := strings.ReplaceAll(string(text), recordedAt, site)
		c, err := testcase.Parse([]byte(recording))
		require.NoError(t, err, name)
		for _, s := range c.Steps {
			used[s.Type] = true
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			t.Parallel()
			require.JSONEq(t, recording, string(c.JSON()), "the export")
			play(t, site, c)
		})
	}
	for _, kind := range testcase.Types() {
		require.True(t, used[kind], "no recording has a step of type %s", kind)
	}
}

// lab serves the test site.
func lab(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(testsite.Handler(testsite.Options{}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// play runs all sessions of a case; every step must pass.
func play(t *testing.T, site string, c *testcase.Case) {
	t.Helper()
	parts, err := c.Plan(t.Context(), nil)
	require.NoError(t, err)
	for _, part := range parts {
		o := options(site)
		o.Config, o.Variables, o.Needs = c.Config, part.Variables, testcase.NeedsOf(part.Steps)
		session := open(t, sharedPool(t), o)
		for i, step := range part.Steps {
			step.Timeout = int(patience.Milliseconds())
			require.NoError(t, session.Do(t.Context(), step), "step %d: %s", i+1, step.Description())
		}
	}
	var played struct {
		Steps  []json.RawMessage `json:"steps"`
		Config json.RawMessage   `json:"config"`
	}
	require.NoError(t, json.Unmarshal(c.JSON(), &played))
	for _, step := range played.Steps {
		exercised.step(step)
	}
	exercised.config(played.Config)
}

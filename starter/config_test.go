package starter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// The request counts more than the case, and that more than the defaults.
func TestConfigOfTheCase(t *testing.T) {
	t.Parallel()
	large, wide := store.Viewport{Width: 1920, Height: 1080}, store.Viewport{Width: 3000, Height: 100}
	for name, test := range map[string]struct {
		config   string
		request  starter.Request
		want     store.RunConfig
		attempts int
	}{
		"defaults": {`{}`, starter.Request{}, store.RunConfig{Timeout: 35_000, Headless: true, Viewport: large}, 3},
		"the case's": {
			`{"timeout": 90000, "headless": false, "viewport": {"width": 800, "height": 600}, "retries": 0}`,
			starter.Request{},
			store.RunConfig{Timeout: 90_000, Viewport: store.Viewport{Width: 800, Height: 600}},
			1,
		},
		"the device's": {`{"device": "Pixel 7", "retries": 4}`, starter.Request{}, store.RunConfig{Timeout: 35_000, Headless: true}, 5},
		"the request's": {
			`{"timeout": 90000, "headless": false, "viewport": {"width": 800, "height": 600}, "retries": 4}`,
			starter.Request{Attempts: 2, Config: &starter.RequestConfig{Timeout: new(int64(5000)), Headless: new(true), Viewport: &wide}},
			store.RunConfig{Timeout: 5000, Headless: true, Viewport: wide},
			2,
		},
		"an environment": {
			`{"baseUrls": {"staging": "https://staging.example"}}`,
			starter.Request{Config: &starter.RequestConfig{Environment: "staging"}},
			store.RunConfig{Timeout: 35_000, Headless: true, Viewport: large, BaseURL: "https://staging.example"},
			3,
		},
		"an address beats an environment": {
			`{}`,
			starter.Request{Config: &starter.RequestConfig{Environment: "staging", BaseURL: "http://here"}},
			store.RunConfig{Timeout: 35_000, Headless: true, Viewport: large, BaseURL: "http://here"},
			3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, attempts, err := test.request.Settings(caseWith(t, `"config": `+test.config), 3)
			require.NoError(t, err)
			test.want.AdaptiveMode, test.want.MaxAdaptations = store.AdaptHeal, 5
			require.Equal(t, test.want, got)
			require.Equal(t, test.attempts, attempts)
		})
	}
	_, _, err := (&starter.Request{Config: &starter.RequestConfig{Environment: "live"}}).Settings(caseWith(t, `"config": {}`), 3)
	require.Equal(t, fault.Invalid, fault.Of(err))
	require.ErrorContains(t, err, `has no environment "live"`)
	rows, _, err := (&starter.Request{}).Settings(caseWith(t, `"data": [{"a": 1}, {"a": 2}]`), 3)
	require.NoError(t, err)
	require.Equal(t, int64(40_000), rows.Timeout, "each row has its steps")
}

func caseWith(t *testing.T, fields string) *testcase.Case {
	t.Helper()
	c, err := testcase.Parse([]byte(`{"title": "t", ` + fields + `, "steps": [{"type": "close"}]}`))
	require.NoError(t, err)
	return c
}

func TestCasesThatNameFilesAreRefused(t *testing.T) {
	t.Parallel()
	require.NoError(t, starter.RunsAlone(caseWith(t, `"config": {"storageState": {"login": {"id": "a"}}}`)))
	for _, fields := range []string{
		`"config": {"storageState": {"login": {"file": "a.json"}}}`,
		`"config": {"storageState": {"login": {"case": {"title": "x", "steps": [{"type": "customStep", "name": "runCase", "parameters": {"file": "a.json"}}]}}}}`,
	} {
		require.ErrorContains(t, starter.RunsAlone(caseWith(t, fields)), `the file "a.json", which only the command line can read`)
	}
}

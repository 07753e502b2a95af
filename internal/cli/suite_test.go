package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

const suiteFile = `{"title": "Smoke", "parallel": 3, "failFast": true, "attempts": 2, "priority": "high",
	"config": {"locale": "de-DE", "environment": "staging", "storageState": {"login": {"file": "parts/login.json"}}}}`

func TestRun_FolderWithASuiteFile(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes", "flaky")
	b.write(t, "suite.json", []byte(suiteFile))
	b.write(t, "parts/login.json", []byte(login))
	b.write(t, "deeper/suite.json", []byte(`{"title": "of no account"}`))
	code, err := b.run(t)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Len(t, b.api.suites, 1)
	body := b.api.suites[0].body
	require.Len(t, body["cases"], 3)
	delete(body, "cases")
	var logIn any
	require.NoError(t, json.Unmarshal([]byte(login), &logIn))
	require.Equal(t, map[string]any{
		"title": "Smoke", "parallel": 3.0, "failFast": true, "priority": "high",
		"defaults": map[string]any{
			"locale": "de-DE", "environment": "staging", "retries": 1.0, "storageState": map[string]any{"login": map[string]any{"case": logIn}},
		},
	}, body)
	require.Contains(t, b.stdout.String(), "suite run suite-run-1\n")
	require.NotContains(t, b.stdout.String(), "--only-failed", "all passed")

	long := strings.Repeat("x", 120) + ".json"
	b.write(t, long, caseJSON(t, "passes"))
	b.write(t, "suite.json", []byte(`{"title": "`+strings.Repeat("é", 150)+`"}`))
	b.options.Groups = []cli.Group{{Paths: []string{filepath.Join(b.dir, long)}}}
	_, err = b.run(t)
	require.NoError(t, err)
	title, ok := b.api.suites[1].body["title"].(string)
	require.True(t, ok)
	require.Len(t, []rune(title), 200)
	b.write(t, "suite.json", []byte(suiteFile))

	b.options.Parallel, b.options.Priority, b.options.Attempts = 1, "low", 5
	b.options.Groups = []cli.Group{{Paths: []string{filepath.Join(b.dir, "case-001.json")}, Environment: "live"}}
	_, err = b.run(t)
	require.NoError(t, err)
	body = b.api.suites[2].body
	require.Len(t, body["cases"], 1)
	require.Equal(t, []any{"Smoke: case-001.json", 1.0, "low", 5.0, map[string]any{"environment": "live"}},
		[]any{body["title"], body["parallel"], body["priority"], body["attempts"], body["config"]}, "flags count more")
	defaults, ok := body["defaults"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "de-DE", defaults["locale"], "the suite of a file's folder counts")
}

func TestRun_WrongSuiteFiles(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes")
	b.write(t, "suite.json", []byte(`{"titel": "x", "config": {"viewport": {"width": 5}, "locale": 5}}`))
	b.write(t, "other/suite.json", []byte(`{"config": {"artifacts": {"trace": "always"}, "storageState": {"login": {"file": "nowhere.json"}}}}`))
	b.write(t, "other/a.json", caseJSON(t, "a"))
	b.options.Groups = []cli.Group{{Paths: []string{b.dir, filepath.Join(b.dir, "other"), filepath.Join(b.dir, "suite.json")}}}
	code, err := b.run(t)
	require.Equal(t, cli.ExitUsage, code)
	for _, part := range []string{
		"titel is not known and has no effect; do you mean title?", "config.viewport.height is missing", "config.locale must be a text",
		`config.artifacts.trace "always" is no policy`, "config.storageState.login.file nowhere.json: no such file",
		"this file is no test case, it says how those of its folder run: name the folder",
	} {
		require.ErrorContains(t, err, part)
	}
	requests, _, _ := b.api.counts()
	require.Zero(t, requests)

	var out bytes.Buffer
	code, err = cli.Lint(cli.LintOptions{Paths: []string{b.dir}, Stdout: &out})
	require.NoError(t, err)
	require.Equal(t, cli.ExitUsage, code)
	require.Contains(t, out.String(), filepath.Join(b.dir, "suite.json")+":1: error: titel is not known")
	require.Contains(t, out.String(), filepath.Join(b.dir, "other", "suite.json")+": error: config.artifacts.trace")
	require.NotContains(t, out.String(), "steps is missing", "a suite file is no case")
}

// Only what did not pass runs again, as the files are now, and again only what still does not pass.
func TestRun_OnlyFailedOfAFolder(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes", "fails", "stopped", "fails too")
	b.options.OnlyFailed = cli.Latest
	code, err := b.run(t)
	require.Equal(t, cli.ExitUsage, code)
	require.ErrorContains(t, err, "has never run yet: run it without --only-failed first")

	b.options.OnlyFailed, b.options.Parallel = "", 2
	code, err = b.run(t)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code)
	require.Contains(t, b.stdout.String(), "To run again only what did not pass, add --only-failed.")

	b.stdout.Reset()
	b.write(t, "case-003.json", caseJSON(t, "passes by another name"))
	b.options.OnlyFailed = cli.Latest
	code, err = b.run(t)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code)
	require.Equal(t, []string{"fails", "stopped"}, titlesOf(b.api.suites[1]))
	require.Contains(t, b.stdout.String(), `"fails too", which did not pass in suite run suite-run-1, is not in `)

	b.options.OnlyFailed = "suite-run-1"
	_, err = b.run(t)
	require.NoError(t, err)
	require.Equal(t, []string{"fails", "stopped"}, titlesOf(b.api.suites[2]))

	b.options.OnlyFailed = "suite-run-9"
	code, err = b.run(t)
	require.Equal(t, cli.ExitUsage, code)
	require.ErrorContains(t, err, `there is no suite run "suite-run-9"`)
	for _, name := range []string{"case-001.json", "case-002.json"} {
		b.write(t, name, caseJSON(t, "passes "+name))
	}
	b.options.OnlyFailed = cli.Latest
	code, err = b.run(t)
	require.Equal(t, cli.ExitUsage, code)
	require.ErrorContains(t, err, "none of the 2 tests is there any more that did not pass")

	b.options.OnlyFailed = ""
	_, err = b.run(t)
	require.NoError(t, err)
	b.options.OnlyFailed, b.options.Output = cli.Latest, cli.OutputJSON
	b.stdout.Reset()
	code, err = b.run(t)
	require.NoError(t, err)
	require.Zero(t, code, "there is nothing to do, and nothing wrong")
	require.Contains(t, b.stderr.String(), "Nothing is to be run again: all 4 tests of suite run suite-run-4 passed.")
	require.JSONEq(t, `0`, string(documentOf(t, b)["exitCode"]))
}

func titlesOf(s *fakeSuite) []string {
	titles := make([]string, len(s.runs))
	for i, run := range s.runs {
		titles[i] = run.title
	}
	return titles
}

func documentOf(t *testing.T, b *bundle) map[string]json.RawMessage {
	t.Helper()
	var doc map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(b.stdout.Bytes(), &doc))
	return doc
}

func TestRun_StoredSuite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.api.stored["smoke"] = []string{"passes", "fails"}
	for i := range 240 {
		b.api.stored["smoke"] = append(b.api.stored["smoke"], "passes "+strings.Repeat("i", i))
	}
	b.options.Groups, b.options.Suite = nil, "smoke"
	b.options.Target = cli.Group{BaseURL: "http://here", Environment: "live"}
	b.options.Parallel, b.options.UserID = 2, "ada"
	code, err := b.run(t)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code)
	require.Equal(t, map[string]any{"userId": "ada", "parallel": 2.0, "config": map[string]any{"baseUrl": "http://here", "environment": "live"}}, b.api.suites[0].body)
	out := b.stdout.String()
	require.Contains(t, out, "241 passed, 1 failed in ")
	require.Contains(t, out, "case        case-of-suite-run-1-1\n")
	require.Contains(t, out, "To run again only what did not pass: cinnamon suite run smoke --only-failed\n")

	b.stdout.Reset()
	b.options.OnlyFailed, b.options.Output = cli.Latest, cli.OutputJSON
	code, err = b.run(t)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code)
	require.Equal(t, "suite-run-1", b.api.suites[1].body["failedOf"])
	var runs []struct{ File, Title, TestCaseID, SuiteRunID string }
	require.NoError(t, json.Unmarshal(documentOf(t, b)["runs"], &runs))
	require.Len(t, runs, 1)
	require.Equal(t, []string{"", "fails", "case-of-suite-run-2-0", "suite-run-2"}, []string{runs[0].File, runs[0].Title, runs[0].TestCaseID, runs[0].SuiteRunID})

	b.options.Suite, b.options.OnlyFailed, b.options.Output = "", "suite-run-2", ""
	b.options.Detach = true
	b.stdout.Reset()
	code, err = b.run(t)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Contains(t, b.stdout.String(), "suite-run-3-0  fails\n")

	b.options.Suite, b.options.OnlyFailed = "nothing", ""
	code, err = b.run(t)
	require.Equal(t, cli.ExitUsage, code)
	require.ErrorContains(t, err, `there is no suite "nothing"`)
	b.options.Suite, b.options.OnlyFailed = "", cli.Latest
	code, err = b.run(t)
	require.Equal(t, cli.ExitUsage, code)
	require.ErrorContains(t, err, "name the suite")
}

func TestRun_InterruptCancelsTheSuiteRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.api.stored["smoke"] = []string{"endless", "endless too"}
	b.options.Groups, b.options.Suite = nil, "smoke"
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	b.api.intercept = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		if r.Method == http.MethodGet && r.URL.Path == "/api/test-runs" {
			interrupt()
		}
		return false
	}
	code, err := b.runUntil(ctx)
	require.NoError(t, err)
	require.Equal(t, cli.ExitInterrupted, code)
	require.True(t, b.api.suites[0].cancelled)
	_, _, cancels := b.api.counts()
	require.Zero(t, cancels, "the runs are cancelled with it")
}

func TestSuiteCommands(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes", "fails")
	b.write(t, "suite.json", []byte(`{"parallel": 3, "attempts": 2, "config": {"locale": "de-DE"}}`))
	b.write(t, "account/sign in.json", []byte(login))
	var out bytes.Buffer
	o := cli.SuiteOptions{APIURL: b.api.url + "/", APIKey: apiKey, Stdout: &out}
	require.NoError(t, cli.SaveSuite(t.Context(), o, "smoke", b.dir))
	title := filepath.Base(b.dir)
	require.Equal(t, title+" with 3 cases is stored as smoke: cinnamon suite run smoke runs it.\n", out.String())
	require.Contains(t, b.api.saved, "/api/test-cases/smoke.account.sign-in")
	require.Equal(t, map[string]any{
		"title": title, "cases": []any{"smoke.account.sign-in", "smoke.case-000", "smoke.case-001"}, "parallel": 3.0,
		"config": map[string]any{"locale": "de-DE", "retries": 1.0},
	}, b.api.saved["/api/suites/smoke"])
	b.write(t, "account/sign-in.json", []byte(`{}`))
	err := cli.SaveSuite(t.Context(), o, "smoke", b.dir)
	require.Equal(t, cli.ExitUsage, cli.CodeOf(err))
	require.ErrorContains(t, err, "nothing was stored: ")
	require.ErrorContains(t, err, `another file is stored as "smoke.account.sign-in" as well`)

	out.Reset()
	require.NoError(t, cli.ListSuites(t.Context(), o))
	require.Regexp(t, `^SUITE  TITLE  CASES  CHANGED\nsmoke  Smoke  2      2026-01-0[123] \d\d:\d\d\n$`, out.String())
	out.Reset()
	require.NoError(t, cli.ListSuiteRuns(t.Context(), o, "", 20))
	require.Contains(t, out.String(), "No suite has run yet.")
	b.api.stored["smoke"] = []string{"passes", "fails"}
	b.options.Groups, b.options.Suite = nil, "smoke"
	_, err = b.run(t)
	require.NoError(t, err)
	out.Reset()
	require.NoError(t, cli.ListSuiteRuns(t.Context(), o, "smoke", 20))
	require.Contains(t, out.String(), "suite-run-1")
	require.Contains(t, out.String(), "1/2")
	out.Reset()
	o.JSON = true
	require.NoError(t, cli.ListSuiteRuns(t.Context(), o, "smoke", 20))
	var doc struct{ SuiteRuns []struct{ SuiteRunID string } }
	require.NoError(t, json.Unmarshal(out.Bytes(), &doc))
	require.Equal(t, "suite-run-1", doc.SuiteRuns[0].SuiteRunID)
	require.NoError(t, cli.CancelSuiteRun(t.Context(), o, "suite-run-1"))
	require.True(t, b.api.suites[0].cancelled)
	require.Equal(t, cli.ExitUsage, cli.CodeOf(cli.CancelSuiteRun(t.Context(), o, "nothing")))
}

package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// fakeLocators answers as the API does for learned locators; number 9 was rejected by somebody else.
type fakeLocators struct {
	t       *testing.T
	queries []string
	bodies  []map[string]string
	matches []string
	hash    string
}

func newLocators(t *testing.T) (*bundle, *fakeLocators) {
	t.Helper()
	b := setup(t)
	f := &fakeLocators{t: t}
	b.api.intercept = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		one := map[string]any{
			"id": 7, "testCaseId": "checkout", "environment": "shop.test", "stepNumber": 2, "status": "proposed", "oldLocator": "#pay", "newLocator": "text/Pay \x1b[1mnow",
			"selectors": [][]string{{"text/Pay now"}, {"#host", "b"}}, "passed": 3, "updatedAt": time.Now().Add(-2 * time.Hour),
		}
		var answer any
		switch r.Method + " " + r.URL.Path {
		case "GET /api/locators":
			f.queries = append(f.queries, r.URL.RawQuery)
			one["stepHash"] = f.hash
			answer = map[string]any{"items": []any{one}, "total": 4}
		case "GET /api/locators/7":
			one["heal"] = map[string]any{
				"testRunId": "run-1", "reason": "the same caption", "element": `button "Pay now"`, "confidence": 0.987, "score": 0.7,
				"runnerUp": map[string]any{"element": `link "Pay later"`, "score": 0.3}, "screenshots": map[string]any{"before": "/shot"},
			}
			one["runs"] = []any{map[string]any{"testRunId": "run-2"}}
			one["decisions"] = []any{map[string]any{"id": 5, "from": "promoted", "to": "proposed", "by": "ada", "undoes": 4, "reason": "not sure", "decidedAt": time.Now()}}
			answer = one
		case "POST /api/locators/7/approve", "POST /api/locators/7/rollback":
			var body map[string]string
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			f.bodies, f.matches = append(f.bodies, body), append(f.matches, r.Header.Get("If-Match"))
			one["status"] = "promoted"
			answer = one
		case "GET /api/locators/8":
			w.WriteHeader(http.StatusNotFound)
			answer = map[string]any{"code": "not_found", "detail": "there is no learned locator 8"}
		case "POST /api/locators/9/approve":
			w.WriteHeader(http.StatusConflict)
			answer = map[string]any{"code": "conflict", "detail": "learned locator 9 was rejected"}
		default:
			return false
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
		return true
	}
	return b, f
}

func TestLocatorsAreListedAndShown(t *testing.T) {
	t.Parallel()
	b, f := newLocators(t)
	o := cli.LocatorOptions{SuiteOptions: cli.SuiteOptions{APIURL: b.api.url, APIKey: apiKey, Stdout: &b.stdout}, Case: "checkout", Status: "proposed", Limit: 1}
	code, err := cli.ListLocators(t.Context(), o)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Equal(t, "limit=1&status=proposed&testCaseId=checkout", f.queries[0])
	require.Equal(t, "ID  STATUS    CASE      STEP  LOCATOR          IN PLACE OF  PASSED  DECIDED BY  CHANGED\n"+
		"7   proposed  checkout  2     text/Pay [1mnow  #pay         3                   2h 00m ago\n"+
		"\n1 of 4 learned locators; more: --after 7\n", b.stdout.String())

	b.stdout.Reset()
	code, err = cli.ShowLocator(t.Context(), o, "7")
	require.NoError(t, err)
	require.Zero(t, code)
	require.Equal(t, `locator       7, proposed
case          checkout, step 2, on shop.test
found by      text/Pay now
              #host >> b
in place of   #pay
passed        3 runs
              run-2
heal          run run-1: the same caption
element       button "Pay now", 99 % sure
runner-up     link "Pay later", score 0.30 of 0.70
before        `+b.api.url+`/shot
decision 5    promoted → proposed by ada, just now, undoes 4: not sure
`, b.stdout.String())

	b.stdout.Reset()
	o.JSON = true
	_, err = cli.ShowLocator(t.Context(), o, "7")
	require.NoError(t, err)
	require.True(t, json.Valid(b.stdout.Bytes()))
	code, err = cli.ShowLocator(t.Context(), o, "8")
	require.Error(t, err)
	require.Equal(t, cli.ExitUsage, code)
}

func TestLocatorsAreDecided(t *testing.T) {
	t.Parallel()
	b, f := newLocators(t)
	var stderr bytes.Buffer
	o := cli.LocatorDecision{
		SuiteOptions: cli.SuiteOptions{APIURL: b.api.url, APIKey: apiKey, Stdout: &b.stdout}, Stderr: &stderr,
		Verb: "approve", IDs: []string{"9", "7"}, By: "ada", Reason: "renamed", Expected: "proposed",
	}
	code, err := cli.DecideLocators(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code, "one was refused")
	require.Equal(t, "9: the API refused it: learned locator 9 was rejected\n", stderr.String())
	require.Equal(t, "7 is promoted: step 2 of checkout, text/Pay [1mnow\n", b.stdout.String())
	require.Equal(t, map[string]string{"by": "ada", "reason": "renamed", "expected": "proposed"}, f.bodies[0])

	o.Verb, o.IDs, o.Decision = "rollback", []string{"7"}, "5"
	code, err = cli.DecideLocators(t.Context(), o)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Equal(t, []string{"", "5"}, f.matches)

	o.By = " "
	code, err = cli.DecideLocators(t.Context(), o)
	require.ErrorContains(t, err, "--by")
	require.Equal(t, cli.ExitUsage, code)
}

func TestCaseFileIsPatched(t *testing.T) {
	t.Parallel()
	b, f := newLocators(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "pay.json")
	text := "{\n  \"title\": \"Pays, at once\",\n  \"steps\": [\n    {\"type\": \"scroll\"},\n    {\"type\": \"click\", \"selectors\": [\"#pay\"]}\n  ]\n}\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	parsed, err := testcase.Parse([]byte(text))
	require.NoError(t, err)
	f.hash = parsed.Steps[1].TargetHash()
	var stderr bytes.Buffer
	o := cli.PatchOptions{SuiteOptions: cli.SuiteOptions{APIURL: b.api.url, APIKey: apiKey, Stdout: &b.stdout}, Stderr: &stderr, File: file}
	patch := func() {
		t.Helper()
		b.stdout.Reset()
		stderr.Reset()
		code, err := cli.Patch(t.Context(), o)
		require.NoError(t, err)
		require.Zero(t, code)
	}
	patch()
	require.Equal(t, "limit=200&status=promoted&testCaseId=inline-pays-at-once", f.queries[0])
	require.Contains(t, b.stdout.String(), "-    {\"type\": \"click\", \"selectors\": [\"#pay\"]}\n"+
		"+    {\"type\": \"click\", \"selectors\": [\"text/Pay now\", [\"#host\", \"b\"], \"#pay\"]}\n")
	require.Empty(t, stderr.String())
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, text, string(got))

	o.Write, o.Proposed, o.Case = true, true, "checkout"
	patch()
	require.Equal(t, file+" has better selectors for 1 step.\n", stderr.String())
	require.Equal(t, []string{"limit=200&status=promoted&testCaseId=checkout", "limit=200&status=proposed&testCaseId=checkout"}, f.queries[1:])
	got, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, strings.Replace(text, `["#pay"]`, `["text/Pay now", ["#host", "b"], "#pay"]`, 1), string(got))
	patch()
	require.Equal(t, file+": left as it is: step 2 was changed since, or is another one now\n", stderr.String())

	o.File = filepath.Join(dir, "gone.json")
	code, err := cli.Patch(t.Context(), o)
	require.ErrorContains(t, err, "no such file")
	require.Equal(t, cli.ExitUsage, code)
}

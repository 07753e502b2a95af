package cli_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

func TestFailuresInQuarantineDoNotCount(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes", "quarantined and failing")
	code, err := b.run(t)
	require.NoError(t, err)
	require.Equal(t, cli.ExitPassed, code)
	text := b.text(b.stdout.String())
	require.Contains(t, text, "1 passed, 1 quarantined in TIME")
	require.Contains(t, text, "quarantine  its failures do not count")
	require.Contains(t, text, `expected "12.00", found "13.00"`)

	b = setup(t, "quarantined and failing", "fails")
	b.options.Output = cli.OutputJSON
	code, err = b.run(t)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code, "others' failures do")
	var doc struct {
		Summary map[string]int   `json:"summary"`
		Runs    []map[string]any `json:"runs"`
	}
	require.NoError(t, json.Unmarshal(b.stdout.Bytes(), &doc))
	require.Equal(t, []int{1, 1}, []int{doc.Summary["failed"], doc.Summary["quarantined"]})
	require.Equal(t, []any{"quarantined", "failed", true}, []any{doc.Runs[0]["result"], doc.Runs[0]["status"], doc.Runs[0]["quarantined"]})
}

func TestQuarantineIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t, "Buys a shirt")
	var asked []string
	var body map[string]any
	b.api.intercept = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		one := map[string]any{
			"testCaseId": "checkout", "reason": "slow\nsandbox", "by": "ada", "passes": 10, "passed": 4, "runs": 9, "failed": 2, "since": time.Now().Add(-3 * time.Hour),
		}
		var answer any = one
		switch r.Method + " " + r.URL.RequestURI() {
		case "PUT /api/test-cases/checkout/quarantine", "PUT /api/test-cases/inline-buys-a-shirt/quarantine":
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}
		case "DELETE /api/test-cases/checkout/quarantine":
			w.WriteHeader(http.StatusNoContent)
			return true
		case "GET /api/quarantine?after=":
			answer = map[string]any{"items": []any{one}}
		case "GET /api/quarantine?after=checkout":
			answer = map[string]any{"items": []any{}}
		default:
			return false
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
		return true
	}
	o := cli.QuarantineOptions{
		SuiteOptions: cli.SuiteOptions{APIURL: b.api.url, APIKey: apiKey, Stdout: &b.stdout}, Cases: []string{"checkout", filepath.Join(b.dir, "case-000.json")},
		By: "ada", Reason: "slow sandbox",
	}
	code, err := cli.Quarantine(t.Context(), o)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Len(t, asked, 2)
	require.Equal(t, map[string]any{"by": "ada", "reason": "slow sandbox"}, body)
	require.Contains(t, b.stdout.String(), "checkout is in quarantine: its failures fail no suite until it has passed 10 times in a row.\ninline-buys-a-shirt is")

	b.stdout.Reset()
	code, err = cli.ListQuarantine(t.Context(), o.SuiteOptions)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Equal(t, "CASE      PASSED   RUNS  FAILED  BY   SINCE       REASON\n"+
		"checkout  4 of 10  9     2       ada  3h 00m ago  slow sandbox\n", b.stdout.String())

	o.Cases, o.Remove = []string{"checkout"}, true
	code, err = cli.Quarantine(t.Context(), o)
	require.NoError(t, err)
	require.Zero(t, code)
	code, err = cli.Quarantine(t.Context(), cli.QuarantineOptions{SuiteOptions: o.SuiteOptions, Cases: []string{"gone.json"}, Remove: true})
	require.ErrorContains(t, err, "no such file")
	require.Equal(t, cli.ExitUsage, code)
	code, err = cli.Quarantine(t.Context(), cli.QuarantineOptions{SuiteOptions: o.SuiteOptions, Cases: []string{"checkout"}, By: "ada"})
	require.ErrorContains(t, err, "--reason")
	require.Equal(t, cli.ExitUsage, code)
}

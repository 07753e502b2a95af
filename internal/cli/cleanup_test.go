package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

// answering has the API answer requests of the clean-up, each with the next of its answers, and keeps what was asked.
func answering(t *testing.T, b *bundle, answers map[string][]string) *[]string {
	t.Helper()
	var asked []string
	b.api.intercept = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		key := r.Method + " " + r.URL.RequestURI()
		left := answers[key]
		if len(left) == 0 {
			return false
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, key+" "+string(body))
		if len(left) > 1 {
			answers[key] = left[1:]
		}
		answer(w, json.RawMessage(left[0]))
		return true
	}
	return &asked
}

func cleanupOptions(b *bundle) cli.CleanupOptions {
	return cli.CleanupOptions{
		APIURL: b.api.url, APIKey: apiKey, Stdout: &b.stdout, Stderr: &b.stderr, OlderThanDays: -1, PollInterval: time.Millisecond,
	}
}

const cleaned = `{"cleanupId": "c1", "status": "completed", "report": {
	"removed": {"runs": {"count": 2, "bytes": 2048}, "fingerprints": {"count": 7, "bytes": 0}}, "total": {"count": 9, "bytes": 2048},
	"held": 1, "problems": ["Redis: it is away"], "startedAt": "2026-11-03T02:00:00Z", "finishedAt": "2026-11-03T02:00:01.5Z"}}`

func TestCleanupReportsWhatWent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := answering(t, b, map[string][]string{
		"POST /api/cleanups": {`{"cleanupId": "c1", "status": "waiting"}`},
		"GET /api/cleanups/c1": {
			`{"status": "waiting"}`, `{"status": "active", "progress": {"percentage": 15, "message": "files: removed 2 things so far"}}`, cleaned,
		},
	})
	o := cleanupOptions(b)
	o.OlderThanDays = 14
	code, err := cli.Cleanup(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, cli.ExitPassed, code)
	require.Equal(t, `POST /api/cleanups {"dryRun":false,"olderThanDays":14}`, (*asked)[0])
	require.Equal(t, "Waiting for a worker\n 15%  files: removed 2 things so far\n", b.stderr.String())
	require.Equal(t, `Removed:
  fingerprints                  7
  runs                          2     2.0 KiB
  in all                        9     2.0 KiB
Kept, as they are held: 1 run.
Not cleaned up: Redis: it is away
It took 1.5s. Clean-up c1
`, b.stdout.String())
}

func TestCleanupThatOnlyLooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := answering(t, b, map[string][]string{
		"POST /api/cleanups":   {`{"cleanupId": "c1"}`},
		"GET /api/cleanups/c1": {`{"status": "completed", "dryRun": true, "report": {"removed": {}}}`},
	})
	o := cleanupOptions(b)
	o.DryRun = true
	code, err := cli.Cleanup(t.Context(), o)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Equal(t, `POST /api/cleanups {"dryRun":true}`, (*asked)[0])
	require.Contains(t, b.stdout.String(), "Would remove nothing: nothing is old enough, or too much.\n")

	b.stdout.Reset()
	o.JSON = true
	code, err = cli.Cleanup(t.Context(), o)
	require.NoError(t, err)
	require.Zero(t, code)
	require.True(t, json.Valid(b.stdout.Bytes()), b.stdout.String())
}

func TestCleanupThatFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answering(t, b, map[string][]string{
		"POST /api/cleanups":   {`{"cleanupId": "c1"}`},
		"GET /api/cleanups/c1": {`{"status": "failed", "error": "Postgres is away"}`},
	})
	code, err := cli.Cleanup(t.Context(), cleanupOptions(b))
	require.ErrorContains(t, err, "the clean-up failed: Postgres is away")
	require.Equal(t, cli.ExitPlatform, code)
	require.Empty(t, b.stdout.String())
}

func TestHoldAndRelease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := answering(t, b, map[string][]string{
		"POST /api/test-runs/r1/hold": {`{}`}, "POST /api/test-runs/r2/hold": {`{}`}, "PUT /api/held-tags/release-1.4": {`{}`},
		"POST /api/test-runs/r1/release": {`{}`}, "DELETE /api/held-tags/release-1.4": {`{}`},
		"GET /api/holds?limit=200": {`{"items": [{"testRunId": "r1", "title": "Log in", "as": "lawsuit-42", "heldSince": "2026-01-01T00:00:00Z"}]}`},
		"GET /api/held-tags":       {`{"items": [{"tag": "release-1.4", "runs": 2, "as": "audit", "heldSince": "2026-01-01T00:00:00Z"}]}`},
	})
	o := cli.HoldOptions{APIURL: b.api.url, APIKey: apiKey, Stdout: &b.stdout, Runs: []string{"r1", "r2"}, Tag: "release-1.4", As: "lawsuit-42"}
	hold := func() {
		code, err := cli.Hold(t.Context(), o)
		require.NoError(t, err)
		require.Zero(t, code)
	}
	hold()
	require.Equal(t, "Held: tag release-1.4\nHeld: r1\nHeld: r2\n", b.stdout.String())
	o.Runs, o.Release = o.Runs[:1], true
	hold()
	require.Contains(t, b.stdout.String(), "Released: tag release-1.4\nReleased: r1\n")
	require.Equal(t, []string{
		`PUT /api/held-tags/release-1.4 {"as":"lawsuit-42"}`, `POST /api/test-runs/r1/hold {"as":"lawsuit-42"}`, `POST /api/test-runs/r2/hold {"as":"lawsuit-42"}`,
		`DELETE /api/held-tags/release-1.4 `, `POST /api/test-runs/r1/release `,
	}, *asked)

	b.stdout.Reset()
	o = cli.HoldOptions{APIURL: b.api.url, APIKey: apiKey, Stdout: &b.stdout}
	hold()
	lines := strings.Split(b.stdout.String(), "\n")
	require.Regexp(t, `^tag release-1\.4 +.* ago  2 runs  audit$`, lines[0])
	require.Regexp(t, `^r1 +.* ago  Log in  lawsuit-42$`, lines[1])
}

func TestRunsThatAreNotThereCannotBeHeld(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.api.intercept = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		answerProblem(w, http.StatusNotFound, `there is no test run "r9"`)
		return true
	}
	code, err := cli.Hold(t.Context(), cli.HoldOptions{APIURL: b.api.url, APIKey: apiKey, Stdout: &b.stdout, Runs: []string{"r9"}})
	require.ErrorContains(t, err, `there is no test run "r9"`)
	require.Equal(t, cli.ExitUsage, code)
}

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// bundle is one invocation against a fake API.
type bundle struct {
	api            *fakeAPI
	dir            string
	options        cli.Options
	stdout, stderr bytes.Buffer
	outage, grace  time.Duration
}

// setup writes a case per title into a folder and points an invocation at it.
func setup(t *testing.T, titles ...string) *bundle {
	t.Helper()
	b := &bundle{api: newFakeAPI(t), dir: t.TempDir(), outage: 10 * time.Second, grace: 10 * time.Second}
	for i, title := range titles {
		b.write(t, "case-"+strconv.Itoa(1000 + i)[1:]+".json", caseJSON(t, title))
	}
	b.options = cli.Options{
		APIURL: b.api.url, APIKey: apiKey, Groups: []cli.Group{{Paths: []string{b.dir}}}, Stdout: &b.stdout, Stderr: &b.stderr,
	}
	return b
}

func (b *bundle) write(t *testing.T, name string, data []byte) {
	t.Helper()
	path := filepath.Join(b.dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

func (b *bundle) run(t *testing.T) (int, error) {
	t.Helper()
	return b.runUntil(t.Context())
}

func (b *bundle) runUntil(ctx context.Context) (int, error) {
	return cli.RunFast(ctx, b.options, b.outage, b.grace)
}

// text returns the output with what differs from run to run replaced.
func (b *bundle) text(s string) string {
	s = strings.ReplaceAll(s, b.api.url, "http://api.test")
	s = strings.ReplaceAll(s, b.dir, "DIR")
	return regexp.MustCompile(`(?m) in [0-9.]+m?s(, interrupted)?$`).ReplaceAllString(s, " in TIME$1")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update to write it")
	require.Equal(t, string(want), got)
}

func TestRun_ExitCodes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		titles []string
		code   int
		last   string
		err    string
	}{
		"all pass":        {titles: []string{"passes", "passes too"}, code: cli.ExitPassed, last: "2 passed in TIME"},
		"flaky passes":    {titles: []string{"flaky"}, code: cli.ExitPassed, last: "1 passed (1 flaky) in TIME"},
		"adapted passes":  {titles: []string{"adapted", "flaky", "passes"}, code: cli.ExitPassed, last: "3 passed (1 flaky, 1 adapted) in TIME"},
		"one fails":       {titles: []string{"passes", "fails"}, code: cli.ExitFailed, last: "1 passed, 1 failed in TIME"},
		"cancelled":       {titles: []string{"stopped"}, code: cli.ExitFailed, last: "1 cancelled in TIME"},
		"one is refused":  {titles: []string{"passes", "refused"}, code: cli.ExitUsage, last: "1 passed, 1 not started in TIME", err: "1 of 2 test cases could not be started"},
		"all are refused": {titles: []string{"refused", "refused too"}, code: cli.ExitUsage, err: "steps[0].url: is not allowed"},
		"one vanishes":    {titles: []string{"vanishes", "passes"}, code: cli.ExitPlatform, last: "1 passed, 1 unknown in TIME", err: "the end of 1 run is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, test.titles...)
			code, err := b.run(t)
			require.Equal(t, test.code, code)
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.err)
			}
			lines := strings.Split(strings.TrimSpace(b.text(b.stdout.String())), "\n")
			require.Equal(t, test.last, lines[len(lines)-1])
			require.Empty(t, b.stderr.String())
		})
	}
}

func TestRun_OnAdapted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		policy string
		titles []string
		code   int
		says   string
	}{
		"pass":            {policy: cli.AdaptedPass, titles: []string{"adapted"}, code: cli.ExitPassed},
		"warn":            {policy: cli.AdaptedWarn, titles: []string{"adapted"}, code: cli.ExitPassed, says: "Warning: 1 test passed only because"},
		"fail":            {policy: cli.AdaptedFail, titles: []string{"adapted", "passes"}, code: cli.ExitAdapted, says: "1 test passed only because"},
		"none is adapted": {policy: cli.AdaptedFail, titles: []string{"flaky"}, code: cli.ExitPassed},
		"one fails":       {policy: cli.AdaptedFail, titles: []string{"adapted", "fails"}, code: cli.ExitFailed, says: "1 test passed only because"},
		"unknown":         {policy: "ignore", titles: []string{"adapted"}, code: cli.ExitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, test.titles...)
			b.options.OnAdapted = test.policy
			code, err := b.run(t)
			require.Equal(t, test.code, code)
			require.Equal(t, test.code == cli.ExitUsage, err != nil)
			require.Contains(t, b.stdout.String(), test.says)
			require.Equal(t, test.says != "", strings.Contains(b.stdout.String(), "passed only because"))
		})
	}
}

func TestRun_PlainOutput(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes", "flaky", "adapted", "fails", "stopped", "passes 送货地址\x1b[31m\nred")
	// One after the other, so that the order of the lines is always the same.
	b.options.Groups = nil
	for i := range 6 {
		b.options.Groups = append(b.options.Groups, cli.Group{Paths: []string{filepath.Join(b.dir, "case-00"+strconv.Itoa(i)+".json")}})
	}
	code, err := b.run(t)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code)
	golden(t, "plain.txt", b.text(b.stdout.String()))
}

func TestRun_TableFitsWidth(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes with a title that is much longer than the terminal is wide, and then some more of it", "flaky")
	b.options.Width = 72
	_, err := b.run(t)
	require.NoError(t, err)
	_, table, found := strings.Cut(b.stdout.String(), "\n\n")
	require.True(t, found)
	for line := range strings.Lines(table) {
		require.LessOrEqual(t, len([]rune(strings.TrimSpace(line))), 72)
	}
	require.Contains(t, table, "run-1")
}

func TestRun_JSON(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes", "fails")
	b.options.Output = cli.OutputJSON
	code, err := b.run(t)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code)
	require.Contains(t, b.stderr.String(), "attempt 2  fails, after: expected")

	var document struct {
		ExitCode int
		Summary  struct{ Total, Passed, Failed int }
		Runs     []struct {
			File, Title, Result, TestRunID, Error string
			Attempt                               int
			FailedStep                            *struct {
				Number     int
				Screenshot string
			}
			Artifacts []struct{ Kind, Download, Viewer string }
			Links     struct{ Self, Temporal string }
		}
	}
	require.NoError(t, json.Unmarshal(b.stdout.Bytes(), &document))
	require.Equal(t, cli.ExitFailed, document.ExitCode)
	require.Equal(t, 2, document.Summary.Total)
	require.Equal(t, 1, document.Summary.Passed)
	require.Equal(t, 1, document.Summary.Failed)
	failed := document.Runs[1]
	require.Equal(t, "failed", failed.Result)
	require.Equal(t, `expected "12.00", found "13.00"`, failed.Error)
	require.Equal(t, 2, failed.FailedStep.Number, "the failed step of the newest attempt")
	require.Equal(t, b.api.url+"/api/test-runs/"+failed.TestRunID+"/artifacts/3-2", failed.FailedStep.Screenshot)
	require.Equal(t, b.api.url+"/api/test-runs/"+failed.TestRunID, failed.Links.Self)
	require.Len(t, failed.Artifacts, 2, "those of the newest attempt")
	require.Equal(t, []string{"trace", b.api.url + "/trace/3"}, []string{failed.Artifacts[0].Kind, failed.Artifacts[0].Viewer})
	require.Contains(t, failed.Artifacts[1].Download, b.api.url+"/api/test-runs/"+failed.TestRunID+"/artifacts/console-3?signature=")
}

func TestRun_JSONOfErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.write(t, "broken.json", []byte(`{"title": "broken", "steps": [{"type": "click"}]}`))
	b.options.Output = cli.OutputJSON
	code, err := b.run(t)
	require.Error(t, err)
	require.Equal(t, cli.ExitUsage, code)
	var document struct {
		ExitCode int
		Error    string
		Problems []struct {
			File  string
			Step  int
			Field string
		}
		Runs []any
	}
	require.NoError(t, json.Unmarshal(b.stdout.Bytes(), &document))
	require.Equal(t, cli.ExitUsage, document.ExitCode)
	require.Equal(t, err.Error(), document.Error)
	require.Len(t, document.Problems, 1)
	require.Equal(t, filepath.Join(b.dir, "broken.json"), document.Problems[0].File)
	require.Equal(t, 1, document.Problems[0].Step)
	require.Equal(t, "selectors", document.Problems[0].Field)
	require.NotNil(t, document.Runs)
}

func TestRun_InvalidFilesStartNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes")
	b.write(t, "sub/a.json", []byte(`{"steps": [{"type": "click"}, {"type": "fly"}]}`))
	b.write(t, "sub/b.json", []byte(`{"title": `))
	require.NoError(t, os.Mkdir(filepath.Join(b.dir, "empty"), 0o700))
	b.options.Groups = append(b.options.Groups, cli.Group{Paths: []string{filepath.Join(b.dir, "nowhere.json"), filepath.Join(b.dir, "empty")}})
	code, err := b.run(t)
	require.Equal(t, cli.ExitUsage, code)
	require.ErrorContains(t, err, "nothing was started: 4 of 5 files can't be used")
	for _, part := range []string{"a.json\n    ", "step 1 (click): selectors", "step 2", "title", "b.json\n    ", "nowhere.json\n    no such file or folder", "empty\n    there is no *.json"} {
		require.ErrorContains(t, err, part)
	}
	requests, _, _ := b.api.counts()
	require.Zero(t, requests)
}

func TestRun_WrongOptions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.options = cli.Options{
		APIURL: "localhost:8080", Output: "xml", Priority: "soon", Attempts: -1, Timeout: -time.Second,
		Groups: []cli.Group{{BaseURL: "shop"}}, Stdout: &b.stdout, Stderr: &b.stderr,
	}
	code, err := b.run(t)
	require.Equal(t, cli.ExitUsage, code)
	for _, part := range []string{"CINNAMON_API_URL", "output", "priority", "attempts", "timeout", "base URL", "no test case"} {
		require.ErrorContains(t, err, part)
	}
}

func TestRun_SendsOptions(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes")
	b.options.Groups[0].BaseURL = "http://127.0.0.1:8091"
	b.options.Priority, b.options.Attempts, b.options.Timeout, b.options.UserID = "20", 5, 90*time.Second, "ada"
	code, err := b.run(t)
	require.NoError(t, err)
	require.Zero(t, code)
	body := b.api.starts[0]
	delete(body, "case")
	require.Equal(t, map[string]any{
		"priority": 20.0, "attempts": 5.0, "userId": "ada", "config": map[string]any{"timeout": 90000.0, "baseUrl": "http://127.0.0.1:8091"},
	}, body)
}

func TestRun_GroupsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes 1", "passes 2", "passes 3")
	file := func(i int) string { return filepath.Join(b.dir, "case-00"+strconv.Itoa(i)+".json") }
	b.options.Groups = []cli.Group{{Paths: []string{file(1), file(0)}}, {Paths: []string{file(2)}}}
	b.api.intercept = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		b.api.mu.Lock()
		defer b.api.mu.Unlock()
		if r.Method == http.MethodPost && len(b.api.runs) == 2 {
			for _, run := range b.api.runs {
				if run.at < len(run.states)-1 {
					answerProblem(w, http.StatusConflict, "the first group is still running")
					return true
				}
			}
		}
		return false
	}
	code, err := b.run(t)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Equal(t, "passes 3", b.api.order[2].title)
}

func TestRun_Detach(t *testing.T) {
	t.Parallel()
	b := setup(t, "endless", "passes")
	b.options.Detach = true
	b.options.Groups = append(b.options.Groups, cli.Group{Paths: []string{filepath.Join(b.dir, "case-001.json")}})
	code, err := b.run(t)
	require.NoError(t, err)
	require.Zero(t, code)
	requests, runs, _ := b.api.counts()
	require.Equal(t, 3, runs)
	require.Equal(t, 3, requests, "it does not poll")
	for _, run := range b.api.order {
		require.Contains(t, b.stdout.String(), run.id+"  "+run.title+"\n    "+b.api.url+"/api/test-runs/"+run.id+"\n")
	}
}

func TestRun_ManyRuns(t *testing.T) {
	t.Parallel()
	titles := make([]string, 230)
	for i := range titles {
		titles[i] = "passes " + strconv.Itoa(i)
	}
	titles[101] = "fails"
	b := setup(t, titles...)
	code, err := b.run(t)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code)
	require.Contains(t, b.stdout.String(), "229 passed, 1 failed in ")
	require.Len(t, b.api.runs, 230)
	require.LessOrEqual(t, b.api.maxIDs, 50)
	require.LessOrEqual(t, b.api.most, 9, "eight starts and a poll at a time")
}

func TestRun_BarsLeaveOnlyTheReport(t *testing.T) {
	t.Parallel()
	titles := []string{"fails"}
	for i := range 40 {
		titles = append(titles, "passes "+strconv.Itoa(i))
	}
	b := setup(t, titles...)
	b.options.Terminal, b.options.NoColor, b.options.Width = true, true, 100
	code, err := b.run(t)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code)
	out := b.stdout.String()
	require.Contains(t, out, "━")
	require.Contains(t, out, "navigate http", "the step that runs")
	require.Contains(t, out, "\x1b[2K✗ fails: failed: expected", "a failure is said at once, as not all tests are on the screen")
	require.NotRegexp(t, `\x1b\[[0-9;]*m`, out, "no colours")
	report := out[strings.LastIndex(out, "\x1b"):]
	require.Contains(t, report, "CASE")
	require.NotContains(t, report, "━")
}

func TestRun_BarsSayOutages(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes")
	b.options.Terminal = true
	b.api.intercept = func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n < 3 || n > 9 {
			return false
		}
		answerProblem(w, http.StatusServiceUnavailable, "the database does not answer")
		return true
	}
	code, err := b.run(t)
	require.NoError(t, err)
	require.Zero(t, code)
	out := b.stdout.String()
	require.Contains(t, out, "\x1b[33m! \x1b[0mthe API at "+b.api.url+" is not available (the database does not answer): trying again")
	require.Contains(t, out, "the API answers again after")
	require.Contains(t, out, "\x1b[32m1 passed\x1b[0m in ")
}

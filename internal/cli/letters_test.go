package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

// fakeLetters answers as the API does for dead letters: newest first, each requeued once.
type fakeLetters struct {
	t       *testing.T
	ids     []int // of the letters that are there, the newest first; letter n is that of run-n
	queries []string
	bodies  []map[string]any
}

func newLetters(t *testing.T, n int) (*bundle, *fakeLetters) {
	t.Helper()
	b := setup(t)
	f := &fakeLetters{t: t}
	for id := n; id > 0; id-- {
		f.ids = append(f.ids, id)
	}
	b.api.intercept = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		switch r.Method + " " + r.URL.Path {
		case "GET /api/dead-letters":
			f.list(w, r)
		case "POST /api/dead-letters/requeue":
			f.requeue(w, r)
		default:
			return false
		}
		return true
	}
	return b, f
}

func (f *fakeLetters) page(after, limit int) []int {
	left := slices.DeleteFunc(slices.Clone(f.ids), func(id int) bool { return after > 0 && id >= after })
	return left[:min(limit, len(left))]
}

// check reports what goes wrong in a handler.
func (f *fakeLetters) check(err error) {
	if err != nil {
		f.t.Error(err)
	}
}

func (f *fakeLetters) list(w http.ResponseWriter, r *http.Request) {
	f.queries = append(f.queries, r.URL.RawQuery)
	q := r.URL.Query()
	if q.Get("class") == "bad-luck" {
		answerProblem(w, http.StatusUnprocessableEntity, "class: it must be one of assertion, timeout", "class", "it must be one of assertion, timeout")
		return
	}
	after, _ := strconv.Atoi(q.Get("after"))
	limit, err := strconv.Atoi(q.Get("limit"))
	f.check(err)
	items := []map[string]any{}
	for _, id := range f.page(after, limit) {
		items = append(items, map[string]any{
			"id": id, "queue": "test-execution", "testRunId": fmt.Sprintf("run-%d", id), "testCaseId": "checkout",
			"title": "Buys a shirt \x1b[31mand pays\x1b[0m", "class": "timeout", "attemptsMade": 3,
			"reason": "step 4 (click \"Pay\"): the element is not enabled\nafter 5 s", "diedAt": time.Now().Add(-90 * time.Minute),
		})
	}
	f.check(json.NewEncoder(w).Encode(map[string]any{"items": items, "total": len(f.ids)}))
}

func (f *fakeLetters) requeue(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	f.check(json.NewDecoder(r.Body).Decode(&body))
	f.bodies = append(f.bodies, body)
	var wanted []int
	answer := map[string]any{}
	if ids, named := body["ids"].([]any); named {
		for _, id := range ids {
			var n int
			_, err := fmt.Sscanf(fmt.Sprint(id), "run-%d", &n)
			f.check(err)
			wanted = append(wanted, n)
		}
	} else {
		after, _ := body["after"].(float64)
		limit, _ := body["limit"].(float64)
		wanted = f.page(int(after), int(limit))
		if len(wanted) > 0 {
			answer["after"] = wanted[len(wanted)-1]
		}
	}
	items, refused := []map[string]any{}, 0
	for _, n := range wanted {
		item := map[string]any{"testRunId": fmt.Sprintf("run-%d", n), "requeued": slices.Contains(f.ids, n)}
		if !slices.Contains(f.ids, n) {
			item["code"], item["reason"] = "conflict", "it is completed: only a failed one can be requeued"
			refused++
		}
		f.ids = slices.DeleteFunc(f.ids, func(id int) bool { return id == n })
		items = append(items, item)
	}
	answer["items"], answer["requeued"], answer["refused"] = items, len(items)-refused, refused
	f.check(json.NewEncoder(w).Encode(answer))
}

func (b *bundle) lettersOptions() cli.LettersOptions {
	return cli.LettersOptions{APIURL: b.api.url, APIKey: apiKey, Stdout: &b.stdout, Stderr: &b.stderr, Limit: 2}
}

func TestLettersAreListed(t *testing.T) {
	t.Parallel()
	b, f := newLetters(t, 3)
	o := b.lettersOptions()
	o.Terminal, o.NoColor, o.Width = true, true, 100
	o.Class, o.Case, o.Since = "timeout", "checkout", "24h"
	code, err := cli.Letters(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, cli.ExitPassed, code)
	require.Equal(t, "RUN    CASE                           CLASS        TRIES     DIED  REASON\n"+
		"run-3  Buys a shirt [31mand pays [0m  timeout          3   1h ago  step 4 (click \"Pay\"): the elemen…\n"+
		"run-2  Buys a shirt [31mand pays [0m  timeout          3   1h ago  step 4 (click \"Pay\"): the elemen…\n"+
		"\n2 of 3 dead letters; more: --after 2. Run them again: cinnamon dead-letters requeue RUN… (or --all)\n", b.stdout.String())
	require.Contains(t, f.queries[0], "class=timeout")
	require.Contains(t, f.queries[0], "testCaseId=checkout")
	require.Contains(t, f.queries[0], "since=20")

	b.stdout.Reset()
	o.Output = cli.OutputJSON
	_, err = cli.Letters(t.Context(), o)
	require.NoError(t, err)
	var page struct {
		Total int              `json:"total"`
		Items []map[string]any `json:"items"`
	}
	require.NoError(t, json.Unmarshal(b.stdout.Bytes(), &page))
	require.Equal(t, 3, page.Total)
	require.Equal(t, "run-3", page.Items[0]["testRunId"])
}

func TestLettersThatCannotBeListed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(o *cli.LettersOptions)
		code   int
		words  string
	}{
		{func(o *cli.LettersOptions) { o.Since = "yesterday" }, cli.ExitUsage, `--since is "yesterday": it must be a time`},
		{func(o *cli.LettersOptions) { o.Output = "xml" }, cli.ExitUsage, "must be table or json"},
		{func(o *cli.LettersOptions) { o.Class = "bad-luck" }, cli.ExitUsage, "it must be one of assertion, timeout"},
		{func(o *cli.LettersOptions) { o.APIURL = "http://127.0.0.1:1" }, cli.ExitPlatform, "start it with `cinnamon-dev up`"},
	} {
		b, _ := newLetters(t, 1)
		o := b.lettersOptions()
		test.change(&o)
		code, err := cli.Letters(t.Context(), o)
		require.ErrorContains(t, err, test.words)
		require.Equal(t, test.code, code)
	}
	b, _ := newLetters(t, 0)
	code, err := cli.Letters(t.Context(), b.lettersOptions())
	require.NoError(t, err)
	require.Zero(t, code)
	require.Contains(t, b.stdout.String(), "No dead letters")
}

func TestAllLettersAreRequeued(t *testing.T) {
	t.Parallel()
	b, f := newLetters(t, 120)
	o := cli.RequeueOptions{LettersOptions: b.lettersOptions(), All: true}
	o.Class = "timeout"
	code, err := cli.Requeue(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, cli.ExitPassed, code)
	require.Equal(t, "120 requeued\n", b.stdout.String())
	require.Equal(t, "Requeueing 120 failed runs (class timeout)\n50 of 120\n100 of 120\n", b.stderr.String())
	require.Empty(t, f.ids)
	require.Equal(t, "timeout", f.bodies[0]["class"])

	b.stdout.Reset()
	code, err = cli.Requeue(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, cli.ExitPassed, code)
	require.Equal(t, "No dead letters: there is nothing to requeue.\n", b.stdout.String())
}

func TestNamedRunsAreRequeued(t *testing.T) {
	t.Parallel()
	b, f := newLetters(t, 3)
	o := cli.RequeueOptions{LettersOptions: b.lettersOptions(), Runs: []string{"run-3", "run-9"}}
	code, err := cli.Requeue(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, cli.ExitFailed, code)
	require.Equal(t, "✗ run-9: it is completed: only a failed one can be requeued\n1 requeued, 1 refused\n", b.stdout.String())
	require.Equal(t, []int{2, 1}, f.ids)

	for _, wrong := range []cli.RequeueOptions{
		{}, {All: true, Runs: []string{"run-1"}}, {Runs: []string{"run-1"}, LettersOptions: cli.LettersOptions{Class: "timeout"}},
	} {
		var out bytes.Buffer
		wrong.APIURL, wrong.APIKey, wrong.Stdout, wrong.Stderr = b.api.url, apiKey, &out, &out
		code, err := cli.Requeue(t.Context(), wrong)
		require.Error(t, err)
		require.Equal(t, cli.ExitUsage, code)
	}
	require.Len(t, f.bodies, 1)
}

func TestQueueTimeoutIsSent(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes")
	b.options.QueueTimeout = 90 * time.Second
	code, err := b.run(t)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Equal(t, map[string]any{"queueTimeout": float64(90_000)}, b.api.starts[0]["config"])
	b.options.QueueTimeout = time.Millisecond
	_, err = b.run(t)
	require.ErrorContains(t, err, "the queue timeout is 1ms: it must be 1s or more")
}

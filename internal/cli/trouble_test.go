package cli_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

func TestRun_RetriesStartOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes")
	b.api.intercept = func(w http.ResponseWriter, r *http.Request, n int) bool {
		switch n {
		case 1: // not available
			answerProblem(w, http.StatusServiceUnavailable, "the database does not answer")
			return true
		case 2: // started, but the answer is lost
			r.Header.Set("Authorization", "Bearer "+apiKey)
			b.api.start(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		return false
	}
	code, err := b.run(t)
	require.NoError(t, err)
	require.Zero(t, code)
	_, runs, _ := b.api.counts()
	require.Equal(t, 1, runs)
}

func TestRun_IdempotencyKeyOfTheCaller(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes 1", "passes 2")
	b.options.Groups[0].Paths = append(b.options.Groups[0].Paths, filepath.Join(b.dir, "case-000.json")) // a third run
	for range 2 {
		b.options.IdempotencyKey = "job-17"
		code, err := b.run(t)
		require.NoError(t, err)
		require.Zero(t, code)
	}
	_, runs, _ := b.api.counts()
	require.Equal(t, 3, runs, "the second invocation finds the runs of the first")
	b.options.IdempotencyKey = ""
	_, err := b.run(t)
	require.NoError(t, err)
	_, runs, _ = b.api.counts()
	require.Equal(t, 6, runs, "without a key every invocation has its own")
}

func TestRun_SurvivesOutage(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes")
	b.api.intercept = func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n < 3 || n > 12 {
			return false
		}
		if n%2 == 0 {
			answerProblem(w, http.StatusInternalServerError, "something broke")
			return true
		}
		panic(http.ErrAbortHandler) // the connection is cut
	}
	code, err := b.run(t)
	require.NoError(t, err)
	require.Zero(t, code)
	require.Equal(t, 1, strings.Count(b.stdout.String(), "trying again"))
	require.Equal(t, 1, strings.Count(b.stdout.String(), "the API answers again after"))
}

func TestRun_GivesUpOnLongOutage(t *testing.T) {
	t.Parallel()
	b := setup(t, "endless")
	b.outage = 30 * time.Millisecond
	b.api.intercept = func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n < 3 {
			return false
		}
		answerProblem(w, http.StatusBadGateway, "")
		return true
	}
	code, err := b.run(t)
	require.Equal(t, cli.ExitPlatform, code)
	require.ErrorContains(t, err, "given up after")
	require.ErrorContains(t, err, "1 run of this invocation may still go on")
	require.Contains(t, b.stdout.String(), "/api/test-runs/run-1", "says where to look")
}

func TestRun_WrongKey(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes")
	b.options.APIKey = "another"
	code, err := b.run(t)
	require.Equal(t, cli.ExitPlatform, code)
	require.ErrorContains(t, err, "the API refused the key: set CINNAMON_API_KEY")
	require.Empty(t, b.stdout.String())
}

func TestRun_Unreachable(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes", "passes", "passes")
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	b.options.APIURL = gone.URL
	code, err := b.run(t)
	require.Equal(t, cli.ExitPlatform, code)
	require.ErrorContains(t, err, gone.URL)
	require.ErrorContains(t, err, "cinnamon-dev up")
}

func TestRun_ServerErrorAtStart(t *testing.T) {
	t.Parallel()
	b := setup(t, "passes")
	b.api.intercept = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		answerProblem(w, http.StatusInternalServerError, "something broke")
		return true
	}
	code, err := b.run(t)
	require.Equal(t, cli.ExitPlatform, code)
	require.ErrorContains(t, err, "something broke")
	requests, _, _ := b.api.counts()
	require.Equal(t, 1, requests)
}

func TestRun_SomethingElseAnswers(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"another site":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello")) },
		"no such page":   http.NotFound,
		"another answer": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "passes")
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			b.options.APIURL = server.URL + "/"
			code, err := b.run(t)
			require.Equal(t, cli.ExitPlatform, code)
			require.ErrorContains(t, err, "is not the Cinnamon API")
		})
	}
}

func TestRun_InterruptCancels(t *testing.T) {
	t.Parallel()
	b := setup(t, "endless 1", "endless 2", "passes")
	b.options.Groups = append(b.options.Groups, cli.Group{Paths: []string{filepath.Join(b.dir, "case-002.json")}})
	ctx, interrupt := context.WithCancel(t.Context())
	b.api.intercept = func(http.ResponseWriter, *http.Request, int) bool {
		b.api.mu.Lock()
		defer b.api.mu.Unlock()
		if len(b.api.order) == 3 && allAtEnd(b.api.order) {
			interrupt()
		}
		return false
	}
	code, err := b.runUntil(ctx)
	require.NoError(t, err)
	require.Equal(t, cli.ExitInterrupted, code)
	_, runs, cancels := b.api.counts()
	require.Equal(t, 3, runs, "the second group was not started")
	require.Equal(t, 2, cancels)
	out := b.text(b.stdout.String())
	require.Contains(t, out, "interrupted: cancelling 2 runs")
	require.Contains(t, out, "1 passed, 2 cancelled, 1 not started in TIME, interrupted\n")
}

func allAtEnd(runs []*fakeRun) bool {
	for _, run := range runs {
		if run.at < len(run.states)-1 {
			return false
		}
	}
	return true
}

func TestRun_InterruptWaitsOnlySoLong(t *testing.T) {
	t.Parallel()
	for name, aborted := range map[string]bool{"grace is over": false, "interrupted again": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "deaf")
			b.grace = 20 * time.Millisecond
			abort := make(chan struct{})
			if aborted {
				b.grace = time.Hour
				b.options.Abort = abort
			}
			ctx, interrupt := context.WithCancel(t.Context())
			var once sync.Once
			b.api.intercept = func(_ http.ResponseWriter, _ *http.Request, n int) bool {
				if n == 3 {
					interrupt()
				}
				if _, _, cancels := b.api.counts(); cancels > 0 && aborted {
					once.Do(func() { close(abort) })
				}
				return false
			}
			code, err := b.runUntil(ctx)
			require.NoError(t, err)
			require.Equal(t, cli.ExitInterrupted, code)
			require.Contains(t, b.stdout.String(), "it was told to stop, its end was not waited for")
		})
	}
}

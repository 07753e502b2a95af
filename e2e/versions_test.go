package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// gated is a page that nobody gets before it is opened.
type gated struct {
	url         string
	asked, open func()
}

func newGated(t *testing.T) gated {
	t.Helper()
	asked, opened := make(chan struct{}), make(chan struct{})
	var once sync.Once
	open := sync.OnceFunc(func() { close(opened) })
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			once.Do(func() { close(asked) })
			<-opened
		}
	}))
	t.Cleanup(site.Close)
	t.Cleanup(open)
	return gated{url: strings.Replace(site.URL, "127.0.0.1", "localhost", 1), open: open, asked: func() {
		select {
		case <-asked:
		case <-time.After(soon):
			require.Fail(t, "nobody asked for the page")
		}
	}}
}

// TestRunsGoOnWhereTheirVersionSays has two new builds of the workers come while a run is between its attempts.
func TestRunsGoOnWhereTheirVersionSays(t *testing.T) {
	t.Parallel()
	s := ownStack(t, "--without", "worker")
	running := func(settings ...string) *process {
		worker, err := start(os.Getenv("CINNAMON_BIN"), []string{"worker"}, append(s.environment(), settings...)...)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, worker.stop(20*time.Second)) })
		return worker
	}
	versioned := func(build, versioning string) *process {
		return running("WORKER_DEPLOYMENT=qa", "WORKER_BUILD_ID="+build, "WORKER_VERSIONING="+versioning)
	}
	workers := func(args ...string) string {
		code, out, errs := s.command(t, append([]string{"workers", "--set", "WORKER_DEPLOYMENT=qa", "--set", "WORKER_BUILD_ID=any"}, args...)...)
		require.Zero(t, code, errs)
		return out
	}
	promote := func(build string) {
		require.Contains(t, workers("promote", build), "build "+build+" of qa takes 100 % of new runs")
	}
	// fails starts a run whose first attempt goes on until the page is opened; both fail.
	fails := func() (string, gated) {
		g := newGated(t)
		id := s.submit(t, fmt.Sprintf(`{"title": "Is nowhere", "timeout": 30000, "steps": [{"type": "navigate", "url": %q},
			{"type": "waitForElement", "selectors": ["#nothing"], "timeout": 100}]}`, g.url), map[string]any{"attempts": 2}).TestRunID
		g.asked()
		return id, g
	}
	attempts := func(worker *process, id string) int {
		return strings.Count(worker.output.String(), `Job `+id+` started processing`)
	}

	unversioned := running()
	before, page := fails()
	first := versioned("1", "auto-upgrade")
	promote("1")
	page.open()
	require.Equal(t, "failed", s.awaitEnd(t, before, soon).Status)
	require.Equal(t, 1, attempts(unversioned, before))
	require.Equal(t, 1, attempts(first, before), "what workers without a version began goes on with the first build")

	moves, page := fails()
	second := versioned("2", "pinned")
	promote("2")
	page.open()
	require.Equal(t, "failed", s.awaitEnd(t, moves, soon).Status)
	require.Equal(t, 1, attempts(first, moves))
	require.Equal(t, 1, attempts(second, moves), "an auto-upgraded run goes on with the build that takes new runs")

	stays, page := fails()
	third := versioned("3", "pinned")
	promote("3")
	page.open()
	require.Equal(t, "completed", s.awaitEnd(t, s.submit(t, exampleCase(t, "login.json"), nil).TestRunID, soon).Status)
	require.Equal(t, "failed", s.awaitEnd(t, stays, soon).Status)
	require.Equal(t, 2, attempts(second, stays), "a pinned run goes on where it began")
	require.Zero(t, attempts(third, stays))

	var builds []struct{ ID, State string }
	require.NoError(t, json.Unmarshal([]byte(workers("--json")), &builds))
	states := map[string]string{}
	for _, b := range builds {
		states[b.ID] = b.State
	}
	require.Equal(t, "current", states["3"])
	require.NotEqual(t, "current", states["2"])

	workers("promote", "--none")
	after := s.submit(t, exampleCase(t, "login.json"), nil).TestRunID
	require.Equal(t, "completed", s.awaitEnd(t, after, soon).Status)
	require.Equal(t, 1, attempts(unversioned, after))
}

package pwgo_test

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

//go:embed testdata/site
var siteFiles embed.FS

// patience is what a test gives a step that should pass; it is never used up
// on a machine that works.
const patience = 20 * time.Second

// shared is the pool that most tests open their sessions in.
var shared struct {
	once sync.Once
	pool *pwgo.Pool
	err  error
}

func TestMain(m *testing.M) {
	if os.Getenv(orphanVariable) != "" {
		os.Exit(beOrphaned())
	}
	// A driver that a test kills can't delete its temporary files.
	folder, err := os.MkdirTemp("", "pwgo-test-")
	if err == nil {
		err = os.Setenv("TMPDIR", folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a folder for temporary files:", err)
		os.Exit(1)
	}
	code := m.Run()
	if shared.pool != nil {
		if err := shared.pool.Close(context.Background()); err != nil { //nolint:forbidigo // this is a main
			fmt.Fprintln(os.Stderr, "closing the pool:", err)
			code = 1
		}
	}
	if missing, err := unexercised(); err != nil || len(missing) > 0 && code == 0 {
		fmt.Fprintln(os.Stderr, "no test has carried this out in a browser:", strings.Join(missing, ", "), err)
		code = 1
	}
	if err := os.RemoveAll(folder); err != nil {
		fmt.Fprintln(os.Stderr, "deleting temporary files:", err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// sharedPool returns the pool of all tests. Without a browser the test is
// skipped, or fails in CI.
func sharedPool(t *testing.T) *pwgo.Pool {
	t.Helper()
	shared.once.Do(func() {
		ctx := context.Background() //nolint:forbidigo // outlives the test that comes first
		if shared.err = pwgo.InstallDriver(ctx, pwgo.Config{}); shared.err != nil {
			return
		}
		pool := pwgo.New(pwgo.Config{Secrets: secrets(), Egress: guard("localhost")})
		if shared.err = pool.Start(ctx); shared.err == nil {
			shared.pool = pool
		}
	})
	requireBrowser(t, shared.err)
	return shared.pool
}

func requireBrowser(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if browser.KindOf(err) != browser.Unavailable || os.Getenv("CI") != "" {
		require.NoError(t, err)
	}
	t.Skipf("no browser on this machine, install chromium-headless-shell and Node.js: %s", err)
}

// bundle is a fresh session on a site of its own.
type bundle struct {
	browser.Session

	site string
	// hanging is told when a request for /hang arrived.
	hanging <-chan struct{}
}

func setup(t *testing.T, change ...func(*browser.Options)) bundle {
	t.Helper()
	pool := sharedPool(t)
	b := bundle{}
	b.site, b.hanging = serve(t)
	o := options(b.site)
	for _, c := range change {
		c(&o)
	}
	b.Session = open(t, pool, o)
	return b
}

func options(site string) browser.Options {
	return browser.Options{
		Viewport:    browser.Viewport{Width: 1280, Height: 720},
		Headless:    true,
		BaseURL:     site,
		StepTimeout: patience,
	}
}

func open(t *testing.T, pool *pwgo.Pool, o browser.Options) browser.Session {
	t.Helper()
	s, err := pool.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	return s
}

// newPool starts a pool of the test's own.
func newPool(t *testing.T, cfg pwgo.Config) *pwgo.Pool {
	t.Helper()
	sharedPool(t) // needs a browser
	pool := pwgo.New(cfg)
	require.NoError(t, pool.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, pool.Close(context.WithoutCancel(t.Context()))) })
	return pool
}

// serve serves testdata/site, and /hang, which does not answer.
func serve(t *testing.T) (string, <-chan struct{}) {
	t.Helper()
	site, err := fs.Sub(siteFiles, "testdata/site")
	require.NoError(t, err)
	hanging := make(chan struct{}, 10)
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(site))
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) {
		hanging <- struct{}{}
		<-r.Context().Done()
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.FormValue("to"), http.StatusFound)
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "canary-set-cookie"})
		w.Header().Set("Content-Type", "text/plain")
		_, _ = fmt.Fprintf(w, "%s %s", r.URL.RawQuery, bytes.ReplaceAll(body, []byte("canary-body"), []byte("body")))
	})
	mux.HandleFunc("/download", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="a.txt"`)
		_, _ = w.Write([]byte("content"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL, hanging
}

// parse reads a step as it stands in a file.
func parse(t *testing.T, step string) testcase.Step {
	t.Helper()
	c, err := testcase.Parse([]byte(`{"title": "test", "steps": [` + step + `]}`))
	require.NoError(t, err)
	return c.Steps[0]
}

// do runs steps that must pass.
func (b bundle) do(t *testing.T, steps ...string) {
	t.Helper()
	for _, s := range steps {
		step := parse(t, s)
		require.NoError(t, b.Do(t.Context(), step), step.Description())
		exercised.step([]byte(s))
	}
}

// fails runs a step that must fail, and returns its error.
func (b bundle) fails(t *testing.T, kind browser.Kind, step string) string {
	t.Helper()
	err := b.Do(t.Context(), parse(t, step))
	require.Error(t, err, step)
	require.Equal(t, kind, browser.KindOf(err), err.Error())
	require.NotContains(t, err.Error(), "Call log")
	require.NotContains(t, err.Error(), "cinnamon=")
	require.LessOrEqual(t, len(err.Error()), 1200)
	return err.Error()
}

// says is a step that expects a text in the element that the pages report in.
func says(text string) string {
	return fmt.Sprintf(`{"type": "customStep", "name": "assertText", "parameters": {"selectors": "#out", "text": %q}}`, text)
}

func visit(page string) string { return fmt.Sprintf(`{"type": "navigate", "url": %q}`, page) }

func click(selector string) string {
	return fmt.Sprintf(`{"type": "click", "selectors": %q}`, selector)
}

package pwgo_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
)

func TestCancelEndsWhatRuns(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]string{
		"element":    click("#nothing"),
		"text":       custom("assertText", `"selectors": "#nothing", "text": "x"`),
		"address":    address("/nowhere"),
		"count":      `{"type": "waitForElement", "selectors": "#nothing", "count": 3}`,
		"expression": `{"type": "waitForExpression", "expression": "false"}`,
		"frame":      `{"type": "click", "selectors": "#a", "frame": [3]}`,
		"tab":        `{"type": "click", "selectors": "#a", "target": "http://nowhere.example/"}`,
		"navigation": `{"type": "click", "selectors": "#add", ` + navigation + `}`,
		"busy page":  `{"type": "waitForExpression", "expression": "(() => { for (;;); })()"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.do(t, visit("/"))
			step := parse(t, step)
			step.Timeout = int(patience.Milliseconds())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			running := time.AfterFunc(100*time.Millisecond, cancel)
			defer running.Stop()
			began := time.Now()
			err := b.Do(ctx, step)
			require.ErrorIs(t, err, context.Canceled)
			require.Less(t, time.Since(began), patience/2)
			require.Equal(t, browser.Closed, browser.KindOf(b.Do(t.Context(), step)))
		})
	}
}

func TestCancelEndsNavigation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	var cancelled time.Time
	var wg sync.WaitGroup
	wg.Go(func() {
		<-b.hanging
		cancelled = time.Now()
		cancel()
	})
	err := b.Do(ctx, parse(t, visit("/hang")))
	returned := time.Now()
	wg.Wait()
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, returned.Sub(cancelled), patience/2)
}

// TestDeadlineSaysWhatWasWaitedFor does not run in parallel: others on the same
// driver would take the moment that is left to say it.
func TestDeadlineSaysWhatWasWaitedFor(t *testing.T) { //nolint:paralleltest // see above
	b := setup(t)
	b.do(t, visit("/"))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	step := parse(t, click("#nothing"))
	step.Timeout = int(patience.Milliseconds())
	err := b.Do(ctx, step)
	require.Equal(t, browser.NotFound, browser.KindOf(err))
	require.ErrorContains(t, err, "no element matches any of: #nothing")
	require.True(t, browser.IsCutShort(err))
	// The page is still there to be looked at.
	_, err = b.Screenshot(t.Context())
	require.NoError(t, err)

	over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	require.ErrorIs(t, b.Do(over, parse(t, click("#add"))), context.DeadlineExceeded)
}

// What is not for want of time is not said to be, however near the end.
func TestFailuresThatAreNotCutShort(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, visit("/"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, text := range []string{
		`{"type": "customStep", "name": "extract", "timeout": 600000, "parameters": {"variable": "v", "from": "attribute", "selectors": "body", "attribute": "data-nothing"}}`,
		`{"type": "waitForExpression", "timeout": 600000, "expression": "(("}`,
		`{"type": "click", "timeout": 50, "selectors": "#nothing"}`,
	} {
		err := b.Do(ctx, parse(t, text))
		require.NotEmpty(t, browser.KindOf(err), text)
		require.False(t, browser.IsCutShort(err), text)
	}
}

func TestPageThatHangs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, visit("/"))
	require.Contains(t, b.fails(t, browser.Timeout, `{"type": "waitForExpression", "timeout": 200, "expression": "(() => { for (;;); })()"}`), "the page does not answer (waited ")
}

func TestSessionsShareNothing(t *testing.T) {
	t.Parallel()
	pool := sharedPool(t)
	site, _ := serve(t)
	for i := range 6 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			b := bundle{Session: open(t, pool, options(site))}
			before := func(want string) string {
				return custom("assertText", fmt.Sprintf(`"selectors": "#before", "text": %q`, want))
			}
			b.do(t, visit(fmt.Sprintf("/storage.html?who=%d", i)), before("null"),
				visit("/storage.html?who=x"), before(fmt.Sprintf("%d who=%d", i, i)))
		})
	}
}

func TestClosedSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.Close(t.Context()))
	require.NoError(t, b.Close(t.Context()))
	require.Equal(t, "the session is closed", b.fails(t, browser.Closed, click("#add")))
	_, err := b.Screenshot(t.Context())
	require.ErrorIs(t, err, &browser.Error{Kind: browser.Closed})
}

func TestCloseEndsWhatRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	closed := make(chan error, 1)
	go func() {
		<-b.hanging
		closed <- b.Close(t.Context())
	}()
	require.Equal(t, "the session is closed", b.fails(t, browser.Closed, visit("/hang")))
	require.NoError(t, <-closed)
}

func TestOpenWithCancelledContext(t *testing.T) {
	t.Parallel()
	pool := sharedPool(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := pool.Open(ctx, options(""))
	require.ErrorIs(t, err, context.Canceled)
}

func TestClosedPool(t *testing.T) {
	t.Parallel()
	sharedPool(t) // needs a browser
	pool := pwgo.New(pwgo.Config{})
	require.NoError(t, pool.Start(t.Context()))
	s, err := pool.Open(t.Context(), options(""))
	require.NoError(t, err)
	require.NoError(t, pool.Close(t.Context()))
	require.NoError(t, pool.Close(t.Context()))
	require.Equal(t, browser.Closed, browser.KindOf(s.Do(t.Context(), parse(t, click("#add")))))
	require.NoError(t, s.Close(t.Context()))
	_, err = pool.Open(t.Context(), options(""))
	require.Equal(t, browser.Closed, browser.KindOf(err))
	require.Equal(t, browser.Closed, browser.KindOf(pool.Start(t.Context())))
}

func TestPoolThatWasNeverStarted(t *testing.T) {
	t.Parallel()
	require.NoError(t, pwgo.New(pwgo.Config{}).Close(t.Context()))
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	sharedPool(t)
	notBrowser, err := filepath.Abs(filepath.Join("testdata", "nobrowser.sh"))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		cfg  pwgo.Config
		want string
	}{
		"no browser there": {pwgo.Config{Executable: "/nowhere/chromium"}, "the browser /nowhere/chromium cannot be run: "},
		"not a browser":    {pwgo.Config{Executable: notBrowser}, "nobrowser.sh did not start: "},
		"no node":          {pwgo.Config{NodePath: "/nowhere/node"}, `Node.js was not found as "/nowhere/node": install it, or set PLAYWRIGHT_NODEJS_PATH to where it is`},
		"no driver":        {pwgo.Config{DriverDir: t.TempDir()}, "Playwright's driver is not installed in "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pwgo.New(test.cfg)
			err := pool.Start(t.Context())
			require.ErrorContains(t, err, test.want)
			require.Equal(t, browser.Unavailable, browser.KindOf(err))
			require.NoError(t, pool.Close(t.Context()))
			if name != "not a browser" {
				_, err = pwgo.Locate(test.cfg)
				require.Equal(t, browser.Unavailable, browser.KindOf(err))
			}
		})
	}
}

func TestWindowNeedsADisplay(t *testing.T) {
	sharedPool(t)
	t.Setenv("DISPLAY", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	pool := pwgo.New(pwgo.Config{})
	o := options("")
	o.Headless = false
	_, err := pool.Open(t.Context(), o)
	require.Equal(t, browser.Unavailable, browser.KindOf(err))
	require.NotContains(t, err.Error(), "╔")
	require.NoError(t, pool.Close(t.Context()))
}

func TestRecycling(t *testing.T) {
	t.Parallel()
	sharedPool(t)
	site, _ := serve(t)
	pool := newPool(t, pwgo.Config{RecycleAfter: 2, Browsers: 2})
	var wg sync.WaitGroup
	errs := make(chan error, 9)
	for range 3 {
		wg.Go(func() {
			for range 3 {
				errs <- useOnce(t.Context(), pool, site)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}

// useOnce opens a session, opens a page in it and closes it.
func useOnce(ctx context.Context, pool *pwgo.Pool, site string) error {
	s, err := pool.Open(ctx, options(site))
	if err != nil {
		return err
	}
	_, shotErr := s.Screenshot(ctx)
	return errors.Join(shotErr, s.Close(ctx))
}

func TestLocate(t *testing.T) {
	t.Parallel()
	sharedPool(t)
	found, err := pwgo.Locate(pwgo.Config{})
	require.NoError(t, err)
	require.FileExists(t, found.Node)
	require.FileExists(t, found.Browser)
	require.Regexp(t, `^v\d+`, found.NodeVersion)
	require.Regexp(t, `\d+\.\d+`, found.BrowserVersion)
	require.True(t, found.DriverInstalled)
	require.DirExists(t, found.DriverDir)
	require.Contains(t, found.DriverDir, found.DriverVersion)
	require.NotEmpty(t, found.BrowserSource)

	chosen, err := pwgo.Locate(pwgo.Config{Executable: found.Browser, NodePath: found.Node, DriverDir: found.DriverDir})
	require.NoError(t, err)
	require.Equal(t, pwgo.SourceConfig, chosen.BrowserSource)
	_, err = os.Stat(chosen.DriverDir)
	require.NoError(t, err)
}

package pwgo_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
)

// neighbours opens two sessions in the one browser of a pool of their own.
func neighbours(t *testing.T, grace time.Duration) (pool *pwgo.Pool, site string, hung, other bundle) {
	t.Helper()
	sharedPool(t) // needs a browser
	site, _ = serve(t)
	pool = pwgo.New(pwgo.Config{})
	pwgo.SetGrace(pool, grace)
	t.Cleanup(func() { require.NoError(t, pool.Close(context.WithoutCancel(t.Context()))) })
	hung = bundle{Session: open(t, pool, options(site))}
	other = bundle{Session: open(t, pool, options(site))}
	require.Equal(t, pwgo.BrowserGone(hung.Session), pwgo.BrowserGone(other.Session))
	other.do(t, visit("/"))
	return pool, site, hung, other
}

func TestBrowserThatIsGivenUpOutlivesItsSessions(t *testing.T) {
	t.Parallel()
	pool, site, hung, other := neighbours(t, time.Hour)
	gone := pwgo.BrowserGone(hung.Session)
	pwgo.GiveUpBrowser(hung.Session)
	pwgo.GiveUpBrowser(hung.Session)
	require.NoError(t, hung.Close(t.Context()))

	// New sessions open elsewhere; the other one goes on.
	next := bundle{Session: open(t, pool, options(site))}
	require.NotEqual(t, gone, pwgo.BrowserGone(next.Session))
	next.do(t, visit("/"))
	stats := pool.Stats()
	require.EqualValues(t, 2, stats.Started)
	require.EqualValues(t, 1, stats.Replaced[pwgo.ReplacedBroken], "given up once, however often that is said")
	require.Equal(t, []int{1, 2, 2}, []int{stats.Limit, stats.Running, stats.Sessions})
	require.NoError(t, stats.Trouble)
	other.do(t, click("#add"), says("clicked add"))
	select {
	case <-gone:
		require.Fail(t, "the browser ended under a session")
	default:
	}

	require.NoError(t, other.Close(t.Context()))
	waitFor(t, gone)
	next.do(t, click("#add"), says("clicked add"))
}

func TestBrowserThatIsGivenUpEndsInTime(t *testing.T) {
	t.Parallel()
	_, _, hung, other := neighbours(t, 100*time.Millisecond)
	pwgo.GiveUpBrowser(hung.Session)
	waitFor(t, pwgo.BrowserGone(other.Session))
	require.Equal(t, "the browser died", other.fails(t, browser.Closed, click("#add")))
}

func TestPoolClosesWithABrowserThatIsGivenUp(t *testing.T) {
	t.Parallel()
	pool, _, hung, other := neighbours(t, time.Hour)
	pwgo.GiveUpBrowser(hung.Session)
	require.NoError(t, pool.Close(t.Context()))
	require.Equal(t, "the browser died", other.fails(t, browser.Closed, click("#add")))
}

func waitFor(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		require.Fail(t, "it did not end")
	}
}

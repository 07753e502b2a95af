package pwgo_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
)

// serveHostile serves pages that do what a page should not.
func serveHostile(t *testing.T) string {
	t.Helper()
	page := func(code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprint(w, "<!doctype html><title>Hostile</title><p id=out>hello</p>"+code)
		}
	}
	hang := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<!doctype html><p>to be continued")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", page(""))
	mux.HandleFunc("/redirects", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/redirects", http.StatusFound) })
	mux.HandleFunc("/moves-on", page("<script>location.href = '/moves-on?' + Math.random()</script>"))
	mux.HandleFunc("/alerts", page("<script>for (;;) alert('again')</script>"))
	mux.HandleFunc("/busy", page("<script>for (;;);</script>"))
	mux.HandleFunc("/popups", page("<script>addEventListener('load', () => setTimeout(() => { for (let i = 0; i < 10000; i++) window.open('about:blank') }))</script>"))
	mux.HandleFunc("/never-ends", hang)
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/never-loads", page("<img src=/silent>"))
	mux.HandleFunc("/crash", page(""))
	mux.HandleFunc("/heap", page("<script>const all = []; for (;;) all.push(new Array(1e6).fill(Math.random()))</script>"))
	mux.HandleFunc("/buffers", page("<script>const all = []; setInterval(() => all.push(new Uint8Array(64 << 20).fill(1)), 20)</script>"))
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		block := []byte(strings.Repeat("<b>more</b> of it ", 4096))
		for written := 0; written < 500<<20; written += len(block) {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// TestHostilePages shows a browser pages that do what they should not: each
// ends in a verdict in time, and leaves the browser as it was. It does not run
// in parallel, so that what it measures is its own.
func TestHostilePages(t *testing.T) { //nolint:paralleltest // see above
	requireLinux(t)
	site := serveHostile(t)
	pool := newPool(t, pwgo.Config{Egress: guard("localhost"), MaxMiB: 600})
	healthy := func(t *testing.T) {
		t.Helper()
		b := bundle{Session: open(t, pool, options(site))}
		b.do(t, visit("/"), says("hello"))
		require.NoError(t, b.Close(t.Context()))
	}
	// A new browser and driver grow until they are warm: only then does what
	// they hold say something of a page.
	var before int64
	for range 30 {
		healthy(t)
		before = max(before, pwgo.Memory(pool))
	}
	const limit = time.Second
	wait := fmt.Sprintf(`{"type": "waitForElement", "selectors": "#nothing", "timeout": %d}`, patience.Milliseconds())
	for _, test := range []struct { //nolint:paralleltest // see above
		name string
		then string // a step on the page, if that is to load
		kind browser.Kind
		says string
	}{
		{name: "redirects", kind: browser.Navigation, says: "it redirects without end (net::ERR_TOO_MANY_REDIRECTS)"},
		{name: "moves-on", kind: browser.Navigation, says: "/moves-on did not load (waited "},
		{name: "alerts", kind: browser.Navigation, says: "/alerts did not load (waited "},
		{name: "busy", kind: browser.Navigation, says: "/busy did not load (waited "},
		{name: "never-loads", kind: browser.Navigation, says: "/never-loads did not load (waited "},
		{name: "never-ends", kind: browser.Navigation, says: "/never-ends did not load (waited "},
		{name: "buffers", then: wait, kind: browser.Exhausted, says: " MiB of memory and was ended (BROWSER_MAX_MIB)"},
		{name: "popups", then: wait, kind: browser.Exhausted, says: "the page opened more than 30 tabs"},
		{name: "huge", kind: browser.Navigation, says: "/huge did not load (waited "},
		{name: "heap"},
		{name: "crash", then: "crash", kind: browser.Closed, says: "the page crashed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			began := time.Now()
			b := bundle{Session: open(t, pool, options(site))}
			open := fmt.Sprintf(`{"type": "navigate", "url": "/%s", "timeout": %d}`, test.name, limit.Milliseconds())
			switch {
			case test.kind == "": // whichever is first: its time is up, or it has too much memory
				err := b.Do(t.Context(), parse(t, open))
				require.Contains(t, []browser.Kind{browser.Navigation, browser.Exhausted}, browser.KindOf(err))
				require.Regexp(t, `/heap did not load \(waited | MiB of memory and was ended \(BROWSER_MAX_MIB\)`, err.Error())
			case test.then == "":
				require.Contains(t, b.fails(t, test.kind, open), test.says)
			case test.then == "crash":
				b.do(t, open)
				pwgo.KillPages(t, pool)
				require.Contains(t, b.fails(t, test.kind, wait), test.says)
			default:
				b.do(t, open)
				require.Contains(t, b.fails(t, test.kind, test.then), test.says)
			}
			require.Less(t, time.Since(began), limit+patience)
			require.NoError(t, b.Close(t.Context()))
			healthy(t)
			// What the page took is given back; browser and driver collect their garbage in their own time.
			deadline := time.Now().Add(patience)
			for pwgo.Memory(pool) > before*11/10 {
				require.True(t, time.Now().Before(deadline), "%d MiB, before: %d MiB", pwgo.Memory(pool), before)
				healthy(t)
			}
		})
	}
}

// TestHanging stops a browser, then its driver, as if they hung: attempts must
// go on in others, and nothing of the old ones may stay behind.
func TestHanging(t *testing.T) { //nolint:paralleltest // every new process is to be the pool's
	requireLinux(t)
	site, _ := serve(t)
	for name, word := range map[string]string{"browser": "--remote-debugging-pipe", "driver": "run-driver"} { //nolint:paralleltest // see above
		t.Run(name, func(t *testing.T) {
			before := descendants(t, os.Getpid())
			pool := pwgo.New(pwgo.Config{})
			pwgo.SetWatch(pool, 100*time.Millisecond, time.Second)
			require.NoError(t, pool.Start(t.Context()))
			t.Cleanup(func() { require.NoError(t, pool.Close(context.WithoutCancel(t.Context()))) })
			b := bundle{Session: open(t, pool, options(site))}
			b.do(t, visit("/"))
			below := slices.DeleteFunc(descendants(t, os.Getpid()), func(p process) bool {
				return slices.Contains(before, p) || (name == "browser" && strings.Contains(p.command, "run-driver"))
			})
			require.GreaterOrEqual(t, len(below), 2)

			require.NoError(t, syscall.Kill(newProcess(t, before, word), syscall.SIGSTOP))
			require.Equal(t, "the browser died", b.fails(t, browser.Closed, `{"type": "waitForExpression", "expression": "false"}`))
			again := bundle{Session: open(t, pool, options(site))}
			again.do(t, visit("/"), click("#add"), says("clicked add"))
			require.Eventually(t, func() bool {
				return !slices.ContainsFunc(below, running)
			}, patience, 20*time.Millisecond)
		})
	}
}

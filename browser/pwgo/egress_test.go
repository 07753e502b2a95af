package pwgo_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/egress"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// guard makes an egress guard of rules that are valid.
func guard(rules ...string) *egress.Guard {
	policy, err := egress.NewPolicy(egress.Public, rules)
	if err != nil {
		panic(err)
	}
	return egress.NewGuard(policy, nil)
}

// fortress is a site that should not be reached. It remembers what for it was.
type fortress struct {
	*httptest.Server

	mu    sync.Mutex
	paths map[string]bool
}

func newFortress(t *testing.T, start func(http.Handler) *httptest.Server) *fortress {
	t.Helper()
	f := &fortress{paths: map[string]bool{}}
	f.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.paths[strings.TrimPrefix(r.URL.Path, "/")] = true
		w.Header().Set("Access-Control-Allow-Origin", "*")
	}))
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

func (f *fortress) reachedBy() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for name := range f.paths {
		names = append(names, name)
	}
	return names
}

func (f *fortress) place() string { return f.Listener.Addr().String() }

// waysOut is what attacks.html tries.
func waysOut() []string {
	return []string{
		"img", "redirected-img", "script", "import", "iframe", "redirected-iframe", "refresh", "object", "embed", "video", "poster", "css-import",
		"font", "background", "stylesheet", "prefetch", "preload", "modulepreload", "fetch", "fetch-keepalive", "redirected-fetch", "beacon",
		"xhr", "eventsource", "websocket", "importscripts", "worker-fetch", "form", "ping", "popup", "service-worker",
	}
}

// TestNoWayOut lets a page try everything that pages have. That the same page
// does get out where the guard allows it shows that it tries.
func TestNoWayOut(t *testing.T) {
	t.Parallel()
	f := newFortress(t, httptest.NewServer)
	site, _ := serve(t)
	siteRule := strings.TrimPrefix(site, "http://")

	free := bundle{Session: open(t, newPool(t, pwgo.Config{Egress: guard(siteRule, f.place())}), options(site))}
	free.do(t, visit("/attacks.html?target="+f.place()), says("tried"))
	require.Eventually(t, func() bool { return len(f.reachedBy()) >= len(waysOut()) }, patience, 20*time.Millisecond)
	require.ElementsMatch(t, waysOut(), f.reachedBy())

	f = newFortress(t, httptest.NewServer)
	closed := bundle{Session: open(t, newPool(t, pwgo.Config{Egress: guard(siteRule)}), options(site))}
	closed.do(t, visit("/attacks.html?target="+f.place()), says("tried"))
	require.Eventually(t, func() bool { return pwgo.Refused(closed.Session, f.place()) >= len(waysOut()) }, patience, 20*time.Millisecond)
	require.Empty(t, f.reachedBy())
}

// TestNoUDP listens for what WebRTC and WebTransport send past any proxy.
func TestNoUDP(t *testing.T) {
	t.Parallel()
	site, _ := serve(t)
	tryUDP := func(cfg pwgo.Config) int {
		listener, err := net.ListenPacket("udp4", "127.0.0.1:0")
		require.NoError(t, err)
		var wg sync.WaitGroup
		packets := 0
		wg.Go(func() {
			for buffer := make([]byte, 2048); ; packets++ {
				if _, _, err := listener.ReadFrom(buffer); err != nil {
					return
				}
			}
		})
		_, port, err := net.SplitHostPort(listener.LocalAddr().String())
		require.NoError(t, err)
		b := bundle{Session: open(t, newPool(t, cfg), options(site))}
		b.do(t, visit("/udp.html?port="+port), says("tried"))
		require.NoError(t, listener.Close())
		wg.Wait()
		return packets
	}
	require.NotZero(t, tryUDP(pwgo.Config{}))
	require.Zero(t, tryUDP(pwgo.Config{Egress: guard("localhost")}))
}

func TestRefusedPages(t *testing.T) {
	t.Parallel()
	plain, secure := newFortress(t, httptest.NewServer), newFortress(t, httptest.NewTLSServer)
	site, _ := serve(t)
	pool := newPool(t, pwgo.Config{Egress: guard(strings.TrimPrefix(site, "http://"))})
	session := func(t *testing.T) bundle {
		t.Helper()
		return bundle{Session: open(t, pool, options(site)), site: site}
	}
	refusal := func(place string) string {
		return "the egress guard refused " + place + ": it is an address of the worker's own machine; if tests may reach it, allow it on the workers with EGRESS_ALLOW=" + place
	}
	for name, f := range map[string]*fortress{"http": plain, "https": secure} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := session(t)
			require.Equal(t, "cannot open "+f.URL+"/admin: "+refusal(f.place()), b.fails(t, browser.Refused, visit(f.URL+"/admin")))
			b.do(t, visit("/")) // the session goes on
			redirect := site + "/redirect?to=" + url.QueryEscape(f.URL)
			require.Equal(t, "cannot open "+redirect+": "+refusal(f.place()), b.fails(t, browser.Refused, visit(redirect)))
			b.do(t, visit("/"), expression("document.body.innerHTML = '<a id=out href="+f.URL+">out</a>'"))
			require.Equal(t, "the step led to a page that cannot be opened: "+refusal(f.place()), b.fails(t, browser.Refused, `{"type": "click", "selectors": "#out", `+navigation+`}`))
		})
	}
	t.Run("metadata", func(t *testing.T) {
		t.Parallel()
		b := session(t)
		for _, address := range []string{
			"http://169.254.169.254/latest/meta-data/", "http://0xa9fea9fe/", "http://2852039166/", "http://0251.0376.0251.0376/", "http://169.254.43518/",
			"http://[::ffff:169.254.169.254]/", "http://[64:ff9b::a9fe:a9fe]/", "https://[fd00:ec2::254]/", "http://100.100.100.200/", "http://１６９.２５４.１６９.２５４/",
		} {
			require.Contains(t, b.fails(t, browser.Refused, visit(address)), "it is a cloud's metadata address, which hands out credentials", address)
		}
	})
	t.Run("what a page lacks is said where it is missed", func(t *testing.T) {
		t.Parallel()
		b := session(t)
		b.do(t, visit("/"), expression("fetch('"+plain.URL+"/api').catch(() => window.over = true)"), `{"type": "waitForExpression", "expression": "window.over"}`)
		require.Contains(t, b.fails(t, browser.NotFound, `{"type": "click", "selectors": "#from-api", "timeout": 200}`),
			". The egress guard refused the page "+plain.place()+" (an address of the worker's own machine): EGRESS_ALLOW on the workers opens what tests may reach")
	})
	t.Run("other schemes", func(t *testing.T) {
		t.Parallel()
		b := session(t)
		for _, address := range []string{
			"file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "chrome://settings", "chrome://crash", "view-source:" + site, "blob:" + site + "/x",
			"devtools://devtools/bundled/inspector.html", "filesystem:" + site + "/x", "ftp://127.0.0.1/", "about:config", "FILE:///etc/passwd", "chrome-extension://x/y",
		} {
			require.Error(t, parseError(address), address)
			// A step that was made in another way than by reading it.
			err := b.Do(t.Context(), testcase.Step{Type: testcase.TypeNavigate, URL: address, Target: testcase.TargetMain})
			require.Equal(t, browser.Refused, browser.KindOf(err), address)
			require.ErrorContains(t, err, "tests open http:// and https:// addresses only")
		}
	})
	t.Run("what goes wrong is said in the browser's words", func(t *testing.T) {
		t.Parallel()
		b := bundle{Session: open(t, sharedPool(t), options(site))}
		require.Equal(t, "cannot open https://localhost:4/: the connection was refused; is the site running? (net::ERR_CONNECTION_REFUSED)",
			b.fails(t, browser.Navigation, visit("https://localhost:4/")))
		for _, scheme := range []string{"http", "https"} {
			require.Equal(t, "cannot open "+scheme+"://nowhere.invalid/: the host's name is not known (net::ERR_NAME_NOT_RESOLVED)",
				b.fails(t, browser.Navigation, visit(scheme+"://nowhere.invalid/")))
		}
		require.Equal(t, "cannot open "+secure.URL+"/: its certificate is not trusted (net::ERR_CERT_AUTHORITY_INVALID)", b.fails(t, browser.Navigation, visit(secure.URL+"/")))
	})
}

// expression is a step that runs JavaScript once.
func expression(code string) string {
	return fmt.Sprintf(`{"type": "waitForExpression", "expression": %q}`, "("+code+", true)")
}

// parseError is what is said of a case that opens the address.
func parseError(address string) error {
	step, err := json.Marshal(map[string]string{"type": "navigate", "url": address})
	if err != nil {
		return err
	}
	_, err = testcase.Parse([]byte(`{"title": "test", "steps": [` + string(step) + `]}`))
	return err
}

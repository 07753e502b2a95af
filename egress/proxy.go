package egress

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// idleTimeout is shorter than that of common servers, so that a kept
	// connection is seldom used at the moment when the server closes it.
	idleTimeout   = 4 * time.Second
	headerTimeout = 30 * time.Second
	// failedStatus answers those who ask for a tunnel that there is none;
	// browsers show a network error, whatever the status.
	refusedStatus = http.StatusForbidden
	failedStatus  = http.StatusBadGateway
)

// Proxy is the way out for one browser session: an HTTP forward proxy, also
// for the tunnels (CONNECT) that HTTPS and WebSockets need.
type Proxy struct {
	guard   *Guard
	port    uint16
	url     string
	server  *http.Server
	forward *httputil.ReverseProxy
	idle    func()
	end     context.CancelFunc
	served  chan struct{}
	tunnels sync.WaitGroup

	mu       sync.Mutex
	failures []Failure
	logged   int
	conceal  func(string) string
}

func newProxy(ctx context.Context, g *Guard, listener net.Listener) *Proxy {
	ctx, end := context.WithCancel(ctx)
	addr, _ := listener.Addr().(*net.TCPAddr)
	p := &Proxy{guard: g, port: addr.AddrPort().Port(), url: "http://" + addr.String(), end: end, served: make(chan struct{})}
	transport := &http.Transport{
		DialContext:         func(ctx context.Context, _, address string) (net.Conn, error) { return g.dial(ctx, address) },
		DisableCompression:  true,
		MaxIdleConnsPerHost: 6,
		IdleConnTimeout:     idleTimeout,
	}
	p.idle = transport.CloseIdleConnections
	quiet := log.New(io.Discard, "", 0)
	p.forward = &httputil.ReverseProxy{
		Rewrite: asItCame, Transport: transport, ErrorHandler: p.failed, FlushInterval: -1, ErrorLog: quiet,
	}
	p.server = &http.Server{
		Handler: p, ReadHeaderTimeout: headerTimeout, ErrorLog: quiet,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, sync.OnceValue(func() error { return checkPeer(c) }))
		},
	}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(listener) // until Close
	}()
	return p
}

// URL is where the proxy listens, as browsers want it: http://127.0.0.1:4711.
func (p *Proxy) URL() string { return p.url }

// Close ends the proxy with all its connections.
func (p *Proxy) Close() {
	p.end()
	_ = p.server.Close()
	<-p.served
	p.tunnels.Wait()
	p.idle()
	p.guard.forget(p.port)
}

// Conceal says what is done to a refused address before the log gets it: a page may put into it what nobody is to read.
func (p *Proxy) Conceal(conceal func(string) string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conceal = conceal
}

// Failures returns the connections that were asked for since then and did not
// come about, the latest last. It keeps the last 50 places.
func (p *Proxy) Failures(since time.Time) []Failure {
	p.mu.Lock()
	defer p.mu.Unlock()
	var recent []Failure
	for _, f := range p.failures {
		if !f.Last.Before(since) {
			recent = append(recent, f)
		}
	}
	return recent
}

// peerKey is the key of a function that says whether the one who connected may
// use the proxy.
type peerKey struct{}

// ServeHTTP answers a browser.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	check, ok := r.Context().Value(peerKey{}).(func() error)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	if err := check(); err != nil {
		p.guard.log.WarnContext(r.Context(), "egress guard turned away a stranger", "error", err)
		panic(http.ErrAbortHandler)
	}
	switch {
	case r.Method == http.MethodConnect:
		p.tunnel(w, r)
	case r.URL.Scheme == "http" && r.URL.Host != "":
		// Without these, the server adds what the site did not send.
		w.Header()["Date"], w.Header()["Content-Type"] = nil, nil
		p.forward.ServeHTTP(w, r)
	default:
		http.Error(w, "this is a proxy", http.StatusBadRequest)
	}
}

// asItCame sends a request on byte by byte, as far as HTTP lets it.
func asItCame(r *httputil.ProxyRequest) {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := r.In.Header[name]; ok {
			r.Out.Header[name] = values
		}
	}
	if _, ok := r.In.Header["User-Agent"]; !ok {
		r.Out.Header["User-Agent"] = nil
	}
	_, rest, _ := strings.Cut(r.In.RequestURI, "://")
	target := "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		target = rest[i:]
	}
	path, query, asked := strings.Cut(target, "?")
	if path == "" {
		path = "/"
	}
	r.Out.URL.Opaque, r.Out.URL.RawQuery, r.Out.URL.ForceQuery = path, query, asked
	if strings.HasPrefix(path, "//") {
		// Go would take that for an address without a scheme.
		r.Out.URL.Opaque, r.Out.URL.RawQuery = "", r.In.URL.RawQuery
	}
}

// failed ends a request that got no answer the way a direct connection would
// end, so that pages see an error of the network and not a strange answer.
func (p *Proxy) failed(_ http.ResponseWriter, r *http.Request, err error) {
	p.note(r.Context(), defaultPort(r.URL.Host), err)
	panic(http.ErrAbortHandler)
}

// tunnel connects the browser with a site and stays out of what they say.
func (p *Proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	site, err := p.guard.dial(r.Context(), r.Host)
	if err != nil {
		p.note(r.Context(), r.Host, err)
		status := failedStatus
		if _, refused := errors.AsType[*RefusedError](err); refused {
			status = refusedStatus
		}
		http.Error(w, err.Error(), status)
		return
	}
	p.tunnels.Add(1)
	defer p.tunnels.Done()
	defer site.Close() //nolint:errcheck // nothing is buffered
	browser, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer browser.Close() //nolint:errcheck // nothing is buffered
	stop := context.AfterFunc(r.Context(), func() {
		_ = site.Close()
		_ = browser.Close()
	})
	defer stop()
	if _, err := io.WriteString(browser, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	early := make([]byte, buffered.Reader.Buffered())
	if _, err := io.ReadFull(buffered, early); err != nil {
		return
	}
	if _, err := site.Write(early); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		pass(site, browser)
	}()
	pass(browser, site)
	<-done
}

// pass sends on what comes until it ends, and says so.
func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
	_ = from.Close()
}

// note remembers a failure, and logs the first ones that the policy is the
// reason for.
func (p *Proxy) note(ctx context.Context, hostport string, err error) {
	if errors.Is(err, context.Canceled) {
		return // the page went elsewhere
	}
	f := Failure{Last: time.Now(), Count: 1, Err: err}
	f.Host, f.Port = hostAndPort(hostport)
	p.mu.Lock()
	known := slices.IndexFunc(p.failures, func(o Failure) bool { return o.Host == f.Host && o.Port == f.Port })
	if known >= 0 {
		f.Count += p.failures[known].Count
		p.failures = slices.Delete(p.failures, known, known+1)
	} else if len(p.failures) == keptFailures {
		p.failures = slices.Delete(p.failures, 0, 1)
	}
	p.failures = append(p.failures, f)
	tell := f.Refusal() != nil && known < 0 && p.logged < loggedFailures
	if tell {
		p.logged++
	}
	last := p.logged == loggedFailures
	reason := err.Error()
	if p.conceal != nil && tell {
		reason = p.conceal(reason)
	}
	p.mu.Unlock()
	if tell {
		p.guard.log.WarnContext(ctx, "egress guard refused a connection", "reason", reason, "last_of_this_session", last)
	}
}

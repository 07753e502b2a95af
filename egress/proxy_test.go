package egress_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/egress"
)

// open starts a proxy that allows what the rules say.
func open(t *testing.T, guard *egress.Guard) *egress.Proxy {
	t.Helper()
	p, err := guard.Open(t.Context())
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// client is an HTTP client that uses a proxy.
func client(t *testing.T, p *egress.Proxy) *http.Client {
	t.Helper()
	address, err := url.Parse(p.URL())
	require.NoError(t, err)
	transport := &http.Transport{Proxy: http.ProxyURL(address), DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// connect opens a connection to a proxy.
func connect(t *testing.T, p *egress.Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL(), "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// say sends bytes to a proxy and returns the first line of the answer, "" if
// the proxy hangs up.
func say(t *testing.T, p *egress.Proxy, text string) string {
	t.Helper()
	conn := connect(t, p)
	defer func() { _ = conn.Close() }()
	_, err := io.WriteString(conn, text)
	require.NoError(t, err)
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

// site counts its visitors.
func site(t *testing.T, handler http.HandlerFunc) (server *httptest.Server, visits *atomic.Int64) {
	t.Helper()
	visits = &atomic.Int64{}
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		handler(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server, visits
}

func hello(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }

func port(t *testing.T, s *httptest.Server) string {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	return port
}

// spellings are ways to write 127.0.0.1.
func spellings() []string {
	return []string{
		"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "a.localhost", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1",
		"0177.0.0.1", "017700000001", "127.0.0.1.", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "127.0.0.2", "0.0.0.0", "0", "0x0",
		"①②⑦.⓪.⓪.①", "127。0。0。1", "ⓛocalhost", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[fe80::1%25lo]", "[::1%25lo]",
	}
}

func TestEverySpellingOfLoopbackIsRefused(t *testing.T) {
	t.Parallel()
	target, visits := site(t, hello)
	p := open(t, egress.NewGuard(policy(t, egress.Public), nil))
	for _, host := range spellings() {
		place := host + ":" + port(t, target)
		require.Contains(t, []string{"HTTP/1.1 403 Forbidden", "HTTP/1.1 400 Bad Request"},
			say(t, p, "CONNECT "+strings.ReplaceAll(place, "%25", "%")+" HTTP/1.1\r\nHost: x\r\n\r\n"), place)
		require.NotContains(t, say(t, p, "GET http://"+place+"/ HTTP/1.1\r\nHost: shop.example\r\n\r\n"), " 200 ", place)
	}
	require.Zero(t, visits.Load())
	// The same words reach it when the policy says so.
	p = open(t, egress.NewGuard(policy(t, egress.Public, "localhost"), nil))
	for _, host := range []string{"127.0.0.1", "localhost", "LOCALHOST.", "a.localhost", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "127。0。0。1"} {
		place := host + ":" + port(t, target)
		require.Equal(t, "HTTP/1.1 200 Connection established", say(t, p, "CONNECT "+place+" HTTP/1.1\r\nHost: x\r\n\r\n"), place)
	}
}

func TestRequestGoesOnAsItCame(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	target, _ := site(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.WithoutCancel(r.Context()))
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Set-Cookie", "a=b")
		w.Header()["Date"], w.Header()["Content-Type"] = nil, nil
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "<p>short and stout")
	})
	p := open(t, egress.NewGuard(policy(t, egress.Public, "localhost"), nil))
	for address, want := range map[string]string{
		"":                            "/",
		"/":                           "/",
		"?q":                          "/?q",
		"/a%2Fb|c/../d;e?x=1;y=%zz&z": "/a%2Fb|c/../d;e?x=1;y=%zz&z",
		"//double//slash?":            "//double//slash?",
	} {
		require.Equal(t, "HTTP/1.1 418 I'm a teapot", say(t, p, "POST "+target.URL+address+" HTTP/1.1\r\nHost: "+target.Listener.Addr().String()+
			"\r\nX-Forwarded-For: 1.2.3.4\r\nCookie: c=d\r\nConnection: close\r\nProxy-Connection: keep-alive\r\nContent-Length: 4\r\n\r\nbody"), address)
		require.Equal(t, want, got.RequestURI)
		require.Equal(t, "1.2.3.4", got.Header.Get("X-Forwarded-For"))
		require.Equal(t, "c=d", got.Header.Get("Cookie"))
		require.Equal(t, target.Listener.Addr().String(), got.Host)
		require.Equal(t, "body", string(body))
		require.NotContains(t, got.Header, "User-Agent")
		require.NotContains(t, got.Header, "Accept-Encoding")
		require.NotContains(t, got.Header, "Proxy-Connection")
	}
	answer, err := client(t, p).Get(target.URL)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.NotContains(t, answer.Header, "Date")
	require.NotContains(t, answer.Header, "Content-Type")
	require.Equal(t, "a=b", answer.Header.Get("Set-Cookie"))
}

func TestTunnel(t *testing.T) {
	t.Parallel()
	target := httptest.NewTLSServer(http.HandlerFunc(hello))
	t.Cleanup(target.Close)
	p := open(t, egress.NewGuard(policy(t, egress.Allowlist, "localhost:"+port(t, target)), nil))
	address, err := url.Parse(p.URL())
	require.NoError(t, err)
	secure, ok := target.Client().Transport.(*http.Transport)
	require.True(t, ok)
	secure.Proxy = http.ProxyURL(address)
	answer, err := target.Client().Get(target.URL)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, "hello", string(text))
}

func TestTunnelSendsWhatComesEarlyAndEndsWithEitherSide(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, echo.Close()) })
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	p := open(t, egress.NewGuard(policy(t, egress.Public, "localhost"), nil))
	conn := connect(t, p)
	_, err = fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\nearly bird", echo.Addr())
	require.NoError(t, err)
	tcp, ok := conn.(*net.TCPConn)
	require.True(t, ok)
	established := "HTTP/1.1 200 Connection established\r\n\r\n"
	_, err = io.ReadFull(conn, make([]byte, len(established)))
	require.NoError(t, err)
	require.NoError(t, tcp.CloseWrite())
	all, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "early bird", string(all))
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	hanging := make(chan struct{}, 1)
	target, _ := site(t, func(_ http.ResponseWriter, r *http.Request) {
		hanging <- struct{}{}
		<-r.Context().Done()
	})
	p, err := egress.NewGuard(policy(t, egress.Public, "localhost"), nil).Open(t.Context())
	require.NoError(t, err)
	ended := make(chan struct{}, 2)
	web := client(t, p)
	go func() {
		if answer, err := web.Get(target.URL); err == nil {
			_ = answer.Body.Close()
		}
		ended <- struct{}{}
	}()
	<-hanging
	conn := connect(t, p)
	_, err = fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", target.Listener.Addr())
	require.NoError(t, err)
	reader := bufio.NewReader(conn)
	_, err = reader.ReadString('\n')
	require.NoError(t, err)
	go func() {
		_, _ = io.Copy(io.Discard, reader)
		ended <- struct{}{}
	}()
	p.Close()
	p.Close()
	for range 2 {
		<-ended
	}
	_, err = net.Dial("tcp", strings.TrimPrefix(p.URL(), "http://"))
	require.Error(t, err)
}

func TestRedirectIsAskedAboutAgain(t *testing.T) {
	t.Parallel()
	secret, visits := site(t, hello)
	for _, to := range []string{secret.URL, "http://localhost:" + port(t, secret), "http://0x7f.1:" + port(t, secret), "https://127.0.0.1:" + port(t, secret)} {
		start, _ := site(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) })
		p := open(t, egress.NewGuard(policy(t, egress.Public, "127.0.0.1:"+port(t, start)), nil))
		_, err := client(t, p).Get(start.URL) //nolint:bodyclose // there is none
		require.Error(t, err, to)
		failures := p.Failures(time.Time{})
		require.Len(t, failures, 1)
		require.NotNil(t, failures[0].Refusal())
	}
	require.Zero(t, visits.Load())
}

func TestProxyIsNoWayIntoAnother(t *testing.T) {
	t.Parallel()
	guard := egress.NewGuard(policy(t, egress.Public, "localhost"), nil)
	one, other := open(t, guard), open(t, guard)
	for _, target := range []string{one.URL(), other.URL()} {
		place := strings.TrimPrefix(target, "http://")
		require.Equal(t, "HTTP/1.1 403 Forbidden", say(t, one, "CONNECT "+place+" HTTP/1.1\r\nHost: x\r\n\r\n"))
		require.Empty(t, say(t, one, "GET "+target+"/ HTTP/1.1\r\nHost: x\r\n\r\n"))
	}
	require.Equal(t, "HTTP/1.1 400 Bad Request", say(t, one, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	require.Equal(t, "HTTP/1.1 400 Bad Request", say(t, one, "GET ftp://127.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n"))
	require.Equal(t, "HTTP/1.1 400 Bad Request", say(t, one, "GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"))
}

func TestFailures(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_ = conn.Close()
		}
	}()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	p := open(t, egress.NewGuard(policy(t, egress.Public, "localhost", "nowhere.invalid"), nil))
	for place, code := range map[string]string{
		closed.Addr().String(): "ERR_CONNECTION_REFUSED",
		silent.Addr().String(): "ERR_EMPTY_RESPONSE",
		"nowhere.invalid:80":   "ERR_NAME_NOT_RESOLVED",
		"10.0.0.1:80":          "ERR_BLOCKED_BY_ADMINISTRATOR",
		"[fd00:ec2::254]:80":   "ERR_BLOCKED_BY_ADMINISTRATOR",
	} {
		began := time.Now()
		require.Empty(t, say(t, p, "GET http://"+place+"/ HTTP/1.1\r\nHost: x\r\n\r\n"), place)
		failures := p.Failures(began)
		require.Len(t, failures, 1)
		require.Equal(t, place, net.JoinHostPort(failures[0].Host, strconv.Itoa(int(failures[0].Port))))
		require.Equal(t, code, failures[0].Code(), failures[0].Err)
	}
	// What is remembered is bounded, however many places a page tries.
	for i := range 200 {
		say(t, p, fmt.Sprintf("CONNECT 10.0.0.1:%d HTTP/1.1\r\nHost: x\r\n\r\n", i%100+1))
	}
	failures := p.Failures(time.Time{})
	require.Len(t, failures, 50)
	require.Equal(t, uint16(100), failures[49].Port)
}

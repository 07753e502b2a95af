package egress

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// connectTimeout bounds looking up a name and connecting.
	connectTimeout = 30 * time.Second
	// keptFailures bounds what a proxy remembers, loggedFailures what it tells
	// the log.
	keptFailures   = 50
	loggedFailures = 10
)

// Guard opens a proxy for each browser session and enforces one policy in all
// of them.
type Guard struct {
	policy *Policy
	log    *slog.Logger
	// Resolver looks up names; nil is Go's own. Set it before the first Open.
	Resolver *net.Resolver

	mu    sync.Mutex
	ports map[uint16]bool // of the proxies, which no page may use
}

// NewGuard makes a guard. log gets what was refused; nil discards it.
func NewGuard(p *Policy, log *slog.Logger) *Guard {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Guard{policy: p, log: log, ports: map[uint16]bool{}}
}

// Open starts a proxy on a free port of loopback. It works until Close.
func (g *Guard) Open(ctx context.Context) (*Proxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the egress guard's proxy: %w", err)
	}
	p := newProxy(context.WithoutCancel(ctx), g, listener)
	g.mu.Lock()
	g.ports[p.port] = true
	g.mu.Unlock()
	return p, nil
}

func (g *Guard) forget(port uint16) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.ports, port)
}

func (g *Guard) isProxy(to netip.AddrPort) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ports[to.Port()] && to.Addr().Unmap().IsLoopback()
}

// dial connects to a host and port. The policy is asked about each address
// when the socket for it is about to connect, so what was looked up for the
// question is what is used.
func (g *Guard) dial(ctx context.Context, hostport string) (net.Conn, error) {
	name, portText, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, &net.AddrError{Err: "host and port are needed", Addr: hostport}
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return nil, &net.AddrError{Err: "there is no such port", Addr: hostport}
	}
	host, err := ParseHost(name)
	if err != nil {
		return nil, &RefusedError{Host: clip(name), Port: uint16(port), Why: "no valid host"}
	}
	dialer := net.Dialer{
		Timeout: connectTimeout, Resolver: g.Resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("reading the address to connect to: %w", err)
			}
			if g.isProxy(to) {
				return &RefusedError{Host: host.Name, Port: to.Port(), Addr: to.Addr(), Why: "the guard itself"}
			}
			if refusal := g.policy.Check(host.Name, to); refusal != nil {
				return refusal
			}
			return nil
		},
	}
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(host.dial, portText))
}

// hostAndPort is how a failure names a place.
func hostAndPort(hostport string) (string, uint16) {
	name, portText, err := net.SplitHostPort(hostport)
	if err != nil {
		return clip(hostport), 0
	}
	port, _ := strconv.ParseUint(portText, 10, 16)
	if host, err := ParseHost(name); err == nil {
		name = host.Name
	}
	return clip(name), uint16(port)
}

func clip(s string) string { return s[:min(len(s), maxHost)] }

// defaultPort is the port of an address that names none.
func defaultPort(hostport string) string {
	if _, _, err := net.SplitHostPort(hostport); err == nil {
		return hostport
	}
	return hostport + ":80"
}

var _ http.Handler = (*Proxy)(nil)

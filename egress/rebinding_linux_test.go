package egress_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/cinnamon-qa/cinnamon/egress"
)

// nameServer answers each question for an IPv4 address with what answer
// returns for its number, from 0, and says that nothing lives for longer.
func nameServer(t *testing.T, answer func(question int) [][4]byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	go func() {
		buffer := make([]byte, 512)
		for questions := 0; ; {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(buffer[:n]); err != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if m.Questions[0].Type == dnsmessage.TypeA {
				for _, a := range answer(questions) {
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
						Body:   &dnsmessage.AResource{A: a},
					})
				}
				questions++
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = server.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", server.LocalAddr().String())
	}}
}

// twins serves on 127.0.0.2, which the tests allow, and on the same port of
// 127.0.0.1, which they do not.
func twins(t *testing.T) (port string, allowed, forbidden *atomic.Int64) {
	t.Helper()
	allowed, forbidden = &atomic.Int64{}, &atomic.Int64{}
	first, err := net.Listen("tcp4", "127.0.0.2:0")
	require.NoError(t, err)
	_, port, err = net.SplitHostPort(first.Addr().String())
	require.NoError(t, err)
	second, err := net.Listen("tcp4", "127.0.0.1:"+port)
	require.NoError(t, err)
	for _, s := range []struct {
		net.Listener
		visits *atomic.Int64
	}{{first, allowed}, {second, forbidden}} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			s.visits.Add(1)
			w.Header().Set("Connection", "close")
		}))
		require.NoError(t, server.Listener.Close())
		server.Listener = s.Listener
		server.Start()
		t.Cleanup(server.Close)
	}
	return port, allowed, forbidden
}

// TestRebinding asks for a name whose server changes its mind: whatever is
// looked up for the question to the policy must be what is connected to.
func TestRebinding(t *testing.T) {
	t.Parallel()
	good, bad := [4]byte{127, 0, 0, 2}, [4]byte{127, 0, 0, 1}
	for name, test := range map[string]struct {
		answer func(question int) [][4]byte
		passes func(request int) bool
	}{
		"every other time": {
			func(q int) [][4]byte { return [][4]byte{[][4]byte{good, bad}[q%2]} },
			func(r int) bool { return r%2 == 0 },
		},
		"from the second time on": {
			func(q int) [][4]byte { return [][4]byte{[][4]byte{good, bad}[min(q, 1)]} },
			func(r int) bool { return r == 0 },
		},
		"both at once": {
			func(int) [][4]byte { return [][4]byte{bad, good, bad} },
			func(int) bool { return true },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, allowed, forbidden := twins(t)
			guard := egress.NewGuard(policy(t, egress.Public, "127.0.0.2"), nil)
			guard.Resolver = nameServer(t, test.answer)
			p := open(t, guard)
			passed := int64(0)
			for i := range 20 {
				began := time.Now()
				answer := say(t, p, "GET http://rebinding.example:"+port+"/ HTTP/1.1\r\nHost: rebinding.example\r\n\r\n")
				if test.passes(i) {
					require.Equal(t, "HTTP/1.1 200 OK", answer)
					passed++
					continue
				}
				require.Empty(t, answer)
				require.Len(t, p.Failures(began), 1)
				require.Equal(t, "127.0.0.1", p.Failures(began)[0].Refusal().Addr.String())
			}
			require.Equal(t, passed, allowed.Load())
			require.Zero(t, forbidden.Load())
		})
	}
}

package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Off is the address of a server that is not wanted.
const Off = "off"

// Options of a server.
type Options struct {
	// Addr is where to listen; empty means Default, or a free port if another process has that: two workers may share a host.
	Addr, Default string
	Prober        *Prober
	// Metrics answers Prometheus.
	Metrics http.Handler
	Log     *slog.Logger
}

// Server answers /livez, /readyz and /metrics.
type Server struct {
	http   *http.Server
	served chan error
}

// Serve listens and answers until the server is closed. There is none, and nothing to close, if the address is "off".
func Serve(ctx context.Context, o Options) (*Server, error) {
	if o.Addr == Off {
		return nil, nil //nolint:nilnil // a nil server is one that was closed
	}
	listener, err := listen(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Server{served: make(chan error, 1), http: &http.Server{
		Handler: Handler(o.Prober, o.Metrics), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}}
	go func() { s.served <- s.http.Serve(listener) }()
	o.Log.InfoContext(ctx, "health and metrics are served", "address", listener.Addr().String())
	return s, nil
}

func listen(ctx context.Context, o Options) (net.Listener, error) {
	var l net.ListenConfig
	if o.Addr != "" {
		listener, err := l.Listen(ctx, "tcp", o.Addr)
		if err != nil {
			return nil, fmt.Errorf("listening on METRICS_ADDR %s: %w", o.Addr, err)
		}
		return listener, nil
	}
	listener, err := l.Listen(ctx, "tcp", o.Default)
	if err == nil {
		return listener, nil
	}
	if listener, err = l.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listening for health and metrics: %w", err)
	}
	return listener, nil
}

// Close stops listening and answers what is under way, for two seconds at most.
func (s *Server) Close(ctx context.Context) error {
	if s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	if ended := <-s.served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("closing the server of health and metrics: %w", err)
	}
	return nil
}

// Handler answers /livez, /readyz and /metrics.
func Handler(p *Prober, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, Readiness{Status: "ok"}) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		found, err := p.Report(r.Context())
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable) // who asked has gone
			return
		}
		code, body := Ready(found)
		answer(w, code, body)
	})
	mux.Handle("GET /metrics", metrics)
	return mux
}

// Readiness is what is said of a role to those who send it work; it names services, no details.
type Readiness struct {
	Status string            `json:"status"` // ok, ready, or not ready
	Checks map[string]string `json:"checks,omitempty"`
}

// Ready turns a report into an answer.
func Ready(r *Report) (code int, body Readiness) {
	body = Readiness{Status: "ready", Checks: map[string]string{}}
	for name, found := range r.Checks {
		body.Checks[name] = found.Status
	}
	if !r.Ready {
		body.Status = "not ready"
		return http.StatusServiceUnavailable, body
	}
	return http.StatusOK, body
}

func answer(w http.ResponseWriter, code int, body Readiness) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // texts only; who asked has gone if it fails
}

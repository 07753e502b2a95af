package metrics

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Browsers are the figures of a pool of browsers.
type Browsers struct {
	Running, Limit, Sessions int
	// Bytes is the memory of all browsers with their pages.
	Bytes   int64
	Started uint64
	// Replaced counts the browsers that were given up, by the reason.
	Replaced map[string]uint64
}

// Browsers registers the figures of a pool, and how many runs the worker drives at a time.
func (r *Registry) Browsers(ctx context.Context, slots int, ask func() Browsers) {
	var (
		running  = describe("cinnamon_browsers", "Browser processes that run.")
		limit    = describe("cinnamon_browsers_limit", "Browser processes that may run (BROWSER_POOL).")
		sessions = describe("cinnamon_browser_sessions", "Sessions, one for each attempt, that are open.")
		memory   = describe("cinnamon_browser_memory_bytes", "Memory of the browsers with their pages; known on Linux only.")
		started  = describe("cinnamon_browsers_started_total", "Browsers that were started.")
		replaced = describe("cinnamon_browsers_replaced_total", "Browsers that were given up: old (BROWSER_MAX_RUNS), large (BROWSER_MAX_MIB), broken or hung.", "reason")
		most     = describe("cinnamon_worker_slots", "Runs that the worker drives at a time (QUEUE_CONCURRENCY).")
	)
	r.ask(ctx, "the browsers", []*prometheus.Desc{running, limit, sessions, memory, started, replaced, most}, func(context.Context) ([]sample, error) {
		b := ask()
		samples := []sample{
			gauge(running, float64(b.Running)), gauge(limit, float64(b.Limit)), gauge(sessions, float64(b.Sessions)),
			gauge(memory, float64(b.Bytes)), counter(started, float64(b.Started)), gauge(most, float64(slots)),
		}
		for reason, n := range b.Replaced {
			samples = append(samples, counter(replaced, float64(n), reason))
		}
		return samples, nil
	})
}

// Dependencies registers which services answer.
func (r *Registry) Dependencies(ctx context.Context, ask func(ctx context.Context) map[string]bool) {
	up := describe("cinnamon_dependency_up", "1 if a service that the role depends on answers.", "dependency")
	r.ask(ctx, "the dependencies", []*prometheus.Desc{up}, func(ctx context.Context) ([]sample, error) {
		var samples []sample
		for name, is := range ask(ctx) {
			samples = append(samples, gauge(up, yes(is), name))
		}
		return samples, nil
	})
}

// HTTP counts the requests that a server answers. A nil one counts nothing.
type HTTP struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// HTTP registers the metrics of a server.
func (r *Registry) HTTP() *HTTP {
	h := &HTTP{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cinnamon_http_requests_total", Help: "Requests that the API answered.",
		}, []string{"method", "route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cinnamon_http_request_duration_seconds", Help: "How long the API took to answer.", Buckets: []float64{.005, .025, .1, .5, 1, 2.5, 10},
		}, []string{"route"}),
	}
	r.prometheus.MustRegister(h.requests, h.duration)
	return h
}

// Answered notes a request. The route is the pattern that matched, not what the client wrote.
func (h *HTTP) Answered(method, route string, code int, took time.Duration) {
	if h == nil {
		return
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions:
	default:
		method = "other" // a client can make up as many as it likes
	}
	if route == "" {
		route = "none"
	}
	h.requests.WithLabelValues(method, route, strconv.Itoa(code)).Inc()
	h.duration.WithLabelValues(route).Observe(took.Seconds())
}

package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// lookWithin bounds what is asked of others while somebody looks.
const lookWithin = 3 * time.Second

// Registry holds the metrics of one role of a process.
type Registry struct {
	prometheus *prometheus.Registry
	log        *slog.Logger
}

// New makes a registry with what every role has: the build, the Go runtime, the process.
func New(role string, log *slog.Logger) *Registry {
	r := &Registry{prometheus: prometheus.NewRegistry(), log: log}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "cinnamon_build_info", Help: "The role and its version; always 1.", ConstLabels: prometheus.Labels{"role": role, "version": version()},
	})
	build.Set(1)
	r.prometheus.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// Handler answers Prometheus. What can't be found out is left out, and the rest is told.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.prometheus, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      slog.NewLogLogger(r.log.Handler(), slog.LevelWarn),
	})
}

// sample is one value of a metric.
type sample struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	value  float64
	labels []string
}

// looked is asked when somebody looks.
type looked struct {
	descs []*prometheus.Desc
	look  func() []sample
}

// ask registers metrics that are found out when somebody looks. If that fails they are missing, which is logged.
func (r *Registry) ask(ctx context.Context, what string, descs []*prometheus.Desc, look func(ctx context.Context) ([]sample, error)) {
	r.prometheus.MustRegister(&looked{descs: descs, look: func() []sample {
		ctx, cancel := context.WithTimeout(ctx, lookWithin)
		defer cancel()
		samples, err := look(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.DebugContext(ctx, "metrics are missing", "of", what, "error", err)
		}
		return samples
	}})
}

// Describe implements prometheus.Collector.
func (l *looked) Describe(to chan<- *prometheus.Desc) {
	for _, d := range l.descs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (l *looked) Collect(to chan<- prometheus.Metric) {
	for _, s := range l.look() {
		m, err := prometheus.NewConstMetric(s.desc, s.kind, s.value, s.labels...)
		if err != nil {
			m = prometheus.NewInvalidMetric(s.desc, fmt.Errorf("making a sample: %w", err))
		}
		to <- m
	}
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) sample {
	return sample{desc: desc, kind: prometheus.GaugeValue, value: value, labels: labels}
}

func counter(desc *prometheus.Desc, value float64, labels ...string) sample {
	return sample{desc: desc, kind: prometheus.CounterValue, value: value, labels: labels}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

func yes(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

package metrics

import (
	"context"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Learning counts what learning decides. A nil one counts nothing.
type Learning struct {
	decided *prometheus.CounterVec
}

// Learning registers the metrics of a worker's learning.
func (r *Registry) Learning() *Learning {
	m := &Learning{decided: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cinnamon_learned_locators_decided_total",
		Help: "Learned locators that learning promoted, demoted (proposed) or rejected.",
	}, []string{"to"})}
	r.prometheus.MustRegister(m.decided)
	return m
}

// Decided notes that learning gave a locator another status.
func (m *Learning) Decided(to string) {
	if m != nil {
		m.decided.WithLabelValues(to).Inc()
	}
}

// ReliabilityLimits are the lower limits of the classes of reliability.
func ReliabilityLimits() []float64 { return []float64{0, 0.5, 0.8, 0.9, 0.95, 0.99} }

// Reliability registers how many cases are how reliable, each in each of its environments.
func (r *Registry) Reliability(ctx context.Context, ask func(ctx context.Context, limits []float64) (map[float64]int, error)) {
	cases := describe("cinnamon_cases_by_reliability", "Cases, each in each of its environments, whose probability to pass is at least this, and less than the next.", "at_least")
	r.ask(ctx, "the reliability of cases", []*prometheus.Desc{cases}, func(ctx context.Context) ([]sample, error) {
		counts, err := ask(ctx, ReliabilityLimits())
		var samples []sample
		for _, limit := range ReliabilityLimits() {
			samples = append(samples, gauge(cases, float64(counts[limit]), strconv.FormatFloat(limit, 'f', -1, 64)))
		}
		return samples, err
	})
}

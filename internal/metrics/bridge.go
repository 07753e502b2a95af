package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Bridge counts what a bridge does, both ways. A nil one counts nothing.
type Bridge struct {
	lag                               *prometheus.HistogramVec
	relayed, setAside, rebuilds       *prometheus.CounterVec
	repaired, followed, taken, failed *prometheus.CounterVec
}

var lagBuckets = []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 300, 1800} //nolint:gochecknoglobals // constants

// Bridge registers the metrics of a bridge.
func (r *Registry) Bridge() *Bridge {
	count := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"queue"})
	}
	m := &Bridge{
		lag: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cinnamon_bridge_lag_seconds", Help: "How long changes of jobs waited until Redis showed them.", Buckets: lagBuckets,
		}, []string{"queue"}),
		relayed:  count("cinnamon_bridge_changes_total", "Changes of jobs that Redis was shown."),
		setAside: count("cinnamon_bridge_set_aside_total", "Changes that can't be shown in Redis and were set aside."),
		rebuilds: count("cinnamon_bridge_rebuilds_total", "How often a queue was shown again to a Redis that had lost data."),
		repaired: count("cinnamon_bridge_repaired_jobs_total", "Jobs that were shown again to a Redis that had lost data."),
		followed: count("cinnamon_bridge_client_changes_total", "What clients or other consumers did to jobs in Redis and was carried out."),
		taken:    count("cinnamon_bridge_client_jobs_total", "Jobs that clients added in Redis and were taken over."),
		failed:   count("cinnamon_bridge_refused_jobs_total", "Jobs that clients added in Redis and can't be carried out."),
	}
	r.prometheus.MustRegister(m.lag, m.relayed, m.setAside, m.rebuilds, m.repaired, m.followed, m.taken, m.failed)
	return m
}

// Relayed notes a change that Redis shows now, and since when it waited.
func (m *Bridge) Relayed(queueName string, since time.Time) {
	if m != nil {
		m.relayed.WithLabelValues(queueName).Inc()
		m.lag.WithLabelValues(queueName).Observe(max(time.Since(since), 0).Seconds())
	}
}

// SetAside notes changes that can't be shown.
func (m *Bridge) SetAside(queueName string, changes int) {
	if m != nil {
		m.setAside.WithLabelValues(queueName).Add(float64(changes))
	}
}

// Rebuilt notes a queue that was shown again, with so many jobs.
func (m *Bridge) Rebuilt(queueName string, jobs int) {
	if m != nil && jobs > 0 {
		m.rebuilds.WithLabelValues(queueName).Inc()
		m.repaired.WithLabelValues(queueName).Add(float64(jobs))
	}
}

// Followed notes that what a client did to a job was carried out.
func (m *Bridge) Followed(queueName string) {
	if m != nil {
		m.followed.WithLabelValues(queueName).Inc()
	}
}

// Taken notes a job of a client's that was taken over.
func (m *Bridge) Taken(queueName string) {
	if m != nil {
		m.taken.WithLabelValues(queueName).Inc()
	}
}

// Refused notes a job of a client's that can't be carried out.
func (m *Bridge) Refused(queueName string) {
	if m != nil {
		m.failed.WithLabelValues(queueName).Inc()
	}
}

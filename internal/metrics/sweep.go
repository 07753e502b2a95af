package metrics

import "github.com/prometheus/client_golang/prometheus"

// What the sweep puts right.
const (
	NeverStarted = "never_started" // a run was accepted, and its workflow not started
	EndedOutside = "ended_outside" // its workflow was terminated, timed out or failed in Temporal
	WorkflowGone = "workflow_gone" // Temporal doesn't know its workflow any more
	NotRecorded  = "not_recorded"  // its workflow ended, and nothing says so
	NoRecord     = "no_record"     // a workflow has no run
)

// Sweep counts what fell between the database and Temporal and was put right. A nil one counts nothing.
type Sweep struct {
	reconciled *prometheus.CounterVec
}

// Sweep registers the metrics of the API's sweep.
func (r *Registry) Sweep() *Sweep {
	m := &Sweep{reconciled: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cinnamon_reconciled_total",
		Help: "Runs, jobs and workflows that did not fit together and were put right: never_started, ended_outside, workflow_gone, not_recorded or no_record.",
	}, []string{"queue", "reason"})}
	r.prometheus.MustRegister(m.reconciled)
	return m
}

// Reconciled notes a run, a job or a workflow that was put right.
func (m *Sweep) Reconciled(queueName, reason string) {
	if m != nil {
		m.reconciled.WithLabelValues(queueName, reason).Inc()
	}
}

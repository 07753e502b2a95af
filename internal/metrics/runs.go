package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Runs counts what workers do. A nil one counts nothing.
type Runs struct {
	wait, attempt, run, step *prometheus.HistogramVec
	attempts, runs, steps    *prometheus.CounterVec
	flaky, dead              *prometheus.CounterVec
	heal                     *prometheus.HistogramVec
	adaptations              *prometheus.CounterVec
}

// Buckets, in seconds: of steps, of attempts, and of what may take hours.
var (
	stepBuckets    = []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}                   //nolint:gochecknoglobals // constants
	attemptBuckets = []float64{.25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600}           //nolint:gochecknoglobals // constants
	longBuckets    = []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 300, 600, 1800, 3600, 14_400} //nolint:gochecknoglobals // constants
)

// Runs registers the metrics of a worker's runs.
func (r *Registry) Runs() *Runs {
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	count := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Runs{
		wait:        histogram("cinnamon_run_wait_seconds", "How long runs waited for their first attempt since they were due.", longBuckets, "queue"),
		attempt:     histogram("cinnamon_attempt_duration_seconds", "How long attempts took, browser and all.", attemptBuckets, "queue"),
		run:         histogram("cinnamon_run_duration_seconds", "How long runs took from the request to the outcome, waits included.", longBuckets, "queue"),
		step:        histogram("cinnamon_step_duration_seconds", "How long steps took, by what they do.", stepBuckets, "action"),
		attempts:    count("cinnamon_attempts_total", "Attempts that ended: completed, adapted, failed, cancelled, given_back by a stopping worker, or platform_trouble.", "queue", "outcome"),
		runs:        count("cinnamon_runs_total", "Runs that attempts ended, by their status.", "queue", "status"),
		steps:       count("cinnamon_steps_total", "Steps that ended, by their status.", "status"),
		flaky:       count("cinnamon_flaky_runs_total", "Runs that passed, but not with the first attempt.", "queue"),
		dead:        count("cinnamon_dead_letters_total", "Runs that failed for good, by the class of the failure.", "queue", "class"),
		heal:        histogram("cinnamon_heal_duration_seconds", "How long it took to look for elements that were not found or covered, by how that ended: healed, recovered, refused, suggested or failed.", stepBuckets, "outcome"),
		adaptations: count("cinnamon_adaptations_total", "Adaptations by their type (retry, overlay, locator, learned-locator), and whether the step passed.", "type", "successful"),
	}
	r.prometheus.MustRegister(m.wait, m.attempt, m.run, m.step, m.attempts, m.runs, m.steps, m.flaky, m.dead, m.heal, m.adaptations)
	return m
}

// AttemptStarted notes how long a run waited for its first attempt.
func (m *Runs) AttemptStarted(queueName string, waited time.Duration) {
	if m != nil {
		m.wait.WithLabelValues(queueName).Observe(max(waited, 0).Seconds())
	}
}

// StepEnded notes a step.
func (m *Runs) StepEnded(action, status string, took time.Duration) {
	if m != nil {
		m.step.WithLabelValues(action).Observe(took.Seconds())
		m.steps.WithLabelValues(status).Inc()
	}
}

// Adapted notes an adaptation.
func (m *Runs) Adapted(kind string, successful bool) {
	if m != nil {
		m.adaptations.WithLabelValues(kind, strconv.FormatBool(successful)).Inc()
	}
}

// HealEnded notes that an element was looked for again.
func (m *Runs) HealEnded(outcome string, took time.Duration) {
	if m != nil {
		m.heal.WithLabelValues(outcome).Observe(took.Seconds())
	}
}

// AttemptEnd is how an attempt ended.
type AttemptEnd struct {
	Queue string
	// Outcome is the attempt's status, given_back or platform_trouble.
	Outcome string
	Took    time.Duration
	// Status is the run's, if the attempt ended it; else empty.
	Status string
	// Since is when the run was accepted.
	Since time.Time
	// Flaky says that the run passed after an attempt that failed.
	Flaky bool
	// Class is why the run failed for good; empty if it did not.
	Class string
}

// AttemptEnded notes an attempt, and the run if that has ended.
func (m *Runs) AttemptEnded(e AttemptEnd) {
	if m == nil {
		return
	}
	m.attempts.WithLabelValues(e.Queue, e.Outcome).Inc()
	m.attempt.WithLabelValues(e.Queue).Observe(e.Took.Seconds())
	if e.Status == "" {
		return
	}
	m.runs.WithLabelValues(e.Queue, e.Status).Inc()
	m.run.WithLabelValues(e.Queue).Observe(max(time.Since(e.Since), 0).Seconds())
	if e.Flaky {
		m.flaky.WithLabelValues(e.Queue).Inc()
	}
	if e.Class != "" {
		m.dead.WithLabelValues(e.Queue, e.Class).Inc()
	}
}

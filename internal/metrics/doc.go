// Package metrics is what Prometheus reads of a process: every metric of the product has its name here.
//
// It is the home of Prometheus's client and of OpenTelemetry, and imports nothing of ours. Those who have something to count
// are handed a part of a [Registry], or hand over a function that is asked when somebody looks.
package metrics

// Package starter submits test runs: it checks a request, writes the run with its job to the store and starts the
// workflow that carries it out. It is the only place that starts or cancels workflows.
//
// A run is accepted once it is written. If the workflow can't be started then, Sweep starts it later: workflow ids
// derive from run ids, so nothing runs twice.
package starter

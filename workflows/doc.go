// Package workflows holds the durable part of a job: how many attempts, what waits between them, how it is cancelled and
// what a person sees of it in the Temporal Web UI. Everything else is done by activities.
//
// Code here is deterministic: it reads no clock, environment or random number but the workflow's own. It imports
// activities for their signatures, and nothing that does I/O.
//
// Its tests run in the SDK's time-skipping environment and replay the recorded histories in testdata/history.
package workflows

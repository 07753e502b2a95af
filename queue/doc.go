// Package queue declares the queues as data and holds the record of a job with its state machine: which state may
// follow which, what an attempt counts, when the next one is due. It is pure: no clock, no I/O.
//
// A job's life: waiting or delayed, active, then completed, failed, or back to waiting or delayed for another attempt.
// Every change of state yields a Change, numbered per job, that the store writes beside the job (the outbox) and the
// bridge projects to Redis.
//
// It imports nothing of the product.
package queue

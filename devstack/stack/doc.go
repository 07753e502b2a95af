// Package stack composes the whole system on one machine: Postgres, Redis, Temporal and its Web UI, the API, the worker, the
// bridge to Redis and the shop to test. It starts what does not depend on each other at the same time, and stops everything
// in an order that loses nothing.
//
// It is the only package here that imports the product, and then only its composition roots. It must not read the
// environment or write to the terminal.
package stack

// Package e2e tests the whole chain with real parts: programs as users run them, a real browser, Postgres, Redis,
// Temporal, and the real bullmq library as judge of what Redis shows.
//
// The programs are those that CINNAMON_BIN and CINNAMON_DEV_BIN name; `make test` builds them first.
package e2e

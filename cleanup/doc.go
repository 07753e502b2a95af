// Package cleanup decides what is old enough to go, and takes it away: runs with their steps and files, what queues keep in
// Postgres and Redis, and what processes that died left behind.
//
// The policy is pure. What is done goes through ports: the records (store/postgres), the files (an artifact.Store), the
// queues in Redis (redisbridge) and the machine that the cleaner runs on (worker). It goes batch by batch; what a batch took
// away is counted in the same transaction, so whoever begins again after a crash goes on with the counts as they are.
//
// It imports the vocabulary of files (artifact) and of errors (internal/fault), nothing else of the product.
package cleanup

// Package store holds the records that Postgres keeps of test cases, runs, steps and artifacts. The package
// store/postgres reads and writes them.
//
// It imports only the vocabulary of the product (package queue).
package store

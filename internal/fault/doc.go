// Package fault gives errors a code that each edge of the system (HTTP, Temporal, command line) translates once.
//
// It imports nothing of the product.
package fault

// Package casepatch writes better selectors into the text of a test case: only the selectors of the steps concerned change, so that people
// see in a diff of their file what they would have written.
//
// It is pure, and imports nothing of ours but package testcase.
package casepatch

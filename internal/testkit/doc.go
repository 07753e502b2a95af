// Package testkit starts the real services that tests run against. A missing one skips the test with a hint, or fails
// it when CI is set.
//
// It imports nothing of the product but what runs servers, and only tests import it.
package testkit

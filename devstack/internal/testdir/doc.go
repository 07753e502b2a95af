// Package testdir makes folders for tests that run servers: when the tests run as root, the servers run as another user, who
// must be able to reach their folder.
package testdir

package testkit

import (
	"fmt"
	"net"
	"strconv"
	"testing"
)

// Kill takes the server away, with all that it holds.
func (r *Redis) Kill(tb testing.TB) {
	tb.Helper()
	if err := r.command.Process.Kill(); err != nil {
		tb.Fatalf("killing redis-server: %v", err)
	}
	<-r.exited
}

// Restart brings a killed server back, empty, at the same address.
func (r *Redis) Restart(tb testing.TB) {
	tb.Helper()
	if err := r.restart(); err != nil {
		tb.Fatalf("restarting redis-server: %v", err)
	}
}

func (r *Redis) restart() error {
	_, text, err := net.SplitHostPort(r.address)
	if err != nil {
		return fmt.Errorf("reading the server's address: %w", err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("reading the server's port: %w", err)
	}
	return r.launchAt(r.command.Path, port)
}

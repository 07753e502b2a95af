package testsite

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

const shutdownGrace = 3 * time.Second

// Serve runs a shop on addr until ctx ends, and then lets open requests finish for a few seconds. When it is listening it
// calls ready, which may be nil, with its "host:port"; so ":0" and "127.0.0.1:0" are fine as addr.
func Serve(ctx context.Context, addr string, o Options, ready func(addr string)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listening for the test site: %w", err)
	}
	// Requests do not inherit ctx's cancellation: they are given the grace period instead.
	base, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	server := &http.Server{
		Handler:           Handler(o),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      slowMax + 15*time.Second,
		IdleTimeout:       time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if ready != nil {
		ready(listener.Addr().String())
	}

	select {
	case err := <-served:
		return fmt.Errorf("serving the test site: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(base, shutdownGrace)
	defer cancel()
	err = server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		abort()
		err = server.Close()
	}
	<-served //nolint:errcheck // it ends with ErrServerClosed
	if err != nil {
		return fmt.Errorf("stopping the test site: %w", err)
	}
	return nil
}

package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"
)

// PortError says that a port is taken and which flag picks another one.
type PortError struct {
	Port int
	Of   string
	Flag string
}

func (e *PortError) Error() string {
	return fmt.Sprintf("port %d is in use, so %s can't listen on it: choose another one with %s", e.Port, e.Of, e.Flag)
}

// FreePort returns a loopback port that nothing listens on. Another process may take it before it is used, so whoever
// starts a server on it tries again with another one (Retry) when the server can't listen.
func FreePort(ctx context.Context) (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer listener.Close() //nolint:errcheck // nothing was sent on it
	_, text, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return 0, fmt.Errorf("reading a free port: %w", err)
	}
	return strconv.Atoi(text)
}

// CheckPort returns a PortError when something listens on the port and does not go away within the patience.
func CheckPort(ctx context.Context, port int, of, flag string, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		listener, err := (&net.ListenConfig{}).Listen(context.WithoutCancel(ctx), "tcp", Loopback(port))
		if err == nil {
			return listener.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("trying port %d for %s (%s chooses another one): %w", port, of, flag, err)
		}
		select {
		case <-ctx.Done():
			return &PortError{Port: port, Of: of, Flag: flag}
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Loopback returns the address of a port on this machine's loopback interface.
func Loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

const portAttempts = 5

// Retry starts a server with the given port, or when that is 0 with free ones until it starts.
func Retry[T any](ctx context.Context, port int, start func(port int) (T, error)) (T, error) {
	if port != 0 {
		return start(port)
	}
	var zero T
	var last error
	for range portAttempts {
		free, err := FreePort(ctx)
		if err != nil {
			return zero, err
		}
		server, err := start(free)
		if err == nil || ctx.Err() != nil {
			return server, err
		}
		last = err
	}
	return zero, last
}

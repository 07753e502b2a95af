package testkit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/process"
	"github.com/cinnamon-qa/cinnamon/internal/redisserver"
)

const stopWithin = 10 * time.Second

// Redis is a real redis-server on a free loopback port, behind a password. The zero value is ready: the server starts when
// a test first asks for its URL. A package keeps one and stops it in TestMain:
//
//	var server testkit.Redis
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		server.Stop()
//		os.Exit(code)
//	}
//
// Tests share the server: each keeps to a key prefix of its own.
type Redis struct {
	start   sync.Once
	err     error
	options redisserver.Options
	place   place
	server  *redisserver.Server
}

// URL returns the server's address, with the password.
func (r *Redis) URL(tb testing.TB) string {
	tb.Helper()
	r.start.Do(func() { r.err = r.run(context.WithoutCancel(tb.Context())) })
	require(tb, r.err)
	return r.server.URL()
}

// Stop ends the server, if it was started, and deletes its files.
func (r *Redis) Stop() {
	r.start.Do(func() { r.err = errors.New("the server was stopped before it started") })
	if r.server != nil {
		r.server.Kill()
	}
	if r.place.folder != "" {
		_ = os.RemoveAll(r.place.folder)
	}
}

func (r *Redis) run(ctx context.Context) error {
	path, ok := redisserver.Program().Find()
	if !ok {
		return process.Missing(redisserver.Program())
	}
	var err error
	if r.place, err = newPlace("redis"); err != nil {
		return err
	}
	r.options = redisserver.Options{
		Path: path, Dir: r.place.path("data"), Password: "for-tests", User: r.place.user, LogFile: r.place.path("log"), Throwaway: true,
	}
	r.server, err = redisserver.Start(ctx, r.options)
	return err
}

// Kill takes the server away, with all that it holds.
func (r *Redis) Kill(tb testing.TB) {
	tb.Helper()
	r.URL(tb)
	r.server.Kill()
}

// Restart brings a killed server back, empty, at the same address.
func (r *Redis) Restart(tb testing.TB) {
	tb.Helper()
	require(tb, r.restart(context.WithoutCancel(tb.Context())))
}

func (r *Redis) restart(ctx context.Context) error {
	address, err := url.Parse(r.server.URL())
	if err != nil {
		return fmt.Errorf("reading the server's address: %w", err)
	}
	if r.options.Port, err = strconv.Atoi(address.Port()); err != nil {
		return fmt.Errorf("reading the server's port: %w", err)
	}
	r.server, err = redisserver.Start(ctx, r.options)
	return err
}

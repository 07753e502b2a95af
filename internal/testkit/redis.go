package testkit

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/process"
	"github.com/cinnamon-qa/cinnamon/internal/redisserver"
)

const (
	stopWithin    = 10 * time.Second
	redisPassword = "for-tests"
)

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
	// TLS makes the server speak TLS alone, with a certificate of this authority for these names.
	TLS   *Authority
	Names []string
	// AskClients has clients show a certificate of the authority.
	AskClients bool
	// Users are further users, each as an ACL rule.
	Users []string

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

// URLAs returns the server's address as it is for another user.
func (r *Redis) URLAs(tb testing.TB, user, password string) string {
	tb.Helper()
	address, err := url.Parse(r.URL(tb))
	require(tb, err)
	address.User = url.UserPassword(user, password)
	return address.String()
}

// SocketURL returns the address of the server's unix socket, with the password.
func (r *Redis) SocketURL(tb testing.TB) string {
	tb.Helper()
	r.URL(tb)
	address := url.URL{Scheme: "unix", User: url.UserPassword("", redisPassword), Path: r.options.Socket}
	return address.String()
}

// Stop ends the server, if it was started, and deletes its files.
func (r *Redis) Stop() {
	r.start.Do(func() { r.err = errors.New("the server was stopped before it started") })
	if r.server != nil {
		r.server.Kill()
	}
	r.place.remove()
}

func (r *Redis) run(ctx context.Context) error {
	var err error
	if r.place, err = newPlace("redis"); err != nil {
		return err
	}
	if r.options, err = redisOptions(r.place, "data"); err != nil {
		return err
	}
	r.options.Users, r.options.Socket = r.Users, filepath.Join(r.options.Dir, "redis.sock")
	if r.TLS != nil {
		if r.options.TLS, err = r.secure(); err != nil {
			return err
		}
	}
	r.server, err = redisserver.Start(ctx, r.options)
	return err
}

// secure writes what the server needs to speak TLS.
func (r *Redis) secure() (*redisserver.TLS, error) {
	certificate, key, err := r.TLS.issue(r.Names)
	if err != nil {
		return nil, err
	}
	files := &redisserver.TLS{
		CA: r.place.path("ca.pem"), Certificate: r.place.path("cert.pem"), Key: r.place.path("key.pem"), AskClients: r.AskClients,
		Name: r.Names[0],
	}
	for path, content := range map[string][]byte{files.CA: r.TLS.pem, files.Certificate: certificate, files.Key: key} {
		if err := r.place.user.WriteSecret(path, string(content)); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// redisOptions describes a server in a folder of the place.
func redisOptions(at place, name string) (redisserver.Options, error) {
	path, ok := redisserver.Program().Find()
	if !ok {
		return redisserver.Options{}, process.Missing(redisserver.Program())
	}
	return redisserver.Options{
		Path: path, Dir: at.path(name), Password: redisPassword, User: at.user, LogFile: at.path(name + ".log"), Throwaway: true,
	}, nil
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
	r.options.Port = r.server.Port()
	var err error
	r.server, err = redisserver.Start(ctx, r.options)
	return err
}

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

const startTimeout = 30 * time.Second

// Program is what must be installed. Valkey, which some systems have in its place, speaks the same protocol.
func Program() process.Program {
	return process.Program{
		Names:    []string{"redis-server", "valkey-server"},
		Folders:  []string{"/opt/homebrew/bin", "/opt/homebrew/opt/redis/bin"},
		Packages: map[string]string{"apt": "redis-server", "dnf": "redis", "brew": "redis"},
	}
}

// Options describes a server.
type Options struct {
	// Path is the redis-server program.
	Path string
	// Dir is the folder that becomes the server's data folder; its parent must exist.
	Dir string
	// Port to listen on; 0 is a free one.
	Port     int
	Password string
	User     *process.User
	LogFile  string
	// Throwaway keeps everything in memory only.
	Throwaway bool
}

// Server is a running Redis.
type Server struct {
	*process.Child

	url string
}

// URL is the address of the server, with the password.
func (s *Server) URL() string { return s.url }

// Start runs a server until it answers.
func Start(ctx context.Context, o Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := o.User.OwnFolder(o.Dir); err != nil {
		return nil, err
	}
	server, err := process.Retry(ctx, o.Port, func(port int) (*Server, error) { return start(ctx, o, port) })
	if err != nil {
		return nil, fmt.Errorf("starting Redis: %w", err)
	}
	return server, nil
}

func start(ctx context.Context, o Options, port int) (*Server, error) {
	settings := filepath.Join(o.Dir, "redis.conf")
	if err := o.User.WriteSecret(settings, configuration(o, port)); err != nil {
		return nil, err
	}
	child, err := process.Start(ctx, process.Command{
		Path: o.Path, Args: []string{settings}, Dir: o.Dir, User: o.User, LogFile: o.LogFile,
		Farewell: syscall.SIGTERM,
	})
	if err != nil {
		return nil, err
	}
	address := url.URL{
		Scheme: "redis", User: url.UserPassword("default", o.Password), Host: process.Loopback(port), Path: "0",
	}
	options, err := redis.ParseURL(address.String())
	if err != nil {
		return nil, fmt.Errorf("reading our own Redis address: %w", err)
	}
	options.MaxRetries = -1
	client := redis.NewClient(options)
	defer client.Close() //nolint:errcheck // nothing is pending on it any more
	err = child.AwaitReady(ctx, o.LogFile, func(ctx context.Context) error { return client.Ping(ctx).Err() })
	if err != nil {
		return nil, errors.Join(err, child.StopWithin(context.WithoutCancel(ctx), 5*time.Second))
	}
	return &Server{Child: child, url: address.String()}, nil
}

// configuration never lets Redis evict: a queue that loses keys under memory pressure loses jobs.
func configuration(o Options, port int) string {
	appendOnly := "yes"
	if o.Throwaway {
		appendOnly = "no"
	}
	return strings.Join([]string{
		"bind 127.0.0.1",
		fmt.Sprintf("port %d", port),
		fmt.Sprintf("dir %q", o.Dir),
		fmt.Sprintf("requirepass %q", o.Password),
		"daemonize no",
		"loglevel notice",
		`logfile ""`,
		"maxmemory-policy noeviction",
		`save ""`,
		"appendonly " + appendOnly,
		"",
	}, "\n")
}

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
	// TLS, if there is any, is all that the server speaks.
	TLS *TLS
	// Users are further users, each as an ACL rule: "name on >password ~key +command".
	Users []string
	// Socket is the path of a unix socket to listen on as well.
	Socket string
	// ReplicaOf is the server to follow. It has the same password.
	ReplicaOf *Server
	// Cluster makes the server a node of a cluster: see [Join].
	Cluster bool
	// Sentinel makes it a Sentinel, which holds no data.
	Sentinel *Sentinel
}

// Server is a running Redis.
type Server struct {
	*process.Child

	options Options
	port    int
	bus     int
	url     string
}

// URL is the address of the server, with the password.
func (s *Server) URL() string { return s.url }

// Port is where the server listens.
func (s *Server) Port() int { return s.port }

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
	server := &Server{options: o, port: port}
	if o.Cluster {
		var err error
		if server.bus, err = process.FreePort(ctx); err != nil {
			return nil, err
		}
	}
	settings := filepath.Join(o.Dir, "redis.conf")
	if err := o.User.WriteSecret(settings, server.configuration()); err != nil {
		return nil, err
	}
	args := []string{settings}
	if o.Sentinel != nil {
		args = append(args, "--sentinel")
	}
	address := url.URL{
		Scheme: "redis", User: url.UserPassword("default", o.Password), Host: process.Loopback(port), Path: "0",
	}
	if o.TLS != nil {
		address.Scheme = "rediss"
	}
	server.url = address.String()
	client, err := server.client()
	if err != nil {
		return nil, err
	}
	defer client.Close() //nolint:errcheck // nothing is pending on it any more
	server.Child, err = process.Start(ctx, process.Command{
		Path: o.Path, Args: args, Dir: o.Dir, User: o.User, LogFile: o.LogFile,
		Farewell: syscall.SIGTERM,
	})
	if err != nil {
		return nil, err
	}
	err = server.AwaitReady(ctx, o.LogFile, func(ctx context.Context) error { return client.Ping(ctx).Err() })
	if err != nil {
		return nil, errors.Join(err, server.StopWithin(context.WithoutCancel(ctx), 5*time.Second))
	}
	return server, nil
}

// client prepares connections of ours.
func (s *Server) client() (*redis.Client, error) {
	options := &redis.Options{
		Addr: process.Loopback(s.port), Username: "default", Password: s.options.Password, MaxRetries: -1,
	}
	if s.options.TLS != nil {
		var err error
		if options.TLSConfig, err = s.options.TLS.client(); err != nil {
			return nil, err
		}
	}
	return redis.NewClient(options), nil
}

// configuration never lets Redis evict: a queue that loses keys under memory pressure loses jobs.
func (s *Server) configuration() string {
	o := s.options
	lines := []string{
		"bind 127.0.0.1",
		fmt.Sprintf("dir %q", o.Dir),
		fmt.Sprintf("requirepass %q", o.Password),
		"daemonize no",
		"loglevel notice",
		`logfile ""`,
	}
	if o.TLS == nil {
		lines = append(lines, fmt.Sprintf("port %d", s.port))
	} else {
		lines = append(lines, "port 0", fmt.Sprintf("tls-port %d", s.port))
		lines = append(lines, o.TLS.configuration()...)
	}
	if o.Socket != "" {
		lines = append(lines, fmt.Sprintf("unixsocket %q", o.Socket), "unixsocketperm 777") // the password guards it
	}
	for _, rule := range o.Users {
		lines = append(lines, "user "+rule)
	}
	if o.Sentinel != nil {
		return strings.Join(append(lines, o.Sentinel.configuration()...), "\n") + "\n"
	}
	appendOnly := "yes"
	if o.Throwaway {
		appendOnly = "no"
	}
	lines = append(lines, "maxmemory-policy noeviction", `save ""`, "appendonly "+appendOnly,
		fmt.Sprintf("masterauth %q", o.Password), "repl-diskless-sync-delay 0") // the master of today is the replica of tomorrow
	if o.ReplicaOf != nil {
		lines = append(lines, fmt.Sprintf("replicaof 127.0.0.1 %d", o.ReplicaOf.port))
	}
	if o.Cluster {
		lines = append(lines, "cluster-enabled yes", fmt.Sprintf("cluster-port %d", s.bus), "cluster-node-timeout 2000")
	}
	return strings.Join(lines, "\n") + "\n"
}

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

const (
	// account is the owner of everything in the server, and the database that is made in it.
	account  = "cinnamon"
	database = "cinnamon"

	startTimeout = 60 * time.Second
)

// Program is what must be installed.
func Program() process.Program {
	return process.Program{
		Names: []string{"postgres"},
		Folders: []string{
			"/usr/lib/postgresql/*/bin",
			"/usr/pgsql-*/bin",
			"/opt/homebrew/opt/postgresql@*/bin",
			"/usr/local/opt/postgresql@*/bin",
			"/opt/homebrew/bin",
			"/Applications/Postgres.app/Contents/Versions/*/bin",
		},
		Packages: map[string]string{"apt": "postgresql", "dnf": "postgresql-server", "brew": "postgresql@17"},
	}
}

// Options describes a server.
type Options struct {
	// Path is the postgres program; initdb is beside it.
	Path string
	// Dir is the folder that becomes the server's data folder; its parent must exist.
	Dir string
	// Port to listen on; 0 is a free one.
	Port     int
	Password string
	User     *process.User
	LogFile  string
	// Throwaway trades what survives a power cut for speed.
	Throwaway bool
}

// Server is a running Postgres.
type Server struct {
	*process.Child

	url string
}

// URL is the address of the database, with the password.
func (s *Server) URL() string { return s.url }

// Start makes the data folder if there is none, and runs a server in it until it answers and has the database.
func Start(ctx context.Context, o Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := initialise(ctx, o); err != nil {
		return nil, fmt.Errorf("making the Postgres data folder: %w", err)
	}
	if err := awaitPredecessor(ctx, o.Dir); err != nil {
		return nil, err
	}
	server, err := process.Retry(ctx, o.Port, func(port int) (*Server, error) { return start(ctx, o, port) })
	if err != nil {
		return nil, fmt.Errorf("starting Postgres: %w", err)
	}
	return server, nil
}

// initialise runs initdb in a folder beside, so that an interrupted one leaves nothing that looks complete.
func initialise(ctx context.Context, o Options) error {
	if _, err := os.Stat(filepath.Join(o.Dir, "PG_VERSION")); err == nil {
		return nil
	}
	fresh := o.Dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("removing an interrupted attempt: %w", err)
	}
	if err := o.User.OwnFolder(fresh); err != nil {
		return err
	}
	secret := o.Dir + ".password"
	if err := o.User.WriteSecret(secret, o.Password); err != nil {
		return err
	}
	defer os.Remove(secret) //nolint:errcheck // initdb has read it, and only the user can
	args := []string{
		"--pgdata=" + fresh, "--username=" + account, "--pwfile=" + secret, "--auth=scram-sha-256",
		"--encoding=UTF8", "--no-locale", "--no-instructions",
	}
	if o.Throwaway {
		args = append(args, "--no-sync")
	}
	err := process.Run(ctx, process.Command{
		Path: filepath.Join(filepath.Dir(o.Path), "initdb"), Args: args, Dir: fresh,
		User: o.User, LogFile: o.LogFile, Farewell: syscall.SIGTERM,
	})
	if err != nil {
		return err
	}
	return os.Rename(fresh, o.Dir)
}

// awaitPredecessor waits for a server on the same folder that is still going down after its parent died.
func awaitPredecessor(ctx context.Context, dir string) error {
	content, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for another Postgres on %s: %w", dir, err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return nil // not written to the end: Postgres itself decides what to do about it
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		select {
		case <-ctx.Done():
			return nil // Postgres itself says in its log what is wrong
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func start(ctx context.Context, o Options, port int) (*Server, error) {
	child, err := process.Start(ctx, process.Command{
		Path: o.Path, Args: arguments(o, port), Dir: o.Dir, User: o.User, LogFile: o.LogFile,
		Farewell: syscall.SIGINT, // the "fast" shutdown: sessions are ended, data is written
	})
	if err != nil {
		return nil, err
	}
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(account, o.Password), Host: process.Loopback(port),
		Path: database, RawQuery: "sslmode=disable",
	}
	server := &Server{Child: child, url: address.String()}
	address.Path = "postgres"
	err = child.AwaitReady(ctx, o.LogFile, func(ctx context.Context) error {
		return createDatabase(ctx, address.String())
	})
	if err != nil {
		return nil, errors.Join(err, child.StopWithin(context.WithoutCancel(ctx), 5*time.Second))
	}
	return server, nil
}

func arguments(o Options, port int) []string {
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=",
		"max_connections=200", "timezone=UTC", "log_timezone=UTC", "jit=off",
	}
	if o.Throwaway {
		// The shared memory moves into the data folder, so that it goes away with it.
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"dynamic_shared_memory_type=mmap")
	}
	args := []string{"-D", o.Dir}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

func createDatabase(ctx context.Context, maintenanceURL string) error {
	conn, err := pgx.Connect(ctx, maintenanceURL)
	if err != nil {
		return fmt.Errorf("connecting to Postgres: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending on it any more
	var exists bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&exists)
	if err != nil {
		return fmt.Errorf("looking for the database: %w", err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "create database "+pgx.Identifier{database}.Sanitize()); err != nil {
		return fmt.Errorf("creating the database: %w", err)
	}
	return nil
}

package testkit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

// pooler is a real pgbouncer in front of a test server, set up as Supabase's transaction pooler is: each transaction gets
// whichever connection to the server is free, and no prepared statement or LISTEN outlives it.
type pooler struct {
	start sync.Once
	err   error
	child *process.Child
	host  string
}

const startWithin = 30 * time.Second

func pgbouncer() process.Program {
	return process.Program{
		Names:    []string{"pgbouncer"},
		Folders:  []string{"/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/opt/homebrew/opt/pgbouncer/bin"},
		Packages: map[string]string{"apt": "pgbouncer", "dnf": "pgbouncer", "brew": "pgbouncer"},
	}
}

// Pooled returns the address of that database behind a transaction pooler.
func (p *Postgres) Pooled(t *testing.T, database string) string {
	t.Helper()
	p.pooler.start.Do(func() { p.pooler.err = p.pooler.run(context.WithoutCancel(t.Context()), database, p.place) })
	require(t, p.pooler.err)
	address, err := p.pooler.address(database)
	require(t, err)
	return address
}

func (b *pooler) stop() {
	b.start.Do(func() { b.err = errors.New("the pooler was stopped before it started") })
	if b.child != nil {
		b.child.Kill()
	}
}

func (b *pooler) address(database string) (string, error) {
	address, err := url.Parse(database)
	if err != nil {
		return "", fmt.Errorf("reading the server's address: %w", err)
	}
	address.Host = b.host
	query := address.Query()
	query.Set("pgbouncer", "true")
	address.RawQuery = query.Encode()
	return address.String(), nil
}

func (b *pooler) run(ctx context.Context, database string, at place) error {
	path, ok := pgbouncer().Find()
	if !ok {
		return process.Missing(pgbouncer())
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	server, err := url.Parse(database)
	if err != nil {
		return fmt.Errorf("reading the server's address: %w", err)
	}
	password, _ := server.User.Password()
	if err := at.user.WriteSecret(at.path("userlist.txt"), fmt.Sprintf("%q %q\n", server.User.Username(), password)); err != nil {
		return err
	}
	settings, err := configuration(ctx, path, server.Port(), at.path("userlist.txt"))
	if err != nil {
		return err
	}
	b.child, err = process.Retry(ctx, 0, func(port int) (*process.Child, error) {
		server.Host = process.Loopback(port)
		return b.listen(ctx, path, fmt.Sprintf("%slisten_port = %d\n", settings, port), server.String(), at)
	})
	b.host = server.Host
	return err
}

func (b *pooler) listen(ctx context.Context, path, settings, address string, at place) (*process.Child, error) {
	if err := at.user.WriteSecret(at.path("pgbouncer.ini"), settings); err != nil {
		return nil, err
	}
	child, err := process.Start(ctx, process.Command{
		Path: path, Args: []string{at.path("pgbouncer.ini")}, Dir: at.folder, User: at.user, LogFile: at.path("pgbouncer.log"),
		Farewell: syscall.SIGTERM,
	})
	if err != nil {
		return nil, err
	}
	err = child.AwaitReady(ctx, at.path("pgbouncer.log"), func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, address)
		if err != nil {
			return fmt.Errorf("connecting to pgbouncer: %w", err)
		}
		return conn.Close(ctx)
	})
	if err != nil {
		child.Kill()
		return nil, err
	}
	return child, nil
}

// configuration has each transaction of a client on another connection than the one before, as far as there are more, so
// that whatever was left on a connection is missed.
func configuration(ctx context.Context, path, serverPort, users string) (string, error) {
	settings := []string{
		"[databases]",
		"* = host=127.0.0.1 port=" + serverPort,
		"[pgbouncer]",
		"listen_addr = 127.0.0.1",
		"unix_socket_dir =",
		"auth_type = scram-sha-256",
		"auth_file = " + users,
		"pool_mode = transaction",
		"server_round_robin = 1",
		"server_idle_timeout = 1", // each test has a database of its own, and the server a limit
		"default_pool_size = 5",
		"max_client_conn = 500",
	}
	version, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("asking pgbouncer for its version: %w", err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(version), "PgBouncer %d.%d", &major, &minor); err != nil {
		return "", fmt.Errorf("reading pgbouncer's version in %q: %w", version, err)
	}
	if major > 1 || minor >= 21 { // older ones keep no prepared statements, and do not know the word
		settings = append(settings, "max_prepared_statements = 0")
	}
	return strings.Join(settings, "\n") + "\n", nil
}

package testkit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/pgserver"
	"github.com/cinnamon-qa/cinnamon/internal/process"
)

// Postgres is a real Postgres server on a free loopback port, behind a password. Like Redis, the zero value is ready and
// TestMain stops it.
type Postgres struct {
	start  sync.Once
	err    error
	place  place
	server *pgserver.Server
	count  atomic.Int64
	pooler pooler
}

// Database returns the address of an empty database that only this test has.
func (p *Postgres) Database(t *testing.T) string {
	t.Helper()
	p.start.Do(func() { p.err = p.run(context.WithoutCancel(t.Context())) })
	require(t, p.err)
	address, err := p.create(t.Context())
	require(t, err)
	return address
}

// Stop ends the server, if it was started, and deletes its files.
func (p *Postgres) Stop() {
	p.start.Do(func() { p.err = errors.New("the server was stopped before it started") })
	p.pooler.stop()
	if p.server != nil {
		_ = p.server.StopWithin(context.Background(), stopWithin) //nolint:forbidigo // TestMain has no context to give
	}
	p.place.remove()
}

func (p *Postgres) run(ctx context.Context) error {
	path, ok := pgserver.Program().Find()
	if !ok {
		return process.Missing(pgserver.Program())
	}
	var err error
	if p.place, err = newPlace("postgres"); err != nil {
		return err
	}
	p.server, err = pgserver.Start(ctx, pgserver.Options{
		Path: path, Dir: p.place.path("data"), Password: "for-tests", User: p.place.user, LogFile: p.place.path("log"), Throwaway: true,
	})
	return err
}

func (p *Postgres) create(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, p.server.URL())
	if err != nil {
		return "", fmt.Errorf("connecting to Postgres: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is pending on it any more
	name := fmt.Sprintf("test_%d", p.count.Add(1))
	if _, err := conn.Exec(ctx, "create database "+name); err != nil {
		return "", fmt.Errorf("creating a database: %w", err)
	}
	address, err := url.Parse(p.server.URL())
	if err != nil {
		return "", fmt.Errorf("reading the server's address: %w", err)
	}
	address.Path = name
	return address.String(), nil
}

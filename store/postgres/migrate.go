package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migration/*.sql
var migrationFiles embed.FS

// Migrate brings the database's tables up to date. Processes that do so at the same time wait for each other.
func Migrate(ctx context.Context, databaseURL string) error {
	return withProvider(ctx, databaseURL, func(p *goose.Provider) error {
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrating the database: %w", err)
		}
		return nil
	})
}

// MigrateDown takes all migrations back. It deletes every record.
func MigrateDown(ctx context.Context, databaseURL string) error {
	return withProvider(ctx, databaseURL, func(p *goose.Provider) error {
		if _, err := p.DownTo(ctx, 0); err != nil {
			return fmt.Errorf("taking the migrations back: %w", err)
		}
		return nil
	})
}

// PendingMigrations says how many migrations the database lacks.
func PendingMigrations(ctx context.Context, databaseURL string) (int, error) {
	pending := 0
	err := withProvider(ctx, databaseURL, func(p *goose.Provider) error {
		status, err := p.Status(ctx)
		if err != nil {
			return fmt.Errorf("reading the state of the migrations: %w", err)
		}
		for _, m := range status {
			if m.State == goose.StatePending {
				pending++
			}
		}
		return nil
	})
	return pending, err
}

func withProvider(ctx context.Context, databaseURL string, do func(*goose.Provider) error) error {
	address, pooled, err := connectionAddress(databaseURL)
	if err != nil {
		return err
	}
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("reading DATABASE_URL: %w", redact(err))
	}
	if pooled {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close() //nolint:errcheck // nothing is pending on it any more
	files, err := fs.Sub(migrationFiles, "migration")
	if err != nil {
		return fmt.Errorf("reading the embedded migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return fmt.Errorf("preparing the migrations: %w", err)
	}
	return alone(ctx, db, func() error { return do(p) })
}

// alone runs do while no other process migrates. The lock belongs to a transaction that does nothing else: behind a
// transaction pooler nothing lives longer. Who waits for it keeps no transaction open: a pooler has few connections, and
// an index that is built concurrently waits for every snapshot.
func alone(ctx context.Context, db *sql.DB, do func() error) error {
	query, err := queryFiles.ReadFile("query/migrate_lock.sql")
	if err != nil {
		return fmt.Errorf("reading the embedded query: %w", err)
	}
	for {
		if done, err := tryAlone(ctx, db, string(query), do); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for another process that migrates: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func tryAlone(ctx context.Context, db *sql.DB, query string, do func() error) (done bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("taking the migration lock: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // it wrote nothing
	if err := tx.QueryRowContext(ctx, query).Scan(&done); err != nil {
		return false, fmt.Errorf("taking the migration lock: %w", err)
	}
	if !done {
		return false, nil
	}
	return true, do()
}

package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migration/*.sql
var migrationFiles embed.FS

// Migrate brings the database's tables up to date. Processes that do so at the same time wait for each other. Give it a
// direct connection: a transaction pooler keeps no session locks.
func Migrate(ctx context.Context, databaseURL string) error {
	return withProvider(databaseURL, func(p *goose.Provider) error {
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrating the database: %w", err)
		}
		return nil
	})
}

// MigrateDown takes all migrations back. It deletes every record.
func MigrateDown(ctx context.Context, databaseURL string) error {
	return withProvider(databaseURL, func(p *goose.Provider) error {
		if _, err := p.DownTo(ctx, 0); err != nil {
			return fmt.Errorf("taking the migrations back: %w", err)
		}
		return nil
	})
}

// PendingMigrations says how many migrations the database lacks.
func PendingMigrations(ctx context.Context, databaseURL string) (int, error) {
	pending := 0
	err := withProvider(databaseURL, func(p *goose.Provider) error {
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

func withProvider(databaseURL string, do func(*goose.Provider) error) error {
	address, pooled, err := connectionAddress(databaseURL)
	if err != nil {
		return err
	}
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("reading DATABASE_URL: %w", redact(err))
	}
	options := []goose.ProviderOption{}
	if pooled {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	} else {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("preparing the migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	db := stdlib.OpenDB(*cfg)
	defer db.Close() //nolint:errcheck // nothing is pending on it any more
	files, err := fs.Sub(migrationFiles, "migration")
	if err != nil {
		return fmt.Errorf("reading the embedded migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, options...)
	if err != nil {
		return fmt.Errorf("preparing the migrations: %w", err)
	}
	return do(p)
}

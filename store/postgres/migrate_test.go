package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

func testMigrationsGoDownAndUpAgain(t *testing.T, f *fixture) {
	pending, err := postgres.PendingMigrations(t.Context(), f.address)
	require.NoError(t, err)
	require.Positive(t, pending)

	f.migrated(t)
	require.NoError(t, f.Ping(t.Context()))
	f.create(t, newRun(t, "run-1", threeAttempts))
	require.NoError(t, postgres.Migrate(t.Context(), f.address), "nothing is left to do")
	require.Equal(t, 1, f.count(t, "jobs"), "and nothing is lost")
	pending, err = postgres.PendingMigrations(t.Context(), f.address)
	require.NoError(t, err)
	require.Zero(t, pending)

	require.NoError(t, postgres.MigrateDown(t.Context(), f.address))
	var tables int
	require.NoError(t, f.connect(t).QueryRow(t.Context(), `SELECT count(*) FROM pg_tables
		WHERE schemaname = 'public' AND tablename <> 'goose_db_version'`).Scan(&tables))
	require.Zero(t, tables, "nothing but the record of migrations stays")

	require.NoError(t, postgres.Migrate(t.Context(), f.address))
	require.NoError(t, f.Ping(t.Context()))
	f.create(t, newRun(t, "run-1", threeAttempts))
}

func testTwoMigrateAtTheSameTime(t *testing.T, f *fixture) {
	var group errgroup.Group
	for range 4 {
		group.Go(func() error { return postgres.Migrate(t.Context(), f.address) })
		group.Go(func() error {
			_, err := postgres.PendingMigrations(t.Context(), f.address)
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.NoError(t, f.open(t).Ping(t.Context()))
}

func testMigratingGivesUp(t *testing.T, f *fixture) {
	other, err := f.connect(t).Begin(t.Context())
	require.NoError(t, err)
	_, err = other.Exec(t.Context(), "SELECT pg_advisory_xact_lock(hashtextextended('cinnamon-migrate', 0))")
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = postgres.Migrate(ctx, f.address)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, fault.Unavailable, fault.Of(err))

	require.NoError(t, other.Rollback(t.Context()))
	require.NoError(t, postgres.Migrate(t.Context(), f.address))
}

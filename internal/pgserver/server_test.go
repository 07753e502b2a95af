package pgserver_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/pgserver"
	"github.com/cinnamon-qa/cinnamon/internal/process"
	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

func options(t *testing.T) pgserver.Options {
	t.Helper()
	path, ok := pgserver.Program().Find()
	require.True(t, ok, process.Missing(pgserver.Program()))
	user, err := process.ServiceUser("postgres", "nobody")
	require.NoError(t, err)
	dir := testkit.Folder(t)
	return pgserver.Options{
		Path: path, Dir: filepath.Join(dir, "postgres"), Password: "a secret", User: user,
		LogFile: filepath.Join(dir, "postgres.log"),
	}
}

func start(t *testing.T, o pgserver.Options) *pgserver.Server {
	t.Helper()
	server, err := pgserver.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, server.StopWithin(context.WithoutCancel(t.Context()), 20*time.Second))
	})
	return server
}

func stop(t *testing.T, server *pgserver.Server) {
	t.Helper()
	require.NoError(t, server.StopWithin(t.Context(), 20*time.Second))
}

func connect(t *testing.T, server *pgserver.Server) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) })
	return conn
}

func execute(t *testing.T, server *pgserver.Server, sql string) {
	t.Helper()
	_, err := connect(t, server).Exec(t.Context(), sql)
	require.NoError(t, err)
}

func query(t *testing.T, server *pgserver.Server, sql string) (answer string) {
	t.Helper()
	require.NoError(t, connect(t, server).QueryRow(t.Context(), sql).Scan(&answer))
	return answer
}

func TestServerKeepsItsData(t *testing.T) {
	t.Parallel()
	o := options(t)
	first := start(t, o)
	require.Equal(t, "cinnamon", query(t, first, "select current_database()"))
	require.Equal(t, "on", query(t, first, "show fsync"))
	execute(t, first, "create table kept as select 'yes' as answer")
	stop(t, first)

	require.Equal(t, "yes", query(t, start(t, o), "select answer from kept"))
}

func TestServerAsksForThePassword(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Throwaway = true
	server := start(t, o)
	require.Equal(t, "off", query(t, server, "show fsync"))

	_, err := pgx.Connect(t.Context(), strings.Replace(server.URL(), "a%20secret", "guess", 1))
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "28P01", refused.Code)
}

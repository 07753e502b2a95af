package postgres

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

//go:embed query/*.sql
var queryFiles embed.FS

// Store reads and writes the records.
type Store struct {
	pool   *pgxpool.Pool
	pooled bool // behind a transaction pooler
	query  map[string]string
}

// Open connects to the database at that address.
func Open(ctx context.Context, databaseURL string, maxConns int32) (*Store, error) {
	query, err := readQueries()
	if err != nil {
		return nil, err
	}
	address, pooled, err := connectionAddress(databaseURL)
	if err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("reading DATABASE_URL: %w", redact(err))
	}
	if !strings.Contains(address, "pool_max_conns=") {
		cfg.MaxConns = maxConns
	}
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	if pooled {
		cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
		cfg.ConnConfig.StatementCacheCapacity = 0
		cfg.ConnConfig.DescriptionCacheCapacity = 0
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", redact(err))
	}
	return &Store{pool: pool, pooled: pooled, query: query}, nil
}

// Close closes all connections.
func (s *Store) Close() { s.pool.Close() }

// Ping checks that the database answers and has been migrated.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, "SELECT 1 FROM outbox LIMIT 1"); err != nil {
		if state := sqlState(err); state == undefinedTable {
			return fault.Wrap(fault.Unavailable, err, "the database has no tables yet: run `cinnamon migrate`")
		}
		return coded(err, "the database does not answer")
	}
	return nil
}

// connectionAddress says whether the address is a transaction pooler's and strips the hint that declares one.
func connectionAddress(databaseURL string) (address string, pooled bool, err error) {
	u, err := url.Parse(databaseURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", false, errors.New("reading DATABASE_URL: it is not a postgres:// URL")
	}
	q := u.Query()
	pooled = q.Get("pgbouncer") == "true" || u.Port() == "6543" || strings.Contains(u.Hostname(), "pooler.")
	if q.Has("pgbouncer") {
		q.Del("pgbouncer")
		u.RawQuery = q.Encode()
	}
	return u.String(), pooled, nil
}

func readQueries() (map[string]string, error) {
	files, err := queryFiles.ReadDir("query")
	if err != nil {
		return nil, fmt.Errorf("reading the embedded queries: %w", err)
	}
	query := make(map[string]string, len(files))
	for _, f := range files {
		text, err := queryFiles.ReadFile("query/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the embedded query %s: %w", f.Name(), err)
		}
		query[strings.TrimSuffix(f.Name(), ".sql")] = string(text)
	}
	return query, nil
}

// begin starts a transaction that can't hold its locks for ever: neither when this process loses its connection in the
// middle of it, nor when it waits for another one. Both settings end with the transaction, so a pooler may share the session.
const begin = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = '30s'; SET LOCAL lock_timeout = '10s'`

// inTx runs do in a transaction.
func (s *Store) inTx(ctx context.Context, do func(tx pgx.Tx) error) error {
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: begin}, do)
	if err == nil {
		return nil
	}
	return coded(err, "the database did not carry out the change")
}

// rowsOf reads all rows of a query in a transaction.
func rowsOf[T any](ctx context.Context, tx pgx.Tx, scan pgx.RowToFunc[T], query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// collect reads all rows of a query. problem is what clients are told if that fails.
func collect[T any](ctx context.Context, s *Store, problem string, scan pgx.RowToFunc[T], query string, args ...any) ([]T, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, coded(err, problem)
	}
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, coded(err, problem)
	}
	return list, nil
}

const (
	undefinedTable  = "42P01"
	characterNotFit = "22021" // NUL or invalid UTF-8
)

// coded gives database trouble its code: text that no text column can hold is Invalid; values, constraints and statements
// that don't fit are a defect; all else (a server that is away, busy, full, read-only or failing over) is Unavailable.
func coded(err error, message string) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	state := sqlState(err)
	switch {
	case state == characterNotFit:
		return fault.Wrap(fault.Invalid, redact(err), "%s", message)
	case strings.HasPrefix(state, "0A"), strings.HasPrefix(state, "22"), strings.HasPrefix(state, "23"), strings.HasPrefix(state, "42"):
		return fault.Wrap(fault.Internal, redact(err), "%s", message)
	default:
		return fault.Wrap(fault.Unavailable, redact(err), "%s", message)
	}
}

func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// redact drops the connection string that some of pgx's errors carry.
func redact(err error) error {
	if _, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		return errors.New("the connection string is not valid")
	}
	return err
}

// clean makes text from a page storable: valid UTF-8, no NUL, bounded.
func clean(s string) string {
	const longest = 4000
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}

// null turns an empty string into SQL's NULL.
func null(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// optional is a document that may be missing.
func optional(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

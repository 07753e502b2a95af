package postgres

import (
	"context"
	"time"
)

// Server says what the server's clock shows, and its version.
func (s *Store) Server(ctx context.Context) (now time.Time, version string, err error) {
	if err := s.pool.QueryRow(ctx, s.query["server_clock"]).Scan(&now, &version); err != nil {
		return now, "", coded(err, "the database's clock could not be read")
	}
	return now, version, nil
}

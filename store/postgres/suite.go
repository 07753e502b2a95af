package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// SaveSuite stores a suite under its id and says whether it is new.
func (s *Store) SaveSuite(ctx context.Context, suite store.Suite) (created bool, err error) {
	err = s.pool.QueryRow(ctx, s.query["suite_save"], suite.ID, clean(suite.Title), string(suite.Definition)).Scan(&created)
	if err != nil {
		return false, coded(err, "the suite could not be saved")
	}
	return created, nil
}

// Suite reads a suite.
func (s *Store) Suite(ctx context.Context, id string) (store.Suite, error) {
	rows, err := s.pool.Query(ctx, s.query["suite_get"], id)
	if err != nil {
		return store.Suite{}, coded(err, "the suite could not be read")
	}
	suite, err := pgx.CollectExactlyOneRow(rows, scanSuite)
	if errors.Is(err, pgx.ErrNoRows) {
		return suite, fault.New(fault.NotFound, "there is no suite %q", id)
	}
	if err != nil {
		return suite, coded(err, "the suite could not be read")
	}
	return suite, nil
}

// Suites lists suites by id, beginning after the given one.
func (s *Store) Suites(ctx context.Context, after string, limit int) ([]store.Suite, error) {
	return collect(ctx, s, "the suites could not be listed", scanSuite, s.query["suite_list"], limit, after)
}

func scanSuite(row pgx.CollectableRow) (store.Suite, error) {
	var suite store.Suite
	var definition string
	err := row.Scan(&suite.ID, &suite.Title, &definition, &suite.CreatedAt, &suite.UpdatedAt)
	suite.Definition = json.RawMessage(definition)
	return suite, err
}

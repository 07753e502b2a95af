package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// SaveCase stores a test case under its id and says whether it is new.
func (s *Store) SaveCase(ctx context.Context, c store.TestCase) (created bool, err error) {
	err = s.pool.QueryRow(ctx, s.query["case_save"], c.ID, clean(c.Title), string(c.Definition)).Scan(&created)
	if err != nil {
		return false, coded(err, "the test case could not be saved")
	}
	return created, nil
}

// Case reads a test case.
func (s *Store) Case(ctx context.Context, id string) (store.TestCase, error) {
	var c store.TestCase
	var definition string
	err := s.pool.QueryRow(ctx, s.query["case_get"], id).Scan(&c.ID, &c.Title, &definition, &c.CreatedAt, &c.UpdatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, fault.New(fault.NotFound, "there is no test case %q", id)
	}
	if err != nil {
		return c, coded(err, "the test case could not be read")
	}
	c.Definition = json.RawMessage(definition)
	return c, nil
}

// Cases lists test cases by id, without their definitions, beginning after the given id.
func (s *Store) Cases(ctx context.Context, after string, limit int) ([]store.TestCase, error) {
	return collect(ctx, s, "the test cases could not be listed", func(row pgx.CollectableRow) (store.TestCase, error) {
		var c store.TestCase
		err := row.Scan(&c.ID, &c.Title, &c.CreatedAt, &c.UpdatedAt)
		return c, err
	}, s.query["case_list"], limit, after)
}

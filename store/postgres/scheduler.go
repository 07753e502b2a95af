package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// Schedulers lists the job schedulers of a queue that are kept.
func (s *Store) Schedulers(ctx context.Context, queueName string) ([]store.JobScheduler, error) {
	return collect(ctx, s, "the job schedulers could not be listed", func(row pgx.CollectableRow) (store.JobScheduler, error) {
		var js store.JobScheduler
		var fields string
		if err := row.Scan(&js.ID, &fields, &js.Next); err != nil {
			return js, err
		}
		if err := json.Unmarshal([]byte(fields), &js.Fields); err != nil {
			return js, fault.Wrap(fault.Internal, err, "decoding job scheduler %s", js.ID)
		}
		return js, nil
	}, s.query["scheduler_list"], queueName)
}

// SaveScheduler keeps a job scheduler as it is now.
func (s *Store) SaveScheduler(ctx context.Context, queueName string, js store.JobScheduler) error {
	fields, err := json.Marshal(js.Fields)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding job scheduler %s", js.ID)
	}
	if _, err := s.pool.Exec(ctx, s.query["scheduler_save"], queueName, js.ID, string(fields), js.Next); err != nil {
		return coded(err, "a job scheduler could not be kept")
	}
	return nil
}

// DeleteScheduler forgets a job scheduler.
func (s *Store) DeleteScheduler(ctx context.Context, queueName, id string) error {
	if _, err := s.pool.Exec(ctx, s.query["scheduler_delete"], queueName, id); err != nil {
		return coded(err, "a job scheduler could not be forgotten")
	}
	return nil
}

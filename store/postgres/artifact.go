package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

func (s *Store) queueArtifact(batch *pgx.Batch, queueName string, a store.Artifact) *pgx.QueuedQuery {
	return batch.Queue(s.query["artifact_insert"], a.ID, a.RunID, a.Attempt, a.StepNumber, string(a.Kind), a.ContentType,
		a.Bytes, a.SHA256, a.Path, queueName, null(clean(a.Note)))
}

// SaveArtifacts records files of an attempt. queue.ErrSuperseded says that another attempt owns the run by now.
func (s *Store) SaveArtifacts(ctx context.Context, queueName string, artifacts []store.Artifact) error {
	var saved int64
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		saved = 0
		batch := &pgx.Batch{}
		for _, a := range artifacts {
			s.queueArtifact(batch, queueName, a).Exec(func(tag pgconn.CommandTag) error {
				saved += tag.RowsAffected()
				return nil
			})
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return err
	}
	if len(artifacts) > 0 && saved == 0 {
		return queue.ErrSuperseded
	}
	return nil
}

// Artifact reads the record of a run's stored file.
func (s *Store) Artifact(ctx context.Context, runID, id string) (store.Artifact, error) {
	a, err := scanArtifact(s.pool.QueryRow(ctx, s.query["artifact_get"], runID, id))
	if errors.Is(err, pgx.ErrNoRows) {
		return a, fault.New(fault.NotFound, "test run %q has no artifact %q", runID, id)
	}
	if err != nil {
		return a, coded(err, "the artifact could not be read")
	}
	return a, nil
}

// Artifacts reads the records of a run's stored files, by attempt and step; those of a whole attempt come last.
func (s *Store) Artifacts(ctx context.Context, runID string) ([]store.Artifact, error) {
	return collect(ctx, s, "the artifacts could not be read", func(row pgx.CollectableRow) (store.Artifact, error) {
		return scanArtifact(row)
	}, s.query["artifact_list"], runID)
}

func scanArtifact(row pgx.Row) (store.Artifact, error) {
	var a store.Artifact
	err := row.Scan(&a.ID, &a.RunID, &a.Attempt, &a.StepNumber, &a.Kind, &a.ContentType, &a.Bytes, &a.SHA256, &a.Path, &a.Note, &a.CreatedAt)
	return a, err
}

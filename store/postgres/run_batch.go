package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// CreateRuns creates runs as CreateRun does, all of them in few round trips, and says of each in their order what became of it. One
// that is refused doesn't keep the others from being created.
func (s *Store) CreateRuns(ctx context.Context, runs []store.NewRun) ([]store.Created, error) {
	results := make([]store.Created, len(runs))
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		rows, rest := &pgx.Batch{}, make([][]*pgx.QueuedQuery, len(runs))
		for i, n := range runs {
			one := &pgx.Batch{}
			if err := s.queueRun(one, n, "", 0); err != nil {
				return err
			}
			rows.Queue(one.QueuedQueries[0].SQL, one.QueuedQueries[0].Arguments...)
			rest[i] = one.QueuedQueries[1:]
		}
		inserted := tx.SendBatch(ctx, rows)
		for i := range runs {
			tag, err := inserted.Exec()
			if err != nil {
				return firstOf(inserted.Close(), err)
			}
			results[i] = store.Created{RunID: runs[i].ID, Created: tag.RowsAffected() > 0}
		}
		if err := inserted.Close(); err != nil {
			return err
		}
		jobs := &pgx.Batch{}
		for i := range runs {
			if results[i].Created {
				for _, query := range rest[i] {
					jobs.Queue(query.SQL, query.Arguments...)
				}
				continue
			}
			var err error
			results[i].RunID, err = s.earlierRun(ctx, tx, runs[i])
			if fault.Of(err) == fault.Conflict {
				results[i].Err, err = err, nil
			}
			if err != nil {
				return err
			}
		}
		return tx.SendBatch(ctx, jobs).Close()
	})
	return results, err
}

// firstOf prefers the error that says why.
func firstOf(closing, err error) error {
	if closing != nil {
		return closing
	}
	return err
}

// FindCases reads those of the test cases that there are.
func (s *Store) FindCases(ctx context.Context, ids []string) ([]store.TestCase, error) {
	return collect(ctx, s, "the test cases could not be read", func(row pgx.CollectableRow) (store.TestCase, error) {
		var c store.TestCase
		var definition string
		err := row.Scan(&c.ID, &c.Title, &definition, &c.CreatedAt, &c.UpdatedAt)
		c.Definition = json.RawMessage(definition)
		return c, err
	}, s.query["case_find"], ids)
}

package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// PutInQuarantine puts a case in quarantine and says whether it came in. Of one that is there people change the reason, the name and the passes
// that it takes to leave; store.ByLearning leaves it alone.
func (s *Store) PutInQuarantine(ctx context.Context, q store.Quarantined, now time.Time) (created bool, err error) {
	created, err = s.putInQuarantine(ctx, s.pool, q, now)
	if err != nil {
		return false, coded(err, "the case could not be put in quarantine")
	}
	return created, nil
}

// rower is the pool, or a transaction.
type rower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// putInQuarantine is PutInQuarantine by the pool, or in a transaction.
func (s *Store) putInQuarantine(ctx context.Context, by rower, q store.Quarantined, now time.Time) (created bool, err error) {
	if q.Needed == 0 {
		q.Needed = store.QuarantinePasses
	}
	err = by.QueryRow(ctx, s.query["quarantine_put"], q.TestCaseID, clean(q.Reason), clean(q.By), now, q.Needed, q.By != store.ByLearning).Scan(&created)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return created, err
}

// LeaveQuarantine takes a case out of quarantine.
func (s *Store) LeaveQuarantine(ctx context.Context, testCaseID string, now time.Time) error {
	tag, err := s.pool.Exec(ctx, s.query["quarantine_leave"], testCaseID, now)
	if err != nil {
		return coded(err, "the case could not be taken out of quarantine")
	}
	if tag.RowsAffected() == 0 {
		return notQuarantined(testCaseID)
	}
	return nil
}

func notQuarantined(testCaseID string) error {
	return fault.New(fault.NotFound, "test case %q is not in quarantine", testCaseID)
}

// InQuarantine reads what is known of a case in quarantine.
func (s *Store) InQuarantine(ctx context.Context, testCaseID string) (store.Quarantined, error) {
	found, err := s.quarantined(ctx, &testCaseID, "", 1)
	if err != nil {
		return store.Quarantined{}, err
	}
	if len(found) == 0 {
		return store.Quarantined{}, notQuarantined(testCaseID)
	}
	return found[0], nil
}

// Quarantine lists the cases in quarantine by id, beginning after the given one.
func (s *Store) Quarantine(ctx context.Context, after string, limit int) ([]store.Quarantined, error) {
	return s.quarantined(ctx, nil, after, limit)
}

func (s *Store) quarantined(ctx context.Context, id *string, after string, limit int) ([]store.Quarantined, error) {
	return collect(ctx, s, "the cases in quarantine could not be listed", func(row pgx.CollectableRow) (store.Quarantined, error) {
		var q store.Quarantined
		err := row.Scan(&q.TestCaseID, &q.Title, &q.Reason, &q.By, &q.Since, &q.Needed, &q.Passed, &q.Runs, &q.Failed)
		return q, err
	}, s.query["quarantine_list"], id, after, limit)
}

package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// CaseDurations returns how long the newest passing runs of cases took on average, of those that ever passed.
func (s *Store) CaseDurations(ctx context.Context, caseIDs []string) (map[string]time.Duration, error) {
	rows, err := s.pool.Query(ctx, s.query["case_durations"], caseIDs)
	if err != nil {
		return nil, coded(err, "the durations of earlier runs could not be read")
	}
	durations := make(map[string]time.Duration, len(caseIDs))
	var id string
	var ms int64
	_, err = pgx.ForEachRow(rows, []any{&id, &ms}, func() error {
		durations[id] = time.Duration(ms) * time.Millisecond
		return nil
	})
	if err != nil {
		return nil, coded(err, "the durations of earlier runs could not be read")
	}
	return durations, nil
}

// CreateSuiteRun creates a suite run with all its runs. A repeated idempotency key finds the suite run of the first
// request: created is false then.
func (s *Store) CreateSuiteRun(ctx context.Context, n store.NewSuiteRun) (id string, created bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, s.query["suite_run_insert"], n.ID, null(n.SuiteID), clean(n.Title), null(n.UserID), n.Parallel,
			n.FailFast, n.WorkflowID, string(n.WorkflowInput), null(n.IdempotencyKey), null(n.RequestHash), n.CreatedAt, null(string(n.Settings)), null(string(n.Defaults)))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			id, err = s.earlierSuiteRun(ctx, tx, n)
			return err
		}
		id, created = n.ID, true
		batch := &pgx.Batch{}
		for i, run := range n.Runs {
			if err := s.queueRun(batch, run, n.ID, i+1); err != nil {
				return err
			}
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return "", false, err
	}
	return id, created, nil
}

func (s *Store) earlierSuiteRun(ctx context.Context, tx pgx.Tx, n store.NewSuiteRun) (string, error) {
	var id, hash string
	err := tx.QueryRow(ctx, s.query["suite_run_by_idempotency_key"], n.IdempotencyKey).Scan(&id, &hash)
	switch {
	case err == nil && hash == n.RequestHash:
		return id, nil
	case err == nil:
		return "", fault.New(fault.Conflict, "this Idempotency-Key was used with a different request (suite run %s)", id)
	case errors.Is(err, pgx.ErrNoRows):
		return "", fault.New(fault.Conflict, "there is a suite run %q already", n.ID)
	}
	return "", err
}

// SuiteRun reads one suite run.
func (s *Store) SuiteRun(ctx context.Context, id string) (store.SuiteRun, error) {
	found, err := s.suiteRuns(ctx, id, store.SuiteRunsOf{}, 1)
	if err != nil {
		return store.SuiteRun{}, err
	}
	if len(found) == 0 {
		return store.SuiteRun{}, fault.New(fault.NotFound, "there is no suite run %q", id)
	}
	return found[0], nil
}

// SuiteRuns lists the newest suite runs of those.
func (s *Store) SuiteRuns(ctx context.Context, of store.SuiteRunsOf, limit int) ([]store.SuiteRun, error) {
	return s.suiteRuns(ctx, nil, of, limit)
}

func (s *Store) suiteRuns(ctx context.Context, id any, of store.SuiteRunsOf, limit int) ([]store.SuiteRun, error) {
	return collect(ctx, s, "the suite runs could not be read", func(row pgx.CollectableRow) (store.SuiteRun, error) {
		var r store.SuiteRun
		var started, finished *time.Time
		var settings, defaults string
		c := &r.Counts
		err := row.Scan(&r.ID, &r.SuiteID, &r.Title, &r.UserID, &r.Status, &r.Parallel, &r.FailFast, &r.Error, &r.WorkflowID,
			&r.WorkflowRunID, &r.CreatedAt, &started, &finished, &c.Total, &c.Pending, &c.Running, &c.Completed, &c.Adapted,
			&c.Failed, &c.Cancelled, &c.Flaky, &c.Quarantined, &settings, &defaults)
		r.Settings, r.Defaults = optional(settings), optional(defaults)
		r.StartedAt, r.FinishedAt = orZero(started), orZero(finished)
		return r, err
	}, s.query["suite_run_list"], id, null(of.SuiteID), null(of.Title), limit)
}

// RunsOfSuite reads runs of a suite run in their order, leaving out so many of the first.
func (s *Store) RunsOfSuite(ctx context.Context, suiteRunID string, limit, offset int) ([]store.Run, error) {
	ids, err := s.ids(ctx, "suite_run_ids", suiteRunID, limit, offset)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	runs, err := s.Runs(ctx, ids, len(ids))
	if err != nil {
		return nil, err
	}
	byID := make(map[string]store.Run, len(runs))
	for _, run := range runs {
		byID[run.ID] = run
	}
	ordered := make([]store.Run, 0, len(runs))
	for _, id := range ids {
		if run, ok := byID[id]; ok {
			ordered = append(ordered, run)
		}
	}
	return ordered, nil
}

// SuiteCases reads the cases of a suite run in their order: all, or those whose runs did not pass.
func (s *Store) SuiteCases(ctx context.Context, suiteRunID string, onlyFailed bool) ([]store.SuiteCase, error) {
	return collect(ctx, s, "the cases of the suite run could not be read", func(row pgx.CollectableRow) (store.SuiteCase, error) {
		var c store.SuiteCase
		var definition string
		err := row.Scan(&c.TestCaseID, &definition)
		c.Definition = optional(definition)
		return c, err
	}, s.query["suite_run_cases"], suiteRunID, onlyFailed)
}

// SuiteRunStarted notes the Temporal run that carries a suite run out.
func (s *Store) SuiteRunStarted(ctx context.Context, id, workflowRunID string) error {
	if _, err := s.pool.Exec(ctx, s.query["suite_run_started"], id, workflowRunID); err != nil {
		return coded(err, "the start of the suite's workflow could not be noted")
	}
	return nil
}

// SuiteRunsNotStarted lists suite runs that were accepted before that time and have no workflow yet.
func (s *Store) SuiteRunsNotStarted(ctx context.Context, before time.Time, limit int) ([]store.SuiteStart, error) {
	return collect(ctx, s, "suite runs without a workflow could not be listed", func(row pgx.CollectableRow) (store.SuiteStart, error) {
		var st store.SuiteStart
		var input string
		err := row.Scan(&st.ID, &st.UserID, &st.Title, &input)
		st.WorkflowInput = json.RawMessage(input)
		return st, err
	}, s.query["suite_run_not_started"], before, limit)
}

// NextOfSuite lists the runs of a suite run that come after a place and have not ended.
func (s *Store) NextOfSuite(ctx context.Context, suiteRunID string, after, limit int) ([]store.SuiteChild, error) {
	return collect(ctx, s, "the next runs of the suite could not be read", func(row pgx.CollectableRow) (store.SuiteChild, error) {
		var c store.SuiteChild
		var input string
		err := row.Scan(&c.RunID, &c.Place, &c.TestCaseID, &c.Title, &input, &c.Quarantined)
		c.WorkflowInput = json.RawMessage(input)
		return c, err
	}, s.query["suite_run_next"], suiteRunID, after, limit)
}

// UnfinishedOfSuite lists runs of a suite run that have not ended.
func (s *Store) UnfinishedOfSuite(ctx context.Context, suiteRunID string, limit int) ([]string, error) {
	return s.ids(ctx, "suite_run_unfinished", suiteRunID, limit)
}

func (s *Store) ids(ctx context.Context, query string, args ...any) ([]string, error) {
	return collect(ctx, s, "the runs of the suite could not be listed", pgx.RowTo[string], s.query[query], args...)
}

// FinishSuiteRun ends a suite run, all of whose runs have ended. One that has ended stays as it is.
func (s *Store) FinishSuiteRun(ctx context.Context, id string, cancelled bool, reason string, now time.Time) error {
	if _, err := s.pool.Exec(ctx, s.query["suite_run_finish"], id, cancelled, null(clean(reason)), now); err != nil {
		return coded(err, "the end of the suite run could not be recorded")
	}
	return nil
}

package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// Cleanups reads the clean-up of an id, or the newest ones if it is empty.
func (s *Store) Cleanups(ctx context.Context, id string, limit int) ([]store.Cleanup, error) {
	return collect(ctx, s, "the clean-ups could not be read", func(row pgx.CollectableRow) (store.Cleanup, error) {
		var c store.Cleanup
		var report string
		var finished *time.Time
		err := row.Scan(&c.ID, &c.DryRun, &report, &c.StartedAt, &finished)
		c.Report, c.FinishedAt = optional(report), orZero(finished)
		return c, err
	}, s.query["cleanup_list"], null(id), limit)
}

// CleanupUse counts what clean-ups have budgets for: runs that have ended, and the bytes of files.
func (s *Store) CleanupUse(ctx context.Context) (runs, fileBytes int64, err error) {
	if err := s.pool.QueryRow(ctx, s.query["cleanup_use"]).Scan(&runs, &fileBytes); err != nil {
		return 0, 0, coded(err, "runs and files could not be counted")
	}
	return runs, fileBytes, nil
}

// HoldRun keeps a run from clean-ups until it is released. as says what for, and may be empty.
func (s *Store) HoldRun(ctx context.Context, runID, as string, now time.Time) error {
	return s.hold(ctx, runID, &now, as)
}

// ReleaseRun lets clean-ups take a run.
func (s *Store) ReleaseRun(ctx context.Context, runID string) error {
	return s.hold(ctx, runID, nil, "")
}

func (s *Store) hold(ctx context.Context, runID string, since *time.Time, as string) error {
	tag, err := s.pool.Exec(ctx, s.query["run_hold"], runID, since, null(clean(as)))
	if err != nil {
		return coded(err, "the run could not be held or released")
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "there is no test run %q", runID)
	}
	return nil
}

// RunsHeld lists runs that are held, those held last first: for this, if as is not empty.
func (s *Store) RunsHeld(ctx context.Context, as string, limit int) ([]store.HeldRun, error) {
	return collect(ctx, s, "held runs could not be listed", func(row pgx.CollectableRow) (store.HeldRun, error) {
		var h store.HeldRun
		err := row.Scan(&h.RunID, &h.TestCaseID, &h.Title, &h.Status, &h.Since, &h.As)
		return h, err
	}, s.query["run_held"], null(as), limit)
}

// HoldTag keeps all runs with a tag from clean-ups, until it is released. as says what for, and may be empty.
func (s *Store) HoldTag(ctx context.Context, tag, as string, now time.Time) error {
	if _, err := s.pool.Exec(ctx, s.query["tag_hold"], tag, now, null(clean(as))); err != nil {
		return coded(err, "the tag could not be held")
	}
	return nil
}

// ReleaseTag lets clean-ups take the runs with a tag.
func (s *Store) ReleaseTag(ctx context.Context, tag string) error {
	done, err := s.pool.Exec(ctx, s.query["tag_release"], tag)
	if err != nil {
		return coded(err, "the tag could not be released")
	}
	if done.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "the tag %q is not held", tag)
	}
	return nil
}

// TagsHeld lists the held tags, those held last first.
func (s *Store) TagsHeld(ctx context.Context) ([]store.HeldTag, error) {
	return collect(ctx, s, "held tags could not be listed", func(row pgx.CollectableRow) (store.HeldTag, error) {
		var h store.HeldTag
		err := row.Scan(&h.Tag, &h.Since, &h.As, &h.Runs)
		return h, err
	}, s.query["tag_held"])
}

package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/cleanup"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
)

var _ cleanup.Records = (*Store)(nil)

// cleanupQuery is a query with the conditions that several have in common.
func (s *Store) cleanupQuery(name string) string {
	return strings.NewReplacer(
		"/*goes*/", s.query["cleanup_goes"], "/*expired*/", s.query["cleanup_expired"], "/*held*/", s.query["cleanup_held"],
		"/*unused*/", strings.ReplaceAll(s.query["cleanup_unused"], "/*held*/", s.query["cleanup_held"]),
	).Replace(s.query[name])
}

func goes(r cleanup.Rules) []any {
	return []any{nullTime(r.Runs), nullTime(r.RunsLonger), nullTime(r.Beyond)}
}

func expired(r cleanup.Rules) []any {
	var kinds []string
	var before, longer []*time.Time
	for _, kind := range artifact.Kinds() {
		kinds = append(kinds, string(kind))
		before, longer = append(before, nullTime(r.Files[kind])), append(longer, nullTime(r.FilesLonger[kind]))
	}
	return append(goes(r), kinds, before, longer)
}

// allQueues are the names of the queues, runQueues of those whose jobs carry out test runs.
func allQueues() (names, runQueues []string) {
	for _, def := range queue.All() {
		names = append(names, def.Name)
		if def.TestRuns {
			runQueues = append(runQueues, def.Name)
		}
	}
	return names, runQueues
}

// Begin implements cleanup.Records.
func (s *Store) Begin(ctx context.Context, id string, r cleanup.Request, p cleanup.Policy, now time.Time) (time.Time, error) {
	request, err := json.Marshal(r)
	if err != nil {
		return time.Time{}, fault.Wrap(fault.Internal, err, "encoding clean-up %s", id)
	}
	policy, err := json.Marshal(p)
	if err != nil {
		return time.Time{}, fault.Wrap(fault.Internal, err, "encoding the policy of clean-up %s", id)
	}
	now = now.Truncate(time.Microsecond)
	var began time.Time
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, s.query["cleanup_begin"], id, r.DryRun, string(request), string(policy), now).Scan(&began); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, s.query["cleanup_forget"], id, now)
		return err
	})
	return began.UTC(), err
}

// End implements cleanup.Records.
func (s *Store) End(ctx context.Context, id string, r cleanup.Report) error {
	report, err := json.Marshal(r)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding the report of clean-up %s", id)
	}
	if _, err := s.pool.Exec(ctx, s.query["cleanup_end"], id, string(report), r.FinishedAt); err != nil {
		return coded(err, "the report could not be kept")
	}
	return nil
}

// Counted implements cleanup.Records.
func (s *Store) Counted(ctx context.Context, id string) (cleanup.Amounts, error) {
	amounts := cleanup.Amounts{}
	_, err := collect(ctx, s, "the counts could not be read", func(row pgx.CollectableRow) (struct{}, error) {
		var kind string
		var a cleanup.Amount
		err := row.Scan(&kind, &a.Count, &a.Bytes)
		amounts.Add(cleanup.Kind(kind), a.Count, a.Bytes)
		return struct{}{}, err
	}, s.query["cleanup_counted"], id)
	return amounts, err
}

// Count implements cleanup.Records.
func (s *Store) Count(ctx context.Context, id string, a cleanup.Amounts) error {
	if len(a) == 0 {
		return nil
	}
	return s.inTx(ctx, func(tx pgx.Tx) error { return s.count(ctx, tx, id, a) })
}

func (s *Store) count(ctx context.Context, tx pgx.Tx, id string, a cleanup.Amounts) error {
	batch := &pgx.Batch{}
	for kind, amount := range a {
		if amount.Count > 0 || amount.Bytes > 0 {
			batch.Queue(s.query["cleanup_count"], id, string(kind), amount.Count, amount.Bytes)
		}
	}
	return tx.SendBatch(ctx, batch).Close()
}

// NewestRuns implements cleanup.Records.
func (s *Store) NewestRuns(ctx context.Context, n int) (time.Time, error) {
	ended, err := collect(ctx, s, "the runs could not be counted", pgx.RowTo[time.Time], s.query["cleanup_runs_newest"], max(n-1, 0))
	if err != nil || len(ended) == 0 {
		return time.Time{}, err
	}
	return ended[0], nil
}

// HeldRuns implements cleanup.Records.
func (s *Store) HeldRuns(ctx context.Context, r cleanup.Rules) (n int64, err error) {
	if err := s.pool.QueryRow(ctx, s.cleanupQuery("cleanup_runs_held"), goes(r)...).Scan(&n); err != nil {
		return 0, coded(err, "held runs could not be counted")
	}
	return n, nil
}

// RunsToGo implements cleanup.Records.
func (s *Store) RunsToGo(ctx context.Context, r cleanup.Rules, after cleanup.Cursor, limit int) ([]cleanup.Run, error) {
	_, ofRuns := allQueues()
	return inOrder(ctx, s, func(row pgx.CollectableRow) (cleanup.Run, error) {
		var run cleanup.Run
		err := row.Scan(&run.ID, &run.Ended, &run.Files, &run.Steps, &run.Letters, &run.Jobs, &run.Bytes)
		return run, err
	}, "cleanup_runs", append(goes(r), after.At, after.ID, limit, ofRuns, latest(r.Runs, r.RunsLonger, r.Beyond))...)
}

// latest of some times.
func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// inOrder reads a page of a list by age.
func inOrder[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], query string, args ...any) (page []T, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, s.query["cleanup_in_order"]); err != nil {
			return err
		}
		page, err = rowsOf(ctx, tx, scan, s.cleanupQuery(query), args...)
		return err
	})
	return page, err
}

// RemoveRuns implements cleanup.Records.
func (s *Store) RemoveRuns(ctx context.Context, id string, runs []string, remove func(context.Context, []cleanup.File) error) error {
	var outside error
	_, ofRuns := allQueues()
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		locked, err := rowsOf(ctx, tx, pgx.RowTo[string], s.cleanupQuery("cleanup_runs_lock"), runs)
		if err != nil || len(locked) == 0 {
			return err
		}
		files, err := rowsOf(ctx, tx, scanFile, s.query["cleanup_files_of"], locked)
		if err != nil {
			return err
		}
		var bytes, steps, letters, jobs int64
		if err := tx.QueryRow(ctx, s.query["cleanup_runs_weigh"], locked, ofRuns).Scan(&bytes, &steps, &letters, &jobs); err != nil {
			return err
		}
		outside = remove(ctx, files)
		if outside != nil {
			return outside
		}
		a := amountsOf(files)
		a.Add(cleanup.Runs, int64(len(locked)), bytes)
		a.Add(cleanup.Steps, steps, 0)
		a.Add(cleanup.Letters, letters, 0)
		a.Add(cleanup.Jobs, jobs, 0)
		batch := &pgx.Batch{}
		batch.Queue(s.query["cleanup_runs_jobs"], locked, ofRuns)
		batch.Queue(s.query["cleanup_runs_delete"], locked)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		return s.count(ctx, tx, id, a)
	})
	if outside != nil {
		return outside
	}
	return err
}

func amountsOf(files []cleanup.File) cleanup.Amounts {
	a := cleanup.Amounts{}
	for _, f := range files {
		a.Add(cleanup.FileKind(string(f.Kind)), 1, f.Bytes)
	}
	return a
}

func scanFile(row pgx.CollectableRow) (cleanup.File, error) {
	var f cleanup.File
	err := row.Scan(&f.ID, &f.RunID, &f.Path, &f.Kind, &f.Bytes, &f.Ended)
	return f, err
}

const noFiles = "the files could not be listed"

// FilesOf implements cleanup.Records.
func (s *Store) FilesOf(ctx context.Context, runs []string) ([]cleanup.File, error) {
	return collect(ctx, s, noFiles, scanFile, s.query["cleanup_files_of"], runs)
}

// FilesToGo implements cleanup.Records.
func (s *Store) FilesToGo(ctx context.Context, r cleanup.Rules, after cleanup.Cursor, limit int) ([]cleanup.File, error) {
	return inOrder(ctx, s, scanFile, "cleanup_files",
		append(expired(r), after.At, after.ID, after.File, limit, latest(append(slices.Collect(maps.Values(r.Files)), time.Time{})...))...)
}

// FilesLeft implements cleanup.Records.
func (s *Store) FilesLeft(ctx context.Context, r cleanup.Rules, after cleanup.Cursor, limit int) ([]cleanup.File, error) {
	return inOrder(ctx, s, scanFile, "cleanup_files_left", append(expired(r), after.At, after.ID, after.File, limit, r.Now)...)
}

// FileBytes implements cleanup.Records.
func (s *Store) FileBytes(ctx context.Context, r cleanup.Rules) (bytes int64, err error) {
	if err := s.pool.QueryRow(ctx, s.cleanupQuery("cleanup_files_bytes"), expired(r)...).Scan(&bytes); err != nil {
		return 0, coded(err, "the files could not be counted")
	}
	return bytes, nil
}

// DropFiles implements cleanup.Records.
func (s *Store) DropFiles(ctx context.Context, id string, ids []string, note string, remove func(context.Context, []cleanup.File) error) error {
	var outside error
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		files, err := rowsOf(ctx, tx, scanFile, s.cleanupQuery("cleanup_files_lock"), ids)
		if err != nil || len(files) == 0 {
			return err
		}
		outside = remove(ctx, files)
		if outside != nil {
			return outside
		}
		gone := make([]string, len(files))
		for i, f := range files {
			gone[i] = f.ID
		}
		if _, err := tx.Exec(ctx, s.query["cleanup_files_drop"], gone, note); err != nil {
			return err
		}
		return s.count(ctx, tx, id, amountsOf(files))
	})
	if outside != nil {
		return outside
	}
	return err
}

// Rest implements cleanup.Records.
func (s *Store) Rest(ctx context.Context, id string, kind cleanup.Kind, r cleanup.Rules, before time.Time, limit int, dryRun bool) (n int64, err error) {
	names, ofRuns := allQueues()
	var most *int // NULL: all
	if !dryRun {
		most = &limit
	}
	var table, name string
	args := []any{before, most}
	switch kind {
	case cleanup.Letters:
		table, name, args = "dead_letters", "cleanup_letters", append(goes(r), before, most)
	case cleanup.Suites:
		table, name, args = "suite_runs", "cleanup_suites", append(goes(r), before, most)
	case cleanup.Rejected:
		table, name = "outbox_rejected", "cleanup_rejected"
	case cleanup.Outbox:
		table, name, args = "outbox", "cleanup_outbox", append(args, names)
	case cleanup.Jobs:
		table, name, args = "jobs", "cleanup_jobs", append(args, names, ofRuns)
	case cleanup.Reports:
		table, name = "cleanups", "cleanup_reports"
	case cleanup.Fingerprints:
		table, name = "fingerprints", "cleanup_fingerprints"
	case cleanup.Pages:
		table, name = "page_snapshots", "cleanup_pages"
	case cleanup.Locators:
		table, name = "learned_locators", "cleanup_locators"
	case cleanup.Patterns:
		table, name = "adaptation_patterns", "cleanup_patterns"
	case cleanup.Reliability:
		table, name = "case_reliability", "cleanup_reliability"
	case cleanup.Deliveries:
		table, name = "alert_deliveries", "cleanup_deliveries"
	case cleanup.Runs, cleanup.Steps, cleanup.QueueJobs, cleanup.ProgressKeys, cleanup.OrphanFiles, cleanup.Processes, cleanup.Folders:
		return 0, fault.New(fault.Internal, "%s don't go with the rest", kind)
	}
	found := s.cleanupQuery(name)
	if dryRun {
		if err := s.pool.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM (%s) AS found", found), args...).Scan(&n); err != nil {
			return 0, coded(err, "old records could not be counted")
		}
		return n, nil
	}
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE ctid = ANY (ARRAY(%s))", table, found), args...)
		if err != nil {
			return err
		}
		n = tag.RowsAffected()
		return s.count(ctx, tx, id, cleanup.Amounts{kind: {Count: n}})
	})
	return n, err
}

// Recorded implements cleanup.Records.
func (s *Store) Recorded(ctx context.Context, paths []string) (map[string]bool, error) {
	found, err := collect(ctx, s, noFiles, pgx.RowTo[string], s.query["cleanup_recorded"], paths)
	if err != nil {
		return nil, err
	}
	recorded := make(map[string]bool, len(found))
	for _, path := range found {
		recorded[path] = true
	}
	return recorded, nil
}

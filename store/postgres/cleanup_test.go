package postgres_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/cleanup"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// attic is a database and a folder with things of every age.
type attic struct {
	*fixture
	t     *testing.T
	files *artifact.Folder
}

func newAttic(t *testing.T, f *fixture) *attic {
	t.Helper()
	f.migrated(t)
	files, err := artifact.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })
	return &attic{fixture: f, t: t, files: files}
}

// run makes a run that ended so many days ago, with a step and a file of each of these kinds.
func (a *attic) run(id, status string, days float64, kinds ...artifact.Kind) {
	a.t.Helper()
	n := newRun(a.t, id, queue.Options{Attempts: 1})
	_, _, err := a.CreateRun(a.t.Context(), n)
	require.NoError(a.t, err)
	ended := time.Now().Add(-time.Duration(days * float64(cleanup.Day)))
	a.exec(a.t, `UPDATE test_runs SET status = $2, finished_at = $3 WHERE id = $1`, id, status, ended)
	a.exec(a.t, `UPDATE jobs SET state = 'completed', finished_at = $2 WHERE run_id = $1`, id, ended)
	a.exec(a.t, `DELETE FROM outbox`)
	a.exec(a.t, `INSERT INTO test_steps (run_id, attempt, number, action, description, status) VALUES ($1, 1, 1, 'click', '', 'success')`, id)
	for _, kind := range kinds {
		a.file(id, kind)
	}
}

func (a *attic) file(runID string, kind artifact.Kind) {
	a.t.Helper()
	file, err := a.files.Put(a.t.Context(), artifact.Object{RunID: runID, Name: string(kind), MaxBytes: 1 << 20}, bytes.NewReader(make([]byte, 1000)))
	require.NoError(a.t, err)
	a.exec(a.t, `INSERT INTO artifacts (id, run_id, attempt, kind, content_type, bytes, sha256, path) VALUES ($1, $2, 1, $3, '', $4, '', $5)`,
		uuid.New(), runID, string(kind), file.Bytes, file.Path)
}

func (a *attic) clean(id string, p cleanup.Policy, r cleanup.Request) cleanup.Report {
	a.t.Helper()
	c := cleanup.Cleaner{Records: a.Store, Files: a.files, Policy: p, Batch: 2}
	report, err := c.Run(a.t.Context(), id, r, func(cleanup.Progress) {})
	require.NoError(a.t, err)
	require.Empty(a.t, report.Problems)
	return report
}

// left are the runs that are there, by id, each with the kinds of its files that are.
func (a *attic) left() map[string]string {
	a.t.Helper()
	runs, err := a.Runs(a.t.Context(), nil, 1000)
	require.NoError(a.t, err)
	left := map[string]string{}
	for _, r := range runs {
		artifacts, err := a.Artifacts(a.t.Context(), r.ID)
		require.NoError(a.t, err)
		var kinds []string
		for _, f := range artifacts {
			_, err := a.files.Open(a.t.Context(), f.Path)
			if f.Path != "" {
				require.NoError(a.t, err)
				kinds = append(kinds, string(f.Kind))
			} else {
				require.NotEmpty(a.t, f.Note, "why it is gone")
			}
		}
		left[r.ID] = strings.Join(kinds, " ")
	}
	return left
}

func testCleanup(t *testing.T, f *fixture) {
	a := newAttic(t, f)
	a.run("young", "completed", 5, artifact.Screenshot, artifact.Video)
	a.run("week", "completed", 10, artifact.Screenshot, artifact.Video)
	a.run("week-failed", "failed", 10, artifact.Screenshot, artifact.Video)
	a.run("months", "completed", 40, artifact.Screenshot, artifact.HAR, artifact.Trace)
	a.run("old", "completed", 100, artifact.Screenshot)
	a.run("old-failed", "failed", 100, artifact.Screenshot)
	a.run("old-adapted", "adapted", 100)
	a.run("ancient-failed", "failed", 200, artifact.Video)
	a.run("held", "completed", 200, artifact.Video)
	require.NoError(t, a.HoldRun(t.Context(), "held", "lawsuit-42", time.Now()))
	n := newRun(t, "open", queue.Options{Attempts: 1})
	_, _, err := a.CreateRun(t.Context(), n)
	require.NoError(t, err)
	a.exec(t, `UPDATE test_runs SET created_at = now() - interval '1 year' WHERE id = 'open'`)
	a.exec(t, `INSERT INTO outbox_rejected (id, queue, job_id, seq, change, reason, rejected_at) VALUES (1, 'x', 'y', 1, '{}', '', now() - interval '31 days'), (2, 'x', 'y', 1, '{}', '', now())`)
	a.exec(t, `INSERT INTO outbox (queue, job_id, seq, change, created_at) VALUES ('was-once', 'y', 1, '{}', now() - interval '2 days')`)
	a.exec(t, `INSERT INTO jobs (queue, id, run_id, state, seq, record, created_at, finished_at) VALUES ('test-execution', 'lost', 'lost', 'failed', 1, '{}', now(), now() - interval '2 days')`)
	a.exec(t, `INSERT INTO dead_letters (queue, run_id, job_id, test_case_id, class, reason, attempts, died_at, record)
		SELECT 'test-execution', id, id, 'login', 'timeout', '', 1, now() - interval '100 days', '{}' FROM test_runs WHERE id IN ('old-failed', 'ancient-failed')`)
	a.exec(t, `UPDATE test_runs SET test_case_id = 'held-case' WHERE id = 'held'`)
	for _, id := range []string{"login", "held-case", "forgotten"} { // login is run still
		a.exec(t, `INSERT INTO page_snapshots (test_case_id, environment, digest, elements, data, created_at) VALUES ($1, '', 'd', 0, '', now() - interval '200 days')`, id)
		a.exec(t, `INSERT INTO fingerprints (test_case_id, environment, step_number, step_hash, version, fingerprint, locators, page, digest, run_id, created_at, captured_at)
			VALUES ($1, '', 1, '', 1, '{}', '[]', 'd', '', '', now() - interval '300 days', now() - interval '200 days')`, id)
		a.exec(t, `INSERT INTO learned_locators (test_case_id, environment, step_number, step_hash, selectors, digest, status, created_at, updated_at)
			VALUES ($1, '', 1, '', '[]', '', 'rejected', now() - interval '300 days', now() - interval '200 days')`, id)
		a.exec(t, `INSERT INTO adaptation_patterns (kind, test_case_id, environment, step_number, signature, count, evidence, first_seen, last_seen)
			VALUES ('failure', $1, '', 1, '', 2, '{}', now() - interval '300 days', now() - interval '200 days')`, id)
		a.exec(t, `INSERT INTO case_reliability VALUES ($1, '', 1, 1, 0, 1, 1, 1, 0, 0, 0, now() - interval '200 days')`, id)
	}
	a.exec(t, `INSERT INTO alert_deliveries (target, message, created_at, due_at) VALUES ('gone', '', now() - interval '2 days', now()), ('there', '', now(), now())`)
	everything := a.left()

	looked := a.clean("look", cleanup.Default(), cleanup.Request{DryRun: true})
	require.Equal(t, everything, a.left(), "a dry run takes nothing away")

	did := a.clean("do", cleanup.Default(), cleanup.Request{})
	require.Equal(t, looked.Removed, did.Removed)
	require.Equal(t, looked.Held, did.Held)
	require.EqualValues(t, 1, did.Held)
	require.Equal(t, map[string]string{
		"young": "screenshot video", "week": "screenshot", "week-failed": "screenshot video", "months": "", "old-failed": "",
		"old-adapted": "", "held": "video", "open": "",
	}, withoutOrder(a.left()))
	count := func(k cleanup.Kind) int64 { return did.Removed[k].Count }
	require.EqualValues(t, 2, count(cleanup.Runs))
	require.EqualValues(t, 2, count(cleanup.Steps))
	require.EqualValues(t, 2, count(cleanup.Letters), "one with its run")
	require.EqualValues(t, 3, count(cleanup.Jobs), "two with their runs, one without")
	require.EqualValues(t, 1, count(cleanup.Rejected))
	require.EqualValues(t, 1, count(cleanup.Outbox))
	require.EqualValues(t, 1, count(cleanup.Pages), "of the case that is not run any more")
	require.EqualValues(t, 1, count(cleanup.Fingerprints))
	require.EqualValues(t, 1, count(cleanup.Locators))
	require.EqualValues(t, 1, count(cleanup.Patterns))
	require.EqualValues(t, 1, count(cleanup.Reliability))
	require.EqualValues(t, 1, count(cleanup.Deliveries))
	require.Equal(t, cleanup.Amount{Count: 3, Bytes: 3000}, did.Removed["files.screenshot"])
	require.Equal(t, cleanup.Amount{Count: 2, Bytes: 2000}, did.Removed["files.video"])
	require.Equal(t, cleanup.Amount{Count: 1, Bytes: 1000}, did.Removed["files.har"])

	again := a.clean("again", cleanup.Default(), cleanup.Request{})
	require.Empty(t, again.Removed, "twice in a row is once")
	kept, err := a.Cleanups(t.Context(), "do", 1)
	require.NoError(t, err)
	var report cleanup.Report
	require.NoError(t, json.Unmarshal(kept[0].Report, &report))
	require.Equal(t, did.Removed, report.Removed)

	require.NoError(t, a.ReleaseRun(t.Context(), "held"))
	require.EqualValues(t, 1, a.clean("released", cleanup.Default(), cleanup.Request{}).Removed[cleanup.Runs].Count)
}

func testHoldByTag(t *testing.T, f *fixture) {
	a := newAttic(t, f)
	tagged := func(id string, tags string) {
		a.run(id, "completed", 200, artifact.Video)
		a.exec(t, `UPDATE test_runs SET config = $2 WHERE id = $1`, id, `{"tags": `+tags+`}`)
	}
	tagged("both", `["release-1.4", "smoke"]`)
	tagged("other", `["smoke"]`)
	a.run("none", "completed", 200)
	require.NoError(t, a.HoldTag(t.Context(), "release-1.4", "lawsuit-42", now))
	require.NoError(t, a.HoldTag(t.Context(), "unused", "", now.Add(-time.Hour)))
	tagged("later", `["release-1.4"]`)

	looked := a.clean("look", cleanup.Default(), cleanup.Request{DryRun: true})
	did := a.clean("do", cleanup.Default(), cleanup.Request{})
	require.Equal(t, looked.Removed, did.Removed)
	require.EqualValues(t, 2, did.Held)
	require.Equal(t, map[string]string{"both": "video", "later": "video"}, a.left())
	held, err := a.TagsHeld(t.Context())
	require.NoError(t, err)
	require.Len(t, held, 2)
	held[0].Since = held[0].Since.UTC()
	require.Equal(t, store.HeldTag{Tag: "release-1.4", Since: now, As: "lawsuit-42", Runs: 2}, held[0])

	require.NoError(t, a.HoldRun(t.Context(), "both", "", now))
	require.NoError(t, a.ReleaseTag(t.Context(), "release-1.4"))
	require.EqualValues(t, 1, a.clean("released", cleanup.Default(), cleanup.Request{}).Removed[cleanup.Runs].Count)
	require.Equal(t, map[string]string{"both": "video"}, a.left(), "it is held by itself, too")
	require.Equal(t, fault.NotFound, fault.Of(a.ReleaseTag(t.Context(), "release-1.4")))
}

// withoutOrder sorts what is two words at the most.
func withoutOrder(left map[string]string) map[string]string {
	for id, kinds := range left {
		if kinds == "video screenshot" {
			left[id] = "screenshot video"
		}
	}
	return left
}

func testCleanupByBudget(t *testing.T, f *fixture) {
	a := newAttic(t, f)
	for i := range 6 {
		a.run(fmt.Sprintf("run-%d", i), "completed", float64(6-i), artifact.Screenshot)
	}
	runs, used, err := a.CleanupUse(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 6, runs)
	require.EqualValues(t, 6000, used)
	size := cleanup.Policy{MostFileBytes: 4500}
	looked := a.clean("look", size, cleanup.Request{DryRun: true})
	did := a.clean("bytes", size, cleanup.Request{})
	require.Equal(t, looked.Removed, did.Removed)
	require.Equal(t, map[string]string{
		"run-0": "", "run-1": "", "run-2": "screenshot", "run-3": "screenshot", "run-4": "screenshot", "run-5": "screenshot",
	}, a.left())
	require.Empty(t, a.clean("bytes again", size, cleanup.Request{}).Removed)

	number := cleanup.Policy{MostRuns: 2}
	looked = a.clean("look at number", number, cleanup.Request{DryRun: true})
	did = a.clean("number", number, cleanup.Request{})
	require.Equal(t, looked.Removed, did.Removed)
	require.Equal(t, map[string]string{"run-4": "screenshot", "run-5": "screenshot"}, a.left())
	require.Empty(t, a.clean("number again", number, cleanup.Request{}).Removed)
}

// breaking fails when it is to delete a file for the n-th time, as a worker that dies does.
type breaking struct {
	*artifact.Folder
	after int
}

var errBroke = errors.New("it broke")

func (b *breaking) Delete(ctx context.Context, path string) error {
	b.after--
	if b.after < 0 {
		return errBroke
	}
	return b.Folder.Delete(ctx, path)
}

func testCleanupGoesOn(t *testing.T, f *fixture) {
	a := newAttic(t, f)
	for i := range 7 {
		a.run(fmt.Sprintf("run-%d", i), "completed", 100, artifact.Screenshot)
	}
	looked := a.clean("look", cleanup.Default(), cleanup.Request{DryRun: true})
	c := cleanup.Cleaner{Records: a.Store, Files: &breaking{a.files, 5}, Policy: cleanup.Default(), Batch: 2}
	_, err := c.Run(t.Context(), "it", cleanup.Request{}, func(cleanup.Progress) {})
	require.ErrorIs(t, err, errBroke)
	counted, err := a.Counted(t.Context(), "it")
	require.NoError(t, err)
	require.EqualValues(t, 4, counted[cleanup.Runs].Count, "batches that were whole")
	require.Len(t, a.left2(), 3, "what a batch could not finish is there still")

	require.Equal(t, looked.Removed, a.clean("it", cleanup.Default(), cleanup.Request{}).Removed, "the report has all, once")
	require.Empty(t, a.left())
}

// left2 are the ids of the runs that are there.
func (a *attic) left2() []store.Run {
	a.t.Helper()
	runs, err := a.Runs(a.t.Context(), nil, 1000)
	require.NoError(a.t, err)
	return runs
}

func testCleanupOfOrphans(t *testing.T, f *fixture) {
	a := newAttic(t, f)
	a.run("there", "completed", 1, artifact.Screenshot)
	_, err := a.files.Put(t.Context(), artifact.Object{RunID: "nobody", Name: "lost.png", MaxBytes: 100}, strings.NewReader("lost"))
	require.NoError(t, err)
	require.Empty(t, a.clean("young", cleanup.Default(), cleanup.Request{}).Removed, "it may be on its way")
	p := cleanup.Policy{Orphans: time.Nanosecond}
	require.Equal(t, cleanup.Amounts{cleanup.OrphanFiles: {Count: 1, Bytes: 4}}, a.clean("old", p, cleanup.Request{}).Removed)
	require.Equal(t, map[string]string{"there": "screenshot"}, a.left())
}

// TestCleanupOfManyRunsHoldsMemoryFlat takes 100,000 runs away.
func TestCleanupOfManyRunsHoldsMemoryFlat(t *testing.T) { //nolint:paralleltest // it measures the whole process
	const many = 100_000
	database := server.Database(t)
	a := newAttic(t, &fixture{direct: database, address: database})
	a.exec(t, `INSERT INTO test_runs (id, test_case_id, title, status, config, max_attempts, total_steps, workflow_id, workflow_input, created_at, finished_at)
		SELECT 'run-' || n, 'login', 'Logging in', 'completed', '{}', 1, 1, 'w', '{}', now() - interval '1 year', now() - interval '300 days' + n * interval '1 second'
		FROM generate_series(1, $1::int) n`, many)
	a.exec(t, `INSERT INTO test_steps (run_id, attempt, number, action, description, status) SELECT id, 1, 1, 'click', 'Click', 'success' FROM test_runs`)
	a.exec(t, `ANALYZE`)

	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var heaps []uint64
	c := cleanup.Cleaner{Records: a.Store, Files: a.files, Policy: cleanup.Default()}
	report, err := c.Run(t.Context(), "many", cleanup.Request{}, func(cleanup.Progress) { heaps = append(heaps, heap()) })
	require.NoError(t, err)
	require.EqualValues(t, many, report.Removed[cleanup.Runs].Count)
	require.EqualValues(t, many, report.Removed[cleanup.Steps].Count)
	require.Zero(t, a.count(t, "test_runs"))
	first, last := slices.Min(heaps[:len(heaps)/2]), slices.Min(heaps[len(heaps)/2:])
	t.Logf("%d runs in %s; heap in the first half %d KiB, in the second %d KiB", many, report.FinishedAt.Sub(report.StartedAt), first>>10, last>>10)
	require.Less(t, last, first+8<<20, "what is kept of 100,000 runs")
}

var _ cleanup.Records = (*postgres.Store)(nil)

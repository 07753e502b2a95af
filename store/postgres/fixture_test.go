package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// now is when everything happens. Postgres keeps microseconds.
var now = time.Date(2026, 11, 3, 12, 0, 0, 123456000, time.UTC)

// fixture is a database of one test's own.
type fixture struct {
	*postgres.Store // nil until opened

	direct  string // the way past the pooler
	address string
	pooled  bool
}

// migrated makes the tables and opens the store.
func (f *fixture) migrated(t *testing.T) *fixture {
	t.Helper()
	require.NoError(t, postgres.Migrate(t.Context(), f.address))
	f.Store = f.open(t)
	return f
}

func (f *fixture) open(t *testing.T) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), f.address, 4)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// connect returns a connection that knows nothing of the store.
func (f *fixture) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.direct)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) }) //nolint:errcheck // nothing is pending on it any more
	return conn
}

func (f *fixture) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := f.connect(t).Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// count says how many rows a table has.
func (f *fixture) count(t *testing.T, table string) (n int) {
	t.Helper()
	require.NoError(t, f.connect(t).QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// newRun is a run of an inline case, as the starter makes it.
func newRun(t *testing.T, id string, o queue.Options) store.NewRun {
	t.Helper()
	def, ok := queue.Find(queue.TestExecution)
	require.True(t, ok)
	o.JobID = id
	_, added := queue.New(def, id, json.RawMessage(`{"testRunId":"`+id+`"}`), o, now)
	return store.NewRun{
		Run: store.Run{
			ID: id, JobID: id, TestCaseID: "login", Title: "Logging in", UserID: "ada", MaxAttempts: o.Attempts, TotalSteps: 3,
			Config:     store.RunConfig{Timeout: 45000, Headless: true, AdaptiveMode: "off", Viewport: store.Viewport{Width: 1280, Height: 720}},
			WorkflowID: def.WorkflowID(id), CreatedAt: now,
		},
		Definition:    json.RawMessage(`{"title": "inline",  "steps": []}`),
		WorkflowInput: json.RawMessage(`{"runId": "` + id + `"}`),
		Added:         added,
	}
}

var threeAttempts = queue.Options{Attempts: 3, Backoff: &queue.Backoff{Type: "exponential", Delay: 2000}}

func (f *fixture) create(t *testing.T, n store.NewRun) {
	t.Helper()
	id, created, err := f.CreateRun(t.Context(), n)
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, n.ID, id)
}

func (f *fixture) claim(t *testing.T, id string, made int) store.Claim {
	t.Helper()
	c, err := f.ClaimAttempt(t.Context(), queue.TestExecution, id, "worker", made, now, nil)
	require.NoError(t, err)
	return c
}

// begun creates a run, claims its first attempt and plans three steps.
func (f *fixture) begun(t *testing.T, id string, o queue.Options) store.Claim {
	t.Helper()
	f.create(t, newRun(t, id, o))
	c := f.claim(t, id, 0)
	f.plan(t, id, c.Attempt)
	return c
}

func (f *fixture) plan(t *testing.T, id string, attempt int) {
	t.Helper()
	require.NoError(t, f.PlanSteps(t.Context(), id, attempt, []store.Step{
		{Action: "navigate", Description: "navigate /login"},
		{Action: "change", Description: "type into Name"},
		{Action: "click", Description: `click "Sign in"`},
	}, now))
}

func (f *fixture) endStep(t *testing.T, st store.Step, shot *store.Artifact) {
	t.Helper()
	require.NoError(t, f.EndStep(t.Context(), queue.TestExecution, st, shot, now))
}

func (f *fixture) finish(t *testing.T, id string, attempt int, o store.Outcome) queue.Job {
	t.Helper()
	job, err := f.FinishAttempt(t.Context(), queue.TestExecution, id, attempt, o, now)
	require.NoError(t, err)
	return job
}

func (f *fixture) run(t *testing.T, id string) store.Run {
	t.Helper()
	r, err := f.Run(t.Context(), id)
	require.NoError(t, err)
	return r
}

// outcomes of attempts.
var (
	passed = store.Outcome{
		Status: store.RunCompleted, CompletedSteps: 3, TotalSteps: 3, Duration: 1200 * time.Millisecond,
		Result: json.RawMessage(`{"status":"completed"}`), Progress: json.RawMessage(`{"percentage":100}`),
	}
	failed = store.Outcome{
		Status: store.RunFailed, CompletedSteps: 1, FailedSteps: 1, TotalSteps: 3, Duration: 800 * time.Millisecond,
		Error: "no such element", Stack: "step 2", Result: json.RawMessage(`{"status":"failed"}`),
	}
)

// statuses of a run's steps, by attempt and number.
func (f *fixture) statuses(t *testing.T, id string) []string {
	t.Helper()
	steps, err := f.Steps(t.Context(), id)
	require.NoError(t, err)
	list := make([]string, len(steps))
	for i, st := range steps {
		list[i] = fmt.Sprintf("%d.%d %s", st.Attempt, st.Number, st.Status)
	}
	return list
}

// waiting reads what is in the outbox, without touching it.
func (f *fixture) waiting(t *testing.T) []string {
	t.Helper()
	rows, err := f.connect(t).Query(t.Context(), "SELECT job_id, seq, change->>'transition' FROM outbox ORDER BY id")
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var id, transition string
		var seq int64
		err := row.Scan(&id, &seq, &transition)
		return fmt.Sprintf("%s %d %s", id, seq, transition), err
	})
	require.NoError(t, err)
	return list
}

func screenshot(runID string, attempt, step int) *store.Artifact {
	id := uuid.NewString()
	return &store.Artifact{
		ID: id, RunID: runID, Attempt: attempt, StepNumber: step, Kind: "screenshot", ContentType: "image/png",
		Bytes: 5 << 30, SHA256: "abc", Path: runID + "/" + id + ".png",
	}
}

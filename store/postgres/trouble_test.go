package postgres_test

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/process"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

func testTexts(t *testing.T, f *fixture) {
	f.migrated(t)
	const odd, clean = "a\x00b\xffc", "a\uFFFDb\uFFFDc"
	long := strings.Repeat("€", 1<<20/3)
	definition := json.RawMessage(`{"title":"\u0000"}`)

	n := newRun(t, "run-1", threeAttempts)
	n.Title, n.Definition = odd, definition
	f.create(t, n)
	_, err := f.SaveCase(t.Context(), store.TestCase{ID: "login", Title: odd, Definition: definition})
	require.NoError(t, err)
	require.Equal(t, definition, f.claim(t, "run-1", 0).Definition)
	require.NoError(t, f.PlanSteps(t.Context(), "run-1", 1, []store.Step{
		{Action: "click", Description: odd}, {Action: "click", Description: long},
	}, now))
	f.endStep(t, store.Step{RunID: "run-1", Attempt: 1, Number: 1, Status: store.StepSuccess, Error: odd}, nil)
	f.endStep(t, store.Step{RunID: "run-1", Attempt: 1, Number: 2, Status: store.StepFailed, Error: long}, nil)
	outcome := failed
	outcome.Error, outcome.Stack = odd, long
	job := f.finish(t, "run-1", 1, outcome)
	require.Equal(t, clean, job.FailedReason)

	short := func(s string) {
		require.True(t, utf8.ValidString(s))
		require.Less(t, len(s), 5000)
		require.True(t, strings.HasPrefix(s, "€€€"))
		require.True(t, strings.HasSuffix(s, "€…"))
	}
	short(job.Stacktrace[0])
	r := f.run(t, "run-1")
	require.Equal(t, clean, r.Title)
	require.Equal(t, clean, r.Error)
	c, err := f.Case(t.Context(), "login")
	require.NoError(t, err)
	require.Equal(t, clean, c.Title)
	steps, err := f.Steps(t.Context(), "run-1")
	require.NoError(t, err)
	require.Equal(t, clean, steps[0].Description)
	require.Equal(t, clean, steps[0].Error)
	short(steps[1].Description)
	short(steps[1].Error)
	rows := f.relay(t, 10)
	require.Equal(t, job, rows[len(rows)-1].Change.Job)
}

func testInvalidTexts(t *testing.T, f *fixture) {
	f.migrated(t)
	for _, odd := range []string{"a\x00b", "a\xffb"} {
		_, err := f.Run(t.Context(), odd)
		require.Equal(t, fault.Invalid, fault.Of(err))
		n := newRun(t, "run-1", threeAttempts)
		n.IdempotencyKey = odd
		_, _, err = f.CreateRun(t.Context(), n)
		require.Equal(t, fault.Invalid, fault.Of(err))
		_, err = f.SaveCase(t.Context(), store.TestCase{ID: "login", Definition: json.RawMessage(`"` + odd + `"`)})
		require.Equal(t, fault.Invalid, fault.Of(err))
	}
	require.Zero(t, f.count(t, "test_runs"))
}

func testUnreadableRecords(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	f.exec(t, `UPDATE test_runs SET config = '[]'`)
	_, err := f.Run(t.Context(), "run-1")
	require.Equal(t, fault.Internal, fault.Of(err))
	_, err = f.ClaimAttempt(t.Context(), queue.TestExecution, "run-1", "worker", 0, now, nil)
	require.Equal(t, fault.Internal, fault.Of(err))
	require.Equal(t, queue.Waiting, f.openJob(t, "run-1").State, "the claim was taken back")

	f.exec(t, `UPDATE jobs SET record = '[]'`)
	_, err = f.ClaimAttempt(t.Context(), queue.TestExecution, "run-1", "worker", 0, now, nil)
	require.Equal(t, fault.Internal, fault.Of(err))
	err = f.OpenJobs(t.Context(), queue.TestExecution, store.Any, func([]queue.Job) error { return nil })
	require.Equal(t, fault.Internal, fault.Of(err))

	broken := newRun(t, "run-2", threeAttempts)
	broken.Added.Job.Data = json.RawMessage("{")
	_, created, err := f.CreateRun(t.Context(), broken)
	require.Equal(t, fault.Internal, fault.Of(err))
	require.False(t, created)
	_, err = f.Run(t.Context(), "run-2")
	require.Equal(t, fault.NotFound, fault.Of(err), "nothing stays of it")
}

func testConnectionsBreak(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	breakAll := func() {
		f.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
	}
	applied, err := f.Relay(t.Context(), queue.TestExecution, 10, func(context.Context, []store.OutboxRow, postgres.Advance) (map[int64]string, error) {
		breakAll()
		return nil, nil
	})
	require.Error(t, err, "in the middle of a transaction")
	require.Equal(t, fault.Unavailable, fault.Of(err))
	require.Zero(t, applied)
	require.Equal(t, []string{"run-1 1 added"}, f.waiting(t))

	breakAll()
	require.Eventually(t, func() bool {
		_, err := f.ClaimAttempt(t.Context(), queue.TestExecution, "run-1", "worker", 0, now, nil)
		return err == nil || fault.Of(err) != fault.Unavailable
	}, 20*time.Second, 5*time.Millisecond)
	require.Equal(t, queue.Active, f.openJob(t, "run-1").State)
}

func testContextEnded(t *testing.T, f *fixture) {
	f.migrated(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, fault.Unavailable, fault.Of(f.Ping(ctx)))
	_, err := f.ClaimAttempt(ctx, queue.TestExecution, "run-1", "worker", 0, now, nil)
	require.Equal(t, fault.Unavailable, fault.Of(err))
	require.ErrorIs(t, err, context.Canceled)
}

func testMissingTables(t *testing.T, f *fixture) {
	s := f.open(t)
	err := s.Ping(t.Context())
	require.ErrorContains(t, err, "run `cinnamon migrate`")
	require.Equal(t, fault.Unavailable, fault.Of(err))

	f.Store = s
	require.NoError(t, postgres.Migrate(t.Context(), f.address))
	require.NoError(t, s.Ping(t.Context()))
}

const secret = "open-sesame"

// A server that does not answer is not a defect, and its password is nobody's business.
func TestServerIsAway(t *testing.T) {
	t.Parallel()
	port, err := process.FreePort(t.Context())
	require.NoError(t, err)
	for _, hint := range []string{"", "?pgbouncer=true"} {
		t.Run("address"+hint, func(t *testing.T) {
			t.Parallel()
			address := "postgres://cinnamon:" + secret + "@" + process.Loopback(port) + "/cinnamon" + hint
			s, err := postgres.Open(t.Context(), address, 2)
			require.NoError(t, err, "opening does not connect")
			t.Cleanup(s.Close)
			calls := map[string]func(ctx context.Context) error{
				"Ping":     s.Ping,
				"Run":      func(ctx context.Context) error { _, err := s.Run(ctx, "x"); return err },
				"Case":     func(ctx context.Context) error { _, err := s.Case(ctx, "x"); return err },
				"Cases":    func(ctx context.Context) error { _, err := s.Cases(ctx, "", 1); return err },
				"SaveCase": func(ctx context.Context) error { _, err := s.SaveCase(ctx, store.TestCase{}); return err },
				"Steps":    func(ctx context.Context) error { _, err := s.Steps(ctx, "x"); return err },
				"Artifact": func(ctx context.Context) error { _, err := s.Artifact(ctx, "x", "y"); return err },
				"CreateRun": func(ctx context.Context) error {
					_, _, err := s.CreateRun(ctx, newRun(t, "x", threeAttempts))
					return err
				},
				"RunStarted": func(ctx context.Context) error { return s.RunStarted(ctx, "x", "y") },
				"NotStarted": func(ctx context.Context) error { _, err := s.NotStarted(ctx, now, 1); return err },
				"Claim": func(ctx context.Context) error {
					_, err := s.ClaimAttempt(ctx, queue.TestExecution, "x", "w", 0, now, nil)
					return err
				},
				"Finish": func(ctx context.Context) error {
					_, err := s.FinishAttempt(ctx, queue.TestExecution, "x", 1, passed, now)
					return err
				},
				"EndRun":    func(ctx context.Context) error { return s.EndRun(ctx, queue.TestExecution, "x", failed, now) },
				"PlanSteps": func(ctx context.Context) error { return s.PlanSteps(ctx, "x", 1, nil, now) },
				"EndStep": func(ctx context.Context) error {
					return s.EndStep(ctx, queue.TestExecution, store.Step{}, screenshot("x", 1, 1), now)
				},
				"Relay":    func(ctx context.Context) error { _, err := s.Relay(ctx, "q", 1, nil); return err },
				"Position": func(ctx context.Context) error { _, err := s.Position(ctx, "q"); return err },
				"Hold":     func(ctx context.Context) error { _, err := s.Hold(ctx, "q", nil); return err },
				"FinishedAmong": func(ctx context.Context) error {
					_, err := s.FinishedAmong(ctx, "q", []string{"x"})
					return err
				},
				"OpenJobs": func(ctx context.Context) error { return s.OpenJobs(ctx, "q", store.Any, nil) },
				"NewestFinished": func(ctx context.Context) error {
					_, err := s.NewestFinished(ctx, "q", queue.Completed, 1, store.Any)
					return err
				},
			}
			if s.CanListen() {
				calls["Listen"] = func(ctx context.Context) error { return s.Listen(ctx, nil) }
			}
			for name, call := range calls {
				err := call(t.Context())
				require.ErrorContains(t, err, "refused", name)
				require.Equal(t, fault.Unavailable, fault.Of(err), name)
				require.NotContains(t, err.Error(), secret, name)
			}
			err = postgres.Migrate(t.Context(), address)
			require.ErrorContains(t, err, "refused")
			require.NotContains(t, err.Error(), secret)
		})
	}
}

func TestErrorsDoNotTellThePassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"postgres://cinnamon:" + secret + "@127.0.0.1:no-port/cinnamon",
		"postgres://cinnamon:" + secret + "@[127.0.0.1/cinnamon",
		"postgres://cinnamon:" + secret + "%zz@127.0.0.1/cinnamon",
		"postgres://cinnamon:" + secret + "@127.0.0.1/cinnamon?sslmode=perhaps",
		"postgres://cinnamon:" + secret + "@127.0.0.1/cinnamon?pool_max_conns=lots",
		"postgres://cinnamon:" + secret + "@127.0.0.1/cinnamon?connect_timeout=soon&pgbouncer=true",
		"host=127.0.0.1 port=none password=" + secret,
		"mysql://cinnamon:" + secret + "@127.0.0.1/cinnamon",
	} {
		if s, err := postgres.Open(t.Context(), address, 2); err == nil {
			err = s.Ping(t.Context())
			s.Close()
			require.Error(t, err, strings.ReplaceAll(address, secret, "…"))
			require.NotContains(t, err.Error(), secret)
		} else {
			require.NotContains(t, err.Error(), secret)
		}
		if err := postgres.Migrate(t.Context(), address); err != nil {
			require.NotContains(t, err.Error(), secret)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	database := server.Database(t)
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			address, err := url.Parse(mode.address(t, database))
			require.NoError(t, err)
			address.User = url.UserPassword(address.User.Username(), secret)
			s, err := postgres.Open(t.Context(), address.String(), 2)
			require.NoError(t, err)
			t.Cleanup(s.Close)
			for _, err := range []error{s.Ping(t.Context()), postgres.Migrate(t.Context(), address.String())} {
				require.ErrorContains(t, err, "authentication failed")
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func TestPoolersAreRecognised(t *testing.T) {
	t.Parallel()
	for address, direct := range map[string]bool{
		"postgres://cinnamon@127.0.0.1:5432/cinnamon":                    true,
		"postgres://cinnamon@127.0.0.1:5432/cinnamon?pgbouncer=false":    true,
		"postgres://cinnamon@127.0.0.1:5432/cinnamon?pgbouncer=true":     false,
		"postgres://cinnamon@db.example.supabase.co:6543/postgres":       false,
		"postgres://cinnamon@aws-0-eu.pooler.supabase.com:5432/postgres": false,
	} {
		s, err := postgres.Open(t.Context(), address, 1)
		require.NoError(t, err)
		require.Equal(t, direct, s.CanListen(), address)
		s.Close()
	}
}

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// relay hands all that waits, in batches, to a function that takes everything, and returns it.
func (f *fixture) relay(t *testing.T, limit int) (rows []store.OutboxRow) {
	t.Helper()
	for {
		batch := 0
		applied, err := f.Relay(t.Context(), queue.TestExecution, limit, func(_ context.Context, found []store.OutboxRow, _ postgres.Advance) (map[int64]string, error) {
			batch = len(found)
			rows = append(rows, found...)
			return nil, nil
		})
		require.NoError(t, err)
		require.Equal(t, batch, applied)
		require.LessOrEqual(t, batch, limit)
		if applied < limit {
			return rows
		}
	}
}

func testRelayInOrder(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	f.create(t, newRun(t, "run-2", threeAttempts))
	job := f.finish(t, "run-1", 1, failed)
	f.exec(t, `INSERT INTO outbox (queue, job_id, seq, change) VALUES ('other', 'x', 1, '{"transition":"added"}')`)

	rows := f.relay(t, 3)
	require.Len(t, rows, 4, "another queue's changes are left alone")
	var order []string
	for i, row := range rows {
		order = append(order, fmt.Sprintf("%s %d %s %s", row.Change.Job.ID, row.Change.Job.Seq, row.Change.Transition, row.Change.Job.State))
		require.Positive(t, row.ID)
		require.True(t, i == 0 || row.ID > rows[i-1].ID)
	}
	require.Equal(t, []string{
		"run-1 1 added waiting", "run-1 2 started active", "run-2 1 added waiting", "run-1 3 backedOff delayed",
	}, order)
	relayed := rows[3].Change.Job
	require.Equal(t, job, relayed, "the whole state")
	require.Equal(t, []string{"x 1 added"}, f.waiting(t))
	require.Empty(t, f.relay(t, 3))
}

func testRelayKeepsWhatFailed(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	away := errors.New("Redis is away")
	applied, err := f.Relay(t.Context(), queue.TestExecution, 10, func(_ context.Context, rows []store.OutboxRow, _ postgres.Advance) (map[int64]string, error) {
		return map[int64]string{rows[0].ID: "rejected, but not for good"}, away
	})
	require.ErrorIs(t, err, away)
	require.Zero(t, applied)
	require.Equal(t, []string{"run-1 1 added", "run-1 2 started"}, f.waiting(t))
	require.Zero(t, f.count(t, "outbox_rejected"))
	require.Len(t, f.relay(t, 10), 2)
}

func testRelaySetsAside(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	f.exec(t, `INSERT INTO outbox (queue, job_id, seq, change) VALUES ($1, 'odd', 7, '{"transition": 5}')`, queue.TestExecution)
	f.create(t, newRun(t, "run-2", threeAttempts))
	f.create(t, newRun(t, "run-3", threeAttempts))

	applied, err := f.Relay(t.Context(), queue.TestExecution, 10, func(_ context.Context, rows []store.OutboxRow, _ postgres.Advance) (map[int64]string, error) {
		require.Len(t, rows, 3, "what can't be read is not handed out")
		return map[int64]string{rows[1].ID: "its id has a \x00 colon"}, nil
	})
	require.NoError(t, err)
	require.Equal(t, 4, applied)
	require.Empty(t, f.waiting(t))

	type aside struct {
		Queue, JobID   string
		Seq            int64
		Change, Reason string
	}
	read := func(id string) (a aside) {
		require.NoError(t, f.connect(t).QueryRow(t.Context(), `SELECT queue, job_id, seq, change::text, reason
			FROM outbox_rejected WHERE job_id = $1`, id).Scan(&a.Queue, &a.JobID, &a.Seq, &a.Change, &a.Reason))
		return a
	}
	require.Equal(t, 2, f.count(t, "outbox_rejected"))
	odd := read("odd")
	require.Contains(t, odd.Reason, "can't be read")
	odd.Reason = ""
	require.Equal(t, aside{Queue: queue.TestExecution, JobID: "odd", Seq: 7, Change: `{"transition": 5}`}, odd)
	rejected := read("run-2")
	require.Equal(t, "its id has a \uFFFD colon", rejected.Reason)
	require.Contains(t, rejected.Change, `"id":"run-2"`)

	f.exec(t, `INSERT INTO outbox (queue, job_id, seq, change) VALUES ($1, 'odd', 8, '[]')`, queue.TestExecution)
	applied, err = f.Relay(t.Context(), queue.TestExecution, 10, func(context.Context, []store.OutboxRow, postgres.Advance) (map[int64]string, error) {
		return nil, errors.New("there is nothing to apply")
	})
	require.NoError(t, err)
	require.Equal(t, 1, applied)
	require.Equal(t, 3, f.count(t, "outbox_rejected"))
}

func testOneRelayAtATime(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	standby := f.open(t)
	refuse := func(context.Context, []store.OutboxRow, postgres.Advance) (map[int64]string, error) {
		return nil, errors.New("another relay is at work")
	}
	applied, err := f.Relay(t.Context(), queue.TestExecution, 10, func(ctx context.Context, rows []store.OutboxRow, _ postgres.Advance) (map[int64]string, error) {
		require.Len(t, rows, 1)
		for _, other := range []*fixture{f, {Store: standby}} {
			n, err := other.Relay(ctx, queue.TestExecution, 10, refuse)
			require.NoError(t, err)
			require.Zero(t, n)
		}
		n, err := standby.Relay(ctx, "another queue", 10, refuse)
		require.NoError(t, err)
		require.Zero(t, n)
		f.create(t, newRun(t, "run-2", threeAttempts)) // writers are not held up
		return nil, nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, applied)
	require.Equal(t, []string{"run-2 1 added"}, f.waiting(t), "what came later stays")

	rows := 0
	applied, err = standby.Relay(t.Context(), queue.TestExecution, 10, func(_ context.Context, found []store.OutboxRow, _ postgres.Advance) (map[int64]string, error) {
		rows = len(found)
		return nil, nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, applied)
	require.Equal(t, 1, rows)
}

// Writers commit in any order; the changes of one job must come in the order of their numbers nevertheless.
func testRelayOfManyWriters(t *testing.T, f *fixture) {
	f.migrated(t)
	const writers, jobsEach, changesEach = 6, 5, 5
	var group errgroup.Group
	for w := range writers {
		runs := make([]store.NewRun, jobsEach)
		for i := range runs {
			runs[i] = newRun(t, fmt.Sprintf("run-%d-%d", w, i), queue.Options{Attempts: 2})
		}
		group.Go(func() error { return f.work(t.Context(), runs) })
	}
	done := make(chan error, 1)
	go func() { done <- group.Wait() }()

	seen := map[string]int64{}
	total := 0
	for ended := false; ; {
		rows := f.relay(t, 7)
		for _, row := range rows {
			id := row.Change.Job.ID
			require.Equal(t, seen[id]+1, row.Change.Job.Seq, id)
			seen[id]++
		}
		total += len(rows)
		if ended {
			break
		}
		select {
		case err := <-done:
			require.NoError(t, err)
			ended = true
		default:
		}
	}
	require.Equal(t, writers*jobsEach*changesEach, total)
	require.Empty(t, f.waiting(t))
}

// work creates each run and carries out two attempts of it: five changes.
func (f *fixture) work(ctx context.Context, runs []store.NewRun) error {
	for _, n := range runs {
		if _, _, err := f.CreateRun(ctx, n); err != nil {
			return err
		}
		for made, outcome := range []store.Outcome{failed, passed} {
			c, err := f.ClaimAttempt(ctx, queue.TestExecution, n.ID, "worker", made, now, nil)
			if err != nil {
				return err
			}
			if _, err := f.FinishAttempt(ctx, queue.TestExecution, n.ID, c.Attempt, outcome, now); err != nil {
				return err
			}
		}
	}
	return nil
}

func testListenWakes(t *testing.T, f *fixture) {
	f.migrated(t)
	require.Equal(t, !f.pooled, f.CanListen())
	if f.pooled {
		require.NoError(t, f.Listen(t.Context(), func() { t.Error("there is no LISTEN behind a pooler") }))
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	woken, ended := make(chan struct{}, 100), make(chan error, 1)
	go func() { ended <- f.Listen(ctx, func() { woken <- struct{}{} }) }()
	await(t, woken) // at the beginning: something may be there already
	f.create(t, newRun(t, "run-1", threeAttempts))
	await(t, woken)
	f.claim(t, "run-1", 0)
	await(t, woken)

	require.NoError(t, f.EndRun(ctx, queue.TestExecution, "run-1", failed, now))
	await(t, woken)
	require.NoError(t, f.EndRun(ctx, queue.TestExecution, "run-1", failed, now))
	_, err := f.ClaimAttempt(ctx, queue.TestExecution, "run-1", "worker", 1, now, nil)
	require.ErrorIs(t, err, queue.ErrFinished)
	cancel()
	require.ErrorIs(t, await(t, ended), context.Canceled)
	require.Empty(t, woken, "what changes nothing wakes nobody")
}

func testListenEnds(t *testing.T, f *fixture) {
	f.migrated(t)
	if f.pooled {
		return
	}
	woken, ended := make(chan struct{}, 100), make(chan error, 1)
	go func() { ended <- f.Listen(t.Context(), func() { woken <- struct{}{} }) }()
	await(t, woken)
	f.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`)
	err := await(t, ended)
	require.Error(t, err)
	require.Equal(t, fault.Unavailable, fault.Of(err))

	f.Close()
	err = f.Listen(t.Context(), func() { t.Error("woken without a connection") })
	require.Equal(t, fault.Unavailable, fault.Of(err))
}

// await receives from a channel, or fails the test when nothing comes.
func await[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(20 * time.Second):
		require.FailNow(t, "nothing came")
	}
	return v
}

func testOpenJobs(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "ended", threeAttempts))
	require.NoError(t, f.EndRun(t.Context(), queue.TestExecution, "ended", failed, now))
	// Ids descend while times ascend, and every three jobs share a time.
	const many = 1203
	f.exec(t, `INSERT INTO jobs (queue, id, run_id, state, seq, record, created_at, since)
		SELECT $1, id, id, 'waiting', 1, json_build_object('queue', $1::text, 'id', id, 'state', 'waiting', 'createdAt',
			to_char(created AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"789Z"')), created, created
		FROM (SELECT 'job-' || to_char($2::int - n, 'FM0000') AS id, $3::timestamptz + n / 3 * interval '1 microsecond' AS created
			FROM generate_series(0, $2::int - 1) AS n) AS jobs`, queue.TestExecution, many, now)
	f.exec(t, `INSERT INTO jobs (queue, id, run_id, state, seq, record, created_at) VALUES ('other', 'x', 'x', 'waiting', 1, '{}', now())`)

	var all []queue.Job
	var pages []int
	require.NoError(t, f.OpenJobs(t.Context(), queue.TestExecution, store.Any, func(jobs []queue.Job) error {
		pages = append(pages, len(jobs))
		all = append(all, jobs...)
		return nil
	}))
	require.Equal(t, []int{500, 500, 203}, pages)
	for i := range all[1:] {
		a, b := all[i], all[i+1]
		require.True(t, a.CreatedAt.Before(b.CreatedAt) || a.CreatedAt.Equal(b.CreatedAt) && a.ID < b.ID, "%s before %s", a.ID, b.ID)
	}

	f.create(t, newRun(t, "first", threeAttempts))
	f.create(t, newRun(t, "second", threeAttempts))
	first, err := f.ClaimAttempt(t.Context(), queue.TestExecution, "first", "worker", 0, now, nil)
	require.NoError(t, err)
	require.NoError(t, f.ReleaseAttempt(t.Context(), queue.TestExecution, "first", first.Attempt))
	all = nil
	require.NoError(t, f.OpenJobs(t.Context(), queue.TestExecution, store.Any, func(jobs []queue.Job) error {
		all = append(all, jobs...)
		return nil
	}))
	require.Equal(t, []string{"second", "first"}, []string{all[many].ID, all[many+1].ID}, "what was given back waits behind the others")

	var relayed []string
	require.NoError(t, f.OpenJobs(t.Context(), queue.TestExecution, store.Relayed, func(jobs []queue.Job) error {
		for _, j := range jobs {
			relayed = append(relayed, j.ID)
		}
		return nil
	}))
	require.Len(t, relayed, many, "the changes of all but these wait in the outbox")
	require.NotContains(t, relayed, "second")

	broken := errors.New("enough")
	require.ErrorIs(t, f.OpenJobs(t.Context(), queue.TestExecution, store.Any, func([]queue.Job) error { return broken }), broken)
	require.NoError(t, f.OpenJobs(t.Context(), "no such queue", store.Any, func([]queue.Job) error { return broken }))
}

func testNewestFinished(t *testing.T, f *fixture) {
	f.migrated(t)
	for i := range 6 {
		id := fmt.Sprintf("run-%d", i)
		f.create(t, newRun(t, id, queue.Options{Attempts: 1}))
		outcome := passed
		if i%3 == 2 {
			outcome = failed
		}
		at := now.Add(time.Duration(-i) * time.Second) // the later ones ended earlier
		_, err := f.FinishAttempt(t.Context(), queue.TestExecution, id, f.claim(t, id, 0).Attempt, outcome, at)
		require.NoError(t, err)
	}
	f.create(t, newRun(t, "open", threeAttempts))
	newest := func(state queue.State, limit int, which store.Which) (ids []string) {
		jobs, err := f.NewestFinished(t.Context(), queue.TestExecution, state, limit, which)
		require.NoError(t, err)
		for _, j := range jobs {
			ids = append(ids, j.ID)
			require.Equal(t, state, j.State)
		}
		return ids
	}
	require.Equal(t, []string{"run-3", "run-1", "run-0"}, newest(queue.Completed, 3, store.Any))
	require.Equal(t, []string{"run-5", "run-2"}, newest(queue.Failed, 3, store.Any))
	require.Empty(t, newest(queue.Waiting, 3, store.Any))

	require.Empty(t, newest(queue.Completed, 3, store.Relayed))
	f.exec(t, `DELETE FROM outbox WHERE job_id <> 'run-0'`)
	require.Equal(t, []string{"run-4", "run-3", "run-1"}, newest(queue.Completed, 3, store.Relayed))
}

func testPosition(t *testing.T, f *fixture) {
	f.migrated(t)
	position := func() int64 {
		p, err := f.Position(t.Context(), queue.TestExecution)
		require.NoError(t, err)
		return p
	}
	insert := func(id int64) {
		f.exec(t, `INSERT INTO outbox (id, queue, job_id, seq, change) OVERRIDING SYSTEM VALUE
			VALUES ($1, $2, 'x', 1, '{"transition":"added"}')`, id, queue.TestExecution)
	}
	relay := func(problem error) (moved postgres.Advance) {
		before := position()
		_, err := f.Relay(t.Context(), queue.TestExecution, 10, func(_ context.Context, _ []store.OutboxRow, a postgres.Advance) (map[int64]string, error) {
			moved = a
			require.Equal(t, before, position(), "what is not committed does not count")
			return nil, problem
		})
		require.ErrorIs(t, err, problem)
		return moved
	}
	require.Zero(t, position())
	require.Zero(t, relay(nil), "nothing to do")
	insert(1007)
	insert(1010)
	away := errors.New("Redis is away")
	require.Equal(t, postgres.Advance{From: 0, To: 1010}, relay(away))
	require.Zero(t, position())
	require.Equal(t, postgres.Advance{From: 0, To: 1010}, relay(nil))
	require.EqualValues(t, 1010, position())
	insert(1008) // its transaction began before the others and was committed after them
	require.Equal(t, postgres.Advance{From: 1010, To: 1011}, relay(nil))
	require.EqualValues(t, 1011, position())
	insert(1011)
	require.Equal(t, postgres.Advance{From: 1011, To: 1012}, relay(nil))
	insert(1020)
	require.Equal(t, postgres.Advance{From: 1012, To: 1020}, relay(nil))
	other, err := f.Position(t.Context(), "other")
	require.NoError(t, err)
	require.Zero(t, other)
}

func testHold(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	require.Len(t, f.relay(t, 10), 1)
	f.claim(t, "run-1", 0)
	reached, err := f.Position(t.Context(), queue.TestExecution)
	require.NoError(t, err)
	require.Positive(t, reached)

	never := func(context.Context, int64) error { return errors.New("another one is at work") }
	enough := errors.New("enough")
	held, err := f.Hold(t.Context(), queue.TestExecution, func(ctx context.Context, position int64) error {
		require.Equal(t, reached, position)
		require.Empty(t, f.relay(t, 10), "relays rest")
		held, err := f.Hold(ctx, queue.TestExecution, never)
		require.NoError(t, err)
		require.False(t, held)
		held, err = f.Hold(ctx, "other", func(_ context.Context, position int64) error { require.Zero(t, position); return nil })
		require.NoError(t, err)
		require.True(t, held)
		return enough
	})
	require.ErrorIs(t, err, enough)
	require.True(t, held)
	require.Len(t, f.relay(t, 10), 1, "and go on")
}

func testFinishedAmong(t *testing.T, f *fixture) {
	f.migrated(t)
	for _, id := range []string{"ended", "failed", "open", "unasked"} {
		f.create(t, newRun(t, id, threeAttempts))
		if id != "open" {
			require.NoError(t, f.EndRun(t.Context(), queue.TestExecution, id, failed, now))
		}
	}
	among := func(queueName string, ids ...string) (found []string) {
		jobs, err := f.FinishedAmong(t.Context(), queueName, ids)
		require.NoError(t, err)
		for _, j := range jobs {
			require.True(t, j.State.Finished())
			found = append(found, j.ID)
		}
		return found
	}
	require.Equal(t, []string{"ended", "failed"}, among(queue.TestExecution, "\xff", "failed", "open", "a\x00b", "ended", "ended", "0:0"))
	require.Empty(t, among(queue.TestExecution))
	require.Empty(t, among(queue.TestExecution, "\xff"))
	require.Empty(t, among("other", "ended"))
}

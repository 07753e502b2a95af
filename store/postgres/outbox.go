package postgres

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// appendOutbox queues the statements that hand changes to the relay.
func (s *Store) appendOutbox(batch *pgx.Batch, changes ...queue.Change) error {
	for _, c := range changes {
		text, err := json.Marshal(c)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "encoding a change of job %s", c.Job.ID)
		}
		batch.Queue(s.query["outbox_insert"], c.Job.Queue, c.Job.ID, c.Job.Seq, string(text))
	}
	if len(changes) > 0 {
		batch.Queue(s.query["outbox_notify"], changes[0].Job.Queue)
	}
	return nil
}

// Advance is a move of a queue's position, which says how far the outbox is applied. It grows with every batch.
type Advance struct {
	From, To int64
}

// Relay hands the oldest changes of a queue to apply and deletes them when it returns nil, together with
// moving the position on; apply may keep a copy of that. What apply rejects, by row id and with a reason, is set aside.
// Only one relay works on a queue at a time; the others get none.
func (s *Store) Relay(ctx context.Context, queueName string, limit int, apply func(context.Context, []store.OutboxRow, Advance) (rejected map[int64]string, err error)) (applied int, err error) {
	var outside error // apply's own error, kept apart from the database's
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, s.query["outbox_lock"], queueName).Scan(&mine); err != nil || !mine {
			return err
		}
		rows, rejected, err := s.outboxBatch(ctx, tx, queueName, limit)
		if err != nil || len(rows)+len(rejected) == 0 {
			return err
		}
		if len(rows) > 0 {
			var position Advance
			advance := tx.QueryRow(ctx, s.query["outbox_advance"], queueName, rows[len(rows)-1].ID)
			if err := advance.Scan(&position.From, &position.To); err != nil {
				return err
			}
			refused, err := apply(ctx, rows, position)
			if err != nil {
				outside = err
				return err
			}
			maps.Copy(rejected, refused)
		}
		batch := &pgx.Batch{}
		done := make([]int64, 0, len(rows))
		for _, row := range rows {
			if _, aside := rejected[row.ID]; !aside {
				done = append(done, row.ID)
			}
		}
		for id, reason := range rejected {
			batch.Queue(s.query["outbox_reject"], id, clean(reason))
		}
		batch.Queue(s.query["outbox_delete"], done)
		applied = len(done) + len(rejected)
		return tx.SendBatch(ctx, batch).Close()
	})
	switch {
	case outside != nil:
		return 0, outside
	case err != nil:
		return 0, err // what was applied is handed out again
	default:
		return applied, nil
	}
}

// Position reads how far the outbox of a queue is applied: 0 if nothing ever was. A batch that is being applied counts
// when it is committed.
func (s *Store) Position(ctx context.Context, queueName string) (position int64, err error) {
	if err := s.pool.QueryRow(ctx, s.query["outbox_position"], queueName).Scan(&position); err != nil {
		return 0, coded(err, "the relay's position could not be read")
	}
	return position, nil
}

// Hold calls do, with the queue's position, while no relay works on the queue; held is false, and do not called, when
// one does.
func (s *Store) Hold(ctx context.Context, queueName string, do func(ctx context.Context, position int64) error) (held bool, err error) {
	var outside error // do's own error, kept apart from the database's
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, s.query["outbox_lock"], queueName).Scan(&held); err != nil || !held {
			return err
		}
		var position int64
		if err := tx.QueryRow(ctx, s.query["outbox_position"], queueName).Scan(&position); err != nil {
			return err
		}
		outside = do(ctx, position)
		return outside
	})
	if outside != nil {
		return held, outside
	}
	return held, err
}

func (s *Store) outboxBatch(ctx context.Context, tx pgx.Tx, queueName string, limit int) ([]store.OutboxRow, map[int64]string, error) {
	found, err := tx.Query(ctx, s.query["outbox_batch"], queueName, limit)
	if err != nil {
		return nil, nil, err
	}
	defer found.Close()
	rows := []store.OutboxRow{}
	unreadable := map[int64]string{}
	for found.Next() {
		var row store.OutboxRow
		var text string
		if err := found.Scan(&row.ID, &text, &row.CreatedAt); err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal([]byte(text), &row.Change); err != nil {
			unreadable[row.ID] = "the change can't be read: " + err.Error()
			continue
		}
		rows = append(rows, row)
	}
	return rows, unreadable, found.Err()
}

// OpenJobs calls visit with a queue's open jobs, some hundreds at a time, in the order in which they came to where they
// are: that in which they wait.
func (s *Store) OpenJobs(ctx context.Context, queueName string, which store.Which, visit func([]queue.Job) error) error {
	const atOnce = 500
	rows, err := s.pool.Query(ctx, s.query["job_open"], queueName, bool(which))
	if err != nil {
		return coded(err, "the jobs could not be read")
	}
	defer rows.Close()
	jobs := make([]queue.Job, 0, atOnce)
	for rows.Next() {
		job, err := scanJob(rows, queueName)
		if err != nil {
			return coded(err, "the jobs could not be read")
		}
		if jobs = append(jobs, job); len(jobs) == atOnce {
			if err := visit(jobs); err != nil {
				return err
			}
			jobs = jobs[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return coded(err, "the jobs could not be read")
	}
	if len(jobs) == 0 {
		return nil
	}
	return visit(jobs)
}

// NewestFinished reads a queue's newest jobs that ended in the state, oldest of them first.
func (s *Store) NewestFinished(ctx context.Context, queueName string, state queue.State, limit int, which store.Which) ([]queue.Job, error) {
	return s.jobs(ctx, "job_newest_finished", queueName, string(state), limit, bool(which))
}

// FinishedAmong reads those of a queue's jobs with these ids that have finished. The ids may be anybody's.
func (s *Store) FinishedAmong(ctx context.Context, queueName string, ids []string) ([]queue.Job, error) {
	return s.jobsWithIDs(ctx, "job_finished_among", queueName, ids)
}

func (s *Store) jobsWithIDs(ctx context.Context, query, queueName string, ids []string) ([]queue.Job, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), unstorable)
	if len(ids) == 0 {
		return nil, nil
	}
	return s.jobs(ctx, query, queueName, ids)
}

// unstorable says that no text column can hold an id.
func unstorable(id string) bool { return !utf8.ValidString(id) || strings.Contains(id, "\x00") }

func (s *Store) jobs(ctx context.Context, query string, args ...any) ([]queue.Job, error) {
	return collect(ctx, s, "the jobs could not be read", func(row pgx.CollectableRow) (queue.Job, error) {
		return scanJob(row, args[0])
	}, s.query[query], args...)
}

func scanJob(row pgx.CollectableRow, queueName any) (queue.Job, error) {
	var record string
	var job queue.Job
	if err := row.Scan(&record); err != nil {
		return job, err
	}
	if err := json.Unmarshal([]byte(record), &job); err != nil {
		return job, fault.Wrap(fault.Internal, err, "decoding a job of queue %s", queueName)
	}
	return job, nil
}

// Listen calls wake whenever a transaction handed changes to the outbox, until ctx ends or the connection breaks.
// Behind a transaction pooler it returns at once: there, poll.
func (s *Store) Listen(ctx context.Context, wake func()) error {
	if s.pooled {
		return nil
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return coded(err, "the database could not be listened to")
	}
	listener := conn.Hijack()                        // a connection that listened is not given back to the pool
	defer listener.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it is closed either way
	if _, err := listener.Exec(ctx, "LISTEN cinnamon_outbox"); err != nil {
		return coded(err, "the database could not be listened to")
	}
	wake() // what was committed before the LISTEN
	for {
		if _, err := listener.WaitForNotification(ctx); err != nil {
			return coded(err, "listening to the database ended")
		}
		wake()
	}
}

// CanListen says whether Listen works, or the outbox must be polled.
func (s *Store) CanListen() bool { return !s.pooled }

package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// PlanSteps writes an attempt's steps before it begins.
func (s *Store) PlanSteps(ctx context.Context, runID string, attempt int, steps []store.Step, now time.Time) error {
	actions := make([]string, len(steps))
	descriptions := make([]string, len(steps))
	targets := make([]string, len(steps))
	for i, st := range steps {
		actions[i], descriptions[i], targets[i] = st.Action, clean(st.Description), st.Target
	}
	if _, err := s.pool.Exec(ctx, s.query["step_plan"], runID, attempt, actions, descriptions, now, targets); err != nil {
		return coded(err, "the steps could not be planned")
	}
	return nil
}

// EndStep records how a step ended, with its screenshot if there is one, and begins the next. queue.ErrSuperseded says
// that another attempt owns the run by now.
func (s *Store) EndStep(ctx context.Context, queueName string, st store.Step, shot *store.Artifact, now time.Time) error {
	screenshot := ""
	var updated int64
	batch := &pgx.Batch{}
	if shot != nil {
		screenshot = shot.ID
		s.queueArtifact(batch, queueName, *shot)
	}
	passed := st.Status == store.StepSuccess || st.Status == store.StepAdapted
	var began *time.Time // a session that opened took its time after the steps were planned
	if !st.StartedAt.IsZero() {
		began = &st.StartedAt
	}
	batch.Queue(s.query["step_end"], st.RunID, st.Attempt, st.Number, string(st.Status), st.Duration.Milliseconds(),
		null(clean(st.Error)), null(screenshot), now, queueName, passed, began, null(clean(st.Page))).Exec(func(tag pgconn.CommandTag) error {
		updated = tag.RowsAffected()
		return nil
	})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return coded(err, "the step could not be recorded")
	}
	if updated == 0 {
		return queue.ErrSuperseded
	}
	return nil
}

// Steps reads a run's steps of every attempt, in order.
func (s *Store) Steps(ctx context.Context, runID string) ([]store.Step, error) {
	return collect(ctx, s, "the steps could not be read", func(row pgx.CollectableRow) (store.Step, error) {
		st := store.Step{RunID: runID}
		var duration int64
		var started *time.Time
		err := row.Scan(&st.Attempt, &st.Number, &st.Action, &st.Description, &st.Status, &duration, &st.Error, &started,
			&st.ScreenshotID)
		st.Duration, st.StartedAt = time.Duration(duration)*time.Millisecond, orZero(started)
		return st, err
	}, s.query["step_list"], runID)
}

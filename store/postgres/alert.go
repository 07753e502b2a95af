package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/store"
)

func scanAlert(row pgx.CollectableRow) (store.Alert, error) {
	var a store.Alert
	var notified *time.Time
	err := row.Scan(&a.Rule, &a.Subject, &a.State, &a.Since, &notified, &a.Detail)
	a.NotifiedAt = orZero(notified)
	return a, err
}

// Alerts reads what is wrong now or was a moment ago.
func (s *Store) Alerts(ctx context.Context) ([]store.Alert, error) {
	return collect(ctx, s, "the alerts could not be read", scanAlert, s.query["alert_list"])
}

// JudgeAlerts lets one process at a time say what becomes of the alerts. judged is false if another one does.
func (s *Store) JudgeAlerts(ctx context.Context, now time.Time, judge func([]store.Alert) store.Judgement) (judged bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, s.query["alert_lock"]).Scan(&judged); err != nil || !judged {
			return err
		}
		rows, err := tx.Query(ctx, s.query["alert_list"])
		if err != nil {
			return err
		}
		known, err := pgx.CollectRows(rows, scanAlert)
		if err != nil {
			return err
		}
		j := judge(known)
		batch := &pgx.Batch{}
		for _, a := range j.Save {
			batch.Queue(s.query["alert_save"], a.Rule, a.Subject, string(a.State), a.Since, nullTime(a.NotifiedAt), clean(a.Detail))
		}
		for _, a := range j.Forget {
			batch.Queue(s.query["alert_delete"], a.Rule, a.Subject)
		}
		if j.Message != "" {
			for _, target := range j.Targets {
				batch.Queue(s.query["alert_deliver"], target, clean(j.Message), now)
			}
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	return judged, err
}

// TakeDeliveries takes messages that are due for these targets. They are due again at a later time, should this process die.
func (s *Store) TakeDeliveries(ctx context.Context, targets []string, now, again time.Time, limit int) ([]store.AlertDelivery, error) {
	return collect(ctx, s, "the messages could not be read", func(row pgx.CollectableRow) (store.AlertDelivery, error) {
		var d store.AlertDelivery
		err := row.Scan(&d.ID, &d.Target, &d.Message, &d.CreatedAt, &d.Tries)
		return d, err
	}, s.query["alert_take"], targets, now, again, limit)
}

// DeliverAgain has a message delivered again then.
func (s *Store) DeliverAgain(ctx context.Context, id int64, due time.Time) error {
	_, err := s.pool.Exec(ctx, s.query["alert_again"], id, due)
	if err != nil {
		return coded(err, "the message could not be kept")
	}
	return nil
}

// Delivered forgets a message.
func (s *Store) Delivered(ctx context.Context, id int64) error {
	_, err := s.pool.Exec(ctx, s.query["alert_delivered"], id)
	if err != nil {
		return coded(err, "the message could not be removed")
	}
	return nil
}

// Outcomes counts how the runs ended that have ended since.
func (s *Store) Outcomes(ctx context.Context, since time.Time) (store.Outcomes, error) {
	var o store.Outcomes
	err := s.pool.QueryRow(ctx, s.query["figures_outcomes"], since).Scan(&o.Total, &o.Failed, &o.Flaky)
	if err != nil {
		return o, coded(err, "the outcomes could not be counted")
	}
	return o, nil
}

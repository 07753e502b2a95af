package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// versionsKept is how many versions of a step's fingerprint are kept.
const versionsKept = 3

// Memory reads what is known of a case's steps in an environment, in one round trip.
func (s *Store) Memory(ctx context.Context, testCaseID, environment string) (store.Memory, error) {
	m := store.Memory{Seen: map[store.StepKey]time.Time{}}
	batch := &pgx.Batch{}
	batch.Queue(s.query["memory_steps"], testCaseID, environment).Query(func(rows pgx.Rows) error {
		var key store.StepKey
		var since time.Time
		_, err := pgx.ForEachRow(rows, []any{&key.Number, &key.Hash, &since}, func() error {
			m.Seen[key] = since
			return nil
		})
		return err
	})
	batch.Queue(s.query["memory_locators"], testCaseID, environment).Query(func(rows pgx.Rows) error {
		var err error
		m.Locators, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (store.LearnedLocator, error) {
			var l store.LearnedLocator
			var selectors string
			if err := row.Scan(&l.ID, &l.Step.Number, &l.Step.Hash, &selectors, &l.Status, &l.UpdatedAt); err != nil {
				return l, err
			}
			if err := json.Unmarshal([]byte(selectors), &l.Selectors); err != nil {
				return l, fault.Wrap(fault.Internal, err, "decoding learned locator %d", l.ID)
			}
			return l, nil
		})
		return err
	})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return store.Memory{}, coded(err, "what is known of the case's elements could not be read")
	}
	return m, nil
}

// Seen reads how a step's element looked last; found is false if nobody knows.
func (s *Store) Seen(ctx context.Context, testCaseID, environment string, step store.StepKey) (seen store.Seen, found bool, err error) {
	seen.Step = step
	var fingerprint, locators string
	err = s.pool.QueryRow(ctx, s.query["fingerprint_get"], testCaseID, environment, step.Number, step.Hash).
		Scan(&seen.Version, &fingerprint, &locators, &seen.Target, &seen.CapturedAt, &seen.Page.Data)
	if errors.Is(err, pgx.ErrNoRows) {
		return seen, false, nil
	}
	if err != nil {
		return seen, false, coded(err, "how the element looked could not be read")
	}
	seen.Fingerprint, seen.Locators = json.RawMessage(fingerprint), json.RawMessage(locators)
	return seen, true, nil
}

// Remember keeps what a passing attempt leaves for later ones, in one transaction.
func (s *Store) Remember(ctx context.Context, r store.Remembered, now time.Time) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		for _, seen := range r.Seen {
			var page []byte
			var target *int
			if len(seen.Page.Data) > 0 {
				page, target = seen.Page.Digest, &seen.Target
				batch.Queue(s.query["snapshot_save"], r.TestCaseID, r.Environment, page, seen.Page.Elements, seen.Page.Data)
			}
			digest := sha256.New()
			_, _ = digest.Write(seen.Fingerprint) // never fails
			_, _ = digest.Write(page)
			batch.Queue(s.query["fingerprint_save"], r.TestCaseID, r.Environment, seen.Step.Number, seen.Step.Hash,
				string(seen.Fingerprint), string(seen.Locators), page, target, digest.Sum(nil), r.RunID, now)
		}
		for _, l := range r.Lessons {
			selectors, err := json.Marshal(l.Selectors)
			if err != nil {
				return fault.Wrap(fault.Internal, err, "encoding learned locators")
			}
			digest := sha256.Sum256(selectors)
			batch.Queue(s.query["locator_propose"], r.TestCaseID, r.Environment, l.Step.Number, l.Step.Hash, string(selectors), digest[:],
				null(l.AdaptationID), now)
		}
		if len(r.Seen) > 0 {
			batch.Queue(s.query["fingerprint_prune"], r.TestCaseID, r.Environment, versionsKept)
			batch.Queue(s.query["snapshot_prune"], r.TestCaseID, r.Environment)
		}
		return tx.SendBatch(ctx, batch).Close()
	})
}

// Adaptations reads how a run's attempts found elements again, or why not, in order.
func (s *Store) Adaptations(ctx context.Context, runID string) ([]store.Adaptation, error) {
	return collect(ctx, s, "the adaptations could not be read", func(row pgx.CollectableRow) (store.Adaptation, error) {
		var a store.Adaptation
		var evidence string
		err := row.Scan(&a.ID, &a.RunID, &a.Attempt, &a.Step.Number, &a.TestCaseID, &a.Environment, &a.Step.Hash, &a.Type, &a.Successful,
			&a.Reason, &evidence, &a.CreatedAt)
		if err != nil {
			return a, err
		}
		if err := json.Unmarshal([]byte(evidence), &a.Evidence); err != nil {
			return a, fault.Wrap(fault.Internal, err, "decoding adaptation %s", a.ID)
		}
		return a, nil
	}, s.query["adaptation_list"], runID)
}

// queueAdaptations writes an attempt's adaptations with its outcome.
func (s *Store) queueAdaptations(batch *pgx.Batch, runID string, list []store.Adaptation) error {
	for _, a := range list {
		evidence, err := json.Marshal(a.Evidence)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "encoding the evidence of adaptation %s", a.ID)
		}
		batch.Queue(s.query["adaptation_insert"], a.ID, runID, a.Attempt, a.Step.Number, a.TestCaseID, a.Environment, a.Step.Hash,
			string(a.Type), a.Successful, clean(a.Reason), string(evidence), a.CreatedAt)
	}
	return nil
}

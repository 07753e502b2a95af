package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// DecideLocator gives a learned locator the status that somebody decided on, and records the decision. What is so already is not
// decided again. A fault of code Conflict says that it changed meanwhile, or that it can't be decided so.
func (s *Store) DecideLocator(ctx context.Context, v store.LocatorVerdict, now time.Time) (changed bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		changed, err = s.decideLocator(ctx, tx, v, now)
		return err
	})
	return changed, err
}

// decideLocator is DecideLocator in a transaction, which holds the locator until it ends.
func (s *Store) decideLocator(ctx context.Context, tx pgx.Tx, v store.LocatorVerdict, now time.Time) (changed bool, err error) {
	var from store.LocatorStatus
	err = tx.QueryRow(ctx, s.query["locator_lock"], v.LocatorID).Scan(&from)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, fault.New(fault.NotFound, "there is no learned locator %d", v.LocatorID)
	}
	if err != nil {
		return false, err
	}
	var newest, undone int64 // read under the lock
	if err := tx.QueryRow(ctx, s.query["locator_newest"], v.LocatorID).Scan(&newest, &undone); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, err
	}
	switch {
	case v.To == from, v.To == "" && v.Decision != 0 && v.Decision == undone:
		return false, nil
	case v.Expected != "" && v.Expected != from:
		return false, fault.New(fault.Conflict, "learned locator %d is %s by now, not %s: look at it again", v.LocatorID, from, v.Expected)
	case v.Decision != 0 && v.Decision != newest:
		return false, fault.New(fault.Conflict, "learned locator %d was decided on again meanwhile: look at it again", v.LocatorID)
	case from == store.LocatorRejected && v.To != "":
		return false, fault.New(fault.Conflict, "learned locator %d was rejected: only a roll back brings it back", v.LocatorID)
	}
	var undoes *int64
	if v.To == "" {
		if undoes, v.To, err = s.undoable(ctx, tx, v); err != nil {
			return false, err
		}
	}
	_, err = tx.Exec(ctx, s.query["locator_decide"], v.LocatorID, string(from), string(v.To), clean(v.By), clean(v.Reason), undoes, now)
	return err == nil, err
}

// undoable finds the decision that a roll back undoes, and the status before it.
func (s *Store) undoable(ctx context.Context, tx pgx.Tx, v store.LocatorVerdict) (id *int64, before store.LocatorStatus, err error) {
	if v.By == store.ByLearning {
		return nil, "", fault.New(fault.Conflict, "only people roll back")
	}
	err = tx.QueryRow(ctx, s.query["locator_undoable"], v.LocatorID).Scan(&id, &before)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, "", fault.New(fault.Conflict, "nothing was decided about learned locator %d that could be rolled back", v.LocatorID)
	}
	return id, before, err
}

// LocatorDecisions lists what was decided about a learned locator, the newest first.
func (s *Store) LocatorDecisions(ctx context.Context, locatorID int64) ([]store.LocatorDecision, error) {
	return collect(ctx, s, "the decisions could not be listed", func(row pgx.CollectableRow) (store.LocatorDecision, error) {
		var d store.LocatorDecision
		err := row.Scan(&d.ID, &d.LocatorID, &d.From, &d.To, &d.By, &d.Reason, &d.Undoes, &d.DecidedAt)
		return d, err
	}, s.query["locator_decisions"], locatorID)
}

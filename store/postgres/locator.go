package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
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
	case v.To == from, v.To == "" && v.Decision != nil && undone != 0 && *v.Decision == undone:
		return false, nil
	case v.Expected != "" && v.Expected != from:
		return false, fault.New(fault.Conflict, "learned locator %d is %s by now, not %s: look at it again", v.LocatorID, from, v.Expected)
	case v.Decision != nil && *v.Decision != newest:
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
	// Learning also puts back what was right until the page changed again; who rejects, or rolls back, says that it never was.
	if from == store.LocatorPromoted && (v.To == store.LocatorRejected || v.By != store.ByLearning) {
		if _, err := tx.Exec(ctx, s.query["locator_forget"], v.LocatorID); err != nil {
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

const (
	// usesSearched is how many of the newest uses of a step are looked through for those of one locator, and usesShown how many are shown.
	usesSearched = 200
	usesShown    = 20
)

// Locators lists learned locators, the newest first.
func (s *Store) Locators(ctx context.Context, f store.LocatorFilter) ([]store.Locator, error) {
	return s.locators(ctx, nil, f)
}

// CountLocators counts the learned locators that a filter means, whatever its page.
func (s *Store) CountLocators(ctx context.Context, f store.LocatorFilter) (n int, err error) {
	err = s.pool.QueryRow(ctx, s.query["locator_count"], null(f.TestCaseID), null(f.Environment), null(string(f.Status))).Scan(&n)
	if err != nil {
		return 0, coded(err, "the learned locators could not be counted")
	}
	return n, nil
}

// Locator reads one learned locator.
func (s *Store) Locator(ctx context.Context, id int64) (store.Locator, error) {
	found, err := s.locators(ctx, &id, store.LocatorFilter{Limit: 1})
	if err != nil {
		return store.Locator{}, err
	}
	if len(found) == 0 {
		return store.Locator{}, fault.New(fault.NotFound, "there is no learned locator %d", id)
	}
	return found[0], nil
}

func (s *Store) locators(ctx context.Context, id *int64, f store.LocatorFilter) ([]store.Locator, error) {
	var after *int64
	if f.After > 0 {
		after = &f.After
	}
	return collect(ctx, s, "the learned locators could not be read", scanLocator, s.query["locator_list"],
		id, null(f.TestCaseID), null(f.Environment), null(string(f.Status)), after, f.Limit)
}

func scanLocator(row pgx.CollectableRow) (store.Locator, error) {
	var l store.Locator
	var a store.Adaptation
	var d store.LocatorDecision
	var selectors, evidence string
	var healedAt, decidedAt *time.Time
	err := row.Scan(&l.ID, &l.TestCaseID, &l.Environment, &l.Step.Number, &l.Step.Hash, &selectors, &l.Status, &l.Passed, &l.CreatedAt, &l.UpdatedAt,
		&a.ID, &a.RunID, &a.Attempt, &a.Type, &a.Successful, &a.Reason, &evidence, &healedAt,
		&d.ID, &d.From, &d.To, &d.By, &d.Reason, &d.Undoes, &decidedAt)
	if err != nil {
		return l, err
	}
	if err := errors.Join(json.Unmarshal([]byte(selectors), &l.Selectors), json.Unmarshal([]byte(evidence), &a.Evidence)); err != nil {
		return l, fault.Wrap(fault.Internal, err, "decoding learned locator %d", l.ID)
	}
	if a.ID != "" {
		a.TestCaseID, a.Environment, a.Step, a.CreatedAt = l.TestCaseID, l.Environment, l.Step, orZero(healedAt)
		l.Heal = &a
	}
	if d.ID != 0 {
		d.LocatorID, d.DecidedAt = l.ID, orZero(decidedAt)
		l.Decision = &d
	}
	return l, nil
}

// LocatorRuns lists the newest runs that passed with a learned locator before it was promoted.
func (s *Store) LocatorRuns(ctx context.Context, l store.Locator) ([]string, error) {
	type use struct {
		run      string
		evidence store.Evidence
	}
	uses, err := collect(ctx, s, "the runs of the learned locator could not be read", func(row pgx.CollectableRow) (use, error) {
		var u use
		var evidence string
		if err := row.Scan(&u.run, &evidence); err != nil {
			return u, err
		}
		if err := json.Unmarshal([]byte(evidence), &u.evidence); err != nil {
			return u, fault.Wrap(fault.Internal, err, "decoding an adaptation of run %s", u.run)
		}
		return u, nil
	}, s.query["locator_uses"], l.TestCaseID, l.Environment, l.Step.Number, l.Step.Hash, usesSearched)
	if err != nil {
		return nil, err
	}
	runs := []string{}
	for _, u := range uses {
		other := slices.ContainsFunc(l.Selectors, func(mine []string) bool {
			return !slices.ContainsFunc(u.evidence.Selectors, func(theirs []string) bool { return slices.Equal(mine, theirs) })
		})
		if !other && !slices.Contains(runs, u.run) && len(runs) < usesShown {
			runs = append(runs, u.run)
		}
	}
	return runs, nil
}

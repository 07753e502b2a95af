package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/learning"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// What is read at the most to learn of a case: of an environment, so many of its newest runs, and so many rows of what belongs to them;
// so many environments that were seen in so many runs.
const (
	runsRead          = 200
	stepsRead         = 40_000
	adaptationsRead   = 4_000
	locatorsRead      = 2_000
	sightingsRead     = 4_000
	environmentsRead  = 50
	environmentsAmong = 2_000
)

// wholeOf names the progress of learning of all cases.
const wholeOf = "all"

// Environments lists where a case ran, as far as there is something to learn from.
func (s *Store) Environments(ctx context.Context, testCaseID string) ([]string, error) {
	return collect(ctx, s, "the environments of the case could not be listed", pgx.RowTo[string],
		s.query["learning_environments"], testCaseID, environmentsAmong, environmentsRead)
}

// Learn reads what there is to learn from of a case in an environment, and keeps what judge makes of it, in one transaction: of several
// that learn of the same at once, each sees what the one before it has decided.
func (s *Store) Learn(ctx context.Context, testCaseID, environment string, judge func(store.History) (store.Learned, error), now time.Time) (changes store.Changes, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		changes = store.Changes{}
		if _, err := tx.Exec(ctx, s.query["learning_lock"], testCaseID+"\n"+environment); err != nil {
			return err
		}
		history, err := s.history(ctx, tx, testCaseID, environment)
		if err != nil {
			return err
		}
		learned, err := judge(history)
		if err != nil {
			return err
		}
		for _, v := range learned.Verdicts {
			v.By = store.ByLearning
			changed, err := s.decideLocator(ctx, tx, v, now)
			if code := fault.Of(err); err != nil && (code == fault.Conflict || code == fault.NotFound) {
				continue // a person was faster, and has the last word
			}
			if err != nil {
				return err
			}
			if changed {
				changes.Verdicts = append(changes.Verdicts, v)
			}
		}
		if learned.Quarantine != "" {
			q := store.Quarantined{TestCaseID: testCaseID, Reason: learned.Quarantine, By: store.ByLearning}
			if changes.Quarantined, err = s.putInQuarantine(ctx, tx, q, now); err != nil {
				return err
			}
		}
		changes.Patterns, err = s.keepLearned(ctx, tx, testCaseID, environment, learned)
		return err
	})
	return changes, err
}

// keepLearned writes what follows from the runs, and says how many patterns are not as they were.
func (s *Store) keepLearned(ctx context.Context, tx pgx.Tx, testCaseID, environment string, l store.Learned) (changed int, err error) {
	batch := &pgx.Batch{}
	var kinds, signatures []string
	var steps []int
	for _, p := range l.Patterns {
		p.Signature = clean(p.Signature)
		kinds, steps, signatures = append(kinds, p.Kind), append(steps, p.Step), append(signatures, p.Signature)
		batch.Queue(s.query["pattern_save"], p.Kind, testCaseID, environment, p.Step, p.Signature, p.Count, p.Value, p.Low, p.High,
			string(p.Evidence), p.FirstSeen, p.LastSeen)
	}
	batch.Queue(s.query["pattern_prune"], testCaseID, environment, kinds, steps, signatures)
	if r := l.Reliability; r != nil {
		batch.Queue(s.query["reliability_save"], testCaseID, environment, r.Runs, r.Passed, r.Flaky, r.Reliability.Mean, r.Reliability.Low, r.Reliability.High,
			r.Flakiness.Mean, r.Flakiness.Low, r.Flakiness.High, l.NewestRun)
	}
	results := tx.SendBatch(ctx, batch)
	for range len(l.Patterns) + 1 { // with what was pruned
		tag, err := results.Exec()
		if err != nil {
			return 0, errors.Join(err, results.Close())
		}
		changed += int(tag.RowsAffected())
	}
	return changed, results.Close()
}

// history reads the newest runs of a case in an environment, with all that learning asks of them.
func (s *Store) history(ctx context.Context, tx pgx.Tx, testCaseID, environment string) (h store.History, err error) {
	var without []string
	for _, class := range store.SaysNothing() {
		without = append(without, string(class))
	}
	var ids []string
	var attempts []int
	h.Runs, err = rowsOf(ctx, tx, func(row pgx.CollectableRow) (learning.Run, error) {
		var r learning.Run
		var attempt int
		err := row.Scan(&r.ID, &r.Version, &r.Passed, &r.Retried, &attempt, &r.Started, &r.Ended)
		r.Started, r.Ended = r.Started.UTC(), r.Ended.UTC()
		ids, attempts = append(ids, r.ID), append(attempts, attempt)
		return r, err
	}, s.query["learning_runs"], testCaseID, environment, without, runsRead)
	if err != nil {
		return h, err
	}
	slices.Reverse(h.Runs)
	var left *time.Time
	err = tx.QueryRow(ctx, s.query["quarantine_left"], testCaseID).Scan(&left)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return h, err
	}
	h.Quarantined, h.LeftQuarantine = err == nil && left == nil, orZero(left)
	if err := s.details(ctx, tx, h.Runs, ids, attempts); err != nil {
		return h, err
	}
	h.Locators, err = rowsOf(ctx, tx, func(row pgx.CollectableRow) (learning.Locator, error) {
		var l learning.Locator
		var selectors string
		if err := row.Scan(&l.ID, &l.Step.Number, &l.Step.Hash, &selectors, &l.Status, &l.Heal, &l.Since, &l.Decided, &l.ByPerson); err != nil {
			return l, err
		}
		return l, decoded(selectors, &l.Selectors, "learned locator")
	}, s.query["learning_locators"], testCaseID, environment, store.ByLearning, locatorsRead)
	if err != nil {
		return h, err
	}
	slices.Reverse(h.Locators) // they are decided about, and locked, in the order in which runs teach them
	h.Sightings, err = rowsOf(ctx, tx, func(row pgx.CollectableRow) (learning.Sighting, error) {
		var seen learning.Sighting
		var text string
		if err := row.Scan(&seen.Step.Number, &seen.Step.Hash, &seen.Version, &seen.At, &text); err != nil {
			return seen, err
		}
		seen.At = seen.At.UTC()
		var locators []struct{ Kind, Value, Role, Tag, Root string }
		if err := decoded(text, &locators, "locators"); err != nil {
			return seen, err
		}
		for _, l := range locators {
			seen.Locators = append(seen.Locators, learning.Named{Kind: learning.Kind(l.Kind), Text: l.Root + "\n" + l.Tag + "\n" + l.Role + "\n" + l.Value})
		}
		return seen, nil
	}, s.query["learning_sightings"], testCaseID, environment, sightingsRead)
	return h, err
}

// details adds their steps and adaptations to runs.
func (s *Store) details(ctx context.Context, tx pgx.Tx, runs []learning.Run, ids []string, attempts []int) error {
	byID := make(map[string]*learning.Run, len(runs))
	for i := range runs {
		byID[runs[i].ID] = &runs[i]
	}
	_, err := rowsOf(ctx, tx, func(row pgx.CollectableRow) (struct{}, error) {
		var id, message, page string
		var last bool
		var ms int64
		var step learning.Step
		if err := row.Scan(&id, &last, &step.Number, &step.Hash, &step.Passed, &ms, &message, &page); err != nil {
			return struct{}{}, err
		}
		r := byID[id]
		step.Took = time.Duration(ms) * time.Millisecond
		if last {
			r.Steps = append(r.Steps, step)
		}
		if !step.Passed {
			r.Failures = append(r.Failures, learning.Failure{Number: step.Number, Error: message, Page: page})
		}
		return struct{}{}, nil
	}, s.query["learning_steps"], ids, attempts, stepsRead)
	if err != nil {
		return err
	}
	_, err = rowsOf(ctx, tx, func(row pgx.CollectableRow) (struct{}, error) {
		var id, evidence string
		var a learning.Adaptation
		var kind store.AdaptationType
		if err := row.Scan(&id, &a.ID, &a.Number, &a.Hash, &kind, &a.Successful, &evidence); err != nil {
			return struct{}{}, err
		}
		var e struct {
			Selectors [][]string `json:"selectors"`
		}
		if err := decoded(evidence, &e, "adaptation"); err != nil {
			return struct{}{}, err
		}
		a.Learned, a.Looked, a.Selectors = kind == store.AdaptedLearned, kind == store.AdaptedLocator, e.Selectors
		byID[id].Adaptations = append(byID[id].Adaptations, a)
		return struct{}{}, nil
	}, s.query["learning_adaptations"], ids, attempts, adaptationsRead)
	return err
}

func decoded(text string, into any, what string) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fault.Wrap(fault.Internal, err, "decoding a %s", what)
	}
	return nil
}

// Patterns lists what was learned, of a case and of a kind if these are not empty, what was seen last first.
func (s *Store) Patterns(ctx context.Context, testCaseID, kind string, limit int) ([]store.Pattern, error) {
	return collect(ctx, s, "what was learned could not be listed", func(row pgx.CollectableRow) (store.Pattern, error) {
		var p store.Pattern
		var evidence string
		err := row.Scan(&p.ID, &p.Kind, &p.TestCaseID, &p.Environment, &p.Step, &p.Signature, &p.Count, &p.Value, &p.Low, &p.High, &evidence,
			&p.FirstSeen, &p.LastSeen)
		p.Evidence = json.RawMessage(evidence)
		return p, err
	}, s.query["pattern_list"], null(testCaseID), null(kind), limit)
}

// Reliabilities lists how a case does in its environments, or all cases if it is empty, the least reliable first.
func (s *Store) Reliabilities(ctx context.Context, testCaseID string, limit int) ([]store.CaseReliability, error) {
	return collect(ctx, s, "the reliability of cases could not be listed", func(row pgx.CollectableRow) (store.CaseReliability, error) {
		var r store.CaseReliability
		err := row.Scan(&r.TestCaseID, &r.Environment, &r.Runs, &r.Passed, &r.Flaky, &r.Reliability.Reliability.Mean, &r.Reliability.Reliability.Low,
			&r.Reliability.Reliability.High, &r.Flakiness.Mean, &r.Flakiness.Low, &r.Flakiness.High, &r.NewestRun)
		return r, err
	}, s.query["reliability_list"], null(testCaseID), limit)
}

// LearnedUpTo says up to when all cases were learned of; zero if they never were.
func (s *Store) LearnedUpTo(ctx context.Context) (upTo time.Time, err error) {
	err = s.pool.QueryRow(ctx, s.query["learning_up_to"], wholeOf).Scan(&upTo)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return upTo, coded(err, "the progress of learning could not be read")
	}
	return upTo, nil
}

// LearnedAll notes up to when all cases were learned of.
func (s *Store) LearnedAll(ctx context.Context, upTo time.Time) error {
	if _, err := s.pool.Exec(ctx, s.query["learning_got_to"], wholeOf, upTo); err != nil {
		return coded(err, "the progress of learning could not be noted")
	}
	return nil
}

// ChangedCases lists cases of which a run ended in a span of time, by id.
func (s *Store) ChangedCases(ctx context.Context, from, until time.Time, after string, limit int) ([]string, error) {
	return collect(ctx, s, "cases to learn of could not be listed", pgx.RowTo[string], s.query["learning_changed"], from, until, after, limit)
}

// LearningDue lists cases that runs have noted to be learned of, at least so long ago.
func (s *Store) LearningDue(ctx context.Context, since time.Duration, limit int) ([]string, error) {
	return collect(ctx, s, "cases to learn of could not be listed", pgx.RowTo[string], s.query["learning_due"], since.Milliseconds(), limit)
}

// CreateLearningJob creates the job that learns of such a case, unless another one waits that will see the same, or the case was taken
// by somebody else.
func (s *Store) CreateLearningJob(ctx context.Context, testCaseID string, n store.NewJob) (created bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		created = false
		taken, err := tx.Exec(ctx, s.query["learning_take"], testCaseID)
		if err != nil || taken.RowsAffected() == 0 {
			return err
		}
		var waits bool
		if err := tx.QueryRow(ctx, s.query["learning_waiting"], queue.AdaptationLearning, testCaseID).Scan(&waits); err != nil || waits {
			return err
		}
		created, err = s.createJob(ctx, tx, n)
		return err
	})
	return created && err == nil, err
}

// ReliabilityTally counts cases, each in each of its environments, by the highest of these limits that their reliability reaches.
func (s *Store) ReliabilityTally(ctx context.Context, limits []float64) (map[float64]int, error) {
	tally := map[float64]int{}
	_, err := collect(ctx, s, "the reliability of cases could not be counted", func(row pgx.CollectableRow) (struct{}, error) {
		var limit float64
		var n int
		err := row.Scan(&limit, &n)
		tally[limit] = n
		return struct{}{}, err
	}, s.query["reliability_tally"], limits)
	return tally, err
}

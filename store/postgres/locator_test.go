package postgres_test

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// learn proposes a locator of step 2 of the case login and returns its id.
func (f *fixture) learn(t *testing.T, selector string) int64 {
	t.Helper()
	require.NoError(t, f.Remember(t.Context(), store.Remembered{
		TestCaseID: "login", Environment: "shop.test", RunID: "run-1",
		Lessons: []store.Lesson{{Step: store.StepKey{Number: 2, Hash: "abc"}, Selectors: [][]string{{selector}}, AdaptationID: uuid.NewString()}},
	}, now))
	var id int64
	require.NoError(t, f.connect(t).QueryRow(t.Context(), "SELECT max(id) FROM learned_locators").Scan(&id))
	return id
}

// status is what a run that begins now makes of a locator.
func (f *fixture) status(t *testing.T, id int64) store.LocatorStatus {
	t.Helper()
	m, err := f.Memory(t.Context(), "login", "shop.test")
	require.NoError(t, err)
	for _, l := range m.Locators {
		if l.ID == id {
			return l.Status
		}
	}
	return ""
}

func testDecisions(t *testing.T, f *fixture) {
	f.migrated(t)
	id, other := f.learn(t, "#a"), f.learn(t, "#b")
	decide := func(v store.LocatorVerdict) (bool, error) {
		if v.LocatorID == 0 {
			v.LocatorID = id
		}
		return f.DecideLocator(t.Context(), v, now.Add(time.Minute))
	}
	change := func(v store.LocatorVerdict, want store.LocatorStatus) {
		t.Helper()
		changed, err := decide(v)
		require.NoError(t, err)
		require.True(t, changed)
		require.Equal(t, want, f.status(t, id))
	}
	refuse := func(v store.LocatorVerdict, words string) {
		t.Helper()
		before := f.count(t, "locator_decisions")
		_, err := decide(v)
		require.ErrorContains(t, err, words)
		require.Equal(t, fault.Conflict, fault.Of(err))
		require.Equal(t, before, f.count(t, "locator_decisions"))
	}
	refuse(store.LocatorVerdict{By: "ada"}, "nothing was decided")
	change(store.LocatorVerdict{To: store.LocatorPromoted, By: store.ByLearning, Reason: "5 of 5 runs passed"}, store.LocatorPromoted)
	changed, err := decide(store.LocatorVerdict{LocatorID: other, To: store.LocatorPromoted, By: "ada"})
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, store.LocatorPromoted, f.status(t, id), "another one of the step takes nothing away from it")
	changed, err = decide(store.LocatorVerdict{To: store.LocatorPromoted, By: "ada", Expected: store.LocatorProposed})
	require.NoError(t, err)
	require.False(t, changed, "it is so already")

	refuse(store.LocatorVerdict{To: store.LocatorRejected, By: "ada", Expected: store.LocatorProposed}, "is promoted by now, not proposed")
	change(store.LocatorVerdict{To: store.LocatorRejected, By: "ada", Expected: store.LocatorPromoted, Reason: "the wrong button"}, store.LocatorRejected)
	refuse(store.LocatorVerdict{To: store.LocatorPromoted, By: store.ByLearning}, "was rejected")
	refuse(store.LocatorVerdict{To: store.LocatorProposed, By: "ada"}, "only a roll back brings it back")
	refuse(store.LocatorVerdict{By: store.ByLearning}, "only people roll back")
	f.learn(t, "#a") // a heal comes to it once more
	require.Equal(t, store.LocatorRejected, f.status(t, id))

	history, err := f.LocatorDecisions(t.Context(), id)
	require.NoError(t, err)
	rejection := history[0].ID
	change(store.LocatorVerdict{By: "bob", Reason: "it was the right one", Decision: &rejection}, store.LocatorPromoted)
	changed, err = decide(store.LocatorVerdict{By: "bob", Decision: &rejection})
	require.NoError(t, err)
	require.False(t, changed, "that one is rolled back already")
	refuse(store.LocatorVerdict{To: store.LocatorRejected, By: "ada", Decision: &rejection}, "decided on again meanwhile")
	change(store.LocatorVerdict{By: "bob"}, store.LocatorProposed)
	refuse(store.LocatorVerdict{By: "bob"}, "nothing was decided")

	history, err = f.LocatorDecisions(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, history, 4)
	require.Equal(t, now.Add(time.Minute), history[1].DecidedAt.UTC())
	history[1].DecidedAt = time.Time{}
	require.Equal(t, store.LocatorDecision{
		ID: history[1].ID, LocatorID: id, From: store.LocatorRejected, To: store.LocatorPromoted, By: "bob", Reason: "it was the right one", Undoes: rejection,
	}, history[1])
	require.Equal(t, store.ByLearning, history[3].By)

	_, err = f.DecideLocator(t.Context(), store.LocatorVerdict{LocatorID: 99, To: store.LocatorPromoted, By: "ada"}, now)
	require.Equal(t, fault.NotFound, fault.Of(err))
}

// testForgottenElement: what a promoted locator found is not what later heals are compared with, once it is rejected.
func testForgottenElement(t *testing.T, f *fixture) {
	f.migrated(t)
	id := f.learn(t, "#wrong")
	step := store.StepKey{Number: 2, Hash: "abc"}
	looks := func(text string, at time.Time) {
		t.Helper()
		seen := store.Seen{Step: step, Fingerprint: json.RawMessage(`{"text":"` + text + `"}`), Locators: json.RawMessage(`[]`)}
		require.NoError(t, f.Remember(t.Context(), store.Remembered{TestCaseID: "login", Environment: "shop.test", RunID: "run-1", Seen: []store.Seen{seen}}, at))
	}
	decide := func(to store.LocatorStatus, by string, at time.Time) string {
		t.Helper()
		_, err := f.DecideLocator(t.Context(), store.LocatorVerdict{LocatorID: id, To: to, By: by}, at)
		require.NoError(t, err)
		seen, _, err := f.Seen(t.Context(), "login", "shop.test", step)
		require.NoError(t, err)
		return string(seen.Fingerprint)
	}
	looks("Buy", now)
	decide(store.LocatorPromoted, store.ByLearning, now.Add(time.Hour))
	looks("Subscribe", now.Add(2*time.Hour))
	require.JSONEq(t, `{"text":"Subscribe"}`, decide(store.LocatorProposed, store.ByLearning, now.Add(3*time.Hour)), "the page changed again")
	decide(store.LocatorPromoted, "ada", now.Add(4*time.Hour))
	looks("Sign up", now.Add(5*time.Hour))
	require.JSONEq(t, `{"text":"Subscribe"}`, decide(store.LocatorRejected, "ada", now.Add(6*time.Hour)))
}

func testLocators(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	heal := store.Adaptation{
		ID: uuid.NewString(), RunID: "run-1", Attempt: 1, TestCaseID: "login", Environment: "shop.test", Step: store.StepKey{Number: 2, Hash: "abc"},
		Type: store.AdaptedLocator, Successful: true, Reason: "the same caption", CreatedAt: now,
		Evidence: store.Evidence{OldLocator: "#old", NewLocator: "#a", Selectors: [][]string{{"#a"}, {"text/A\x00"}}, Confidence: 0.75},
	}
	outcome := passed
	outcome.Status, outcome.Adaptations = store.RunAdapted, []store.Adaptation{heal}
	f.finish(t, "run-1", 1, outcome)
	require.NoError(t, f.Remember(t.Context(), store.Remembered{
		TestCaseID: "login", Environment: "shop.test", RunID: "run-1",
		Lessons: []store.Lesson{{Step: heal.Step, Selectors: [][]string{{"#a"}}, AdaptationID: heal.ID}},
	}, now))
	other, last := f.learn(t, "#b"), f.learn(t, "#c")
	_, err := f.DecideLocator(t.Context(), store.LocatorVerdict{LocatorID: last, To: store.LocatorRejected, By: "ada", Reason: "no"}, now)
	require.NoError(t, err)

	ids := func(filter store.LocatorFilter) []int64 {
		t.Helper()
		list, err := f.Locators(t.Context(), filter)
		require.NoError(t, err)
		ids := make([]int64, len(list))
		for i, l := range list {
			ids[i] = l.ID
		}
		return ids
	}
	require.Equal(t, []int64{last, other}, ids(store.LocatorFilter{Limit: 2}))
	require.Equal(t, []int64{1}, ids(store.LocatorFilter{Limit: 2, After: other}))
	require.Equal(t, []int64{last}, ids(store.LocatorFilter{Limit: 2, TestCaseID: "login", Environment: "shop.test", Status: store.LocatorRejected}))
	require.Empty(t, ids(store.LocatorFilter{Limit: 2, Environment: "elsewhere"}))
	n, err := f.CountLocators(t.Context(), store.LocatorFilter{Status: store.LocatorProposed, Limit: 1, After: 2})
	require.NoError(t, err)
	require.Equal(t, 2, n)

	l, err := f.Locator(t.Context(), 1)
	require.NoError(t, err)
	require.NotNil(t, l.Heal)
	l.Heal.CreatedAt = l.Heal.CreatedAt.UTC()
	require.Equal(t, heal, *l.Heal)
	require.Nil(t, l.Decision)
	require.Equal(t, 1, l.Passed)
	runs, err := f.LocatorRuns(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, []string{"run-1"}, runs)

	l, err = f.Locator(t.Context(), last)
	require.NoError(t, err)
	require.Nil(t, l.Heal, "its run is gone")
	require.Equal(t, "ada", l.Decision.By)
	runs, err = f.LocatorRuns(t.Context(), l)
	require.NoError(t, err)
	require.Empty(t, runs)
	_, err = f.Locator(t.Context(), 99)
	require.Equal(t, fault.NotFound, fault.Of(err))
}

func testManyDecide(t *testing.T, f *fixture) {
	f.migrated(t)
	id := f.learn(t, "#a")
	var decided atomic.Int32
	var group errgroup.Group
	for i := range 8 {
		to := []store.LocatorStatus{store.LocatorPromoted, store.LocatorRejected}[i%2]
		group.Go(func() error {
			changed, err := f.DecideLocator(t.Context(), store.LocatorVerdict{LocatorID: id, To: to, By: "ada", Expected: store.LocatorProposed}, now)
			if changed {
				decided.Add(1)
			}
			if fault.Of(err) == fault.Conflict {
				return nil
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Equal(t, int32(1), decided.Load())
	require.Equal(t, 1, f.count(t, "locator_decisions"))
}

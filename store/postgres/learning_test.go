package postgres_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/learning"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

var target = store.StepKey{Number: 2, Hash: "abc"}

// ended makes a run of the case login that ended with one attempt, an hour after the one before it.
func (f *fixture) ended(t *testing.T, id string, o store.Outcome, steps ...store.Step) {
	t.Helper()
	f.create(t, newRun(t, id, queue.Options{Attempts: 1}))
	c := f.claim(t, id, 0)
	require.NoError(t, f.PlanSteps(t.Context(), id, c.Attempt, []store.Step{{Action: "navigate"}, {Action: "click", Target: target.Hash}}, now))
	for i, st := range steps {
		st.RunID, st.Attempt, st.Number, st.StartedAt = id, c.Attempt, i+1, now
		f.endStep(t, st, nil)
	}
	o.Environment, o.CaseVersion = "shop.test", "v1"
	f.finish(t, id, c.Attempt, o)
}

// learnOf reads the history of the case, and keeps what it is told to.
func (f *fixture) learnOf(t *testing.T, l store.Learned, at time.Time) (h store.History, c store.Changes) {
	t.Helper()
	c, err := f.Learn(t.Context(), "login", "shop.test", func(history store.History) (store.Learned, error) {
		h = history
		return l, nil
	}, at)
	require.NoError(t, err)
	return h, c
}

func testLearning(t *testing.T, f *fixture) {
	f.migrated(t)
	heal := store.Adaptation{
		ID: uuid.NewString(), Attempt: 1, TestCaseID: "login", Environment: "shop.test", Step: target, Type: store.AdaptedLocator, Successful: true,
		Reason: "alike", CreatedAt: now, Evidence: store.Evidence{Selectors: [][]string{{"#a\x00"}}},
	}
	adapted := store.Outcome{Status: store.RunAdapted, CompletedSteps: 2, AdaptedSteps: 1, TotalSteps: 2, Adaptations: []store.Adaptation{heal}, Result: json.RawMessage(`{}`)}
	ok := store.Step{Status: store.StepSuccess, Duration: time.Second}
	f.ended(t, "run-1", adapted, ok, store.Step{Status: store.StepAdapted, Duration: 2 * time.Second})
	failure := failed
	failure.Class = store.NotFound
	f.ended(t, "run-2", failure, ok, store.Step{Status: store.StepFailed, Error: "no such element", Page: "http://shop.test/login"})
	trouble := failed
	trouble.Class = store.Platform
	f.ended(t, "run-3", trouble)
	require.NoError(t, f.Remember(t.Context(), store.Remembered{
		TestCaseID: "login", Environment: "shop.test", RunID: "run-1", Lessons: []store.Lesson{{Step: target, Selectors: [][]string{{"#a"}}, AdaptationID: heal.ID}},
		Seen: []store.Seen{{Step: target, Fingerprint: json.RawMessage(`{}`), Locators: json.RawMessage(`[{"kind":"id","value":"a"}]`)}},
	}, now))

	environments, err := f.Environments(t.Context(), "login")
	require.NoError(t, err)
	require.Equal(t, []string{"shop.test"}, environments)

	history, changes := f.learnOf(t, store.Learned{}, now)
	require.Empty(t, changes)
	require.Len(t, history.Runs, 2, "a run that was not carried out says nothing")
	first, second := history.Runs[0], history.Runs[1]
	if first.ID != "run-1" { // they were created at the same time
		first, second = second, first
	}
	key := learning.Key(target)
	require.True(t, first.Passed)
	require.Equal(t, "v1", first.Version)
	require.Equal(t, []learning.Step{{Key: learning.Key{Number: 1}, Passed: true, Took: time.Second}, {Key: key, Passed: true, Took: 2 * time.Second}}, first.Steps)
	require.Equal(t, []learning.Adaptation{{Key: key, ID: heal.ID, Looked: true, Successful: true, Selectors: [][]string{{"#a\x00"}}}}, first.Adaptations)
	require.False(t, second.Passed)
	require.Equal(t, []learning.Failure{{Number: 2, Error: "no such element", Page: "http://shop.test/login"}}, second.Failures)
	require.Len(t, history.Locators, 1)
	require.Equal(t, []any{learning.Proposed, heal.ID, false}, []any{history.Locators[0].Status, history.Locators[0].Heal, history.Locators[0].Decided})
	require.Equal(t, []learning.Named{{Kind: learning.ByID, Text: "\n\n\na"}}, history.Sightings[0].Locators)

	value := 0.5
	reliability := learning.Default().Reliability(history.Runs)
	pattern := store.Pattern{
		Kind: store.PatternFailure, Step: 2, Signature: "login\nno such element", Count: 2, Value: &value, Evidence: json.RawMessage(`{"runs":2}`),
		FirstSeen: now.Add(time.Hour), LastSeen: now.Add(2 * time.Hour),
	}
	learned := store.Learned{
		Reliability: &reliability, NewestRun: now, Patterns: []store.Pattern{pattern},
		Verdicts: []store.LocatorVerdict{{LocatorID: history.Locators[0].ID, To: store.LocatorPromoted, Expected: store.LocatorProposed, Reason: "it works"}},
	}
	_, changes = f.learnOf(t, learned, now)
	require.Equal(t, 1, changes.Patterns)
	require.Len(t, changes.Verdicts, 1)
	history, changes = f.learnOf(t, learned, now)
	require.Empty(t, changes, "the second time it is known")
	require.Equal(t, []any{learning.Promoted, true, false}, []any{history.Locators[0].Status, history.Locators[0].Decided, history.Locators[0].ByPerson})

	_, err = f.DecideLocator(t.Context(), store.LocatorVerdict{LocatorID: history.Locators[0].ID, To: store.LocatorRejected, By: "ada"}, now)
	require.NoError(t, err)
	learned.Verdicts[0].Expected = store.LocatorPromoted
	learned.Verdicts[0].To = store.LocatorProposed
	pattern.Count, pattern.FirstSeen = 3, now.Add(2*time.Hour)
	learned.Patterns = []store.Pattern{pattern}
	history, changes = f.learnOf(t, learned, now)
	require.Equal(t, store.Changes{Patterns: 1}, changes, "a person has the last word")
	require.True(t, history.Locators[0].ByPerson)

	list, err := f.Patterns(t.Context(), "login", store.PatternFailure, 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, []any{3, now.Add(time.Hour)}, []any{list[0].Count, list[0].FirstSeen.UTC()})
	known, err := f.Reliabilities(t.Context(), "", 10)
	require.NoError(t, err)
	require.Equal(t, reliability, known[0].Reliability)
	tally, err := f.ReliabilityTally(t.Context(), []float64{0, 0.5, 0.9})
	require.NoError(t, err)
	require.Equal(t, map[float64]int{0.5: 1}, tally)

	_, changes = f.learnOf(t, store.Learned{}, now)
	require.Equal(t, 1, changes.Patterns, "it is none any more")
	require.Zero(t, f.count(t, "adaptation_patterns"))

	changed, err := f.ChangedCases(t.Context(), now.Add(-time.Hour), now, "", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"login"}, changed)
	changed, err = f.ChangedCases(t.Context(), now, now.Add(time.Hour), "", 10)
	require.NoError(t, err)
	require.Empty(t, changed)
	upTo, err := f.LearnedUpTo(t.Context())
	require.NoError(t, err)
	require.True(t, upTo.IsZero())
	require.NoError(t, f.LearnedAll(t.Context(), now))
	require.NoError(t, f.LearnedAll(t.Context(), now.Add(-time.Hour)))
	upTo, err = f.LearnedUpTo(t.Context())
	require.NoError(t, err)
	require.Equal(t, now, upTo.UTC())
}

func testLearningDue(t *testing.T, f *fixture) {
	f.migrated(t)
	due := func(since time.Duration) []string {
		t.Helper()
		ids, err := f.LearningDue(t.Context(), since, 10)
		require.NoError(t, err)
		return ids
	}
	def, _ := queue.Find(queue.AdaptationLearning)
	job := func(id string) bool {
		t.Helper()
		_, added := queue.New(def, id, json.RawMessage(`{"testCaseId":"login"}`), queue.Options{Attempts: 1, JobID: id}, now)
		created, err := f.CreateLearningJob(t.Context(), "login", store.NewJob{Added: added, WorkflowInput: json.RawMessage(`{}`)})
		require.NoError(t, err)
		return created
	}
	f.ended(t, "passed", passed)
	f.ended(t, "failed", failed)
	require.Empty(t, due(0), "nothing was adapted")
	require.False(t, job("too-early"))

	adapted := passed
	adapted.Status = store.RunAdapted
	f.ended(t, "adapted-1", adapted)
	f.ended(t, "adapted-2", adapted)
	require.Equal(t, []string{"login"}, due(0))
	require.Empty(t, due(time.Minute))
	require.True(t, job("one"))
	require.Empty(t, due(0))
	require.False(t, job("again"), "it was taken")

	refusal := failed
	refusal.Adaptations = []store.Adaptation{{
		ID: uuid.NewString(), Attempt: 1, TestCaseID: "login", Environment: "shop.test", Step: target, Type: store.AdaptedLocator, CreatedAt: now,
	}}
	f.ended(t, "refused", refusal)
	require.Equal(t, []string{"login"}, due(0))
	require.False(t, job("two"), "the one that waits will see it")
	require.Empty(t, due(0))

	_, err := f.ClaimJob(t.Context(), queue.AdaptationLearning, "one", "worker", 0, now, nil)
	require.NoError(t, err)
	require.NoError(t, f.Remember(t.Context(), store.Remembered{
		TestCaseID: "login", Environment: "shop.test", Lessons: []store.Lesson{{Step: target, Selectors: [][]string{{"#a"}}}},
	}, now))
	f.ended(t, "failed-where-something-was-learned", failed)
	require.True(t, job("three"), "the one that runs may have read before")
}

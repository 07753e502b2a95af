package postgres_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/store"
)

func testMemory(t *testing.T, f *fixture) {
	f.migrated(t)
	step := store.StepKey{Number: 2, Hash: "abc"}
	seen := func(text, page string) store.Seen {
		s := store.Seen{Step: step, Fingerprint: json.RawMessage(`{"version":1,"text":"` + text + `\u0000"}`), Locators: json.RawMessage(`[]`), Target: 3}
		if page != "" {
			s.Page = store.Snapshot{Digest: []byte(page), Elements: 7, Data: []byte("data of " + page)}
		}
		return s
	}
	remember := func(at time.Time, r store.Remembered) {
		t.Helper()
		r.TestCaseID, r.Environment, r.RunID = "login", "shop.test", "run-1"
		require.NoError(t, f.Remember(t.Context(), r, at))
	}
	m, err := f.Memory(t.Context(), "login", "shop.test")
	require.NoError(t, err)
	require.Empty(t, m.Seen)
	_, found, err := f.Seen(t.Context(), "login", "shop.test", step)
	require.NoError(t, err)
	require.False(t, found)

	remember(now, store.Remembered{Seen: []store.Seen{seen("one", "p1")}})
	remember(now.Add(time.Hour), store.Remembered{Seen: []store.Seen{seen("one", "p1")}})
	got, found, err := f.Seen(t.Context(), "login", "shop.test", step)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 1, got.Version, "it looks as before")
	require.Equal(t, now.Add(time.Hour), got.CapturedAt.UTC())
	require.Equal(t, []any{3, "data of p1"}, []any{got.Target, string(got.Page.Data)})
	require.JSONEq(t, `{"version":1,"text":"one\u0000"}`, string(got.Fingerprint))

	for i, text := range []string{"two", "three", "four", "five"} {
		remember(now.Add(time.Duration(2+i)*time.Hour), store.Remembered{Seen: []store.Seen{seen(text, "")}})
	}
	got, _, err = f.Seen(t.Context(), "login", "shop.test", step)
	require.NoError(t, err)
	require.Equal(t, 5, got.Version)
	require.Empty(t, got.Page.Data)
	require.Equal(t, 3, f.count(t, "fingerprints"), "only the newest versions are kept")
	f.exec(t, "UPDATE page_snapshots SET created_at = now() - interval '1 hour'")
	remember(now, store.Remembered{Seen: []store.Seen{seen("five", "")}})
	require.Zero(t, f.count(t, "page_snapshots"), "no step has it any more")

	lesson := store.Lesson{Step: step, Selectors: [][]string{{"#a"}, {"aria/Sign in"}}, AdaptationID: uuid.NewString()}
	remember(now, store.Remembered{Lessons: []store.Lesson{lesson, lesson}})
	other := lesson
	other.Selectors = [][]string{{"#b"}}
	remember(now, store.Remembered{Lessons: []store.Lesson{other}})
	f.exec(t, "UPDATE learned_locators SET status = 'promoted' WHERE passed = 2")
	f.exec(t, "UPDATE learned_locators SET status = 'rejected' WHERE passed = 1")
	remember(now, store.Remembered{Lessons: []store.Lesson{other}})
	m, err = f.Memory(t.Context(), "login", "shop.test")
	require.NoError(t, err)
	require.Equal(t, map[store.StepKey]bool{step: true}, map[store.StepKey]bool{step: !m.Seen[step].IsZero()})
	require.Len(t, m.Locators, 2)
	require.Equal(t, lesson.Selectors, m.Locators[0].Selectors)
	require.Equal(t, []store.LocatorStatus{store.LocatorPromoted, store.LocatorRejected}, []store.LocatorStatus{m.Locators[0].Status, m.Locators[1].Status})
	elsewhere, err := f.Memory(t.Context(), "login", "staging.test")
	require.NoError(t, err)
	require.Empty(t, elsewhere.Locators)
}

func testAdaptations(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	a := store.Adaptation{
		ID: uuid.NewString(), RunID: "run-1", Attempt: 1, TestCaseID: "login", Environment: "shop.test", Step: store.StepKey{Number: 2, Hash: "abc"},
		Type: store.AdaptedLocator, Successful: true, Reason: "the same caption", CreatedAt: now,
		Evidence: store.Evidence{
			OldLocator: "#old", NewLocator: "aria/Sign in", Selectors: [][]string{{"aria/Sign in"}}, Score: 0.5, Confidence: 0.75,
			Parts: []store.ScorePart{{Name: "caption", Similarity: 1, Contribution: 0.25}}, Before: uuid.NewString(),
		},
	}
	outcome := passed
	outcome.Status, outcome.Adaptations = store.RunAdapted, []store.Adaptation{a}
	f.finish(t, "run-1", 1, outcome)
	list, err := f.Adaptations(t.Context(), "run-1")
	require.NoError(t, err)
	require.Len(t, list, 1)
	list[0].CreatedAt = list[0].CreatedAt.UTC()
	require.Equal(t, a, list[0])
}

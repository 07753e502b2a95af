package postgres_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// quarantined is how a case in quarantine stands: passes in a row, runs, failed ones; nothing if it is not in it.
func (f *fixture) quarantined(t *testing.T, id string) []int {
	t.Helper()
	q, err := f.InQuarantine(t.Context(), id)
	if fault.Of(err) == fault.NotFound {
		return nil
	}
	require.NoError(t, err)
	return []int{q.Passed, q.Runs, q.Failed}
}

func testQuarantine(t *testing.T, f *fixture) {
	f.migrated(t)
	ran := 0
	runWith := func(o queue.Options, outcomes ...store.Outcome) string {
		t.Helper()
		ran++
		id := "run-" + string(rune('a'+ran))
		f.create(t, newRun(t, id, o))
		for made, outcome := range outcomes {
			f.finish(t, id, f.claim(t, id, made).Attempt, outcome)
		}
		return id
	}
	f.create(t, newRun(t, "begun-before", once))
	before := f.claim(t, "begun-before", 0)

	put := func(q store.Quarantined) bool {
		t.Helper()
		q.TestCaseID = "login"
		created, err := f.PutInQuarantine(t.Context(), q, now)
		require.NoError(t, err)
		return created
	}
	require.True(t, put(store.Quarantined{Reason: "flaky since Monday", By: "ada"}))
	require.False(t, put(store.Quarantined{Reason: "flakiness 0.4", By: store.ByLearning, Needed: 99}), "learning changes nothing of what people did")
	q, err := f.InQuarantine(t.Context(), "login")
	require.NoError(t, err)
	q.Since = q.Since.UTC()
	require.Equal(t, store.Quarantined{TestCaseID: "login", Reason: "flaky since Monday", By: "ada", Since: now, Needed: 10}, q)
	require.False(t, put(store.Quarantined{Reason: "flaky", By: "bob", Needed: 2}))

	f.finish(t, "begun-before", before.Attempt, passed)
	require.Equal(t, []int{0, 0, 0}, f.quarantined(t, "login"), "that run began before")
	require.False(t, f.run(t, "begun-before").Quarantined)

	require.True(t, f.run(t, runWith(once, passed)).Quarantined)
	require.Equal(t, []int{1, 1, 0}, f.quarantined(t, "login"))
	runWith(once, failed)
	require.Equal(t, []int{0, 2, 1}, f.quarantined(t, "login"))
	runWith(once, passed)
	broken := failed
	broken.Class = store.Platform
	runWith(once, broken)
	cancelled := failed
	cancelled.Status, cancelled.Final = store.RunCancelled, true
	runWith(once, cancelled)
	require.Equal(t, []int{1, 5, 1}, f.quarantined(t, "login"), "they say nothing of the test")
	runWith(threeAttempts, failed, passed)
	require.Equal(t, []int{0, 6, 2}, f.quarantined(t, "login"), "a pass that took two attempts is none")
	adapted := passed
	adapted.Status = store.RunAdapted
	runWith(once, adapted)
	runWith(once, passed)
	require.Nil(t, f.quarantined(t, "login"), "two passes in a row")
	require.False(t, f.run(t, runWith(once, failed)).Quarantined)

	require.True(t, put(store.Quarantined{By: store.ByLearning}))
	require.Equal(t, []int{0, 0, 0}, f.quarantined(t, "login"), "it begins anew")
	list, err := f.Quarantine(t.Context(), "", 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	list, err = f.Quarantine(t.Context(), "login", 10)
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, f.LeaveQuarantine(t.Context(), "login", now))
	require.Equal(t, fault.NotFound, fault.Of(f.LeaveQuarantine(t.Context(), "login", now)))
}

// testLearningQuarantines: learning puts a case in once, and knows when it left.
func testLearningQuarantines(t *testing.T, f *fixture) {
	f.migrated(t)
	flaky := store.Learned{Quarantine: "4 of 10 runs were flaky"}
	history, changes := f.learnOf(t, flaky, now)
	require.False(t, history.Quarantined)
	require.True(t, changes.Quarantined)
	history, changes = f.learnOf(t, flaky, now)
	require.True(t, history.Quarantined)
	require.False(t, changes.Quarantined, "it is in it already")
	q, err := f.InQuarantine(t.Context(), "login")
	require.NoError(t, err)
	require.Equal(t, []any{store.ByLearning, flaky.Quarantine, store.QuarantinePasses}, []any{q.By, q.Reason, q.Needed})
	require.NoError(t, f.LeaveQuarantine(t.Context(), "login", now.Add(time.Hour)))
	history, _ = f.learnOf(t, store.Learned{}, now)
	require.False(t, history.Quarantined)
	require.Equal(t, now.Add(time.Hour), history.LeftQuarantine.UTC())
}

// testQuarantineInSuite: what fails in quarantine fails no suite, and nothing else is forgiven.
func testQuarantineInSuite(t *testing.T, f *fixture) {
	f.migrated(t)
	_, err := f.PutInQuarantine(t.Context(), store.Quarantined{TestCaseID: "login", Reason: "flaky", By: "ada"}, now)
	require.NoError(t, err)
	suiteOf := func(id string, cases ...string) {
		t.Helper()
		n := store.NewSuiteRun{SuiteRun: store.SuiteRun{ID: id, Title: "Smoke", CreatedAt: now, WorkflowID: "suite/" + id}, WorkflowInput: json.RawMessage(`{}`)}
		for _, c := range cases {
			run := newRun(t, id+"-"+c, once)
			run.TestCaseID = c
			n.Runs = append(n.Runs, run)
		}
		_, _, err := f.CreateSuiteRun(t.Context(), n)
		require.NoError(t, err)
	}
	verdict := func(id string) (store.RunStatus, store.SuiteCounts) {
		t.Helper()
		require.NoError(t, f.FinishSuiteRun(t.Context(), id, false, "", now))
		suite, err := f.SuiteRun(t.Context(), id)
		require.NoError(t, err)
		return suite.Status, suite.Counts
	}
	end := func(run string, o store.Outcome) {
		t.Helper()
		f.finish(t, run, f.claim(t, run, 0).Attempt, o)
	}
	suiteOf("one", "login", "checkout")
	children, err := f.NextOfSuite(t.Context(), "one", 0, 10)
	require.NoError(t, err)
	require.Equal(t, []bool{true, false}, []bool{children[0].Quarantined, children[1].Quarantined})
	end("one-login", failed)
	end("one-checkout", passed)
	status, counts := verdict("one")
	require.Equal(t, store.RunCompleted, status)
	require.Equal(t, store.SuiteCounts{Total: 2, Completed: 1, Failed: 1, Quarantined: 1}, counts)

	letters := f.letters(t, store.LetterFilter{})
	require.Equal(t, []string{"one-login"}, letters, "what failed for good is told of")
	require.Empty(t, f.letters(t, store.LetterFilter{Counting: true}), "and wakes nobody")
	n, err := f.CountDeadLetters(t.Context(), store.LetterFilter{Counting: true})
	require.NoError(t, err)
	require.Zero(t, n)
	ended, err := f.Outcomes(t.Context(), now.Add(-1))
	require.NoError(t, err)
	require.Equal(t, store.Outcomes{Total: 1}, ended)

	suiteOf("two", "login", "checkout")
	end("two-login", failed)
	end("two-checkout", failed)
	status, counts = verdict("two")
	require.Equal(t, store.RunFailed, status)
	require.Equal(t, store.SuiteCounts{Total: 2, Failed: 2, Quarantined: 1}, counts)
	f.requeue(t, "two-checkout")
	end("two-checkout", passed)
	suite, err := f.SuiteRun(t.Context(), "two")
	require.NoError(t, err)
	require.Equal(t, store.RunCompleted, suite.Status, "it is judged again, by the same rule")

	suiteOf("three", "login")
	require.NoError(t, f.LeaveQuarantine(t.Context(), "login", now))
	end("three-login", failed)
	status, _ = verdict("three")
	require.Equal(t, store.RunFailed, status, "it had left when the attempt began")
}

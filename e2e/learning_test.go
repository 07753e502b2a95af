package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
)

// ordersPage is a page with a button, whose second version calls everything otherwise but for the captions.
const ordersPage = `<!doctype html><html lang="en"><title>Orders</title><body>
<nav class="%[1]s-nav"><a href="/">Orders</a> <a href="/customers">Customers</a></nav>
<main><h1>Order 4711</h1><form onsubmit="document.getElementById('out').textContent = 'saved'; return false">
<label>Note <input id="%[1]s-note" name="%[1]snote"></label>
<button type="submit" id="%[1]s-save" class="%[1]s-button">Save order</button>
<button type="button" id="%[1]s-cancel" class="%[1]s-button">Cancel</button>
</form><p id="out"></p></main></body></html>`

const ordersCase = `{"title": "Saves an order", "timeout": 1500, "steps": [
	{"type": "navigate", "url": "/"},
	{"type": "click", "selectors": ["#old-save"]},
	{"type": "customStep", "name": "assertText", "parameters": {"selectors": ["#out"], "text": "saved"}}]}`

// TestLearning changes a page: the first run of it adapts, a learning job promotes what that taught, and the next run is as before. What
// people reject fails from then on.
func TestLearning(t *testing.T) {
	t.Parallel()
	requirePrograms(t)
	s, err := startStackIn(t.Context(), []string{"LEARNING_PROMOTE_AFTER=1", "LEARNING_DEBOUNCE=0s"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	var version atomic.Value
	version.Store("old")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, ordersPage, version.Load())
	}))
	t.Cleanup(site.Close)
	fields := map[string]any{"attempts": 1, "config": map[string]any{"baseUrl": site.URL}}
	again := func(want string) run {
		t.Helper()
		r := s.awaitEnd(t, s.submit(t, ordersCase, fields).TestRunID, soon)
		require.Equal(t, want, r.Status, r.Error)
		return r
	}
	c := newClient(t, s.Redis, "bullmq6", "adaptation-learning")
	completed := func(n int) (jobs []jobSeen) {
		t.Helper()
		await(t, soon, "a learning job", func() bool {
			c.queue(&jobs, "getCompleted")
			return len(jobs) >= n
		})
		return jobs
	}

	again("completed")
	version.Store("new")
	adapted := again("adapted")
	require.Equal(t, store.AdaptedLocator, s.adaptations(t, adapted)[0].Type)
	learned := completed(1)[0]
	require.Equal(t, map[string]any{"testCaseId": adapted.TestCaseID}, learned.Data)
	require.EqualValues(t, 1, learned.ReturnValue["promoted"], "%v", learned.ReturnValue)
	s.requireReplay(t, "AdaptationLearning-promoted", "adaptation-learning/"+learned.ID)

	as := again("completed")
	require.Empty(t, s.adaptations(t, as))
	steps, err := s.store.Steps(t.Context(), as.TestRunID)
	require.NoError(t, err)
	require.Less(t, steps[1].Duration, 1500*time.Millisecond, "nothing was waited for")

	locators, err := s.store.Locators(t.Context(), store.LocatorFilter{TestCaseID: as.TestCaseID, Limit: 10})
	require.NoError(t, err)
	require.Len(t, locators, 1)
	s.request(t, http.MethodPost, fmt.Sprintf("/api/locators/%d/reject", locators[0].ID), `{"by": "ada", "reason": "it saves a draft"}`, http.StatusOK, nil)
	refused := again("failed")
	require.Contains(t, refused.Error, "people rejected that")
	completed(2)
	require.Contains(t, again("failed").Error, "people rejected that", "it never comes back")

	var added jobSeen
	c.queue(&added, "add", "adaptation-learning", map[string]any{}, map[string]any{})
	await(t, soon, "the client's job", func() bool { return c.state(added.ID) == "completed" })
	require.EqualValues(t, 1, c.get(added.ID).ReturnValue["cases"])
	c.queue(&added, "add", "adaptation-learning", map[string]any{"testCase": "x"}, map[string]any{})
	await(t, soon, "the refusal", func() bool { return c.state(added.ID) == "failed" })
	require.Contains(t, c.get(added.ID).FailedReason, `unknown field "testCase"`)
	known, err := s.store.Reliabilities(t.Context(), as.TestCaseID, 10)
	require.NoError(t, err)
	require.Equal(t, []int{5, 3}, []int{known[0].Runs, known[0].Passed})
	patterns, err := s.store.Patterns(t.Context(), as.TestCaseID, store.PatternFailure, 10)
	require.NoError(t, err)
	require.Len(t, patterns, 1)
	require.Equal(t, []int{2, 2}, []int{patterns[0].Step, patterns[0].Count}, "it failed twice in the same way")
	require.NoError(t, s.client.ScheduleClient().GetHandle(t.Context(), starter.LearningSchedule).Trigger(t.Context(), sdkclient.ScheduleTriggerOptions{}))
	await(t, soon, "the nightly job", func() bool {
		return slices.ContainsFunc(completed(1), func(j jobSeen) bool { return strings.HasPrefix(j.ID, "scheduled-") })
	})
}

func (s *stack) adaptations(t *testing.T, r run) []store.Adaptation {
	t.Helper()
	list, err := s.store.Adaptations(t.Context(), r.TestRunID)
	require.NoError(t, err)
	return list
}

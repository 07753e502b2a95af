package activities_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/learning"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// learn carries out a job with these data.
func (h *healed) learn(data string) activities.LearningReport {
	h.t.Helper()
	h.runs++
	id := fmt.Sprintf("job-%d", h.runs)
	def, _ := queue.Find(queue.AdaptationLearning)
	_, added := queue.New(def, id, json.RawMessage(data), queue.Options{Attempts: 1, JobID: id}, time.Now())
	created, err := h.records.CreateJob(h.t.Context(), store.NewJob{Added: added, WorkflowInput: json.RawMessage(`{}`)})
	require.NoError(h.t, err)
	require.True(h.t, created)
	jobs := activities.NewJobs(activities.JobsConfig{Store: h.records, Gate: openGate{}, Progress: h.shown, Worker: "worker-1", Log: h.cfg.Log})
	act := activities.NewLearning(jobs, h.records, learning.Default(), nil)
	env := h.environment()
	env.RegisterActivityWithOptions(func(ctx context.Context, in activities.JobAttemptInput) (activities.JobAttemptResult, error) {
		result, err := act.ExecuteLearning(ctx, in)
		return result, activities.Failure(err)
	}, activity.RegisterOptions{Name: "ExecuteLearning"})
	value, err := env.ExecuteActivity("ExecuteLearning", activities.JobAttemptInput{Queue: def.Name, JobID: id})
	require.NoError(h.t, err)
	var result activities.JobAttemptResult
	require.NoError(h.t, value.Get(&result))
	require.True(h.t, result.Finished)
	require.Empty(h.t, result.Error)
	var report activities.LearningReport
	require.NoError(h.t, json.Unmarshal(result.Result, &report))
	return report
}

func TestLearningPromotesWhatWholeRunsPassedWith(t *testing.T) {
	t.Parallel()
	h := heals(t)
	again := func(html string, want store.RunStatus) {
		t.Helper()
		r, result := h.again(html)
		require.Equal(t, want, r.Status, result.Result.Error)
	}
	again(oldPage, store.RunCompleted)
	for range 2 {
		again(newPage, store.RunAdapted)
		require.Zero(t, h.learn(`{"testCaseId": "save"}`).Promoted, "not yet")
	}
	again(newPage, store.RunAdapted)
	report := h.learn(`{}`)
	require.Equal(t, []int{1, 1, 4, 2}, []int{report.Cases, report.Environments, report.Runs, report.Promoted}, "%+v", report)
	require.Equal(t, "3 whole runs passed with it, one after the other", report.Changes[0].Reason)
	again(newPage, store.RunCompleted)

	h.learn(`{"testCaseId": "save"}`)
	same := h.learn(`{"testCaseId": "save"}`)
	require.Zero(t, same.Promoted+same.Demoted+same.Rejected+same.PatternsChanged, "%+v", same)
	require.Equal(t, 2, same.Patterns[store.PatternLocator])
	for _, r := range same.Reliability {
		require.Equal(t, []int{5, 5, 0}, []int{r.Runs, r.Passed, r.Flaky})
	}

	const gone = `<!doctype html><body><main><h1>Customer</h1><p>Nothing to change here any more.</p></main>`
	again(gone, store.RunFailed)
	require.Zero(t, h.learn(`{"testCaseId": "save"}`).Demoted, "once is no reason")
	again(gone, store.RunFailed)
	report = h.learn(`{"testCaseId": "save"}`)
	require.Equal(t, 1, report.Demoted, "that of the step that failed: %+v", report)
	require.Equal(t, 1, report.Patterns[store.PatternFailure], "the same failure twice")
	same = h.learn(`{"testCaseId": "save"}`)
	require.Zero(t, same.Promoted+same.Demoted+same.Rejected+same.PatternsChanged, "%+v", same)
	list, err := h.records.Patterns(t.Context(), "save", store.PatternFailure, 10)
	require.NoError(t, err)
	require.Contains(t, string(list[0].Evidence), `"page":"`+strings.TrimPrefix(h.site, "http://")+`/"`, "where it failed")
}

func TestParseLearning(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `null`, `{}`, ` {"testCaseId": "a"}`, `{"testCaseId": "a", "environment": "shop.test"}`} {
		_, err := activities.ParseLearning(json.RawMessage(data))
		require.NoError(t, err, data)
	}
	for _, data := range []string{`[]`, `"a"`, `{"testCase": "a"}`, `{"environment": "shop.test"}`, `{} {}`, `{"testCaseId": 1}`, `{"testCaseId": "a\u0000"}`} {
		_, err := activities.ParseLearning(json.RawMessage(data))
		require.Equal(t, fault.Invalid, fault.Of(err), data)
	}
}

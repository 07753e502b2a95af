package e2e_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

type schedule struct {
	ScheduleID string `json:"scheduleId"`
	Paused     bool   `json:"paused"`
	Note       string `json:"note"`
	Schedule   struct {
		TestCaseID string `json:"testCaseId"`
		SuiteID    string `json:"suiteId"`
		Every      int64  `json:"every"`
	} `json:"schedule"`
	NextTimes []time.Time `json:"nextTimes"`
	Recent    []struct {
		WorkflowID string `json:"workflowId"`
	} `json:"recent"`
	Running []string `json:"running"`
	Started int      `json:"started"`
	Skipped int      `json:"skipped"`
}

func (s *stack) saveSchedule(t *testing.T, id string, fields map[string]any, want int) schedule {
	t.Helper()
	body, err := json.Marshal(fields)
	require.NoError(t, err)
	var saved schedule
	s.request(t, http.MethodPut, "/api/schedules/"+id, string(body), want, &saved)
	return saved
}

func (s *stack) schedule(t *testing.T, id string) schedule {
	t.Helper()
	var found schedule
	s.request(t, http.MethodGet, "/api/schedules/"+id, "", http.StatusOK, &found)
	return found
}

// runsOfCase returns the runs of a stored case.
func (s *stack) runsOfCase(t *testing.T, caseID string) []run {
	t.Helper()
	var of []run
	for _, r := range listed[run](t, s, "/api/test-runs?limit=200") {
		if r.TestCaseID == caseID {
			of = append(of, r)
		}
	}
	return of
}

// awaitScheduled waits until all workflows that a schedule started have ended. The id of each holds the second in which it began,
// and Temporal starts none whose id is taken by one that goes on.
func (s *stack) awaitScheduled(t *testing.T, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for _, started := range s.schedule(t, id).Recent {
		require.NoError(t, s.client.GetWorkflow(ctx, started.WorkflowID, "").Get(ctx, nil))
	}
}

// TestScheduleFiresUntilItIsPaused follows a schedule of a short interval from its definition to its end.
func TestScheduleFiresUntilItIsPaused(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	caseID := "scheduled-" + uuid.NewString()
	s.request(t, http.MethodPut, "/api/test-cases/"+caseID, exampleCase(t, "login.json"), http.StatusCreated, nil)
	id := "every-second-" + uuid.NewString()
	saved := s.saveSchedule(t, id, map[string]any{
		"testCaseId": caseID, "every": 1000, "overlap": "allowAll",
		"run": map[string]any{"userId": "night", "config": map[string]any{"baseUrl": s.Shop}},
	}, http.StatusCreated)
	require.NotEmpty(t, saved.NextTimes)
	require.Equal(t, caseID, saved.Schedule.TestCaseID)

	await(t, soon, "two runs", func() bool { return len(s.runsOfCase(t, caseID)) >= 2 })
	var paused schedule
	s.request(t, http.MethodPost, "/api/schedules/"+id+"/pause", `{"note": "the site moves"}`, http.StatusAccepted, &paused)
	require.True(t, paused.Paused)
	require.Equal(t, "the site moves", paused.Note)
	// A workflow that was started in the last moment has not submitted its run yet.
	await(t, soon, "the runs of all that was started", func() bool { return len(s.runsOfCase(t, caseID)) == s.schedule(t, id).Started })
	before := s.runsOfCase(t, caseID)
	for _, r := range before {
		require.Equal(t, "completed", s.awaitEnd(t, r.TestRunID, soon).Status)
	}
	s.awaitScheduled(t, id)
	s.requireReplay(t, "ScheduledRun-case", s.schedule(t, id).Recent[0].WorkflowID)

	// Saved again, it stays paused, and a trigger runs it all the same.
	again := s.saveSchedule(t, id, map[string]any{"testCaseId": caseID, "every": 2000}, http.StatusOK)
	require.True(t, again.Paused)
	require.EqualValues(t, 2000, again.Schedule.Every)
	require.Len(t, s.runsOfCase(t, caseID), len(before))
	s.request(t, http.MethodPost, "/api/schedules/"+id+"/trigger", `{"overlap": "allowAll"}`, http.StatusAccepted, nil)
	await(t, soon, "the triggered run", func() bool { return len(s.runsOfCase(t, caseID)) == len(before)+1 })
	s.awaitScheduled(t, id)

	// Three intervals of the past are made up for.
	end := time.Now().Truncate(2 * time.Second)
	backfill := `{"start": "` + end.Add(-5*time.Second).Format(time.RFC3339) + `", "end": "` + end.Format(time.RFC3339) + `", "overlap": "allowAll"}`
	s.request(t, http.MethodPost, "/api/schedules/"+id+"/backfill", backfill, http.StatusAccepted, nil)
	await(t, soon, "the runs made up for", func() bool { return len(s.runsOfCase(t, caseID)) == len(before)+4 })

	found := false
	for _, listed := range listed[schedule](t, s, "/api/schedules") {
		found = found || listed.ScheduleID == id
	}
	require.True(t, found)
	s.request(t, http.MethodDelete, "/api/schedules/"+id, "", http.StatusNoContent, nil)
	s.request(t, http.MethodGet, "/api/schedules/"+id, "", http.StatusNotFound, nil)
}

// TestScheduleOfASuiteSkipsWhatWouldOverlap: one run of the suite goes on, and no second one starts beside it; who cancels the
// schedule's workflow cancels the suite.
func TestScheduleOfASuiteSkipsWhatWouldOverlap(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	mark := uuid.NewString()[:8]
	s.request(t, http.MethodPut, "/api/test-cases/slow-"+mark, strings.Replace(slowCase, "ms=3000", "ms=15000", 1), http.StatusCreated, nil)
	suiteID := "scheduled-" + mark
	s.request(t, http.MethodPut, "/api/suites/"+suiteID, `{"title": "Slow", "cases": ["slow-`+mark+`"]}`, http.StatusCreated, nil)
	id := "suite-" + mark
	s.saveSchedule(t, id, map[string]any{
		"suiteId": suiteID, "every": 1000, "overlap": "skip", "run": map[string]any{"config": map[string]any{"baseUrl": s.Shop}},
	}, http.StatusCreated)
	var now schedule
	await(t, soon, "three times that were skipped", func() bool {
		now = s.schedule(t, id)
		return now.Skipped >= 3
	})
	require.Len(t, now.Running, 1)
	s.request(t, http.MethodPost, "/api/schedules/"+id+"/pause", "", http.StatusAccepted, nil)
	runs := listed[suiteRun](t, s, "/api/suites/"+suiteID+"/runs")
	require.Len(t, runs, 1)
	require.NoError(t, s.client.CancelWorkflow(t.Context(), now.Running[0], ""))
	require.Equal(t, "cancelled", s.awaitSuite(t, runs[0].SuiteRunID).Status)
	s.requireReplay(t, "ScheduledRun-suite-cancelled", now.Running[0])
}

func TestWrongSchedulesNameTheirFields(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	caseID := "scheduled-" + uuid.NewString()
	s.request(t, http.MethodPut, "/api/test-cases/"+caseID, exampleCase(t, "login.json"), http.StatusCreated, nil)
	for field, fields := range map[string]map[string]any{
		"testCaseId":   {"every": 1000},
		"suiteId":      {"suiteId": "no-such-suite", "every": 1000},
		"cron":         {"testCaseId": caseID, "cron": []string{"61 * * * *"}},
		"every":        {"testCaseId": caseID, "every": 10},
		"timeZone":     {"testCaseId": caseID, "every": 1000, "timeZone": "Mars/Olympus"},
		"overlap":      {"testCaseId": caseID, "every": 1000, "overlap": "maybe"},
		"run.attempts": {"testCaseId": caseID, "every": 1000, "run": map[string]any{"attempts": 1000}},
	} {
		body, err := json.Marshal(fields)
		require.NoError(t, err)
		var p problem
		s.request(t, http.MethodPut, "/api/schedules/wrong", string(body), http.StatusUnprocessableEntity, &p)
		require.NotEmpty(t, p.Errors, p.Detail)
		require.Equal(t, field, p.Errors[0].Field, p.Detail)
	}
	s.request(t, http.MethodPost, "/api/schedules/no-such/pause", "", http.StatusNotFound, nil)
}

package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/cinnamon-qa/cinnamon/cleanup"
	"github.com/cinnamon-qa/cinnamon/starter"
)

// cleaned is a clean-up as the API shows it.
type cleaned struct {
	CleanupID string         `json:"cleanupId"`
	Status    string         `json:"status"`
	DryRun    bool           `json:"dryRun"`
	Report    cleanup.Report `json:"report"`
	Error     string         `json:"error"`
}

// cleanUp asks for a clean-up and waits for its end.
func (s *stack) cleanUp(t *testing.T, body string) cleaned {
	t.Helper()
	var accepted cleaned
	s.request(t, http.MethodPost, "/api/cleanups", body, http.StatusAccepted, &accepted)
	return s.awaitCleanup(t, accepted.CleanupID)
}

func (s *stack) awaitCleanup(t *testing.T, id string) cleaned {
	t.Helper()
	var c cleaned
	await(t, soon, "the end of clean-up "+id, func() bool {
		s.request(t, http.MethodGet, "/api/cleanups/"+id, "", http.StatusOK, &c)
		return c.Status == "completed" || c.Status == "failed"
	})
	return c
}

// TestCleanup removes what has ended, after a look at what that is, and nothing the second time; on request, for a client of
// the queue, and by the schedule.
func TestCleanup(t *testing.T) {
	t.Parallel()
	requirePrograms(t)
	s, err := startStackIn(t.Context(), []string{"CLEANUP_CRON=@every 2s"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })

	failed := s.submit(t, failingCase, map[string]any{"attempts": 1})
	passed := s.submit(t, exampleCase(t, "login.json"), nil)
	held := s.submit(t, exampleCase(t, "login.json"), nil)
	tagged := s.submit(t, exampleCase(t, "login.json"), map[string]any{"config": map[string]any{"baseUrl": s.Shop, "tags": []string{"release-1.4"}}})
	for _, r := range []run{failed, passed, held, tagged} {
		s.awaitEnd(t, r.TestRunID, soon)
	}
	asks := func(args ...string) string {
		code, out, errs := s.command(t, args...)
		require.Zero(t, code, errs)
		return out
	}
	asks("hold", held.TestRunID, "--tag", "release-1.4", "--as", "lawsuit-42")
	require.Regexp(t, `tag release-1\.4 .* 1 run  lawsuit-42`, asks("hold"))

	looked := s.cleanUp(t, `{"dryRun": true, "olderThanDays": 0}`)
	require.Equal(t, "completed", looked.Status, looked.Error)
	require.True(t, looked.Report.DryRun)
	require.EqualValues(t, 2, looked.Report.Removed[cleanup.Runs].Count)
	require.EqualValues(t, 2, looked.Report.Held)
	require.EqualValues(t, 1, looked.Report.Removed[cleanup.FileKind("screenshot")].Count)
	require.Positive(t, looked.Report.Removed[cleanup.FileKind("screenshot")].Bytes)
	s.run(t, passed.TestRunID) // it is still there

	done := s.cleanUp(t, `{"olderThanDays": 0}`)
	require.Equal(t, looked.Report.Removed, done.Report.Removed, "what a dry run announced")
	s.request(t, http.MethodGet, "/api/test-runs/"+passed.TestRunID, "", http.StatusNotFound, nil)
	s.request(t, http.MethodGet, "/api/test-runs/"+failed.TestRunID, "", http.StatusNotFound, nil)
	s.run(t, held.TestRunID)
	s.run(t, tagged.TestRunID)
	require.Empty(t, s.cleanUp(t, `{"olderThanDays": 0}`).Report.Removed, "the second time")
	s.requireReplay(t, "Cleanup-removed", "cleanup/"+done.CleanupID)

	asks("release", "--tag", "release-1.4")
	require.Regexp(t, `(?m)^Would remove:\n(.*\n)*  runs +1 `, asks("cleanup", "--dry-run", "--older-than-days", "0"))
	require.Regexp(t, `(?m)^Kept, as they are held: 1 run\.$`, asks("cleanup", "--older-than-days", "0"))
	s.request(t, http.MethodGet, "/api/test-runs/"+tagged.TestRunID, "", http.StatusNotFound, nil)
	s.run(t, held.TestRunID)

	s.cleanByClient(t)
	s.cleanBySchedule(t)
}

// cleanByClient has a client of the queue clean up, and make mistakes.
func (s *stack) cleanByClient(t *testing.T) {
	t.Helper()
	c := newClient(t, s.Redis, "bullmq6", "cleanup")
	var added jobSeen
	c.queue(&added, "add", "cleanup", map[string]any{"dryRun": true}, map[string]any{"attempts": 2})
	await(t, soon, "the client's clean-up", func() bool { return c.state(added.ID) == "completed" })
	seen := c.get(added.ID)
	require.Equal(t, true, seen.ReturnValue["dryRun"])
	require.NotEmpty(t, seen.ProcessedBy)
	require.Equal(t, "completed", s.awaitCleanup(t, added.ID).Status)

	c.queue(&added, "add", "cleanup", map[string]any{"dry": true}, map[string]any{})
	await(t, soon, "the refusal", func() bool { return c.state(added.ID) == "failed" })
	require.Contains(t, c.get(added.ID).FailedReason, `unknown field "dry"`)

	c.queue(&added, "add", "cleanup", map[string]any{"dryRun": true}, map[string]any{"delay": 600_000})
	await(t, soon, "a delayed job", func() bool {
		_, started, err := s.store.Job(t.Context(), "cleanup", added.ID)
		return err == nil && started != ""
	})
	c.job(nil, added.ID, "promote")
	await(t, soon, "the promoted job", func() bool { return c.state(added.ID) == "completed" })
	c.job(nil, added.ID, "retry", "completed")
	await(t, soon, "the job that ran again", func() bool {
		job, _, err := s.store.Job(t.Context(), "cleanup", added.ID)
		return err == nil && job.AttemptsStarted == 2 && c.state(added.ID) == "completed"
	})

	c.queue(&added, "add", "cleanup", map[string]any{}, map[string]any{"delay": 600_000})
	await(t, soon, "a delayed job", func() bool {
		_, started, err := s.store.Job(t.Context(), "cleanup", added.ID)
		return err == nil && started != ""
	})
	c.job(nil, added.ID, "remove")
	await(t, soon, "the end of the removed job's workflow", func() bool {
		described, err := s.client.DescribeWorkflowExecution(t.Context(), "cleanup/"+added.ID, "")
		return err == nil && described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED
	})
	s.requireReplay(t, "Cleanup-cancelled", "cleanup/"+added.ID)
}

// cleanBySchedule waits for the schedule to fire, and takes it away.
func (s *stack) cleanBySchedule(t *testing.T) {
	t.Helper()
	var ran sdkclient.ScheduleActionResult
	await(t, soon, "the schedule", func() bool {
		described, err := s.client.ScheduleClient().GetHandle(t.Context(), starter.CleanupSchedule).Describe(t.Context())
		if err != nil || len(described.Info.RecentActions) == 0 {
			return false
		}
		ran = described.Info.RecentActions[0]
		return ran.StartWorkflowResult != nil
	})
	workflow := ran.StartWorkflowResult.WorkflowID
	require.NoError(t, s.client.GetWorkflow(t.Context(), workflow, "").Get(t.Context(), nil))
	s.requireReplay(t, "ScheduledJob-ran", workflow)
	var found bool
	for _, c := range listed[cleaned](t, s, "/api/cleanups") {
		found = found || len(c.CleanupID) > len("scheduled-") && c.CleanupID[:len("scheduled-")] == "scheduled-" && c.Status == "completed"
	}
	require.True(t, found)
}

package postgres_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

func testAttemptPasses(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	c := f.claim(t, "run-1", 0)
	require.Equal(t, 1, c.Attempt)
	require.Equal(t, queue.Active, c.Job.State)
	require.Equal(t, "worker", c.Job.Worker)
	require.JSONEq(t, `{"testRunId":"run-1"}`, string(c.Job.Data))
	require.Equal(t, newRun(t, "run-1", threeAttempts).Config, c.Run.Config)
	require.Equal(t, "Logging in", c.Run.Title)
	require.Equal(t, "ada", c.Run.UserID)
	require.Equal(t, "login", c.Run.TestCaseID)
	require.Equal(t, 3, c.Run.MaxAttempts)
	require.Equal(t, 3, c.Run.TotalSteps)
	require.Equal(t, 1, c.Run.Attempt)

	f.plan(t, "run-1", 1)
	require.Equal(t, []string{"1.1 running", "1.2 pending", "1.3 pending"}, f.statuses(t, "run-1"))
	f.plan(t, "run-1", 1)
	require.Len(t, f.statuses(t, "run-1"), 3, "planned once")
	began := now.Add(time.Second) // a browser was opened first
	for number := 1; number <= 3; number++ {
		st := store.Step{RunID: "run-1", Attempt: 1, Number: number, Status: store.StepSuccess, Duration: 70 * time.Millisecond}
		if number == 1 {
			st.StartedAt = began
		}
		f.endStep(t, st, nil)
	}
	job := f.finish(t, "run-1", 1, passed)
	require.Equal(t, queue.Completed, job.State)
	require.Equal(t, 1, job.AttemptsMade)
	require.JSONEq(t, `{"percentage":100}`, string(job.Progress))

	steps, err := f.Steps(t.Context(), "run-1")
	require.NoError(t, err)
	require.Len(t, steps, 3)
	require.WithinDuration(t, began, steps[0].StartedAt, 0)
	require.WithinDuration(t, now, steps[2].StartedAt, 0)
	steps[2].StartedAt = time.Time{}
	require.Equal(t, store.Step{
		RunID: "run-1", Attempt: 1, Number: 3, Action: "click", Description: `click "Sign in"`, Status: store.StepSuccess,
		Duration: 70 * time.Millisecond,
	}, steps[2])

	r := f.run(t, "run-1")
	require.Equal(t, store.RunCompleted, r.Status)
	require.Equal(t, 3, r.CompletedSteps)
	require.Equal(t, 1200*time.Millisecond, r.Duration)
	require.WithinDuration(t, now, r.StartedAt, 0)
	require.WithinDuration(t, now, r.FinishedAt, 0)
	require.False(t, r.Flaky)
	require.Empty(t, r.Error)
	require.Equal(t, []string{"run-1 1 added", "run-1 2 started", "run-1 3 completed"}, f.waiting(t))
}

func testStepsAreCountedLive(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	counts := func() [3]int {
		r := f.run(t, "run-1")
		return [3]int{r.CompletedSteps, r.FailedSteps, r.AdaptedSteps}
	}
	require.Equal(t, store.RunRunning, f.run(t, "run-1").Status)
	require.Equal(t, [3]int{0, 0, 0}, counts())
	f.endStep(t, store.Step{RunID: "run-1", Attempt: 1, Number: 1, Status: store.StepSuccess}, nil)
	require.Equal(t, [3]int{1, 0, 0}, counts())
	require.Equal(t, []string{"1.1 success", "1.2 running", "1.3 pending"}, f.statuses(t, "run-1"))
	f.endStep(t, store.Step{RunID: "run-1", Attempt: 1, Number: 2, Status: store.StepAdapted}, nil)
	require.Equal(t, [3]int{2, 0, 1}, counts())
	f.endStep(t, store.Step{RunID: "run-1", Attempt: 1, Number: 3, Status: store.StepFailed, Error: "no such element"}, nil)
	require.Equal(t, [3]int{2, 1, 1}, counts())

	f.finish(t, "run-1", 1, failed)
	require.Equal(t, [3]int{2, 1, 1}, counts(), "until the next attempt begins")
	f.claim(t, "run-1", 1)
	require.Equal(t, [3]int{0, 0, 0}, counts())
	f.finish(t, "run-1", 2, passed)
	require.Equal(t, [3]int{3, 0, 0}, counts(), "the outcome's own, once the run has ended")
}

func testScreenshot(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	f.create(t, newRun(t, "run-2", threeAttempts))
	shot := screenshot("run-1", 1, 1)
	f.endStep(t, store.Step{RunID: "run-1", Attempt: 1, Number: 1, Status: store.StepFailed, Error: "boom"}, shot)

	steps, err := f.Steps(t.Context(), "run-1")
	require.NoError(t, err)
	require.Equal(t, shot.ID, steps[0].ScreenshotID)
	require.Equal(t, "boom", steps[0].Error)
	require.Equal(t, store.StepPending, steps[1].Status, "a failed step begins no other")
	stored, err := f.Artifact(t.Context(), "run-1", shot.ID)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), stored.CreatedAt, time.Minute)
	shot.CreatedAt = stored.CreatedAt
	require.Equal(t, *shot, stored)
	_, err = f.Artifact(t.Context(), "run-2", shot.ID)
	require.Equal(t, fault.NotFound, fault.Of(err), "it is another run's")
}

func testArtifacts(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	trace := screenshot("run-1", 1, 0)
	trace.Kind, trace.ContentType = artifact.Trace, "application/zip"
	missing := store.Artifact{ID: uuid.NewString(), RunID: "run-1", Attempt: 1, Kind: artifact.Video, Note: "not kept: too large"}
	require.NoError(t, f.SaveArtifacts(t.Context(), queue.TestExecution, []store.Artifact{*trace, missing}))
	shot := screenshot("run-1", 1, 2)
	require.NoError(t, f.SaveArtifacts(t.Context(), queue.TestExecution, []store.Artifact{*shot}))
	require.NoError(t, f.SaveArtifacts(t.Context(), queue.TestExecution, []store.Artifact{*shot}), "saved again")
	require.NoError(t, f.SaveArtifacts(t.Context(), queue.TestExecution, nil))

	list, err := f.Artifacts(t.Context(), "run-1")
	require.NoError(t, err)
	require.Len(t, list, 3)
	for i, want := range []store.Artifact{*shot, *trace, missing} { // steps first, and then what shows the whole attempt
		want.CreatedAt = list[i].CreatedAt
		require.Equal(t, want, list[i])
	}
	list, err = f.Artifacts(t.Context(), "run-2")
	require.NoError(t, err)
	require.Empty(t, list)

	late := screenshot("run-1", 2, 1)
	err = f.SaveArtifacts(t.Context(), queue.TestExecution, []store.Artifact{*late})
	require.ErrorIs(t, err, queue.ErrSuperseded, "that attempt does not own the run")
}

func testAdapted(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	adapted := passed
	adapted.Status, adapted.AdaptedSteps = store.RunAdapted, 1
	require.Equal(t, queue.Completed, f.finish(t, "run-1", 1, adapted).State)
	r := f.run(t, "run-1")
	require.Equal(t, store.RunAdapted, r.Status)
	require.Equal(t, 1, r.AdaptedSteps)
}

func testAttemptFailsWithBackoff(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	job := f.finish(t, "run-1", 1, failed)
	require.Equal(t, queue.Delayed, job.State)
	require.WithinDuration(t, now.Add(2*time.Second), job.DueAt, 0)
	require.Equal(t, "no such element", job.FailedReason)
	require.Equal(t, []string{"step 2"}, job.Stacktrace)

	r := f.run(t, "run-1")
	require.Equal(t, store.RunPending, r.Status)
	require.Equal(t, 1, r.Attempt)
	require.Equal(t, "no such element", r.Error)
	require.True(t, r.FinishedAt.IsZero())

	require.NoError(t, f.RunStarted(t.Context(), "run-1", "temporal-1"))
	c := f.claim(t, "run-1", 1)
	require.Equal(t, 2, c.Attempt)
	require.True(t, c.Job.DueAt.IsZero())
	require.Equal(t, []string{"run-1 1 added", "run-1 2 started", "run-1 3 backedOff", "run-1 4 started"}, f.waiting(t))
}

func testAttemptsRunOut(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", queue.Options{Attempts: 2}))
	require.Equal(t, queue.Waiting, f.finish(t, "run-1", f.claim(t, "run-1", 0).Attempt, failed).State)
	job := f.finish(t, "run-1", f.claim(t, "run-1", 1).Attempt, failed)
	require.Equal(t, queue.Failed, job.State)
	require.JSONEq(t, `{"status":"failed"}`, string(job.ReturnValue))

	r := f.run(t, "run-1")
	require.Equal(t, store.RunFailed, r.Status)
	require.Equal(t, 2, r.Attempt)
	require.Equal(t, 1, r.FailedSteps)
	require.False(t, r.Flaky)
	require.WithinDuration(t, now, r.FinishedAt, 0)
	require.Equal(t, []string{
		"run-1 1 added", "run-1 2 started", "run-1 3 retried", "run-1 4 started", "run-1 5 failed",
	}, f.waiting(t))
}

func testFinalFailure(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	final := failed
	final.Final = true
	require.Equal(t, queue.Failed, f.finish(t, "run-1", 1, final).State)
	require.Equal(t, store.RunFailed, f.run(t, "run-1").Status)
}

func testFlaky(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	f.finish(t, "run-1", f.claim(t, "run-1", 0).Attempt, failed)
	require.Equal(t, queue.Completed, f.finish(t, "run-1", f.claim(t, "run-1", 1).Attempt, passed).State)
	r := f.run(t, "run-1")
	require.True(t, r.Flaky)
	require.Equal(t, store.RunCompleted, r.Status)
	require.Empty(t, r.Error, "what failed before does not count any more")
}

func testSkippedSteps(t *testing.T, f *fixture) {
	f.migrated(t)
	f.begun(t, "run-1", threeAttempts)
	f.endStep(t, store.Step{RunID: "run-1", Attempt: 1, Number: 1, Status: store.StepSuccess}, nil)
	f.endStep(t, store.Step{RunID: "run-1", Attempt: 1, Number: 2, Status: store.StepFailed}, nil)
	f.finish(t, "run-1", 1, failed)
	require.Equal(t, []string{"1.1 success", "1.2 failed", "1.3 skipped"}, f.statuses(t, "run-1"))

	f.claim(t, "run-1", 1)
	f.plan(t, "run-1", 2)
	f.claim(t, "run-1", 1) // the worker died in its first step
	require.Equal(t, []string{
		"1.1 success", "1.2 failed", "1.3 skipped", "2.1 skipped", "2.2 skipped", "2.3 skipped",
	}, f.statuses(t, "run-1"))
	steps, err := f.Steps(t.Context(), "run-1")
	require.NoError(t, err)
	require.True(t, steps[3].StartedAt.IsZero())
}

func testClaimKnowsTheCase(t *testing.T, f *fixture) {
	f.migrated(t)
	_, err := f.SaveCase(t.Context(), store.TestCase{ID: "login", Title: "Logging in", Definition: json.RawMessage(`{"stored":1}`)})
	require.NoError(t, err)
	f.create(t, newRun(t, "inline", threeAttempts))
	for _, id := range []string{"stored", "changed", "deleted"} {
		n := newRun(t, id, threeAttempts)
		n.Definition = nil
		f.create(t, n)
	}
	require.Equal(t, `{"title": "inline",  "steps": []}`, string(f.claim(t, "inline", 0).Definition)) //nolint:testifylint // spaces count
	require.JSONEq(t, `{"stored":1}`, string(f.claim(t, "stored", 0).Definition))
	_, err = f.SaveCase(t.Context(), store.TestCase{ID: "login", Title: "Logging in", Definition: json.RawMessage(`{"stored":2}`)})
	require.NoError(t, err)
	require.JSONEq(t, `{"stored":2}`, string(f.claim(t, "changed", 0).Definition))
	f.exec(t, "DELETE FROM test_cases")
	c := f.claim(t, "deleted", 0)
	require.Nil(t, c.Definition)
	require.Equal(t, 1, c.Attempt, "the attempt counts: it can say what is wrong")
}

func testEndRun(t *testing.T, f *fixture) {
	f.migrated(t)
	cancelled := store.Outcome{Status: store.RunCancelled, Error: "Cancelled on request", TotalSteps: 3}
	end := func(id string, o store.Outcome) error { return f.EndRun(t.Context(), queue.TestExecution, id, o, now) }

	f.create(t, newRun(t, "waiting", threeAttempts))
	require.NoError(t, end("waiting", cancelled))
	r := f.run(t, "waiting")
	require.Equal(t, store.RunCancelled, r.Status)
	require.Equal(t, "Cancelled on request", r.Error)
	require.WithinDuration(t, now, r.FinishedAt, 0)
	require.True(t, r.StartedAt.IsZero())
	require.NoError(t, end("waiting", failed))
	require.Equal(t, r, f.run(t, "waiting"), "a run ends once")
	_, err := f.ClaimAttempt(t.Context(), queue.TestExecution, "waiting", "worker", 0, now, nil)
	require.ErrorIs(t, err, queue.ErrFinished)

	f.begun(t, "running", threeAttempts)
	require.NoError(t, end("running", failed))
	require.Equal(t, store.RunFailed, f.run(t, "running").Status, "no attempt follows, although some are left")
	require.Equal(t, []string{"1.1 skipped", "1.2 skipped", "1.3 skipped"}, f.statuses(t, "running"))
	require.Equal(t, []string{
		"waiting 1 added", "waiting 2 failed", "running 1 added", "running 2 started", "running 3 failed",
	}, f.waiting(t))
}

func testNotFound(t *testing.T, f *fixture) {
	f.migrated(t)
	f.create(t, newRun(t, "run-1", threeAttempts))
	ctx := t.Context()
	calls := map[string]func(context.Context) error{
		"run":      func(ctx context.Context) error { _, err := f.Run(ctx, "nobody"); return err },
		"case":     func(ctx context.Context) error { _, err := f.Case(ctx, "nobody"); return err },
		"artifact": func(ctx context.Context) error { _, err := f.Artifact(ctx, "run-1", uuid.NewString()); return err },
		"claim": func(ctx context.Context) error {
			_, err := f.ClaimAttempt(ctx, queue.TestExecution, "nobody", "worker", 0, now, nil)
			return err
		},
		"claim of another queue": func(ctx context.Context) error {
			_, err := f.ClaimAttempt(ctx, "other", "run-1", "worker", 0, now, nil)
			return err
		},
		"finish": func(ctx context.Context) error {
			_, err := f.FinishAttempt(ctx, queue.TestExecution, "nobody", 1, passed, now)
			return err
		},
		"end": func(ctx context.Context) error { return f.EndRun(ctx, queue.TestExecution, "nobody", failed, now) },
	}
	for name, call := range calls {
		require.Equal(t, fault.NotFound, fault.Of(call(ctx)), name)
	}
	require.Equal(t, queue.Waiting, f.openJob(t, "run-1").State)
	require.ErrorIs(t, f.EndStep(ctx, queue.TestExecution, store.Step{RunID: "nobody", Attempt: 1, Number: 1}, nil, now), queue.ErrSuperseded)
}

package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

func TestAttemptThatPasses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(threeSteps)
	result := b.attempt(b.input(id, 0))

	require.Equal(t, 1, result.Attempt)
	require.True(t, result.Finished)
	require.Equal(t, store.RunCompleted, result.Result.Status)
	require.Equal(t, 3, result.Result.CompletedSteps)
	require.Len(t, result.Steps, 3)
	require.Equal(t, `click "Search"`, result.Steps[1].Description)
	require.Equal(t, store.StepSuccess, result.Steps[1].Status)

	require.Len(t, b.script.opened, 1)
	require.NotNil(t, b.script.opened[0].Secrets)
	b.script.opened[0].Secrets = nil
	require.Equal(t, []browser.Options{{
		Viewport: browser.Viewport{Width: 800, Height: 600}, Headless: true, BaseURL: "http://shop.test", StepTimeout: 2 * time.Second,
	}}, b.script.opened)
	require.Equal(t, []string{"navigate", "click", "assertTitle"}, b.script.done)
	require.Equal(t, 1, b.script.closed)
	require.Zero(t, b.script.shots)

	run := b.run(id)
	require.Equal(t, store.RunCompleted, run.Status)
	require.Equal(t, []int{3, 3, 0}, []int{run.TotalSteps, run.CompletedSteps, run.FailedSteps})
	require.False(t, run.Flaky)
	steps := b.steps(id, 1)
	require.Equal(t, []store.StepStatus{store.StepSuccess, store.StepSuccess, store.StepSuccess}, statuses(steps))
	require.Equal(t, []string{"navigate", "click", "assertTitle"}, []string{steps[0].Action, steps[1].Action, steps[2].Action})

	job := b.job(id)
	require.Equal(t, queue.Completed, job.State)
	require.Equal(t, "worker-1", job.Worker)
	want, err := json.Marshal(result.Result)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(job.ReturnValue), "the documented result")
	require.JSONEq(t, b.shown.records[len(b.shown.records)-1], string(job.Progress), "the last progress")
}

func TestAttemptThatFailsIsDueAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.script.steps = map[int]outcome{2: fails(browser.NotFound, "no element matches text/Search")}
	id := b.add(threeSteps)
	began := time.Now()
	result := b.attempt(b.input(id, 0))

	const reason = `step 2 (click "Search"): no element matches text/Search`
	require.False(t, result.Finished)
	require.WithinRange(t, result.RetryAt, began.Add(2*time.Second), time.Now().Add(2*time.Second))
	require.Equal(t, store.RunFailed, result.Result.Status)
	require.Equal(t, reason, result.Result.Error)
	require.Equal(t, []int{1, 1}, []int{result.Result.CompletedSteps, result.Result.FailedSteps})
	require.Equal(t, []string{"navigate", "click"}, b.script.done, "the rest is not tried")
	require.Equal(t, 1, b.script.closed)

	steps := b.steps(id, 1)
	require.Equal(t, []store.StepStatus{store.StepSuccess, store.StepFailed, store.StepSkipped}, statuses(steps))
	require.Equal(t, reason, steps[1].Error)
	shot, err := b.records.Artifact(t.Context(), id, steps[1].ScreenshotID)
	require.NoError(t, err)
	require.Equal(t, store.Artifact{
		ID: steps[1].ScreenshotID, RunID: id, Attempt: 1, StepNumber: 2, Kind: "screenshot", ContentType: "image/png",
		Bytes: int64(len(picture)), SHA256: shot.SHA256, Path: shot.Path,
		CreatedAt: shot.CreatedAt,
	}, shot)
	require.Equal(t, picture, b.file(shot.Path))

	require.Equal(t, store.RunPending, b.run(id).Status, "another attempt follows")
	require.Equal(t, queue.Delayed, b.job(id).State)
	require.Equal(t, reason, b.job(id).FailedReason)

	b.script.steps = nil
	result = b.attempt(b.input(id, 1))
	require.True(t, result.Finished)
	require.Equal(t, 2, result.Attempt)
	require.Equal(t, store.RunCompleted, result.Result.Status)
	require.Empty(t, result.Result.Error)
	require.True(t, b.run(id).Flaky)
}

func TestLastAttemptThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.script.steps = map[int]outcome{3: fails(browser.Assertion, `the title is "Nothing"`)}
	b.script.shotErr = errors.New("the page is gone")
	id := b.add(threeSteps)
	for made := range 3 {
		result := b.attempt(b.input(id, made))
		require.Equal(t, made == 2, result.Finished)
		require.Equal(t, store.RunFailed, result.Result.Status)
	}
	require.Equal(t, store.RunFailed, b.run(id).Status)
	require.Equal(t, queue.Failed, b.job(id).State)
	require.Len(t, b.job(id).Stacktrace, 3)
	require.Empty(t, b.steps(id, 3)[2].ScreenshotID, "a verdict without a picture is better than none")
}

func TestStepThatCanNeverWorkIsFinal(t *testing.T) {
	t.Parallel()
	for _, kind := range []browser.Kind{browser.Unsupported, browser.Refused} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.script.steps = map[int]outcome{1: fails(kind, "this browser has no such key")}
			id := b.add(threeSteps)
			result := b.attempt(b.input(id, 0))
			require.True(t, result.Finished)
			require.Equal(t, store.RunFailed, b.run(id).Status)
			require.Equal(t, 1, b.job(id).AttemptsMade)
		})
	}
}

func TestBrowserThatDoesNotOpenIsThePlatformsFault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.script.openErr = &browser.Error{Kind: browser.Unavailable, Message: "the browser exited"}
	id := b.add(threeSteps)
	for stalls := range 6 {
		_, err := b.try(b.input(id, 0))
		requireFailure(t, err, "unavailable", "opening a browser: the browser exited")
		require.Equal(t, stalls, b.job(id).Stalls)
		require.Zero(t, b.job(id).AttemptsMade)
	}
	result := b.attempt(b.input(id, 0))
	require.True(t, result.Finished, "but not for ever")
	require.Contains(t, result.Result.Error, "job stalled more than allowable limit")
	require.Empty(t, b.shown.records)
}

func TestBrowserThatDiesTwiceFailsTheTest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.script.steps = map[int]outcome{2: fails(browser.Closed, "the browser died")}
	id := b.add(threeSteps)
	_, err := b.try(b.input(id, 0))
	requireFailure(t, err, "unavailable", "the browser died")
	require.Zero(t, b.job(id).AttemptsMade)
	result := b.attempt(b.input(id, 0))
	require.Equal(t, store.RunFailed, result.Result.Status)
	require.Contains(t, result.Result.Error, "the browser died")
	require.Equal(t, 1, b.job(id).AttemptsMade)
}

func TestAttemptThatTakesTooLong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.script.steps = map[int]outcome{2: hangs}
	id := b.add(threeSteps)
	in := b.input(id, 0)
	in.Timeout = 400
	result := b.attempt(in)
	require.False(t, result.Finished)
	require.Equal(t, `the test took longer than its timeout of 400ms; step 2 (click "Search"): context deadline exceeded`, result.Result.Error)
	require.Equal(t, []store.StepStatus{store.StepSuccess, store.StepFailed, store.StepSkipped}, statuses(b.steps(id, 1)))
	require.NotEmpty(t, b.steps(id, 1)[1].ScreenshotID)
	require.Positive(t, result.Steps[1].Duration)
}

// A session ends a step a moment before the attempt's time is up, to say what the step waited for.
func TestStepThatIsCutShortByTheAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.script.steps = map[int]outcome{2: func(context.Context) error {
		return &browser.Error{Kind: browser.NotFound, Message: "no element matches", CutShort: true}
	}}
	id := b.add(threeSteps)
	result := b.attempt(b.input(id, 0))
	require.Equal(t, `the test took longer than its timeout of 30s; step 2 (click "Search"): no element matches`, result.Result.Error)
	require.False(t, result.Finished, "another attempt may be faster")
}

func TestRequestedCancellationEndsTheRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.script.steps = map[int]outcome{2: func(ctx context.Context) error {
		b.cancel(temporal.NewCanceledError())
		return hangs(ctx)
	}}
	id := b.add(threeSteps)
	result := b.attempt(b.input(id, 0))
	require.True(t, result.Finished)
	require.Equal(t, store.RunCancelled, result.Result.Status)
	require.Equal(t, "Cancelled on request", result.Result.Error)
	require.Equal(t, store.RunCancelled, b.run(id).Status)
	require.Equal(t, queue.Failed, b.job(id).State)
	require.Equal(t, "Cancelled on request", b.job(id).FailedReason)
	require.Equal(t, store.StepSkipped, b.steps(id, 1)[2].Status)
	require.Equal(t, 1, b.script.closed)
}

func TestStoppingWorkerRecordsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.script.steps = map[int]outcome{2: func(ctx context.Context) error {
		b.cancel(nil)
		return hangs(ctx)
	}}
	id := b.add(threeSteps)
	_, err := b.try(b.input(id, 0))
	requireFailure(t, err, "unavailable", "another one takes the run over")
	require.Equal(t, 1, b.script.closed)
	require.Zero(t, b.script.shots)
	require.Equal(t, "running completed running", b.shown.statuses(t), "nobody is told of a failure")
	require.Equal(t, []store.StepStatus{store.StepSuccess, store.StepSkipped, store.StepSkipped}, statuses(b.steps(id, 1)))
	require.Equal(t, queue.Waiting, b.job(id).State, "the attempt is given back")
	require.Equal(t, store.RunPending, b.run(id).Status)

	b.script.steps = nil
	b.ctx = t.Context() // of the worker that takes it over
	result := b.attempt(b.input(id, 0))
	require.True(t, result.Finished)
	require.Equal(t, 2, result.Attempt)
	require.Zero(t, b.job(id).Stalls, "a worker that stops did not die")
	require.Equal(t, []store.StepStatus{store.StepSuccess, store.StepSkipped, store.StepSkipped}, statuses(b.steps(id, 1)))
}

func TestProgressIsAsDocumented(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.script.steps = map[int]outcome{2: fails(browser.Timeout, "it did not get ready")}
	id := b.add(threeSteps)
	b.attempt(b.input(id, 0))

	record := func(step, percentage int, words, data string) string {
		return fmt.Sprintf(`{"testRunId":%q,"currentStep":%d,"totalSteps":3,"percentage":%d,"message":"Step %d of 3: %s","stepData":%s}`,
			id, step, percentage, step, words, data)
	}
	want := []string{
		record(1, 0, "navigate /", `{"action":"navigate","status":"running"}`),
		record(1, 33, "navigate /", `{"action":"navigate","status":"completed"}`),
		record(2, 33, `click \"Search\"`, `{"action":"click","status":"running"}`),
		record(2, 33, `click \"Search\"`, `{"action":"click","status":"failed","error":"step 2 (click \"Search\"): it did not get ready"}`),
	}
	require.Len(t, b.shown.records, len(want))
	for i, text := range b.shown.records {
		require.Equal(t, b.def.Name+" "+id+" 1", b.shown.of[i])
		require.JSONEq(t, want[i], withoutDuration(t, text))
	}
}

// withoutDuration drops what differs from one time to the next.
func withoutDuration(t *testing.T, record string) string {
	t.Helper()
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(record), &fields))
	data, ok := fields["stepData"].(map[string]any)
	require.True(t, ok)
	if duration, ok := data["duration"]; ok {
		require.IsType(t, 0.0, duration)
		delete(data, "duration")
	}
	text, err := json.Marshal(fields)
	require.NoError(t, err)
	return string(text)
}

func TestResultOfALongTestStaysSmall(t *testing.T) {
	t.Parallel()
	const steps = 500
	for name, letter := range map[string]string{"plain": "x", "markup": "<", "wide": "試"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			expression := strings.Repeat(letter, 200)
			list := strings.Repeat(`{"type":"waitForExpression","expression":"`+expression+`"},`, steps-1)
			id := b.add(`{"title":"Long","steps":[` + list + `{"type":"navigate","url":"/"}]}`)
			b.script.steps = map[int]outcome{
				50: fails(browser.Script, strings.Repeat(letter, 20_000)),
			}
			result := b.attempt(b.input(id, 0))
			require.Equal(t, steps, result.Result.TotalSteps)
			require.NotEmpty(t, result.Steps)
			text, err := json.Marshal(result)
			require.NoError(t, err)
			require.Less(t, len(text), 32<<10)
			require.Less(t, len(b.shown.records[len(b.shown.records)-1]), 16<<10)

			b.script.steps = nil
			text, err = json.Marshal(b.attempt(b.input(id, 1)))
			require.NoError(t, err)
			require.Less(t, len(text), 32<<10)
		})
	}
}

package cli

import (
	"context"
	"time"
)

// RunFast is Run with little patience: polls every millisecond, tries an API that has never answered for firstContact,
// waits for outages and for cancelled runs for as long as it is told.
func RunFast(ctx context.Context, o Options, outage, grace time.Duration) (int, error) {
	return runWith(ctx, o, timing{
		poll: time.Millisecond, pollMax: 4 * time.Millisecond,
		retry: time.Millisecond, retryMax: 4 * time.Millisecond,
		firstContact: 50 * time.Millisecond, outage: outage, quiet: time.Nanosecond,
		grace: grace, refresh: 2 * time.Millisecond,
	})
}

// Exported for tests of the text functions.
var (
	Clean    = clean
	Truncate = truncate
	Humane   = humane
)

// RowOf draws the live line of a run as the API shows it.
func RowOf(title string, steps, width int, run RunForTest) string {
	t := test{title: title, steps: make([]string, steps), id: "r", run: apiRun{
		Status: run.Status, Attempt: run.Attempt, MaxAttempts: 3, Flaky: run.Flaky, TotalSteps: steps,
		CompletedSteps: run.Done, DurationMS: run.DurationMS, Error: run.Error,
		Progress: progress{CurrentStep: run.Current, Message: run.Message},
	}}
	now := time.Now()
	if run.Status == statusRunning {
		t.since = now.Add(-1200 * time.Millisecond)
	}
	return row(&t, width, now, palette{})
}

// RunForTest is what RowOf draws.
type RunForTest struct {
	Status, Message, Error string
	Attempt, Current, Done int
	DurationMS             int64
	Flaky                  bool
}

// VisibleOf picks the lines for tests in these API statuses.
func VisibleOf(lines int, statuses ...string) []int {
	tests := make([]test, len(statuses))
	for i, status := range statuses {
		tests[i] = test{id: "r", run: apiRun{Status: status, Attempt: 1}}
		if status == statusPending {
			tests[i].run.Attempt = 0
		}
	}
	return visible(tests, lines)
}

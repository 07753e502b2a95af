package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/internal/tracing"
	"github.com/cinnamon-qa/cinnamon/secret"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// defaultStepTimeout is what a step may take unless the case says otherwise: the default of Chrome's Recorder and of
// Playwright's assertions.
const defaultStepTimeout = 5 * time.Second

// attempt is one attempt of a run while it is carried out.
type attempt struct {
	*TestExecution
	in    AttemptInput
	claim store.Claim
	log   *slog.Logger
	began time.Time
	// deferred is why the job is to fail at once: another consumer found out, and left it to the next one to say so.
	deferred string

	// secrets are those that steps were given: they must not get into a reason or a note.
	secrets  *secret.Redactor
	keeper   *keeper
	adapter  *adapter // nil until the steps are known
	steps    []store.Step
	records  stepRecords
	progress json.RawMessage
}

// execute runs the test and says how it went. An error means that the platform failed, and nothing of the test.
func (a *attempt) execute(ctx context.Context) (store.Outcome, error) {
	v := a.drive(ctx)
	if err := a.flush(ctx); err != nil && (v == nil || v.trouble == nil) {
		v = a.judge(ctx, "recording a step: ", err)
	}
	if v != nil && v.trouble != nil {
		return store.Outcome{}, v.trouble
	}
	o := store.Outcome{Status: store.RunCompleted, TotalSteps: len(a.steps), Duration: time.Since(a.began)}
	if len(a.steps) == 0 {
		o.TotalSteps = a.claim.Run.TotalSteps
	}
	for i := range a.steps {
		switch s := &a.steps[i]; s.Status {
		case store.StepSuccess:
			o.CompletedSteps++
		case store.StepAdapted:
			o.CompletedSteps++
			o.AdaptedSteps++
		case store.StepFailed:
			o.FailedSteps++
		case store.StepPending, store.StepRunning, store.StepSkipped:
			s.Status = store.StepSkipped
		}
	}
	o.Adaptations, o.Environment, o.CaseVersion = a.adapter.adaptations(), a.adapter.where(), a.version()
	if v != nil {
		o.Status, o.Class, o.Error, o.Stack, o.Final = v.status, v.class, v.reason, v.stack, v.final
	} else if o.AdaptedSteps > 0 {
		o.Status = store.RunAdapted
	}
	return o, nil
}

// drive opens a browser and runs the steps; nil means that all of them passed.
func (a *attempt) drive(ctx context.Context) *verdict {
	if a.deferred != "" {
		return hopeless(store.External, "%s", a.deferred)
	}
	if a.claim.Job.Stalls > maxStalls {
		return hopeless(store.Stalled, "job stalled more than allowable limit: %d attempts to run this test ended because a worker, "+
			"its browser or its database did", a.claim.Job.Stalls)
	}
	if a.claim.Definition == nil {
		return hopeless(store.Invalid, "there is no test case %q; it may have been deleted", a.claim.Run.TestCaseID)
	}
	c, err := a.parse()
	if err != nil {
		return hopeless(store.Invalid, "the test case is not valid: %s", err)
	}
	a.keeper = newKeeper(a)
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, a.timeout())
	defer cancel()

	parts, failed := a.plan(ctx, c)
	if failed != nil {
		return failed
	}
	a.adapter = newAdapter(ctx, a, cmp.Or(a.claim.Run.Config.BaseURL, c.BaseURL), parts)
	for _, part := range parts {
		for _, s := range part.Steps {
			a.steps = append(a.steps, store.Step{
				RunID: a.in.RunID, Attempt: a.claim.Attempt, Number: len(a.steps) + 1, Action: s.Action(), Description: s.Description(),
				Status: store.StepPending, Target: targetOf(s),
			})
		}
	}
	first := 0
	for _, part := range parts {
		if failed := a.part(ctx, whole, c, part, first); failed != nil {
			return failed
		}
		first += len(part.Steps)
	}
	return nil
}

// part runs the steps of one session, the first of which is that number of the attempt's. whole is the attempt's context,
// whose time is not bounded.
func (a *attempt) part(ctx, whole context.Context, c *testcase.Case, part testcase.Part, first int) *verdict {
	record := a.keeper.record(c.Title, part.Steps)
	session, failed := a.open(ctx, c, part, first == 0, record)
	if failed != nil {
		return failed
	}
	defer a.close(ctx, session)
	for i, step := range part.Steps {
		if failed = a.step(ctx, session, first+i, step); failed != nil {
			break
		}
	}
	if !interrupted(whole) {
		a.keeper.recorded(ctx, session, record.Kinds, failed != nil)
	}
	return failed
}

func (a *attempt) timeout() time.Duration { return time.Duration(a.in.Timeout) * time.Millisecond }

// open opens a browser session, and writes the plan of steps meanwhile if it is the first one.
func (a *attempt) open(ctx context.Context, c *testcase.Case, part testcase.Part, first bool, record browser.Record) (browser.Session, *verdict) {
	planned := make(chan error, 1)
	go func() {
		if !first {
			planned <- nil
			return
		}
		planned <- a.persist(ctx, func(ctx context.Context) error {
			return a.Store.PlanSteps(ctx, a.in.RunID, a.claim.Attempt, a.steps, time.Now())
		})
	}()

	var session browser.Session
	options := a.options(c, part)
	state, failed := a.stateFor(ctx, c, options)
	if failed == nil {
		options.State, options.Record = state, record
		var err error
		if session, err = a.Browsers.Open(ctx, options); err != nil {
			failed = a.judge(ctx, "opening a browser: ", err)
		}
	}
	planErr := <-planned
	if failed != nil {
		return nil, failed
	}
	if planErr != nil {
		failed := a.judge(ctx, "recording the steps: ", planErr)
		a.close(ctx, session)
		return nil, failed
	}
	return session, nil
}

// step runs one step and records how it went.
func (a *attempt) step(ctx context.Context, session browser.Session, i int, step testcase.Step) *verdict {
	s := &a.steps[i]
	s.Status, s.StartedAt = store.StepRunning, time.Now()
	a.show(i, s, "running")
	doing, traced := tracing.Step(ctx, s.Action, s.Number)
	adapted, err := a.adapter.do(doing, session, s.Number, step)
	traced(failureOf(err))
	s.Duration = time.Since(s.StartedAt)
	if err == nil {
		s.Status = store.StepSuccess
		shown := "completed"
		if adapted {
			s.Status, shown = store.StepAdapted, "adapted"
		}
		a.observeStep(s)
		a.keeper.html(ctx, session, s, false)
		if err := a.recordStep(ctx, *s, a.keeper.screenshot(ctx, session, s, false)); err != nil {
			return a.judge(ctx, "recording a step: ", err)
		}
		a.show(i, s, shown)
		return nil
	}
	failed := a.judge(ctx, fmt.Sprintf("step %d (%s): ", s.Number, s.Description), err)
	if failed.trouble != nil || (errors.Is(ctx.Err(), context.Canceled) && !cancelRequested(ctx)) {
		return failed // that says nothing of the step, and another attempt will
	}
	s.Status, s.Error, s.Page = store.StepFailed, failed.reason, pageOf(err)
	a.observeStep(s)
	recordCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRecordWithin)
	defer cancel()
	a.keeper.html(recordCtx, session, s, true)
	shot := a.keeper.screenshot(recordCtx, session, s, true)
	if err := a.recordStep(recordCtx, *s, shot); err != nil {
		return a.judge(ctx, "recording a step: ", err)
	}
	if err := a.flush(recordCtx); err != nil {
		a.log.WarnContext(ctx, "the failed step could not be recorded", "step", s.Number, "error", err)
	}
	a.show(i, s, "failed")
	return failed
}

// show publishes the progress of the run at one of its steps.
func (a *attempt) show(i int, s *store.Step, status string) {
	done := i
	if status == "completed" || status == "adapted" {
		done++
	}
	p := Progress{
		TestRunID: a.in.RunID, CurrentStep: s.Number, TotalSteps: len(a.steps), Percentage: done * 100 / len(a.steps),
		Message:  fmt.Sprintf("Step %d of %d: %s", s.Number, len(a.steps), s.Description),
		StepData: &StepData{Action: s.Action, Status: status, Error: bounded(s.Error, mostError)},
	}
	if status != "running" {
		p.StepData.Duration = s.Duration.Milliseconds()
	}
	record, err := json.Marshal(p)
	if err != nil {
		a.log.Error("progress could not be encoded", "error", err)
		return
	}
	a.log.Debug(obs.JobProgress, "percentage", p.Percentage, "step", s.Number, "action", s.Action, "step_status", status)
	a.progress = record
	a.Progress.Publish(a.in.Queue, a.in.jobID(), a.in.RunID, a.claim.Attempt, record)
}

func (a *attempt) result(o store.Outcome) Result { return resultOf(a.claim.Run, o) }

func resultOf(run store.Run, o store.Outcome) Result {
	return Result{
		TestRunID: run.ID, Status: o.Status, Quarantined: run.Quarantined, TotalSteps: o.TotalSteps, CompletedSteps: o.CompletedSteps,
		FailedSteps: o.FailedSteps, AdaptedSteps: o.AdaptedSteps, Duration: o.Duration.Milliseconds(), Error: bounded(o.Error, mostError),
		Adaptations: inShort(o.Adaptations),
	}
}

func bounded(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// failureOf says that a step failed. Why is in the records, where secrets are masked.
func failureOf(err error) string {
	if err == nil {
		return ""
	}
	return "the step failed"
}

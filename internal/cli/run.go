package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// timing is how patient the client is.
type timing struct {
	poll, pollMax   time.Duration // between polls: at first, and when nothing changes
	retry, retryMax time.Duration // between tries to start a run
	firstContact    time.Duration // how long an API that has never answered is tried
	outage          time.Duration // how long an API that has answered before is waited for
	quiet           time.Duration // how long an outage goes unmentioned
	grace           time.Duration // how long cancelled runs are waited for
	refresh         time.Duration // of the live bars
}

func defaultTiming() timing {
	return timing{
		poll: 200 * time.Millisecond, pollMax: time.Second,
		retry: 200 * time.Millisecond, retryMax: 2 * time.Second,
		firstContact: 3 * time.Second, outage: time.Minute, quiet: time.Second,
		grace: 10 * time.Second, refresh: 100 * time.Millisecond,
	}
}

const notWatched = "no longer watched, it may go on"

// runner is one invocation.
type runner struct {
	options *Options
	timing  timing
	client  *client
	board   *board
	view    view
	outage  *outage
	// leave bounds every request. It ends a while after an interrupt, or at Options.Abort.
	leave context.Context //nolint:containedctx // the life of the whole invocation, longer than the context of Run
}

// Run runs the tests and reports how they went. The error says why tests could not be run; tests that fail are no error.
// The caller prints it: with OutputJSON it is in the document as well.
//
// The end of ctx is the first Ctrl-C: Run cancels the runs that it has started and waits for up to ten seconds until
// they have ended.
func Run(ctx context.Context, o Options) (exitCode int, err error) {
	return runWith(ctx, o, defaultTiming())
}

func runWith(ctx context.Context, o Options, patience timing) (int, error) {
	began := time.Now()
	var tests []test
	err := o.complete()
	if err == nil && !o.isolated() {
		tests, err = load(ctx, &o)
	}
	c := newClient(o.APIURL, o.APIKey)
	defer c.close()
	report := report{options: &o, client: c, began: began}
	if err != nil {
		return report.write(nil, exitCodeOf(err), err)
	}

	leave, stop := leaveContext(ctx, o.Abort, patience.grace)
	defer stop()
	r := &runner{options: &o, timing: patience, client: c, view: newPlainView(progressOf(&o)), leave: leave}
	r.outage = &outage{after: patience.quiet, patience: patience.outage, notice: r.view.notice}
	if tests, err = r.choose(ctx, tests); err != nil || len(tests) == 0 {
		return r.nothing(ctx, report, err)
	}
	r.board, r.view = &board{tests: tests}, newView(&o, tests, patience.refresh)
	r.outage.notice = r.view.notice
	switch {
	case !o.isolated():
		err = r.runGroups(ctx)
	case !o.Detach:
		err = r.follow(ctx)
	}
	if !o.Detach {
		r.explain() //nolint:contextcheck // bounded by r.leave: an interrupt does not end it
	}
	r.view.close()
	tests = r.board.snapshot()
	code, err := r.outcome(ctx, tests, err)
	return report.write(tests, code, err)
}

// choose returns the tests to run: all of the files, or those that failed before; or those of a suite run that it starts.
func (r *runner) choose(ctx context.Context, tests []test) ([]test, error) {
	if r.options.isolated() {
		return r.submitStored(ctx)
	}
	if r.options.OnlyFailed == "" {
		return tests, nil
	}
	var left []test
	err := r.patiently(ctx, func() error {
		var notes []string
		var err error
		left, notes, err = onlyFailed(r.leave, r.client, r.options, tests) //nolint:contextcheck // see patiently
		if err == nil {
			for _, note := range notes {
				r.view.notice(note)
			}
		}
		return err
	})
	return left, err
}

// nothing ends an invocation that has no tests to run.
func (r *runner) nothing(ctx context.Context, report report, err error) (int, error) {
	switch {
	case ctx.Err() != nil:
		return report.write(nil, ExitInterrupted, nil)
	case err == nil:
		return report.write(nil, ExitPassed, nil)
	case kindOf(err) == kindInput:
		err = usageError("%s", err)
	case kindOf(err) != kindNone:
		err = platformError("%s", r.unavailable(err))
	}
	return report.write(nil, exitCodeOf(err), err)
}

// startHint says what to do about an API that does not answer.
const startHint = ": start it with `cinnamon-dev up`, or set CINNAMON_API_URL to where it is"

// unavailable says what keeps the API from answering, and what to do if it has never answered.
func (r *runner) unavailable(err error) string {
	message := err.Error()
	if kindOf(err) == kindUnavailable && !r.client.reached.Load() {
		message += startHint
	}
	return message
}

// follow watches tests that have been started already.
func (r *runner) follow(ctx context.Context) error {
	started := make(chan struct{})
	close(started)
	return r.watch(ctx, started)
}

// leaveContext ends when there is nothing more to wait for: a grace period after ctx, or at once when abort is closed.
func leaveContext(ctx context.Context, abort <-chan struct{}, grace time.Duration) (leave context.Context, stop func()) {
	leave, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer cancel()
		select {
		case <-ctx.Done():
		case <-abort: // a nil channel never speaks
			return
		case <-leave.Done():
			return
		}
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-abort:
		case <-leave.Done():
		}
	}()
	return leave, cancel
}

// runGroups runs one group after the other.
func (r *runner) runGroups(ctx context.Context) error {
	var failure error
	for g := range r.options.Groups {
		indexes := r.board.group(g)
		switch {
		case failure != nil:
			r.refuse(indexes, notTried(failure))
		case ctx.Err() != nil:
			r.refuse(indexes, errInterrupted)
		case r.options.Detach:
			failure = r.begin(ctx, indexes)
		default:
			failure = r.runGroup(ctx, indexes)
		}
	}
	return failure
}

// runGroup starts the tests at these indexes and watches them until they have ended.
func (r *runner) runGroup(ctx context.Context, indexes []int) error {
	startCtx, stopStarting := context.WithCancelCause(ctx)
	defer stopStarting(nil)
	var startErr error
	started := make(chan struct{})
	go func() {
		defer close(started)
		startErr = r.begin(startCtx, indexes)
	}()
	watchErr := r.watch(ctx, started)
	if watchErr != nil {
		stopStarting(notTried(watchErr))
	}
	<-started
	if watchErr != nil {
		r.board.lose(func(string) string { return notWatched })
		return watchErr
	}
	return startErr
}

func (r *runner) refuse(indexes []int, why error) {
	for _, i := range indexes {
		r.board.change(i, func(t *test) { t.refused = why })
	}
}

// explain finds the step that failed of each failed test, and what was adapted. It is an extra: the report does without it.
func (r *runner) explain() {
	ctx, cancel := context.WithTimeout(r.leave, requestTimeout)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(maxStarting)
	for i, t := range r.board.snapshot() {
		if t.run.AdaptedSteps > 0 {
			group.Go(func() error {
				if list, err := r.client.adaptations(ctx, t.id); err == nil {
					r.board.change(i, func(t *test) { t.adaptations = successful(list) })
				}
				return nil
			})
		}
		if s := t.state(); s != stateFailed && s != stateQuarantined {
			continue
		}
		group.Go(func() error {
			steps, err := r.client.steps(ctx, t.id)
			if err != nil {
				return nil //nolint:nilerr // see above
			}
			r.board.change(i, func(t *test) { t.evidence = failedStep(steps) })
			return nil
		})
		group.Go(func() error {
			if list, err := r.client.artifacts(ctx, t.id); err == nil {
				r.board.change(i, func(t *test) { t.files = newestFiles(list) })
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return no errors
}

// failedStep returns the step that failed in the newest attempt, or nil.
func failedStep(steps []apiStep) *apiStep {
	var found *apiStep
	newest := 0
	for i := range steps {
		newest = max(newest, steps[i].Attempt)
	}
	for i := range steps {
		if s := &steps[i]; s.Attempt == newest && s.Status == statusFailed && (found == nil || s.Number < found.Number) {
			found = s
		}
	}
	return found
}

// newestFiles returns the files that show the whole of the newest attempt that left any.
func newestFiles(list []apiArtifact) []apiArtifact {
	newest := 0
	for _, a := range list {
		newest = max(newest, a.Attempt)
	}
	return slices.DeleteFunc(list, func(a apiArtifact) bool {
		return a.Attempt != newest || a.Step > 0 || a.address() == ""
	})
}

// outcome turns what happened into an exit code and, unless the tests say it all, an error.
func (r *runner) outcome(ctx context.Context, tests []test, failure error) (int, error) {
	n := tallyOf(tests)
	switch {
	case isDone(ctx.Done()):
		return ExitInterrupted, nil
	case failure != nil:
		message := r.unavailable(failure)
		if n[stateUnknown] > 0 {
			message += fmt.Sprintf("; %s of this invocation may still go on", count(n[stateUnknown], "run"))
		}
		return ExitPlatform, platformError("%s", message)
	case n[stateNotStarted] > 0:
		return ExitUsage, refusals(tests, n[stateNotStarted])
	case n[stateUnknown] > 0:
		return ExitPlatform, platformError("the end of %s is not known", count(n[stateUnknown], "run"))
	case n[stateFailed]+n[stateCancelled] > 0:
		return ExitFailed, nil
	case r.options.OnAdapted == AdaptedFail && adaptedTests(tests) > 0:
		return ExitAdapted, nil
	default:
		return ExitPassed, nil
	}
}

// refusals lists what the API had against the tests that it did not start, each reason once.
func refusals(tests []test, refused int) error {
	err := usageError("%s could not be started:", ofAll(refused, len(tests), "test case"))
	said := map[string]bool{}
	for i := range tests {
		t := &tests[i]
		if t.refused == nil {
			continue
		}
		reason := t.refused.Error()
		err.problems = append(err.problems, problem{File: t.file, Message: reason})
		if !said[reason] {
			said[reason] = true
			err.message += "\n  " + clean(t.file) + ": " + reason
		}
	}
	return err
}

func notTried(why error) error { return fmt.Errorf("not tried: %w", why) }

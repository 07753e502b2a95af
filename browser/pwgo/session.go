package pwgo

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/egress"
	"github.com/cinnamon-qa/cinnamon/secret"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

const (
	defaultStepTimeout = 5 * time.Second
	screenshotTimeout  = 15 * time.Second
	// maxTabs is how many tabs a session may open, in all.
	maxTabs = 30
	// cancelGrace is how long a cancelled call may take to come back before
	// the session leaves it behind.
	cancelGrace = 500 * time.Millisecond
	// hangGrace is how long after its time a step may take to come back before
	// the page counts as one that hangs.
	hangGrace = time.Second
	// diagnosisGrace is how long a failed call waits to learn that the browser
	// died, which may be told a little later than the failure itself.
	diagnosisGrace = 300 * time.Millisecond
	// deadlineMargin is what Playwright's timeouts stay below the context's
	// deadline, so that a step that is cut short can still say why.
	deadlineMargin = 250 * time.Millisecond
)

// session is a browser context with its tabs.
type session struct {
	pool    *Pool
	proc    *proc
	context playwright.BrowserContext
	options browser.Options
	record  *recorder     // nil if nothing is recorded
	proxy   *egress.Proxy // nil without an egress guard
	// pageSince is when the step began that led to the page; of Do alone.
	pageSince time.Time

	closing   sync.Once
	closed    chan struct{} // closed when the browser context is, or is given up
	closedErr error         // read after closed

	// redactor knows the secrets that steps were given, in this and other sessions of the attempt.
	redactor *secret.Redactor

	// looked are the frames of the last Look, by their path.
	looked map[string]playwright.Frame

	mu        sync.Mutex
	ended     bool
	excess    error // why the session was ended; nil if it was not
	tabs      []*tab
	current   *tab
	variables map[string]string
	dialogs   dialogs
	responses responses
}

// tab is a page, with what its events said.
type tab struct {
	page     playwright.Page
	viewport browser.Viewport
	device   testcase.Device
	cdp      playwright.CDPSession // opened when it is needed
	awaiting bool                  // a download; guarded by the session's mutex
	closed   bool                  // guarded by the session's mutex
	crashed  bool                  // guarded by the session's mutex
}

func newSession(ctx context.Context, p *Pool, b *proc, o browser.Options) (*session, error) {
	if o.StepTimeout <= 0 {
		o.StepTimeout = defaultStepTimeout
	}
	if o.Secrets == nil {
		o.Secrets = &secret.Redactor{}
	}
	s := &session{
		pool: p, proc: b, options: o, closed: make(chan struct{}), redactor: o.Secrets, record: newRecorder(o.Record, o.Secrets),
		variables: map[string]string{},
	}
	maps.Copy(s.variables, o.Variables)
	options, err := s.contextOptions(ctx)
	if err != nil {
		return nil, s.redact(err)
	}
	_, err = bounded(ctx, launchTimeout, func() (struct{}, error) { return struct{}{}, s.open(ctx, options) }, func(struct{}) { s.abandon() })
	if err != nil {
		return nil, s.redact(err)
	}
	return s, nil
}

func (s *session) open(ctx context.Context, options playwright.BrowserNewContextOptions) error {
	if err := s.record.prepare(&options, s.pool.cfg); err != nil {
		return err
	}
	err := s.guardEgress(ctx, &options)
	if err != nil {
		return errors.Join(err, s.record.discard())
	}
	if s.context, err = s.proc.browser.NewContext(options); err != nil {
		s.endEgress()
		return errors.Join(err, s.record.discard())
	}
	if err = s.record.start(s.context); err != nil {
		s.abandon()
		return err
	}
	s.context.OnDialog(func(d playwright.Dialog) { go s.answer(d) })
	s.context.OnPage(s.addTab)
	if s.options.Needs.Responses {
		s.context.OnResponse(s.noteResponse)
	}
	if _, err = s.context.NewPage(); err != nil {
		s.abandon()
		return err
	}
	return nil
}

// abandon closes the browser context of a session that never was.
func (s *session) abandon() {
	_ = closeInTime(func() error { return s.context.Close() })
	s.endEgress()
	_ = s.record.discard()
}

// addTab runs in playwright-go's own goroutine, like the handlers in it: none
// of them may wait for the browser.
func (s *session) addTab(page playwright.Page) {
	t := &tab{page: page}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tabs) == maxTabs {
		if s.excess == nil {
			s.excess = failure(browser.Exhausted, nil, "the page opened more than %d tabs", maxTabs)
			go s.startClosing()
		}
		return
	}
	if len(s.tabs) == 0 {
		t.viewport = s.options.Viewport
		s.current = t
	}
	s.tabs = append(s.tabs, t)
	if s.options.Needs.Downloads {
		page.OnDownload(func(d playwright.Download) { s.refuse(t, d) })
	}
	page.OnClose(func(playwright.Page) {
		s.mu.Lock()
		defer s.mu.Unlock()
		t.closed = true
	})
	page.OnCrash(func(playwright.Page) {
		s.mu.Lock()
		defer s.mu.Unlock()
		t.crashed = true
	})
}

// call runs fn, which uses Playwright, and is the one place where a context
// meets it: when ctx ends, the browser context is closed, which ends every call
// that fn waits for.
func (s *session) call(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if ended {
		return failure(browser.Closed, nil, "the session is closed")
	}
	done := make(chan error, 1)
	go func() { done <- guarded(fn) }()
	select {
	case err := <-done:
		if browser.KindOf(err) == "" && isContextError(err) {
			s.record.hurry()
			s.startClosing() // fn saw first that ctx ended
		}
		return err
	case <-ctx.Done():
	}
	s.record.hurry()
	s.startClosing()
	select {
	case <-done: //nolint:errcheck // it failed because ctx ended
	case <-time.After(cancelGrace):
	}
	return ctx.Err()
}

// Do implements browser.Session.
func (s *session) Do(ctx context.Context, step testcase.Step) error {
	_, err := s.DoAimed(ctx, step, browser.Aim{})
	return err
}

// DoAimed implements browser.Healer.
func (s *session) DoAimed(ctx context.Context, step testcase.Step, aim browser.Aim) (browser.Sight, error) {
	step, err := step.Expand(s.lookup(ctx))
	if err != nil {
		return nothing(), s.redact(err)
	}
	s.mark(step)
	r := &run{session: s, ctx: ctx, step: step, aim: aim, sight: nothing(), started: time.Now(), secret: step.Confidential()}
	if err := s.do(ctx, r); err != nil {
		return nothing(), s.redact(err)
	}
	return r.sight, nil
}

func (s *session) do(ctx context.Context, r *run) error {
	step := r.step
	limit := step.TimeoutOr(s.options.StepTimeout)
	r.deadline = r.started.Add(limit)
	if d, ok := ctx.Deadline(); ok && d.Add(-deadlineMargin).Before(r.deadline) {
		r.deadline, r.cut = d.Add(-deadlineMargin), true
	}
	if step.Type == testcase.TypeNavigate || step.CausesNavigation() {
		s.pageSince = r.started
	}
	// Not all of Playwright's calls have a timeout of their own.
	hangs, cancel := context.WithDeadline(ctx, r.deadline.Add(hangGrace))
	defer cancel()
	err := s.call(hangs, func() error { return s.record.during(r, func() error { return r.discreet(r.do()) }) })
	if errors.Is(err, context.DeadlineExceeded) && browser.KindOf(err) == "" && !errors.Is(ctx.Err(), context.Canceled) {
		return r.fail(browser.Timeout, err, "the page does not answer")
	}
	return onPage(r.tab(), s.explain(r.tab, s.blameEgress(err)))
}

// Screenshot implements browser.Session.
func (s *session) Screenshot(ctx context.Context) ([]byte, error) {
	t := s.shown()
	var png []byte
	err := s.call(ctx, func() error {
		got, err := t.page.Screenshot(playwright.PageScreenshotOptions{
			Type:    playwright.ScreenshotTypePng,
			Timeout: new(float64(screenshotTimeout.Milliseconds())),
		})
		if err != nil {
			return err
		}
		png = got
		return nil
	})
	return png, s.redact(s.explain(func() *tab { return t }, err))
}

// explain turns the error of a call into one of ours. tab returns the tab that
// the call was about.
func (s *session) explain(tab func() *tab, err error) error {
	if err == nil || isContextError(err) {
		return err
	}
	if isDriverGone(err) {
		s.pool.discard(s.proc, err)
	}
	t := tab()
	s.mu.Lock()
	ended, crashed, excess := s.ended, t != nil && t.crashed, s.excess
	s.mu.Unlock()
	// What goes wrong while the browser goes away is not the step's fault,
	// whatever the call said.
	switch {
	case excess != nil:
		return excess
	case s.proc.isLost():
		return failure(browser.Closed, err, "the browser died")
	case ended:
		return failure(browser.Closed, err, "the session is closed")
	case crashed && s.proc.vitals.crashReason() != "":
		return failure(browser.Exhausted, err, "%s", s.proc.vitals.crashReason())
	case crashed:
		return failure(browser.Closed, err, "the page crashed")
	case browser.KindOf(err) != "":
		return err
	case !isClosed(err):
		return failure(browser.Script, err, "%s", usefulLine(err))
	}
	select {
	case <-s.proc.lost:
		return failure(browser.Closed, err, "the browser died")
	case <-time.After(diagnosisGrace):
		return failure(browser.Closed, err, "the tab was closed")
	}
}

// Close implements browser.Session.
func (s *session) Close(ctx context.Context) error {
	s.startClosing()
	select {
	case <-s.closed:
		return s.redact(errors.Join(s.closedErr, s.record.discard()))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// startClosing closes the browser context in the background. If it does not
// close in time the browser takes no more sessions.
func (s *session) startClosing() {
	s.closing.Do(func() {
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		s.pool.spawn(func() {
			defer close(s.closed)
			defer s.pool.release(s.proc)
			s.closedErr = s.closeContext()
			s.endEgress()
		})
	})
}

func (s *session) closeContext() error {
	if s.proc.isLost() {
		s.record.forget(s.context)
		return nil
	}
	s.record.stop(s.context)
	err := closeInTime(func() error { return s.context.Close() })
	switch {
	case err == nil:
		return nil
	case isClosed(err):
		if isDriverGone(err) {
			s.pool.discard(s.proc, err)
		}
		return nil
	}
	s.pool.discard(s.proc, err)
	return failure(browser.Closed, err, "the session did not close in time, its browser takes no more of them")
}

package pwgo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// pollInterval is how often things are looked at that Playwright cannot wait
// for. It costs no round trip, except in waitForElement.
const pollInterval = 25 * time.Millisecond

// run is one step while it runs.
type run struct {
	session  *session
	ctx      context.Context //nolint:containedctx // lives as long as one call of Do
	step     testcase.Step
	started  time.Time
	deadline time.Time
	// cut is set when the context ends before the step's own time is up.
	cut bool

	on    *tab
	frame playwright.Frame
	// aim says how the element is found, beyond the step's own selectors; sight is what it asked for.
	aim   browser.Aim
	sight browser.Sight
	// secret is set when the step's values must not be told.
	secret bool
}

// tab returns the tab of the step.
func (r *run) tab() *tab {
	r.session.mu.Lock()
	defer r.session.mu.Unlock()
	return r.on
}

// left returns the time that is left, as Playwright wants it.
func (r *run) left() *float64 {
	ms := float64(time.Until(r.deadline).Milliseconds())
	return new(max(ms, 1)) // 0 would be for ever
}

// fail makes the error of a step that ran out of time, whatever it waited for.
func (r *run) fail(kind browser.Kind, cause error, format string, args ...any) error {
	return r.failure(kind, cause, format, args...)
}

func (r *run) failure(kind browser.Kind, cause error, format string, args ...any) *browser.Error {
	message := fmt.Sprintf(format+" (%s)", append(args, waited(time.Since(r.started)))...)
	return &browser.Error{Kind: kind, Message: message, CutShort: r.cut, Cause: cause}
}

// discreet forgets what Playwright said about a step whose values must not be
// told: its log of calls quotes them. Whether time ran out is kept. A change
// that fails may not have got to see what kind of field it was for.
func (r *run) discreet(err error) error {
	e, ok := errors.AsType[*browser.Error](err)
	if !ok || e.Cause == nil || (!r.secret && r.step.Type != testcase.TypeChange) {
		return err
	}
	return quietly(e, e.Message)
}

// reason is the line of Playwright's that says something, without the values
// that must not be told.
func (r *run) reason(err error) string {
	line := usefulLine(err)
	for _, value := range r.step.Typed() {
		if r.secret && value != "" {
			line = strings.ReplaceAll(line, value, testcase.Mask)
		}
	}
	return line
}

// until waits for ok to become true; false if time runs out before.
func (r *run) until(ok func() bool) (bool, error) {
	if ok() {
		return true, nil
	}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	late := time.NewTimer(time.Until(r.deadline))
	defer late.Stop()
	for {
		select {
		case <-ticker.C:
			if ok() {
				return true, nil
			}
		case <-late.C:
			return ok(), nil
		case <-r.session.proc.lost:
			return false, failure(browser.Closed, nil, "the browser died")
		case <-r.ctx.Done():
			return false, r.ctx.Err()
		}
	}
}

// do runs the step.
func (r *run) do() error {
	execute, ok := executors()[r.step.Action()]
	if !ok {
		return failure(browser.Unsupported, nil, "steps of type %q are not supported", r.step.Action())
	}
	if err := r.findTab(); err != nil {
		return err
	}
	if err := r.findFrame(); err != nil {
		return err
	}
	if err := r.takeAim(); err != nil {
		return err
	}
	switch r.step.Type {
	case testcase.TypeNavigate, testcase.TypeSetViewport, testcase.TypeClose, testcase.TypeEmulateNetwork:
		return execute(r)
	}
	if !r.step.CausesNavigation() {
		return execute(r)
	}
	return r.withNavigation(execute)
}

// similarAfter is how long a tab with another query is not taken for the one
// that the step names.
const similarAfter = 1500 * time.Millisecond

// findTab finds the tab that the step is for, and waits for it to open. Recorder
// names frames from other sites by their address, too.
func (r *run) findTab() error {
	// A tab with this very address may be on its way, so one with another
	// query is taken only after a while.
	patient := r.started.Add(min(time.Until(r.deadline)/4, similarAfter))
	found, err := r.until(func() bool {
		t, f := r.session.find(r.step.Target, time.Now().After(patient))
		if t == nil {
			return false
		}
		r.session.mu.Lock()
		defer r.session.mu.Unlock()
		r.on, r.session.current, r.frame = t, t, f
		return true
	})
	if err == nil && !found {
		return r.fail(browser.NotFound, nil, "no tab shows %s", testcase.HidePassword(r.step.Target))
	}
	return err
}

// find returns the newest open tab with an address, else a frame, else, if
// similar will do, the newest tab with the address but for its query and
// fragment; nil if there is none.
func (s *session) find(target string, similar bool) (*tab, playwright.Frame) {
	s.mu.Lock()
	main := s.tabs[0]
	tabs := make([]*tab, 0, len(s.tabs))
	for _, t := range s.tabs {
		if !t.closed {
			tabs = append(tabs, t)
		}
	}
	s.mu.Unlock()
	if target == "" || target == testcase.TargetMain {
		return main, main.page.MainFrame()
	}
	target = testcase.ResolveURL(s.options.BaseURL, target)
	slices.Reverse(tabs)
	for _, t := range tabs {
		if canonical(t.page.URL()) == canonical(target) {
			return t, t.page.MainFrame()
		}
	}
	for _, t := range tabs {
		for _, f := range t.page.Frames() {
			if canonical(f.URL()) == canonical(target) {
				return t, f
			}
		}
	}
	for _, t := range tabs {
		if similar && bareAddress(t.page.URL()) == bareAddress(target) {
			return t, t.page.MainFrame()
		}
	}
	return nil, nil
}

// bareAddress is an address without query and fragment.
func bareAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.RawQuery, u.Fragment, u.RawFragment, u.ForceQuery = "", "", "", false
	return strings.TrimSuffix(u.String(), "/")
}

// findFrame follows the step's path of frames, and waits for each of them.
func (r *run) findFrame() error {
	for depth, index := range r.step.Frame {
		parent := r.frame
		found, err := r.until(func() bool {
			children := childFrames(r.on.page, parent)
			if index < len(children) {
				r.frame = children[index]
				return true
			}
			return false
		})
		switch {
		case err != nil:
			return err
		case !found:
			return r.fail(browser.NotFound, nil, "the page has no frame %v", r.step.Frame[:depth+1])
		}
	}
	return nil
}

// childFrames lists the frames inside parent, in the order in which they were
// attached. It does not ask the frame for its children: that list is not
// guarded against the goroutine that fills it.
func childFrames(page playwright.Page, parent playwright.Frame) []playwright.Frame {
	var children []playwright.Frame
	for _, f := range page.Frames() {
		if f.ParentFrame() == parent {
			children = append(children, f)
		}
	}
	return children
}

// want says what a selector looks for; selector.js explains.
type want string

const (
	wantVisible  want = "visible"
	wantAttached want = "attached"
	wantAll      want = "all"
)

// selectorPart is one part of an alternative, as selector.js reads it.
type selectorPart struct {
	Kind string `json:"kind"`
	Body string `json:"body"`
	Role string `json:"role,omitempty"`
}

// selectorFor writes selectors for the engine of selector.js.
func selectorFor(selectors []testcase.Selector, w want) string {
	// Marshal escapes the ">" that Playwright would split a selector at. It
	// cannot fail on strings.
	body, _ := json.Marshal(queryFor(selectors, w)) //nolint:errchkjson // see above
	return engineName + "=" + string(body)
}

// selectorQuery is what selector.js reads.
type selectorQuery struct {
	Alternatives [][]selectorPart `json:"alternatives"`
	Want         want             `json:"want"`
}

func queryFor(selectors []testcase.Selector, w want) selectorQuery {
	return selectorQuery{Alternatives: partsOf(selectors), Want: w}
}

func partsOf(selectors []testcase.Selector) [][]selectorPart {
	alternatives := make([][]selectorPart, 0, len(selectors))
	for _, s := range selectors {
		parts := make([]selectorPart, 0, len(s))
		for _, part := range s {
			parts = append(parts, parsePart(part))
		}
		alternatives = append(alternatives, parts)
	}
	return alternatives
}

func parsePart(part string) selectorPart {
	if name, role, ok := testcase.ARIA(part); ok {
		return selectorPart{Kind: "aria", Body: name, Role: role}
	}
	for _, kind := range []string{"text", "xpath", "pierce"} {
		if body, ok := strings.CutPrefix(part, kind+"/"); ok {
			return selectorPart{Kind: kind, Body: body}
		}
	}
	return selectorPart{Kind: "css", Body: part}
}

// element is the step's element.
func (r *run) element(w want) playwright.Locator { return r.frame.Locator(r.selector(w)) }

// selector finds the step's element.
func (r *run) selector(w want) string {
	if r.aim.At != nil && len(r.aim.Only) == 0 {
		return lookFor(placeOf(*r.aim.At))
	}
	return selectorFor(r.step.Selectors, w)
}

package pwgo

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

func (r *run) assertText() error {
	element := r.element(wantAttached)
	expect := playwright.NewPlaywrightAssertions().Locator(element)
	expected, err := r.expected()
	if err != nil {
		return err
	}
	if r.step.Parameters.Match == testcase.MatchContains {
		err = expect.ToContainText(expected, playwright.LocatorAssertionsToContainTextOptions{Timeout: r.left()})
	} else {
		err = expect.ToHaveText(expected, playwright.LocatorAssertionsToHaveTextOptions{Timeout: r.left()})
	}
	return r.assertion("text", err, `e.textContent`)
}

func (r *run) assertValue() error {
	expected, err := r.expected()
	if err != nil {
		return err
	}
	if r.step.Parameters.Match == testcase.MatchContains {
		// Playwright compares values with all of a text or with a pattern.
		expected, err = compile(regexp.QuoteMeta(r.step.Parameters.Expected))
		if err != nil {
			return err
		}
	}
	err = playwright.NewPlaywrightAssertions().Locator(r.element(wantAttached)).
		ToHaveValue(expected, playwright.LocatorAssertionsToHaveValueOptions{Timeout: r.left()})
	return r.assertion("value", err, `e.value`)
}

func (r *run) assertAttribute() error {
	name := r.step.Parameters.Attribute
	expected, err := r.expected()
	if err != nil {
		return err
	}
	if r.step.Parameters.Match == testcase.MatchContains {
		if expected, err = compile(regexp.QuoteMeta(r.step.Parameters.Expected)); err != nil {
			return err
		}
	}
	err = playwright.NewPlaywrightAssertions().Locator(r.element(wantAttached)).
		ToHaveAttribute(name, expected, playwright.LocatorAssertionsToHaveAttributeOptions{Timeout: r.left()})
	return r.assertion("attribute "+name, err, `e.getAttribute(`+strconv.Quote(name)+`)`)
}

func (r *run) assertVisible() error {
	element := r.element(wantVisible)
	if r.step.Parameters.Wanted {
		err := element.WaitFor(playwright.LocatorWaitForOptions{State: playwright.WaitForSelectorStateAttached, Timeout: r.left()})
		return r.state(err, "visible")
	}
	err := element.WaitFor(playwright.LocatorWaitForOptions{State: playwright.WaitForSelectorStateDetached, Timeout: r.left()})
	return r.state(err, "hidden")
}

func (r *run) assertEnabled() error {
	expect := playwright.NewPlaywrightAssertions().Locator(r.element(wantAttached))
	if r.step.Parameters.Wanted {
		return r.state(expect.ToBeEnabled(playwright.LocatorAssertionsToBeEnabledOptions{Timeout: r.left()}), "enabled")
	}
	return r.state(expect.ToBeDisabled(playwright.LocatorAssertionsToBeDisabledOptions{Timeout: r.left()}), "disabled")
}

func (r *run) assertChecked() error {
	err := playwright.NewPlaywrightAssertions().Locator(r.element(wantAttached)).
		ToBeChecked(playwright.LocatorAssertionsToBeCheckedOptions{Checked: &r.step.Parameters.Wanted, Timeout: r.left()})
	if err != nil && strings.Contains(err.Error(), "Actual value: <nil>") && r.isThere() {
		return failure(browser.Unsupported, err, "%s is no checkbox and no radio button", anyOf(r.step.Selectors))
	}
	if !r.step.Parameters.Wanted {
		return r.state(err, "unchecked")
	}
	return r.state(err, "checked")
}

func (r *run) isThere() bool {
	n, err := r.count(wantAttached)
	return err == nil && n > 0
}

// state explains why the step's element is not in a state.
func (r *run) state(err error, state string) error {
	if err == nil || isClosed(err) {
		return err
	}
	there, lookErr := r.count(wantAttached)
	switch {
	case lookErr != nil:
		return r.elementError("look for", lookErr)
	case there == 0:
		return r.notFound(err)
	}
	return r.fail(browser.Assertion, err, "%s is not %s", anyOf(r.step.Selectors), state)
}

// secretField is the script that says whether an element e holds what nobody
// should read, whatever selectors call it.
const secretField = `(e.localName === 'input' && (e.type === 'password' || /password|one-time-code|cc-(number|csc)/.test(e.autocomplete)))` //nolint:gosec // a script, no credentials

// assertion explains why an assertion on the step's element failed. read is the
// script that gets from the element e what was compared. It is read together
// with whether it may be shown: a page may change in between.
func (r *run) assertion(what string, err error, read string) error {
	if err == nil || isClosed(err) {
		return err
	}
	answer, lookErr := r.element(wantAttached).EvaluateAll(`elements => elements.slice(0, 1).map(e => [` + secretField + `, ` + read + `])[0] || null`)
	if lookErr != nil {
		return r.elementError("read", lookErr)
	}
	found, ok := answer.([]any)
	if !ok || len(found) != 2 {
		return r.notFound(err)
	}
	r.secret = r.secret || found[0] == true
	if found[1] == nil {
		return r.fail(browser.Assertion, err, "%s has no %s, expected %s", anyOf(r.step.Selectors), what, r.condition())
	}
	return r.fail(browser.Assertion, err, "the %s of %s is %s, expected %s", what, anyOf(r.step.Selectors), r.quoted(fmt.Sprint(found[1])), r.condition())
}

func (r *run) assertTitle() error {
	expected, err := r.expected()
	if err != nil {
		return err
	}
	if r.step.Parameters.Match == testcase.MatchContains {
		expected, err = compile(regexp.QuoteMeta(r.step.Parameters.Expected))
		if err != nil {
			return err
		}
	}
	err = playwright.NewPlaywrightAssertions().Page(r.on.page).
		ToHaveTitle(expected, playwright.PageAssertionsToHaveTitleOptions{Timeout: r.left()})
	if err == nil || isClosed(err) {
		return err
	}
	title, lookErr := r.on.page.Title()
	if lookErr != nil {
		return lookErr
	}
	return r.fail(browser.Assertion, err, "the title is %q, expected %s", brief(title), r.condition())
}

// assertURL compares the address that the page's events told, which costs no
// round trip.
func (r *run) assertURL() error {
	matches, err := r.addressMatcher()
	if err != nil {
		return err
	}
	var address string
	found, err := r.until(func() bool {
		address = r.on.page.URL()
		return matches(address)
	})
	if err != nil || found {
		return err
	}
	return r.fail(browser.Assertion, nil, "the address is %s, expected %s", clip(testcase.HidePassword(address)), r.condition())
}

// addressMatcher compares addresses: equal ones may be written differently.
func (r *run) addressMatcher() (func(string) bool, error) {
	if r.step.Parameters.Match == testcase.MatchContains || r.step.Parameters.Match == testcase.MatchRegexp {
		return r.matcher()
	}
	return func(address string) bool {
		base := r.session.options.BaseURL
		if base == "" {
			base = address // a relative address is one on the same site
		}
		return canonical(testcase.ResolveURL(base, r.step.Parameters.Expected)) == canonical(address)
	}, nil
}

// canonical makes http://host and http://host/ the same.
func canonical(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	if u.Path == "" && u.Host != "" {
		u.Path = "/"
	}
	return u.String()
}

// expected is what Playwright is to compare with: a string or a pattern.
func (r *run) expected() (any, error) {
	if r.step.Parameters.Match == testcase.MatchRegexp {
		return compile(r.step.Parameters.Expected)
	}
	return r.step.Parameters.Expected, nil
}

func compile(pattern string) (*regexp.Regexp, error) {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, failure(browser.Unsupported, err, "%q is not a valid regular expression", clip(pattern))
	}
	return compiled, nil
}

// condition is what an assertion expects, in words.
func (r *run) condition() string {
	p := r.step.Parameters
	switch p.Match {
	case testcase.MatchContains:
		return "it to contain " + r.quoted(p.Expected)
	case testcase.MatchRegexp:
		return "it to match " + r.quoted(p.Expected)
	case testcase.MatchEquals:
	}
	return r.quoted(p.Expected)
}

// quoted is a value for a message: hidden if it is nobody's business.
func (r *run) quoted(value string) string {
	if r.secret {
		return testcase.Mask
	}
	return fmt.Sprintf("%q", brief(value))
}

// brief puts a text on one line that fits a message.
func brief(s string) string {
	const limit = 200
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

// conditions are what a waitForElement step asks of its elements, as the script
// below reads them.
type conditions struct {
	VisibleOnly bool              `json:"visibleOnly"`
	Attributes  map[string]string `json:"attributes,omitempty"`
	Properties  map[string]any    `json:"properties,omitempty"`
}

// countElements answers with the number of elements and whether all of them
// have the attributes and properties that are asked for.
const countElements = `(elements, json) => {
	const { visibleOnly, attributes = {}, properties = {} } = JSON.parse(json);
	const visible = e => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
	const same = (wanted, actual) => wanted !== null && typeof wanted === 'object' ?
		actual !== null && actual !== undefined && Object.entries(wanted).every(([k, v]) => same(v, actual[k])) :
		wanted === actual;
	if (visibleOnly) elements = elements.filter(visible);
	return [elements.length, elements.every(e =>
		Object.entries(attributes).every(([name, value]) => e.getAttribute(name) === value) && same(properties, e))];
}`

// waitForElement waits until as many elements are there as the step says, with
// the attributes and properties that it says. With visible: true only elements
// that can be seen count; visible: false waits until the condition is not met
// by what can be seen.
func (r *run) waitForElement() error {
	s := r.step
	plain := len(s.Attributes) == 0 && len(s.Properties) == 0 && (s.Operator == "" || s.Operator == testcase.OperatorAtLeast) &&
		(s.Count == nil || *s.Count == 1) && (s.Visible == nil || *s.Visible)
	if plain {
		w := wantAttached
		if s.Visible != nil {
			w = wantVisible
		}
		err := r.element(w).WaitFor(playwright.LocatorWaitForOptions{State: playwright.WaitForSelectorStateAttached, Timeout: r.left()})
		return r.elementError("see", err)
	}
	asked, err := json.Marshal(conditions{VisibleOnly: s.Visible != nil, Attributes: s.Attributes, Properties: s.Properties})
	if err != nil {
		return failure(browser.Unsupported, err, "the properties cannot be compared: %s", err)
	}
	elements := r.element(wantAll)
	inverted := s.Visible != nil && !*s.Visible
	var count int
	var met bool
	var lookErr error
	done, err := r.until(func() bool {
		count, met, lookErr = r.look(elements, string(asked))
		return lookErr != nil || met != inverted
	})
	switch {
	case err != nil:
		return err
	case lookErr != nil:
		return r.elementError("look for", lookErr)
	case done:
		return nil
	case inverted:
		return r.fail(browser.Assertion, nil, "still visible: %s", anyOf(s.Selectors))
	case count == 0 && r.atLeastOne():
		return r.notFound(nil)
	case compare(s.Operator, count, r.wantedCount()):
		return r.fail(browser.Assertion, nil, "%d elements match %s, but without the attributes or properties asked for", count, anyOf(s.Selectors))
	}
	return r.fail(browser.Assertion, nil, "%d elements match %s, expected %s", count, anyOf(s.Selectors), r.countCondition())
}

// look counts the elements and says whether they are as the step asks. A page
// that is just changing has none.
func (r *run) look(elements playwright.Locator, asked string) (int, bool, error) {
	answer, err := elements.EvaluateAll(countElements, asked)
	if err != nil {
		if contextChanged(err) {
			return 0, false, nil
		}
		return 0, false, err
	}
	pair, ok := answer.([]any)
	if !ok || len(pair) != 2 {
		return 0, false, fmt.Errorf("unexpected answer %v", answer)
	}
	count, _ := pair[0].(int)
	all, _ := pair[1].(bool)
	return count, all && compare(r.step.Operator, count, r.wantedCount()), nil
}

func (r *run) wantedCount() int {
	if r.step.Count == nil {
		return 1
	}
	return *r.step.Count
}

func (r *run) atLeastOne() bool {
	return r.step.Operator != testcase.OperatorAtMost && r.wantedCount() > 0
}

func (r *run) countCondition() string {
	switch r.step.Operator {
	case testcase.OperatorEquals:
		return fmt.Sprintf("exactly %d", r.wantedCount())
	case testcase.OperatorAtMost:
		return fmt.Sprintf("at most %d", r.wantedCount())
	case testcase.OperatorAtLeast:
	}
	return fmt.Sprintf("at least %d", r.wantedCount())
}

func compare(op testcase.Operator, a, b int) bool {
	switch op {
	case testcase.OperatorEquals:
		return a == b
	case testcase.OperatorAtMost:
		return a <= b
	case testcase.OperatorAtLeast:
	}
	return a >= b
}

// waitForTrue evaluates an expression again and again. One that throws is not
// true yet: what it reads may still be on its way. The answer is "" once it is
// true, else what it threw or was last.
const waitForTrue = `async ms => {
	const late = new Promise(resolve => setTimeout(resolve, ms, waitForTrue));
	function waitForTrue() {}
	let last = 'it is false';
	for (;;) {
		try {
			const value = await Promise.race([(async () => (%s
			))(), late]);
			if (value === waitForTrue) return last;
			if (value) return '';
			last = 'it is ' + String(value);
		} catch (e) {
			last = 'it throws ' + String(e);
		}
		if (await Promise.race([late, new Promise(resolve => setTimeout(resolve, 20))]) === waitForTrue) return last;
	}
}`

// waitForExpression waits until the step's expression is true.
func (r *run) waitForExpression() error {
	expression := strings.TrimRight(strings.TrimSpace(r.step.Expression), "; \n\t")
	for {
		answer, err := r.frame.Evaluate(fmt.Sprintf(waitForTrue, expression), *r.left())
		switch {
		case err == nil && answer == "":
			return nil
		case err == nil:
			return r.fail(browser.Timeout, nil, "the expression does not become true, %s: %s", brief(fmt.Sprint(answer)), brief(expression))
		case isClosed(err):
			return err
		case !contextChanged(err):
			return failure(browser.Script, err, "the expression cannot be run: %s", usefulLine(err))
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		case time.Now().After(r.deadline):
			return r.fail(browser.Timeout, err, "the expression does not become true: %s", brief(expression))
		}
	}
}

// contextChanged reports whether a script was interrupted by a navigation.
func contextChanged(err error) bool {
	return strings.Contains(err.Error(), "Execution context was destroyed") || strings.Contains(err.Error(), "Cannot find context")
}

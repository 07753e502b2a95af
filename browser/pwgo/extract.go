package pwgo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// extract keeps what the page shows in a variable. It waits for the element,
// and until the pattern matches.
func (r *run) extract() error {
	e := r.step.Parameters.Extract
	for {
		value, err := r.read(e)
		if err != nil {
			return err
		}
		found, ok, err := cut(value, e.Pattern)
		if err != nil {
			return err
		}
		if ok {
			r.session.set(e.Variable, found)
			return nil
		}
		again, err := r.pause()
		if err != nil {
			return err
		}
		if !again {
			return r.fail(browser.Assertion, nil, "%s does not match %q", r.quoted(value), brief(e.Pattern))
		}
	}
}

// pause waits a moment; false if the step's time is up.
func (r *run) pause() (bool, error) {
	if time.Until(r.deadline) < 4*pollInterval {
		return false, nil
	}
	looked := time.Now()
	_, err := r.until(func() bool { return time.Since(looked) > 4*pollInterval })
	return true, err
}

func (r *run) read(e testcase.Extraction) (string, error) {
	switch e.From {
	case testcase.FromURL:
		return r.on.page.URL(), nil
	case testcase.FromTitle:
		return r.on.page.Title()
	case testcase.FromCount:
		n, err := r.count(wantAll)
		return strconv.Itoa(n), err
	case testcase.FromExpression:
		return r.evaluate(e.Expression)
	}
	element := r.element(wantAttached)
	read := `e.textContent`
	switch e.From {
	case testcase.FromValue:
		read = `e.value`
	case testcase.FromAttribute:
		read = `e.getAttribute(` + strconv.Quote(r.step.Parameters.Attribute) + `)`
	}
	look := func() (any, error) {
		return element.EvaluateAll(`elements => elements.slice(0, 1).map(e => [` + secretField + `, ` + read + `])[0] || null`)
	}
	answer, err := look()
	if err == nil && answer == nil {
		if err = element.WaitFor(playwright.LocatorWaitForOptions{State: playwright.WaitForSelectorStateAttached, Timeout: r.left()}); err == nil {
			answer, err = look()
		}
	}
	if err != nil {
		return "", r.elementError("read", err)
	}
	found, ok := answer.([]any)
	switch {
	case !ok || len(found) != 2:
		return "", r.notFound(nil)
	case found[1] == nil:
		return "", failure(browser.Assertion, nil, "%s has no %s", anyOf(r.step.Selectors), e.From)
	}
	r.secret = r.secret || found[0] == true
	text := fmt.Sprint(found[1])
	if e.From == testcase.FromText {
		text = strings.Join(strings.Fields(text), " ")
	}
	return text, nil
}

// evaluate returns the value of an expression, for as long as the step may take.
func (r *run) evaluate(expression string) (string, error) {
	script := fmt.Sprintf(`async ms => {
		const late = new Promise((_, reject) => setTimeout(() => reject(new Error('it takes too long')), ms));
		const value = await Promise.race([(async () => (%s
		))(), late]);
		return typeof value === 'string' ? value : JSON.stringify(value) ?? '';
	}`, strings.TrimRight(strings.TrimSpace(expression), "; \n\t"))
	answer, err := r.frame.Evaluate(script, *r.left())
	if err != nil {
		if isClosed(err) {
			return "", err
		}
		return "", failure(browser.Script, err, "the expression cannot be run: %s", usefulLine(err))
	}
	return asText(answer), nil
}

// cut returns the first group of a pattern, or all of its match; false if there
// is none.
func cut(value, pattern string) (string, bool, error) {
	if pattern == "" {
		return value, true, nil
	}
	compiled, err := compile(pattern)
	if err != nil {
		return "", false, err
	}
	m := compiled.FindStringSubmatch(value)
	switch len(m) {
	case 0:
		return value, false, nil
	case 1:
		return m[0], true, nil
	}
	return m[1], true, nil
}

func (r *run) setVariable() error {
	r.session.set(r.step.Parameters.Extract.Variable, r.step.Parameters.Text)
	return nil
}

// runCase gives the variables of a sub-case their values; its steps follow.
func (r *run) runCase() error {
	for name, value := range r.step.Parameters.Items {
		r.session.set(name, value)
	}
	return nil
}

// matcher compares texts as the step says.
func (r *run) matcher() (func(string) bool, error) {
	p := r.step.Parameters
	switch p.Match {
	case testcase.MatchContains:
		return func(s string) bool { return strings.Contains(s, p.Expected) }, nil
	case testcase.MatchRegexp:
		pattern, err := compile(p.Expected)
		if err != nil {
			return nil, err
		}
		return pattern.MatchString, nil
	case testcase.MatchEquals:
	}
	return func(s string) bool { return s == p.Expected }, nil
}

package pwgo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// responses are what the pages were answered since the last step began that
// could have caused it.
type responses struct{ list []response }

type response struct {
	url, method string
	status      int
}

// maxResponses bounds what is remembered of one step.
const maxResponses = 2000

// noteResponse runs in playwright-go's own goroutine.
func (s *session) noteResponse(got playwright.Response) {
	request := got.Request()
	r := response{url: got.URL(), method: request.Method(), status: got.Status()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.responses.list) < maxResponses {
		s.responses.list = append(s.responses.list, r)
	}
}

// mark forgets the responses that came before a step that may cause some.
func (s *session) mark(step testcase.Step) {
	if step.Action() == testcase.CustomWaitForResponse {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.responses.list = nil
}

// waitForResponse waits for a response that came after the step before this
// one began.
func (r *run) waitForResponse() error {
	matches, err := r.addressMatcher()
	if err != nil {
		return err
	}
	asked := r.step.Parameters.Request
	var status int
	found, err := r.until(func() bool {
		r.session.mu.Lock()
		defer r.session.mu.Unlock()
		for _, got := range r.session.responses.list {
			if !matches(got.url) || (asked.Method != "" && asked.Method != got.method) {
				continue
			}
			status = got.status
			if asked.Status == 0 || asked.Status == got.status {
				return true
			}
		}
		return false
	})
	switch {
	case err != nil || found:
		return err
	case status != 0:
		return r.fail(browser.Assertion, nil, "the response had status %d, expected %d", status, asked.Status)
	}
	return r.fail(browser.Timeout, nil, "no response came from an address that is %s", r.condition())
}

// apiRequest sends a request with the browser context's cookies, without a page.
func (r *run) apiRequest() error {
	p := r.step.Parameters
	address := testcase.ResolveURL(r.session.options.BaseURL, p.Request.URL)
	if testcase.Origin(address) == "" || !strings.HasPrefix(address, "http") {
		return failure(browser.Unsupported, nil, "the address %s is relative: give the case or the run a baseUrl", clip(testcase.HidePassword(address)))
	}
	options := playwright.APIRequestContextFetchOptions{Method: &p.Request.Method, Headers: p.Request.Headers, Timeout: r.left()}
	if p.Request.Body != "" {
		options.Data = p.Request.Body
	}
	got, err := r.session.context.Request().Fetch(address, options)
	switch {
	case err == nil:
	case isTimeout(err):
		return r.fail(browser.Timeout, err, "%s did not answer", clip(testcase.HidePassword(address)))
	case isClosed(err):
		return err
	default:
		return r.notRequested(address, err)
	}
	defer func() { _ = got.Dispose() }()
	status := got.Status()
	if (status == http.StatusForbidden || status == http.StatusBadGateway) && len(r.egressFailures()) > 0 {
		return r.notRequested(address, nil) // the proxy's own answer
	}
	if (p.Request.Status != 0 && status != p.Request.Status) || (p.Request.Status == 0 && status >= 400) {
		return failure(browser.Assertion, nil, "%s answered with status %d, expected %s", clip(testcase.HidePassword(address)), status, wantedStatus(p.Request.Status))
	}
	if p.Text == "" && p.Extract.Variable == "" {
		return nil
	}
	body, err := got.Text()
	if err != nil {
		return err
	}
	if !strings.Contains(body, p.Text) {
		return failure(browser.Assertion, nil, "the answer does not contain %q: %q", brief(p.Text), brief(body))
	}
	if p.Extract.Variable == "" {
		return nil
	}
	value, err := pick(body, p.Extract.Path)
	if err != nil {
		return err
	}
	value, ok, err := cut(value, p.Extract.Pattern)
	if err != nil {
		return err
	}
	if !ok {
		return failure(browser.Assertion, nil, "the answer does not match %q: %q", brief(p.Extract.Pattern), brief(value))
	}
	r.session.set(p.Extract.Variable, value)
	return nil
}

// notRequested makes the error of a request that reached nobody. The proxy knows why.
func (r *run) notRequested(address string, err error) error {
	what := "cannot request " + clip(testcase.HidePassword(address))
	failures := r.egressFailures()
	if len(failures) == 0 {
		return failure(browser.Navigation, err, "%s: %s", what, netReason(err))
	}
	return byProxy(failures[len(failures)-1], err, what)
}

func wantedStatus(status int) string {
	if status == 0 {
		return "one below 400"
	}
	return strconv.Itoa(status)
}

// pick follows a path such as items.0.id into a JSON document.
func pick(body, path string) (string, error) {
	if path == "" {
		return body, nil
	}
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return "", failure(browser.Assertion, nil, "the answer is not JSON: %q", brief(body))
	}
	for key := range strings.SplitSeq(path, ".") {
		var ok bool
		switch inner := v.(type) {
		case map[string]any:
			v, ok = inner[key]
		case []any:
			i, err := strconv.Atoi(key)
			if ok = err == nil && i >= 0 && i < len(inner); ok {
				v = inner[i]
			}
		}
		if !ok {
			return "", failure(browser.Assertion, nil, "the answer has nothing at %s: %q", clip(path), brief(body))
		}
	}
	return asText(v), nil
}

// asText writes a value as people read it.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

func (r *run) setCookie() error {
	c := r.step.Parameters.Cookie
	address := r.session.options.BaseURL
	if page := r.on.page.URL(); strings.HasPrefix(page, "http") {
		address = page
	}
	if c.URL != "" {
		c.URL = testcase.ResolveURL(r.session.options.BaseURL, c.URL)
	}
	if c.URL == "" && c.Domain == "" && address == "" {
		return failure(browser.Unsupported, nil, "it is not known whose cookie %s is: open a page first, or give a url or a domain", clip(c.Name))
	}
	if err := r.session.context.AddCookies([]playwright.OptionalCookie{optionalCookie(c, address)}); err != nil {
		if isClosed(err) {
			return err
		}
		return failure(browser.Unsupported, err, "the browser does not take the cookie %s: %s", clip(c.Name), r.without(usefulLine(err), c.Value))
	}
	return nil
}

// without hides a value in a text.
func (r *run) without(text, value string) string {
	if value == "" {
		return text
	}
	return strings.ReplaceAll(text, value, testcase.Mask)
}

func (r *run) setLocalStorage() error {
	items := map[string]any{}
	for name, value := range r.step.Parameters.Items {
		items[name] = value
	}
	_, err := r.frame.Evaluate(`items => { for (const [name, value] of Object.entries(items)) localStorage.setItem(name, value) }`, items)
	switch {
	case err == nil || isClosed(err):
		return err
	case strings.Contains(err.Error(), "SecurityError"):
		return failure(browser.Unsupported, nil, "this page has no local storage: open a page of the site first")
	}
	return failure(browser.Script, err, "local storage cannot be set: %s", usefulLine(err))
}

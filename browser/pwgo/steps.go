package pwgo

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

func (r *run) navigate() error {
	address := testcase.ResolveURL(r.session.options.BaseURL, r.step.URL)
	switch {
	case testcase.IsNewTabPage(address):
		address = "about:blank"
	case !strings.Contains(address, ":"):
		return failure(browser.Unsupported, nil, "the address %s is relative: give the case or the run a baseUrl", address)
	case !isWeb(address):
		return failure(browser.Refused, nil, "cannot open %s: tests open http:// and https:// addresses only", clip(testcase.HidePassword(address)))
	}
	_, err := r.frame.Goto(address, playwright.FrameGotoOptions{Timeout: r.left()})
	switch {
	case err == nil || isClosed(err):
		return err
	case strings.Contains(err.Error(), "interrupted by another navigation"):
		return r.waitForLoad() // the page sent the browser on
	case isTimeout(err):
		return r.fail(browser.Navigation, err, "%s did not load", testcase.HidePassword(address))
	}
	return r.notOpened(err, "cannot open "+clip(testcase.HidePassword(address)))
}

func (r *run) waitForLoad() error {
	err := r.frame.WaitForLoadState(playwright.FrameWaitForLoadStateOptions{Timeout: r.left()})
	if err != nil && isTimeout(err) {
		return r.fail(browser.Navigation, err, "%s did not finish loading", testcase.HidePassword(r.frame.URL()))
	}
	return err
}

// withNavigation runs a step and waits for the page that it leads to.
func (r *run) withNavigation(execute executor) error {
	main := r.on.page.MainFrame()
	navigated := make(chan error, 1)
	note := func(event map[string]any) {
		var err error
		if reason, failed := event["error"].(string); failed {
			if strings.Contains(reason, "ERR_ABORTED") {
				return // another navigation took its place
			}
			err = errors.New(reason)
		}
		select {
		case navigated <- err:
		default:
		}
	}
	var emitters []playwright.EventEmitter
	for _, f := range slices.Compact([]playwright.Frame{main, r.frame}) {
		// Frames emit this event, though their interface does not say so.
		if emitter, ok := f.(playwright.EventEmitter); ok {
			emitter.On("navigated", note)
			emitters = append(emitters, emitter)
		}
	}
	defer func() {
		for _, emitter := range emitters {
			emitter.RemoveListener("navigated", note)
		}
	}()
	if err := execute(r); err != nil {
		return err
	}
	late := time.NewTimer(time.Until(r.deadline))
	defer late.Stop()
	select {
	case err := <-navigated:
		if err != nil {
			return r.notOpened(err, "the step led to a page that cannot be opened")
		}
	case <-late.C:
		return r.fail(browser.Navigation, nil, "the step led to no other page, the browser is still at %s", testcase.HidePassword(r.on.page.URL()))
	case <-r.session.proc.lost:
		return failure(browser.Closed, nil, "the browser died")
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
	r.frame = main
	return r.waitForLoad()
}

func (r *run) click() error {
	if r.special() {
		return r.pointed("click", 1)
	}
	return r.point("click", func(at *playwright.Position, timeout *float64) error {
		return r.element(wantVisible).Click(playwright.LocatorClickOptions{Button: r.button(), Delay: r.hold(), Position: at, Timeout: timeout})
	})
}

func (r *run) doubleClick() error {
	if r.special() {
		return r.pointed("double-click", 2)
	}
	return r.point("double-click", func(at *playwright.Position, timeout *float64) error {
		return r.frame.Dblclick(r.selector(wantVisible), //nolint:staticcheck // a locator's own fails in playwright-go v0.6201.0, whatever its options
			playwright.FrameDblclickOptions{Button: r.button(), Delay: r.hold(), Position: at, Timeout: timeout})
	})
}

func (r *run) hover() error {
	return r.elementError("hover over", r.element(wantVisible).Hover(playwright.LocatorHoverOptions{Timeout: r.left()}))
}

// point acts where Recorder saw the pointer, if the element still has that
// place, else on its centre.
func (r *run) point(verb string, act func(*playwright.Position, *float64) error) error {
	at, err := r.position()
	if err != nil {
		return r.elementError(verb, err)
	}
	if at != nil {
		// Something else may be at that place by now: leave time for the centre.
		half := new(max(*r.left()/2, 1))
		if err = act(at, half); err == nil || !isTimeout(err) {
			return r.elementError(verb, err)
		}
	}
	return r.elementError(verb, act(nil, r.left()))
}

// position returns the recorded offset if it lies within the element.
func (r *run) position() (*playwright.Position, error) {
	if r.step.OffsetX == nil || r.step.OffsetY == nil {
		return nil, nil
	}
	const inside = `(elements, [x, y]) => {
		if (!elements.length) return null;
		const box = elements[0].getBoundingClientRect();
		return x >= 0 && y >= 0 && x < box.width && y < box.height;
	}`
	element, offset := r.element(wantVisible), []any{*r.step.OffsetX, *r.step.OffsetY}
	answer, err := element.EvaluateAll(inside, offset)
	if err == nil && answer == nil {
		if err = element.WaitFor(playwright.LocatorWaitForOptions{Timeout: r.left()}); err == nil {
			answer, err = element.EvaluateAll(inside, offset)
		}
	}
	if err != nil || answer != true {
		return nil, err
	}
	return &playwright.Position{X: *r.step.OffsetX, Y: *r.step.OffsetY}, nil
}

func (r *run) button() *playwright.MouseButton {
	switch r.step.Button {
	case "secondary":
		return playwright.MouseButtonRight
	case "auxiliary":
		return playwright.MouseButtonMiddle
	}
	return nil
}

// hold is how long a click keeps the button down.
func (r *run) hold() *float64 {
	if r.step.Duration == 0 {
		return nil
	}
	return new(float64(r.step.Duration))
}

// holdDown waits as long as a click keeps the button down.
func (r *run) holdDown() {
	if r.step.Duration == 0 {
		return
	}
	held := time.NewTimer(min(time.Duration(r.step.Duration)*time.Millisecond, time.Until(r.deadline)))
	defer held.Stop()
	select {
	case <-held.C:
	case <-r.ctx.Done():
	}
}

// change sets a field. Nearly all fields can be filled, so that is tried
// first; Playwright says at once if it is another kind of field.
func (r *run) change() error {
	element := r.element(wantVisible)
	err := element.Fill(r.step.Value, playwright.LocatorFillOptions{Timeout: r.left()})
	if err == nil || isTimeout(err) || isClosed(err) {
		return r.elementError("change", err)
	}
	field, infoErr := element.EvaluateAll(`elements => elements.slice(0, 1).map(e => [e.localName, e.type || '', e.value || '', ` + secretField + `])[0] || null`)
	if infoErr != nil {
		return infoErr
	}
	name, kind, value, secret := fieldInfo(field)
	r.secret = r.secret || secret
	switch {
	case name == "select":
		_, err = element.SelectOption(playwright.SelectOptionValues{ValuesOrLabels: &[]string{r.step.Value}}, playwright.LocatorSelectOptionOptions{Timeout: r.left()})
		return r.elementError("select an option of", err)
	case kind == "checkbox" || kind == "radio":
		return r.elementError("change", element.SetChecked(isChecked(r.step.Value, value), playwright.LocatorSetCheckedOptions{Timeout: r.left()}))
	case kind == "file":
		return failure(browser.Unsupported, err, "%s is a file field: use the step %s", anyOf(r.step.Selectors), testcase.CustomUploadFile)
	}
	return failure(browser.Unsupported, err, "%s does not take this value: %s", anyOf(r.step.Selectors), r.reason(err))
}

func fieldInfo(answer any) (name, kind, value string, secret bool) {
	info, ok := answer.([]any)
	if !ok || len(info) != 4 {
		return "", "", "", false
	}
	return fmt.Sprint(info[0]), fmt.Sprint(info[1]), fmt.Sprint(info[2]), info[3] == true
}

// isChecked reads the value of a change step for a box: what people write, or
// the value that the box itself has.
func isChecked(wanted, own string) bool {
	switch strings.ToLower(strings.TrimSpace(wanted)) {
	case "false", "off", "0", "no", "", "unchecked":
		return false
	case "true", "on", "1", "yes", "checked":
		return true
	}
	return wanted == own
}

func (r *run) keyDown() error { return r.keyError(r.on.page.Keyboard().Down(r.step.Key)) }

func (r *run) keyUp() error { return r.keyError(r.on.page.Keyboard().Up(r.step.Key)) }

func (r *run) keyError(err error) error {
	if err != nil && strings.Contains(err.Error(), "Unknown key") {
		return failure(browser.Unsupported, err, "there is no key %q: use a name such as Enter, Tab, ArrowDown or a", r.step.Key)
	}
	return r.elementError("press a key", err)
}

func (r *run) scroll() error {
	position := []any{r.step.X, r.step.Y}
	if len(r.step.Selectors) == 0 {
		_, err := r.frame.Evaluate(`([left, top]) => window.scroll({ left, top, behavior: 'instant' })`, position)
		return err
	}
	return r.elementError("scroll", r.element(wantVisible).WaitForFunction(
		`(element, [left, top]) => { element.scroll({ left, top, behavior: 'instant' }); return true; }`,
		position, playwright.LocatorWaitForFunctionOptions{Timeout: r.left()}))
}

func (r *run) uploadFile() error {
	files := make([]playwright.InputFile, 0, len(r.step.Parameters.Files))
	for _, f := range r.step.Parameters.Files {
		files = append(files, playwright.InputFile{Name: f.Name, MimeType: f.MIMEType, Buffer: f.Content})
	}
	// File fields are often hidden behind a button of the page's own.
	err := r.element(wantAttached).SetInputFiles(files, playwright.LocatorSetInputFilesOptions{Timeout: r.left()})
	if err != nil && !isTimeout(err) && !isClosed(err) {
		return failure(browser.Unsupported, err, "%s does not take these files: %s", anyOf(r.step.Selectors), usefulLine(err))
	}
	return r.elementError("upload to", err)
}

// elementError says in words why an action on the step's element failed.
func (r *run) elementError(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case isClosed(err):
		if r.closedItsTab() {
			return nil
		}
		return err
	case browser.KindOf(err) != "":
		return err
	case strings.Contains(err.Error(), "invalid selector"):
		return failure(browser.Unsupported, err, "none of the selectors is valid: %s", anyOf(r.step.Selectors))
	case !isTimeout(err):
		return failure(browser.Script, err, "cannot %s %s: %s", verb, anyOf(r.step.Selectors), r.reason(err))
	}
	if reason := obstacle(err); reason != "" {
		failed := r.failure(browser.Timeout, err, "cannot %s %s: %s", verb, anyOf(r.step.Selectors), reason)
		failed.Covered = strings.HasPrefix(reason, covered)
		return failed
	}
	there, lookErr := r.count(wantAttached)
	switch {
	case lookErr != nil && isClosed(lookErr):
		return lookErr
	case there == 0:
		return r.notFound(err)
	}
	if seen, _ := r.count(wantVisible); seen > 0 {
		return r.fail(browser.Timeout, err, "cannot %s %s: it did not get ready", verb, anyOf(r.step.Selectors))
	}
	return r.fail(browser.Timeout, err, "cannot %s %s: it is there, but not visible", verb, anyOf(r.step.Selectors))
}

func (r *run) notFound(cause error) error {
	failed := r.failure(browser.NotFound, cause, "no element matches any of: %s", anyOf(r.step.Selectors))
	failed.Element = true
	return failed
}

// count counts the step's elements, now.
func (r *run) count(w want) (int, error) { return r.element(w).Count() }

// closedItsTab reports whether the step closed the tab that it was done in,
// which is a fine thing to do for a button of a popup.
func (r *run) closedItsTab() bool {
	switch r.step.Type {
	case testcase.TypeClick, testcase.TypeDoubleClick, testcase.TypeKeyDown, testcase.TypeKeyUp:
	default:
		return false
	}
	r.session.mu.Lock()
	defer r.session.mu.Unlock()
	return r.on.closed && r.on != r.session.tabs[0] && !r.session.ended && !r.session.proc.isLost()
}

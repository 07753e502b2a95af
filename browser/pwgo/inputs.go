package pwgo

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
)

func (r *run) selectOptions() error {
	values := r.step.Parameters.Values
	_, err := r.element(wantVisible).SelectOption(playwright.SelectOptionValues{ValuesOrLabels: &values}, playwright.LocatorSelectOptionOptions{Timeout: r.left()})
	return r.elementError("select an option of", err)
}

func (r *run) setChecked(checked bool) error {
	return r.elementError("check", r.element(wantVisible).SetChecked(checked, playwright.LocatorSetCheckedOptions{Timeout: r.left()}))
}

// press presses a key or a combination such as Control+A, in an element or in
// whatever has the focus.
func (r *run) press() error {
	keys := r.step.Parameters.Text
	var err error
	if len(r.step.Selectors) > 0 {
		err = r.element(wantVisible).Press(keys, playwright.LocatorPressOptions{Timeout: r.left()})
	} else {
		err = r.on.page.Keyboard().Press(keys)
	}
	if err != nil && strings.Contains(err.Error(), "Unknown key") {
		r.releaseModifiers(keys)
		return failure(browser.Unsupported, err, "there is no key %q: use names such as Enter or Control+A", clip(keys))
	}
	return r.elementError("press a key in", err)
}

// releaseModifiers lets go of what a combination pressed before it came to a key that does not exist.
func (r *run) releaseModifiers(keys string) {
	for name := range strings.SplitSeq(keys, "+") {
		switch name {
		case "Shift", "Control", "Alt", "Meta", "ControlOrMeta":
			_ = r.on.page.Keyboard().Up(name) // the step has failed anyway
		}
	}
}

func (r *run) typeText() error {
	p := r.step.Parameters
	delay := new(float64(p.Delay))
	if len(r.step.Selectors) > 0 {
		return r.elementError("type into", r.element(wantVisible).PressSequentially(p.Text, playwright.LocatorPressSequentiallyOptions{Delay: delay, Timeout: r.left()}))
	}
	return r.elementError("type into", r.on.page.Keyboard().Type(p.Text, playwright.KeyboardTypeOptions{Delay: delay}))
}

func (r *run) drag() error {
	// Where to drop must be there before the button is pressed: what is picked up stays in the hand.
	to := r.frame.Locator(selectorFor(r.step.Parameters.To, wantVisible))
	if err := to.WaitFor(playwright.LocatorWaitForOptions{State: playwright.WaitForSelectorStateAttached, Timeout: r.left()}); err != nil {
		if !isTimeout(err) {
			return r.elementError("drag", err)
		}
		return r.fail(browser.NotFound, err, "no element to drop at matches any of: %s", anyOf(r.step.Parameters.To))
	}
	return r.elementError("drag", r.element(wantVisible).DragTo(to, playwright.LocatorDragToOptions{Timeout: r.left()}))
}

// refuse ends a download that no step waits for: it would fill the disk.
func (s *session) refuse(t *tab, d playwright.Download) {
	s.mu.Lock()
	awaited := t.awaiting
	s.mu.Unlock()
	if !awaited {
		go func() { _ = guarded(d.Cancel) }()
	}
}

// maxDownload is how much of a downloaded file is looked at.
const maxDownload = 10 << 20

// download clicks the step's element and waits for the file that it brings.
func (r *run) download() error {
	await := func(yes bool) {
		r.session.mu.Lock()
		defer r.session.mu.Unlock()
		r.on.awaiting = yes
	}
	await(true)
	defer await(false)
	var clickErr error
	got, err := r.on.page.ExpectDownload(func() error {
		clickErr = r.click()
		return clickErr
	}, playwright.PageExpectDownloadOptions{Timeout: r.left()})
	switch {
	case clickErr != nil:
		return clickErr
	case err != nil && isTimeout(err):
		return r.fail(browser.Timeout, err, "the click on %s downloads nothing", anyOf(r.step.Selectors))
	case err != nil:
		return err
	}
	defer func() { _ = guarded(got.Cancel) }()
	p := r.step.Parameters
	matches, err := r.matcher()
	if err != nil {
		return err
	}
	if name := got.SuggestedFilename(); p.Expected != "" && !matches(name) {
		return failure(browser.Assertion, nil, "the downloaded file is called %q, expected %s", brief(name), r.condition())
	}
	path, err := r.saved(got)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(path) }()
	if p.Text == "" {
		return nil
	}
	content, err := readStart(path)
	if err != nil {
		return failure(browser.Unsupported, err, "the downloaded file cannot be read: %s", err)
	}
	if !bytes.Contains(content, []byte(p.Text)) {
		return failure(browser.Assertion, nil, "the downloaded file does not contain %q", brief(p.Text))
	}
	return nil
}

// saved waits until a download is complete.
func (r *run) saved(d playwright.Download) (string, error) {
	path, err := bounded(r.ctx, time.Until(r.deadline), d.Path, func(string) {})
	switch {
	case errors.Is(err, errLate):
		return "", r.fail(browser.Timeout, nil, "the download does not end")
	case err != nil && r.ctx.Err() == nil && !isClosed(err):
		return "", failure(browser.Navigation, err, "the download failed: %s", netReason(err))
	}
	return path, err
}

func readStart(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, maxDownload))
}

// assertScreenshot takes a picture and looks that something is on it.
func (r *run) assertScreenshot() error {
	var picture []byte
	var err error
	if len(r.step.Selectors) > 0 {
		picture, err = r.element(wantVisible).Screenshot(playwright.LocatorScreenshotOptions{Timeout: r.left()})
		if err != nil {
			return r.elementError("take a picture of", err)
		}
	} else if picture, err = r.on.page.Screenshot(playwright.PageScreenshotOptions{Timeout: r.left()}); err != nil {
		return err
	}
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return failure(browser.Assertion, err, "the screenshot is no picture: %s", err)
	}
	if blank(decoded) {
		return failure(browser.Assertion, nil, "the screenshot is blank: all of it has one colour")
	}
	return nil
}

// blank reports whether all points of a picture have the same colour.
func blank(picture image.Image) bool {
	area := picture.Bounds()
	first := picture.At(area.Min.X, area.Min.Y)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if picture.At(x, y) != first {
				return false
			}
		}
	}
	return true
}

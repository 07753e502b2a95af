package pwgo

import (
	"slices"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// protocol speaks to the step's tab in Chrome's own protocol, for what
// Playwright has no word for.
func (r *run) protocol(method string, params map[string]any) error {
	if r.session.proc.kind.engine != "" {
		return failure(browser.Unsupported, nil, "only chromium can do what this step asks for")
	}
	if r.on.cdp == nil {
		session, err := r.session.context.NewCDPSession(r.on.page)
		if err != nil {
			return err
		}
		r.on.cdp = session
	}
	_, err := r.on.cdp.Send(method, params)
	return err
}

func (r *run) setViewport() error {
	want := browser.Viewport{Width: r.step.Width, Height: r.step.Height}
	device := r.step.Device
	if device.ScaleFactor == 1 {
		device.ScaleFactor = 0
	}
	if r.on.viewport == want && r.on.device == device {
		return nil // recordings start with the size that they have anyway
	}
	if err := r.on.page.SetViewportSize(want.Width, want.Height); err != nil {
		return err
	}
	r.on.viewport = want
	plain := testcase.Device{}
	if device == plain && r.on.device == plain {
		return nil
	}
	orientation := map[string]any{"type": "portraitPrimary", "angle": 0}
	if device.Landscape {
		orientation = map[string]any{"type": "landscapePrimary", "angle": 90}
	}
	err := r.protocol("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": want.Width, "height": want.Height, "deviceScaleFactor": device.ScaleFactor, "mobile": device.Mobile,
		"screenOrientation": orientation,
	})
	if err != nil {
		return err
	}
	touch := map[string]any{"enabled": device.HasTouch}
	if device.HasTouch {
		touch["maxTouchPoints"] = 1
	}
	if err := r.protocol("Emulation.setTouchEmulationEnabled", touch); err != nil {
		return err
	}
	r.on.device = device
	return nil
}

// emulateNetwork makes the tab's network as slow as the step says. Recorder
// writes a network that is not there as one without any speed.
func (r *run) emulateNetwork() error {
	n := r.step.Network
	if err := r.session.context.SetOffline(n.Offline()); err != nil {
		return err
	}
	if n.Offline() {
		return nil
	}
	if err := r.protocol("Network.enable", map[string]any{}); err != nil {
		return err
	}
	rate := func(bytes float64) float64 {
		if bytes == 0 {
			return -1
		}
		return bytes
	}
	return r.protocol("Network.emulateNetworkConditions", map[string]any{
		"offline": false, "latency": n.Latency, "downloadThroughput": rate(n.Download), "uploadThroughput": rate(n.Upload),
	})
}

// close closes the step's tab.
func (r *run) close() error {
	err := r.on.page.Close()
	if err != nil && isClosed(err) {
		return nil // it closed itself
	}
	return err
}

// shown returns the tab to show: the last step's, or the newest one that is
// open.
func (s *session) shown() *tab {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.current.closed {
		return s.current
	}
	for _, t := range slices.Backward(s.tabs) {
		if !t.closed {
			return t
		}
	}
	return s.current
}

// pointed clicks the step's element as a pen or a finger does, or with a button
// that Playwright does not know: it looks that the element is ready for a click,
// and sends the events that Chrome's own protocol has for it.
func (r *run) pointed(verb string, clicks int) error {
	return r.point(verb, func(at *playwright.Position, timeout *float64) error {
		element := r.element(wantVisible)
		err := element.Click(playwright.LocatorClickOptions{Position: at, Timeout: timeout, Trial: new(true)})
		if err != nil {
			return err
		}
		box, err := element.BoundingBox(playwright.LocatorBoundingBoxOptions{Timeout: timeout})
		if err != nil {
			return err
		}
		if box == nil {
			return failure(browser.Timeout, nil, "cannot %s %s: it has just gone", verb, anyOf(r.step.Selectors))
		}
		x, y := box.X+box.Width/2, box.Y+box.Height/2
		if at != nil {
			x, y = box.X+at.X, box.Y+at.Y
		}
		for n := range clicks {
			if err := r.strike(x, y, n+1); err != nil {
				return err
			}
		}
		return nil
	})
}

// strike sends the events of one click.
func (r *run) strike(x, y float64, nth int) error {
	if r.step.DeviceType == "touch" {
		touch := map[string]any{"type": "touchStart", "touchPoints": []any{map[string]any{"x": x, "y": y}}}
		if err := r.protocol("Input.dispatchTouchEvent", touch); err != nil {
			return err
		}
		r.holdDown()
		return r.protocol("Input.dispatchTouchEvent", map[string]any{"type": "touchEnd", "touchPoints": []any{}})
	}
	pointer := "mouse"
	if r.step.DeviceType == "pen" {
		pointer = "pen"
	}
	button, buttons := cdpButton(r.step.Button)
	event := func(kind string, pressed int) map[string]any {
		return map[string]any{
			"type": kind, "x": x, "y": y, "button": button, "buttons": pressed, "clickCount": nth, "pointerType": pointer,
		}
	}
	move := map[string]any{"type": "mouseMoved", "x": x, "y": y, "pointerType": pointer}
	if err := r.protocol("Input.dispatchMouseEvent", move); err != nil {
		return err
	}
	if err := r.protocol("Input.dispatchMouseEvent", event("mousePressed", buttons)); err != nil {
		return err
	}
	r.holdDown()
	return r.protocol("Input.dispatchMouseEvent", event("mouseReleased", 0))
}

// cdpButton is a button's name and bit in Chrome's protocol.
func cdpButton(name string) (string, int) {
	switch name {
	case "secondary":
		return "right", 2
	case "auxiliary":
		return "middle", 4
	case "back":
		return "back", 8
	case "forward":
		return "forward", 16
	}
	return "left", 1
}

// special reports whether a click is one that Playwright can't do.
func (r *run) special() bool {
	s := r.step
	return s.DeviceType == "touch" || s.DeviceType == "pen" || s.Button == "back" || s.Button == "forward"
}

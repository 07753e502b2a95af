package testcase

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// fieldReader reads the fields that one kind of step has.
type fieldReader func(o object, s *Step)

// stepReaders has what this version can run.
func stepReaders() map[string]fieldReader {
	return map[string]fieldReader{
		TypeSetViewport:       readViewport,
		TypeNavigate:          readNavigate,
		TypeClick:             readClick,
		TypeDoubleClick:       readClick,
		TypeHover:             readSelectors,
		TypeChange:            readChange,
		TypeKeyDown:           readKey,
		TypeKeyUp:             readKey,
		TypeScroll:            readScroll,
		TypeWaitForElement:    readWaitForElement,
		TypeWaitForExpression: readWaitForExpression,
		TypeClose:             func(object, *Step) {},
		TypeEmulateNetwork:    readNetwork,
		TypeCustomStep:        readCustomStep,
	}
}

// Types returns the types of steps that Parse accepts.
func Types() []string { return sortedKeys(stepReaders()) }

// CustomNames returns the names of custom steps that Parse accepts.
func CustomNames() []string { return sortedKeys(customReaders()) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (o object) parseStep() Step {
	s := Step{Type: o.text("type", required, maxName)}
	if s.Type == "" {
		return s
	}
	o.action = s.Type
	read, ok := stepReaders()[s.Type]
	if !ok {
		o.action = ""
		o.problem("type", fmt.Sprintf("is %q, which does not exist: use one of %s", s.Type, strings.Join(Types(), ", ")))
		return s
	}
	s.Target = TargetMain
	if target := o.text("target", optional, maxURL); target != "" {
		s.Target = target
	}
	s.Frame = o.frame()
	s.Timeout = o.integer("timeout", optional, 1, maxTimeout)
	s.AssertedEvents = o.assertedEvents()
	read(o, &s)
	o.noteUnknown()
	return s
}

func (o object) frame() []int {
	entries, ok := o.list("frame", optional, "a list of frame numbers", maxFrameDepth)
	if !ok || len(entries) == 0 {
		return nil
	}
	frame := make([]int, 0, len(entries))
	for _, raw := range entries {
		var index int
		if err := json.Unmarshal(raw, &index); err != nil || index < 0 || index > maxFrameIndex {
			o.problem("frame", fmt.Sprintf("must be a list of whole numbers between 0 and %d", maxFrameIndex))
			return nil
		}
		frame = append(frame, index)
	}
	return frame
}

func (o object) assertedEvents() []AssertedEvent {
	entries, _ := o.list("assertedEvents", optional, "a list of events", maxEvents)
	var events []AssertedEvent
	for i, raw := range entries {
		name := fmt.Sprintf("assertedEvents[%d]", i)
		fields, ok := decodeObject(raw)
		if !ok {
			o.problem(name, "must be a JSON object with a type")
			continue
		}
		inner := o.at(name, fields)
		event := AssertedEvent{
			Type:  inner.text("type", required, maxName),
			URL:   inner.text("url", optional, maxURL),
			Title: inner.text("title", optional, maxValue),
		}
		if event.Type != EventNavigation {
			if event.Type != "" {
				inner.problem("type", fmt.Sprintf("%q is not supported: only %q is", event.Type, EventNavigation))
			}
			continue
		}
		events = append(events, event)
	}
	return events
}

func readViewport(o object, s *Step) {
	s.Width = o.integer("width", required, 1, maxViewport)
	s.Height = o.integer("height", required, 1, maxViewport)
	s.Device = Device{
		ScaleFactor: orZero(o.number("deviceScaleFactor", optional, 0, maxScaleFactor)),
		Mobile:      isTrue(o.flag("isMobile")),
		HasTouch:    isTrue(o.flag("hasTouch")),
		Landscape:   isTrue(o.flag("isLandscape")),
	}
}

func readNetwork(o object, s *Step) {
	s.Network = Network{
		Download: orZero(o.number("download", required, -1, maxRate)),
		Upload:   orZero(o.number("upload", required, -1, maxRate)),
		Latency:  orZero(o.number("latency", required, 0, maxDuration)),
	}
}

func readNavigate(o object, s *Step) {
	s.URL = o.text("url", required, maxURL)
	if s.URL != "" {
		o.checkAddress("url", s.URL)
	}
}

func readClick(o object, s *Step) {
	readSelectors(o, s)
	s.OffsetX = o.number("offsetX", optional, -maxPixels, maxPixels)
	s.OffsetY = o.number("offsetY", optional, -maxPixels, maxPixels)
	s.Button = o.choice("button", "primary", "secondary", "auxiliary", "back", "forward")
	s.DeviceType = o.choice("deviceType", "mouse", "pen", "touch")
	s.Duration = int(orZero(o.number("duration", optional, 0, maxDuration)))
}

func readChange(o object, s *Step) {
	readSelectors(o, s)
	s.Value = o.value("value", maxValue)
}

func readKey(o object, s *Step) {
	raw, ok := o.raw("key", required, "the name of a key, such as Enter")
	if !ok {
		return
	}
	if s.Key, ok = o.asText("key", raw, maxName); ok && s.Key == "" {
		o.problem("key", "is empty: give the name of a key, such as Enter")
	}
}

func readScroll(o object, s *Step) {
	readSelectorsIfAny(o, s)
	s.X = orZero(o.number("x", optional, 0, maxPixels))
	s.Y = orZero(o.number("y", optional, 0, maxPixels))
}

func readWaitForElement(o object, s *Step) {
	readSelectors(o, s)
	s.Operator = Operator(o.choice("operator", string(OperatorAtLeast), string(OperatorEquals), string(OperatorAtMost)))
	if _, given := o.raw("count", optional, ""); given {
		count := o.integer("count", optional, 0, maxCount)
		s.Count = &count
	}
	s.Visible = o.flag("visible")
	if attributes, ok := o.inner("attributes", optional, ""); ok {
		s.Attributes = make(map[string]string, len(attributes.fields))
		for _, name := range attributes.names() {
			s.Attributes[name] = attributes.value(name, maxValue)
		}
	}
	if properties, ok := o.inner("properties", optional, ""); ok {
		s.Properties = make(map[string]any, len(properties.fields))
		for _, name := range properties.names() {
			var v any
			if err := json.Unmarshal(properties.fields[name], &v); err != nil {
				properties.problem(name, "cannot be read: "+err.Error())
			}
			s.Properties[name] = v
		}
	}
}

func readWaitForExpression(o object, s *Step) {
	s.Expression = o.text("expression", required, maxExpression)
}

// names returns the names of the object's fields in order, and reports if
// there are too many.
func (o object) names() []string {
	names := make([]string, 0, len(o.fields))
	for name := range o.fields {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) > maxConditions {
		o.problem("", fmt.Sprintf("has %d entries: at most %d are allowed", len(names), maxConditions))
		return nil
	}
	return names
}

func isTrue(b *bool) bool { return b != nil && *b }

func orZero(f *float64) float64 {
	if f == nil {
		return 0
	}
	return *f
}

// checkBaseURL says what is wrong with the address of a site; "" if nothing.
func checkBaseURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Sprintf("is %q: give an address that starts with http:// or https://", HidePassword(s))
	}
	if u.User != nil {
		return "has a user or a password in it: give the address without them, credentials belong into steps that sign in"
	}
	return ""
}

// checkAddress reports the address of a page that can't be opened. One with a
// variable in it is known only when it is used.
func (o object) checkAddress(field, address string) {
	if problem := checkAddress(address); problem != "" && !reference.MatchString(address) {
		o.problem(field, problem)
	}
}

// checkAddress says what is wrong with the address of a page; "" if nothing.
func checkAddress(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return fmt.Sprintf("is %q, which is not a valid address", HidePassword(s))
	}
	switch u.Scheme {
	case "":
		return ""
	case "http", "https":
		if u.Host == "" {
			return fmt.Sprintf("is %q, which names no host", HidePassword(s))
		}
		return ""
	case "about":
		if s == "about:blank" {
			return ""
		}
	case "chrome":
		if IsNewTabPage(s) {
			return ""
		}
	}
	return fmt.Sprintf("is %q: use http://, https:// or a path such as /login", HidePassword(s))
}

// IsNewTabPage reports whether an address is that of Chrome's page for new
// tabs, with which many recordings start.
func IsNewTabPage(address string) bool {
	return strings.HasPrefix(address, "chrome://new-tab-page") || strings.HasPrefix(address, "chrome://newtab")
}

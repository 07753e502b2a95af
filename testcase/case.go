package testcase

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Step types that Recorder defines and this package knows.
const (
	TypeSetViewport       = "setViewport"
	TypeNavigate          = "navigate"
	TypeClick             = "click"
	TypeDoubleClick       = "doubleClick"
	TypeHover             = "hover"
	TypeChange            = "change"
	TypeKeyDown           = "keyDown"
	TypeKeyUp             = "keyUp"
	TypeScroll            = "scroll"
	TypeWaitForElement    = "waitForElement"
	TypeWaitForExpression = "waitForExpression"
	TypeClose             = "close"
	TypeEmulateNetwork    = "emulateNetworkConditions"
	TypeCustomStep        = "customStep"
)

// Match says how an assertion compares what it expects with what it finds.
type Match string

// The ways to compare. MatchRegexp takes a regular expression in RE2 syntax
// and is satisfied by a match anywhere in the text.
const (
	MatchEquals   Match = "equals"
	MatchContains Match = "contains"
	MatchRegexp   Match = "matches"
)

// Operator compares the number of elements found with the number asked for.
type Operator string

// The operators of a waitForElement step.
const (
	OperatorAtLeast Operator = ">="
	OperatorEquals  Operator = "=="
	OperatorAtMost  Operator = "<="
)

// TargetMain names the tab that a session starts with.
const TargetMain = "main"

// EventNavigation is the only kind of asserted event that Recorder writes.
const EventNavigation = "navigation"

// Case is one browser test.
type Case struct {
	Title string
	// Timeout is the time that a step may take, in milliseconds; 0 leaves it
	// to the runner.
	Timeout int
	// BaseURL is what relative addresses resolve against.
	BaseURL string
	// Variables are the values that {{name}} stands for at the beginning.
	Variables map[string]string
	// Rows are the rows of data that the case is run for, each in a fresh
	// browser context; their columns are variables.
	Rows   []Row
	Config Config
	Steps  []Step

	raw json.RawMessage
}

// JSON returns the case as it came, compacted; fields that this package does
// not know are still there. It is what Parse reads again.
func (c *Case) JSON() []byte { return slices.Clone(c.raw) }

// MarshalJSON implements json.Marshaler with what JSON returns.
func (c *Case) MarshalJSON() ([]byte, error) {
	if c.raw == nil {
		return []byte("null"), nil
	}
	return c.JSON(), nil
}

// UnmarshalJSON implements json.Unmarshaler with Parse.
func (c *Case) UnmarshalJSON(data []byte) error {
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return nil
	}
	parsed, err := Parse(data)
	if err != nil {
		return err
	}
	*c = *parsed
	return nil
}

// Selector is one way to find an element: usually one part, several when the
// way leads through shadow roots. A part is CSS or starts with one of the
// prefixes aria/, text/, xpath/ and pierce/.
type Selector []string

// Step is one thing to do or to check. Type says which fields have a meaning.
type Step struct {
	Type string
	// Within are the row of data and the titles of the cases that the step is
	// inside of, in a plan.
	Within []string
	// Target is TargetMain or the address of a tab.
	Target string
	// Frame leads to a frame inside the page: the index of a child frame of
	// the main frame, of a child of that one, and so on.
	Frame []int
	// Timeout in milliseconds; 0 leaves it to the case and the runner.
	Timeout        int
	AssertedEvents []AssertedEvent

	// Selectors are alternatives, the most trusted one first.
	Selectors []Selector

	URL        string
	Value      string
	Key        string
	Expression string

	// Width and Height are those of a setViewport step, and so is Device.
	Width, Height int
	Device        Device
	// Network is what an emulateNetworkConditions step asks for.
	Network Network

	// OffsetX and OffsetY are where Recorder saw the click, measured from the
	// element's top left corner; nil if it did not say.
	OffsetX, OffsetY *float64
	// Button is primary (also when empty), secondary, auxiliary, back or
	// forward.
	Button string
	// DeviceType is mouse (also when empty), pen or touch.
	DeviceType string
	// Duration is how long a click holds the button, in milliseconds.
	Duration int

	// X and Y are the position that a scroll step scrolls to.
	X, Y float64

	// Operator, Count, Visible, Attributes and Properties are the conditions
	// of a waitForElement step; Count is nil when the file does not say.
	Operator   Operator
	Count      *int
	Visible    *bool
	Attributes map[string]string
	Properties map[string]any

	// Name and Parameters are those of a custom step. The parameters'
	// selectors are in Selectors.
	Name       string
	Parameters Parameters
}

// Device is what a setViewport step emulates beside the size.
type Device struct {
	// ScaleFactor is the number of device pixels in one CSS pixel; 0 is 1.
	ScaleFactor      float64
	Mobile, HasTouch bool
	Landscape        bool
}

// Network is the speed of a network. Rates are bytes a second, -1 for no
// limit; the latency is in milliseconds.
type Network struct{ Download, Upload, Latency float64 }

// Offline reports whether there is no network at all: Recorder writes that as
// three zeros.
func (n Network) Offline() bool { return n == Network{} }

// String says how fast the network is, in words.
func (n Network) String() string {
	if n.Offline() {
		return "offline"
	}
	rate := func(bytes float64) string {
		if bytes <= 0 {
			return "no limit"
		}
		return fmt.Sprintf("%.0f kB/s", bytes/1000)
	}
	return fmt.Sprintf("down %s, up %s, latency %.0f ms", rate(n.Download), rate(n.Upload), n.Latency)
}

// AssertedEvent is something that Recorder saw a step cause.
type AssertedEvent struct {
	Type  string
	URL   string
	Title string
}

// CausesNavigation reports whether the step is expected to lead to another
// page.
func (s Step) CausesNavigation() bool {
	return slices.ContainsFunc(s.AssertedEvents, func(e AssertedEvent) bool { return e.Type == EventNavigation })
}

// TimeoutOr returns how long the step may take, or otherwise if it does not
// say.
func (s Step) TimeoutOr(otherwise time.Duration) time.Duration {
	if s.Timeout > 0 {
		return time.Duration(s.Timeout) * time.Millisecond
	}
	return otherwise
}

package testcase

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// shownCharacters is how much of a typed value a description shows.
const shownCharacters = 40

// shownSelector is how much of a selector a description shows.
const shownSelector = 80

// Action names what the step does: its type, for a custom step its name.
func (s Step) Action() string {
	if s.Type == TypeCustomStep {
		return s.Name
	}
	return s.Type
}

// Description says what the step does, in words for a report: `click "Add to
// cart"`, `navigate /login`. Values are not shown in full.
func (s Step) Description() string {
	if s.Type == TypeCustomStep {
		return s.place() + s.describeCustom()
	}
	return s.place() + s.describe()
}

// place says which row and sub-cases the step is in.
func (s Step) place() string {
	var b strings.Builder
	for _, name := range s.Within {
		b.WriteString(shorten(name, shownCharacters) + " › ")
	}
	return b.String()
}

func (s Step) describe() string {
	switch s.Type {
	case TypeSetViewport:
		return fmt.Sprintf("set viewport to %d×%d", s.Width, s.Height)
	case TypeNavigate:
		return "navigate " + shorten(HidePassword(s.URL), shownSelector)
	case TypeDoubleClick:
		return "double-click " + s.subject()
	case TypeChange:
		if s.Confidential() {
			return "change " + s.subject() + " to " + Mask
		}
		return fmt.Sprintf("change %s to %q", s.subject(), shorten(s.Value, shownCharacters))
	case TypeKeyDown:
		return "press " + s.keyName()
	case TypeKeyUp:
		return "release " + s.keyName()
	case TypeScroll:
		if len(s.Selectors) > 0 {
			return fmt.Sprintf("scroll %s to %.0f, %.0f", s.subject(), s.X, s.Y)
		}
		return fmt.Sprintf("scroll to %.0f, %.0f", s.X, s.Y)
	case TypeWaitForElement:
		return "wait for " + s.subject()
	case TypeWaitForExpression:
		return "wait for expression " + shorten(oneLine(s.Expression), shownSelector)
	case TypeClose:
		return "close the tab"
	case TypeEmulateNetwork:
		return "emulate network: " + s.Network.String()
	default:
		return s.Action() + " " + s.subject()
	}
}

// Mask stands for a value that nobody should read in a report.
const Mask = "•••"

// confidentialField matches what pages call fields whose value is nobody's business.
var confidentialField = regexp.MustCompile(`(?i)passw|passphrase|passcode|secret|token|\bpin\b|\botp\b|\bcv[cv]\b|card.?num|cc-(num|csc)|\biban\b`)

// Confidential says that the step's element asks for a password or the like. Descriptions and failures travel further than
// the case, into histories, logs and reports: they show Mask in place of the values of such a step.
func (s Step) Confidential() bool {
	for _, selector := range s.Selectors {
		if slices.ContainsFunc(selector, confidentialField.MatchString) {
			return true
		}
	}
	return false
}

// Typed are the values of a step that a confidential one must not tell: what it
// types, and what it expects to find.
func (s Step) Typed() []string {
	return []string{s.Value, s.Parameters.Expected, s.Parameters.Text}
}

// userInfo is what stands before the host of an address.
var userInfo = regexp.MustCompile(`//[^/?#]*@`)

// HidePassword hides the password in an address that has one, and all of the user info in what is no valid address.
func HidePassword(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return userInfo.ReplaceAllString(address, "//"+Mask+"@")
	case u.User == nil:
		return address
	}
	return u.Redacted()
}

// subject names the element of a step as a person would: by its accessible
// name or text if a selector has one, else by the first selector.
func (s Step) subject() string {
	for _, selector := range s.Selectors {
		last := selector[len(selector)-1]
		if name, role, ok := ARIA(last); ok {
			if name == "" {
				return role
			}
			return fmt.Sprintf("%q", shorten(name, shownSelector))
		}
		if text, ok := strings.CutPrefix(last, prefixText); ok {
			return fmt.Sprintf("%q", shorten(text, shownSelector))
		}
	}
	if len(s.Selectors) == 0 {
		return "?"
	}
	return shorten(s.Selectors[0].String(), shownSelector)
}

func (s Step) keyName() string {
	switch s.Key {
	case " ":
		return "Space"
	case "\r", "\n":
		return "Enter"
	}
	return s.Key
}

// ResolveURL makes an address absolute with a base address; it returns the
// address as it is when it is absolute already or when there is no base.
func ResolveURL(base, address string) string {
	if base == "" {
		return address
	}
	b, err := url.Parse(base)
	if err != nil {
		return address
	}
	u, err := b.Parse(address)
	if err != nil {
		return address
	}
	return u.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + "…"
}

// Origin is the scheme, host and port of an address, "" if it has none.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

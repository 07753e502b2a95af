package testcase

import (
	"fmt"
	"strings"
)

// describeCustom says what a custom step does. Values that may be nobody's
// business are not shown: those of cookies, storage, headers and bodies.
func (s Step) describeCustom() string {
	p := s.Parameters
	switch s.Name {
	case CustomAssertText:
		return "assert text of " + s.subject() + " " + s.condition()
	case CustomAssertValue:
		return "assert value of " + s.subject() + " " + s.condition()
	case CustomAssertAttribute:
		return fmt.Sprintf("assert attribute %s of %s %s", shorten(p.Attribute, shownCharacters), s.subject(), s.condition())
	case CustomAssertCount:
		count := 0
		if s.Count != nil {
			count = *s.Count
		}
		return fmt.Sprintf("assert number of %s %s %d", s.subject(), s.Operator, count)
	case CustomAssertVisible:
		return "assert " + s.subject() + wanted(p.Wanted, " is visible", " is not visible")
	case CustomAssertEnabled:
		return "assert " + s.subject() + wanted(p.Wanted, " is enabled", " is disabled")
	case CustomAssertChecked:
		return "assert " + s.subject() + wanted(p.Wanted, " is checked", " is not checked")
	case CustomAssertURL:
		return "assert URL " + s.condition()
	case CustomAssertTitle:
		return "assert title " + s.condition()
	case CustomAssertDialog:
		return "assert dialog " + s.condition()
	case CustomAssertScreenshot:
		return "assert screenshot of " + s.subjectOr("the page")
	case CustomSelect:
		if s.Confidential() {
			return "select " + Mask + " in " + s.subject()
		}
		return fmt.Sprintf("select %q in %s", shorten(strings.Join(p.Values, ", "), shownCharacters), s.subject())
	case CustomPress:
		return "press " + shorten(p.Text, shownCharacters) + s.on()
	case CustomTypeText:
		if s.Confidential() {
			return "type " + Mask + s.on()
		}
		return fmt.Sprintf("type %q%s", shorten(p.Text, shownCharacters), s.on())
	case CustomUploadFile:
		names := make([]string, 0, len(p.Files))
		for _, f := range p.Files {
			names = append(names, shorten(f.Name, shownCharacters))
		}
		return fmt.Sprintf("upload %s to %s", strings.Join(names, ", "), s.subject())
	case CustomDrag:
		return "drag " + s.subject() + " to " + Step{Selectors: p.To}.subject()
	case CustomHandleDialog:
		return wanted(p.Wanted, "accept", "dismiss") + " the next dialog"
	case CustomDownload:
		return "download with " + s.subject()
	case CustomAPIRequest:
		return "request " + p.Request.Method + " " + shorten(HidePassword(p.Request.URL), shownSelector)
	case CustomWaitForResponse:
		return "wait for response " + strings.TrimSpace(p.Request.Method+" ") + " " + shorten(HidePassword(p.Expected), shownSelector)
	case CustomSetCookie:
		return "set cookie " + shorten(p.Cookie.Name, shownCharacters)
	case CustomSetLocalStorage:
		return "set local storage " + shorten(strings.Join(sortedKeys(p.Items), ", "), shownSelector)
	case CustomExtract:
		return fmt.Sprintf("extract %s from %s", p.Extract.Variable, s.source())
	case CustomSetVariable:
		return "set " + p.Extract.Variable
	case CustomRunCase:
		return "run case " + shorten(p.SubCase.name(), shownSelector)
	}
	return s.Name + " " + s.subject()
}

func wanted(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// condition is what an assertion expects.
func (s Step) condition() string {
	match := s.Parameters.Match
	if match == "" {
		match = MatchEquals
	}
	if s.Confidential() {
		return Mask
	}
	return fmt.Sprintf("%s %q", match, shorten(s.Parameters.Expected, shownCharacters))
}

// source is what an extract step reads.
func (s Step) source() string {
	switch from := s.Parameters.Extract.From; from {
	case FromURL, FromTitle:
		return "the page's " + from
	case FromExpression:
		return "expression " + shorten(oneLine(s.Parameters.Extract.Expression), shownSelector)
	case FromAttribute:
		return "attribute " + shorten(s.Parameters.Attribute, shownCharacters) + " of " + s.subject()
	case FromText, "":
		return s.subject()
	default:
		return from + " of " + s.subject()
	}
}

func (s Step) subjectOr(otherwise string) string {
	if len(s.Selectors) == 0 {
		return otherwise
	}
	return s.subject()
}

// on names the element that gets the keys, if the step says.
func (s Step) on() string {
	if len(s.Selectors) == 0 {
		return ""
	}
	return " in " + s.subject()
}

func (c SubCase) name() string {
	switch {
	case c.Case != nil:
		return fmt.Sprintf("%q", c.Case.Title)
	case c.ID != "":
		return c.ID
	}
	return c.File
}

package activities

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

const (
	// companions is how many of the old page's other elements help to find one; with fewer than enough it is looked for alone.
	companions = 40
	enough     = 4
)

// finding is what a page has in place of an element.
type finding struct {
	// refusal says why nothing is taken; empty if found may be.
	refusal string
	found   healing.Fingerprint
	name    string
	reason  string

	score, confidence float64
	parts             []healing.Part
	runnerUp          string
	runnerUpScore     float64

	// selectors are those that should find it, the most reliable first; place is where it is, and placed whether that alone may do.
	selectors []testcase.Selector
	place     testcase.Selector
	placed    bool
}

// search compares the old page's element with the new page, and decides whether one of its elements may take that one's place.
func search(before []healing.Fingerprint, target int, after []healing.Fingerprint, step testcase.Step) finding {
	var f finding
	if target < 0 || target >= len(before) {
		f.refusal = "it is not in the page where it was seen last"
		return f
	}
	target = outer(before, target, step)
	page, old := healing.NewPage(after), healing.NewPage(before)
	wanted := *old.Element(target)
	targets, at := around(before, target)
	var ranking healing.Ranking
	if len(targets) > enough {
		ranking = page.RankTogether(targets)[at]
	} else {
		ranking = page.Rank(wanted)
	}
	page.TrustSole(old, target, &ranking)
	decision := page.Decide(wanted, ranking, healing.Careful)
	if decision.Index < 0 {
		f.refusal = strings.Join(decision.Reasons, "; ")
		return f
	}
	best := ranking.Best()
	f.found, f.score, f.confidence, f.parts = *page.Element(decision.Index), best.Score, decision.Confidence, best.Parts
	f.name = nameOf(&f.found)
	if ranking.RunnerUp > 0 {
		second := ranking.Candidates[ranking.RunnerUp]
		f.runnerUp, f.runnerUpScore = nameOf(page.Element(second.Index)), second.Score
	}
	f.reason = strings.Join(decision.Reasons, "; ")
	switch {
	case !decision.Heal:
		f.refusal = f.reason
	case page.Twin(wanted, decision.Index) >= 0:
		f.refusal = f.name + " is the most similar element, but nothing except its place tells it from another one of that caption"
	case mute(&wanted, &f.found):
		f.refusal = fmt.Sprintf("%s is the most similar element, but it has no caption, and neither its id, name or link is the same", f.name)
	case !able(step, &wanted, &f.found):
		f.refusal = fmt.Sprintf("%s is the most similar element, but a %s step can't be done with it", f.name, step.Action())
	default:
		f.confirm(old, target, page, decision.Index)
	}
	return f
}

// around are the elements of a page that one does something with, the nearest to the target in the document, and where the target is
// among them.
func around(elements []healing.Fingerprint, target int) (list []healing.Fingerprint, at int) {
	var near []int
	for distance := 1; distance < len(elements) && len(near) < companions; distance++ {
		for _, i := range []int{target - distance, target + distance} {
			if i >= 0 && i < len(elements) && interactive(&elements[i]) {
				near = append(near, i)
			}
		}
	}
	near = append(near, target)
	slices.Sort(near)
	for k, i := range near {
		list = append(list, elements[i])
		if i == target {
			at = k
		}
	}
	return list, at
}

// outer is the button, link or the like that an element without a caption of its own stands in: who clicks an icon means the button.
func outer(elements []healing.Fingerprint, target int, step testcase.Step) int {
	const levels = 4
	switch step.Action() {
	case testcase.TypeClick, testcase.TypeDoubleClick, testcase.TypeHover:
	default:
		return target
	}
	inner := &elements[target]
	if named(inner) && clicked(inner) || inner.TestID != "" {
		return target
	}
	path := inner.XPath
	for i, level := target-1, 0; i >= 0 && level < levels; i-- {
		e := &elements[i]
		if e.XPath == "" || !strings.HasPrefix(path, e.XPath+"/") || !slices.Equal(e.Frame, inner.Frame) || !slices.Equal(e.Shadow, inner.Shadow) {
			continue
		}
		if named(e) && clicked(e) {
			return i
		}
		level++
	}
	return target
}

func named(f *healing.Fingerprint) bool { return f.AccessibleName != "" }

func clicked(f *healing.Fingerprint) bool {
	switch f.Role {
	case "link", "button", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "checkbox", "radio", "switch":
		return true
	}
	return false
}

// mute tells whether an element says nothing of what the old one said, in any way: it may be anything.
func mute(old, found *healing.Fingerprint) bool {
	said := func(f *healing.Fingerprint) string {
		return f.AccessibleName + f.Text + f.Value + f.Label + f.Alt + f.Title + f.Placeholder
	}
	same := func(a, b string) bool { return a != "" && a == b }
	return said(old) != "" && said(found) == "" && !same(old.ID, found.ID) && !same(old.Name, found.Name) && !same(old.TestID, found.TestID) &&
		!same(old.Href, found.Href)
}

// able tells whether the step's action can be done with the element at all.
func able(step testcase.Step, old, found *healing.Fingerprint) bool {
	switch step.Action() {
	case testcase.CustomSelect:
		return found.Tag == "select"
	case testcase.CustomUploadFile:
		return found.Tag == "input" && found.Type == "file"
	case testcase.TypeChange:
		return (found.Tag == "select") == (old.Tag == "select") && !found.ReadOnly
	case testcase.CustomCheck, testcase.CustomUncheck:
		return found.Role == old.Role || found.Role == "checkbox" || found.Role == "switch"
	}
	return true
}

// confirm asks the old page about each locator of what was found. One that found another element there speaks against all.
func (f *finding) confirm(old *healing.Page, target int, page *healing.Page, index int) {
	f.place = append(placeOf(f.found.Shadow), "xpath/"+f.found.XPath)
	why := ""
	for _, l := range page.Locators(index) {
		c := healing.Confirm(old, target, f.found, l)
		if !c.Confirmed {
			matched := old.Matches(l)
			if len(matched) == 0 || l.Kind != healing.ByXPath && !slices.Contains(matched, target) {
				f.refusal = c.Reason
				return
			}
			why = c.Reason
			continue
		}
		if selector := selectorOf(l, &f.found); selector != nil {
			f.selectors = append(f.selectors, selector)
		}
		f.placed = f.placed || l.Kind == healing.ByXPath
	}
	if len(f.selectors) == 0 && !f.placed {
		f.refusal = f.name + " is the most similar element, but no locator finds it alone"
		if why != "" {
			f.refusal += ": " + why
		}
	}
}

func placeOf(hosts []string) testcase.Selector {
	var s testcase.Selector
	for _, host := range hosts {
		s = append(s, "xpath/"+host)
	}
	return s
}

// selectorOf writes a locator as a case has it; nil if that can't be done.
func selectorOf(l healing.Locator, f *healing.Fingerprint) testcase.Selector {
	css := ""
	if len(f.Shadow) > 0 {
		css = "pierce/"
	}
	attribute := func(names ...string) testcase.Selector {
		parts := make([]string, len(names))
		for i, name := range names {
			parts[i] = f.Tag + "[" + name + "=" + quoted(l.Value) + "]"
		}
		return testcase.Selector{css + strings.Join(parts, ", ")}
	}
	switch l.Kind {
	case healing.ByTestID:
		return attribute("data-testid", "data-test", "data-qa", "data-cy")
	case healing.ByRole:
		if l.Role == "" || l.Role == "generic" || l.Role == "none" {
			return nil
		}
		return testcase.Selector{"aria/[role=" + quoted(l.Role) + "][name=" + quoted(l.Value) + "]"}
	case healing.ByID:
		return attribute("id")
	case healing.ByName:
		return attribute("name")
	case healing.ByPlaceholder:
		return attribute("placeholder")
	case healing.ByAlt:
		return attribute("alt")
	case healing.ByTitle:
		return attribute("title")
	case healing.ByText:
		return testcase.Selector{"text/" + l.Value}
	case healing.ByXPath:
		if len(f.Shadow) > 0 {
			return nil
		}
		return testcase.Selector{"xpath/" + l.Value}
	case healing.ByLabel, healing.ByHref: // its name says the label; addresses are captured without their queries
		return nil
	}
	return nil
}

// quoted writes a text as CSS and aria selectors have it.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\a `).Replace(s) + `"`
}

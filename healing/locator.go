package healing

import "strings"

// LocatorKind says what a locator goes by.
type LocatorKind string

// The kinds of locators, the most reliable first.
const (
	ByTestID      LocatorKind = "testId"
	ByRole        LocatorKind = "role" // role and accessible name
	ByID          LocatorKind = "id"
	ByName        LocatorKind = "name"
	ByLabel       LocatorKind = "label"
	ByPlaceholder LocatorKind = "placeholder"
	ByAlt         LocatorKind = "alt"
	ByTitle       LocatorKind = "title"
	ByText        LocatorKind = "text" // the whole text of an element of that tag
	ByHref        LocatorKind = "href"
	ByXPath       LocatorKind = "xpath"
)

// Locator says how to find an element. It is simple enough to be applied to fingerprints as well as to a page.
type Locator struct {
	Kind  LocatorKind `json:"kind"`
	Value string      `json:"value"`
	// Role is the role that ByRole goes by, Tag the tag that ByText and ByHref go by.
	Role string `json:"role,omitempty"`
	Tag  string `json:"tag,omitempty"`
	// Root is where to look: in a frame or shadow root. "" is the page itself.
	Root string `json:"root,omitempty"`
}

// Locators are those that find this element and no other one of the page, the most reliable first.
func (p *Page) Locators(i int) []Locator {
	e := &p.elements[i]
	f := e.fp
	var unique []Locator
	for _, l := range []Locator{
		{Kind: ByTestID, Value: f.TestID},
		{Kind: ByRole, Value: f.AccessibleName, Role: e.role},
		{Kind: ByID, Value: f.ID},
		{Kind: ByName, Value: f.Name},
		{Kind: ByLabel, Value: f.Label},
		{Kind: ByPlaceholder, Value: f.Placeholder},
		{Kind: ByAlt, Value: f.Alt},
		{Kind: ByTitle, Value: f.Title},
		{Kind: ByText, Value: f.Text, Tag: f.Tag},
		{Kind: ByHref, Value: f.Href, Tag: f.Tag},
		{Kind: ByXPath, Value: f.XPath},
	} {
		// What was cut would not be found, and an id that a tool made up will not be there next time.
		if l.Value == "" || len(l.Value) >= MaxText-4 && l.Kind != ByXPath || l.Kind == ByID && madeUp(f.ID) {
			continue
		}
		l.Root = e.root
		if found := p.Matches(l); len(found) == 1 && found[0] == i {
			unique = append(unique, l)
		}
	}
	return unique
}

// madeUp tells whether some word of an identifier looks like one that a tool made up.
func madeUp(id string) bool {
	found := false
	for word := range strings.FieldsFuncSeq(id, func(r rune) bool { return kindOf(r) == separator }) {
		found = found || generated(strings.ToLower(word))
	}
	return found
}

// Matches are the elements that a locator finds, in the order of the document.
func (p *Page) Matches(l Locator) []int {
	var found []int
	for i := range p.elements {
		if p.elements[i].matches(l) {
			found = append(found, i)
		}
	}
	return found
}

func (e *element) matches(l Locator) bool {
	f := e.fp
	if l.Value == "" || e.root != l.Root {
		return false
	}
	switch l.Kind {
	case ByTestID:
		return f.TestID == l.Value
	case ByRole:
		return f.AccessibleName == l.Value && e.role == l.Role
	case ByID:
		return f.ID == l.Value
	case ByName:
		return f.Name == l.Value
	case ByLabel:
		return f.Label == l.Value
	case ByPlaceholder:
		return f.Placeholder == l.Value
	case ByAlt:
		return f.Alt == l.Value
	case ByTitle:
		return f.Title == l.Value
	case ByText:
		return f.Text == l.Value && f.Tag == l.Tag
	case ByHref:
		return f.Href == l.Value && f.Tag == l.Tag
	case ByXPath:
		return f.XPath == l.Value
	default:
		return false
	}
}

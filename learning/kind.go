package learning

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Kind says what a selector goes by. The names are those of package healing's locators.
type Kind string

// The kinds.
const (
	ByTestID      Kind = "testId"
	ByRole        Kind = "role"
	ByID          Kind = "id"
	ByName        Kind = "name"
	ByPlaceholder Kind = "placeholder"
	ByAlt         Kind = "alt"
	ByTitle       Kind = "title"
	ByText        Kind = "text"
	ByXPath       Kind = "xpath"
	ByCSS         Kind = "css"
)

// KindOf says what a selector of a case goes by: its last part, if it leads through shadow roots.
func KindOf(selector []string) Kind {
	if len(selector) == 0 {
		return ByCSS
	}
	last := strings.TrimPrefix(selector[len(selector)-1], "pierce/")
	switch {
	case strings.HasPrefix(last, "aria/"):
		return ByRole
	case strings.HasPrefix(last, "text/"):
		return ByText
	case strings.HasPrefix(last, "xpath/"), strings.HasPrefix(last, "/"), strings.HasPrefix(last, "(/"):
		return ByXPath
	case strings.HasPrefix(last, "#") && !strings.ContainsAny(last, " >+~[."):
		return ByID
	}
	for _, attribute := range []struct {
		name string
		kind Kind
	}{
		{"[data-test", ByTestID},
		{"[data-qa", ByTestID},
		{"[data-cy", ByTestID},
		{"[id=", ByID},
		{"[name=", ByName},
		{"[placeholder=", ByPlaceholder},
		{"[alt=", ByAlt},
		{"[title=", ByTitle},
	} {
		if strings.Contains(last, attribute.name) {
			return attribute.kind
		}
	}
	return ByCSS
}

// Named is a locator in a form that can be compared, and its kind.
type Named struct {
	Kind Kind
	Text string
}

// Sighting is how an element could be found when it was seen.
type Sighting struct {
	Step     Key
	Version  int
	At       time.Time
	Locators []Named
}

// KindReliability is how locators of a kind survive changes of pages.
type KindReliability struct {
	Kind          Kind      `json:"kind"`
	Changes, Kept int       `json:"-"`
	Survives      Belief    `json:"survives"`
	First, Last   time.Time `json:"-"`
}

// Kinds says for each kind of locator how probable it is that one that found an element alone still does after the page has changed,
// by what was seen of elements, each step's in the order of their versions.
func (r Rules) Kinds(seen []Sighting) []KindReliability {
	var now time.Time
	for _, s := range seen {
		if s.At.After(now) {
			now = s.At
		}
	}
	type tally struct {
		KindReliability

		evidence Evidence
	}
	found := map[Kind]*tally{}
	for i, s := range seen {
		if i == 0 || seen[i-1].Step != s.Step || seen[i-1].Version >= s.Version {
			continue
		}
		for _, before := range seen[i-1].Locators {
			n := found[before.Kind]
			if n == nil {
				n = &tally{KindReliability: KindReliability{Kind: before.Kind, First: s.At}}
				found[before.Kind] = n
			}
			kept := slices.Contains(s.Locators, before)
			n.evidence = n.evidence.with(kept, Weight(now.Sub(s.At), r.HalfLife))
			n.Changes++
			if kept {
				n.Kept++
			}
			if s.At.Before(n.First) {
				n.First = s.At
			}
			if s.At.After(n.Last) {
				n.Last = s.At
			}
		}
	}
	var kinds []KindReliability
	for _, kind := range slices.Sorted(maps.Keys(found)) {
		n := found[kind]
		n.Survives = n.evidence.Belief(openMinded)
		kinds = append(kinds, n.KindReliability)
	}
	return kinds
}

package healing

import (
	"fmt"
	"slices"
	"strings"
)

// Policy says how sure one must be to heal.
type Policy struct {
	// MinConfidence is the least confidence, MinScore the least score of the best candidate, and MinMargin the least
	// margin ([Evidence]) to the runner-up.
	MinConfidence float64
	MinScore      float64
	MinMargin     float64
}

// Careful is the policy to heal with: on recorded changes of public sites at most one heal in two hundred was wrong
// (docs/healing.md has the figures).
//
//nolint:gochecknoglobals // a constant in all but syntax
var Careful = Policy{MinConfidence: 0.38, MinScore: 0.2, MinMargin: 0.1}

// Decision says whether to heal, and why.
type Decision struct {
	// Heal tells whether Index may take the target's place; if not, Index is the best candidate all the same, -1 if there is none.
	Heal  bool `json:"heal"`
	Index int  `json:"index"`
	// Confidence is the ranking's.
	Confidence float64 `json:"confidence"`
	// Reasons say why it heals, or all that speaks against it.
	Reasons []string `json:"reasons"`
}

// Decide heals or refuses. The best candidate must be visible and of a role with which one can do what one did with the target; with
// another caption it must have the same id, name, test id or link; its caption must not name another deed; it must not be one of several that look the same, and it
// must pass the policy's thresholds.
func (p *Page) Decide(target Fingerprint, r Ranking, policy Policy) Decision {
	if len(r.Candidates) == 0 {
		return Decision{Index: -1, Reasons: []string{"the page has no elements"}}
	}
	best := r.Best()
	d := Decision{Index: best.Index, Confidence: r.Confidence}
	refuse := func(format string, args ...any) { d.Reasons = append(d.Reasons, fmt.Sprintf(format, args...)) }
	target = target.Bounded()
	e := &p.elements[best.Index]
	name := p.call(best.Index)
	if e.fp.Visible != nil && !*e.fp.Visible && (target.Visible == nil || *target.Visible) {
		refuse("%s is the most similar element, but it cannot be seen", name)
	}
	if from := roleOf(&target); !compatible(from, e.role) {
		refuse("%s is the most similar element, but it is a %s, and a %s is wanted", name, e.role, from)
	}
	if r.Evidence.Wording <= contradiction && r.Evidence.Identifier < 1 && r.Evidence.Link < 1 {
		refuse("%s has another caption than what is wanted (%q), and neither its id, name or link is the same", name, shorten(captionOf(&target)))
	}
	q := p.ask(target)
	if otherDeed(&q.element, e) {
		refuse("%s does something else than what is wanted (%q)", name, shorten(captionOf(&target)))
	}
	if r.Evidence.Identifier < 1 && r.Evidence.Link < 1 {
		if otherWords(&q.element, e) {
			refuse("%s says something else than what is wanted (%q), and neither its id, name or link is the same", name, shorten(captionOf(&target)))
		}
		if q.kind == activated && e.kind == plain && r.Evidence.Caption < sameMeaning {
			refuse("%s is nothing that one clicks, and neither its caption, id or name is the same", name)
		}
	}
	if r.RunnerUp > 0 && r.Evidence.Margin < policy.MinMargin {
		refuse("%s and %s are about equally similar", name, p.call(r.Candidates[r.RunnerUp].Index))
	}
	if best.Score < policy.MinScore {
		refuse("%s is the most similar element, but its score is %.2f, less than %.2f (%s)", name, best.Score, policy.MinScore, best.Reason)
	}
	if r.Confidence < policy.MinConfidence {
		refuse("%s is right with a probability of %.0f %% only, less than %.0f %% (%s)", name, 100*r.Confidence, 100*policy.MinConfidence, best.Reason)
	}
	if len(d.Reasons) == 0 {
		d.Heal = true
		d.Reasons = []string{fmt.Sprintf("%s: %s", name, best.Reason)}
	}
	return d
}

// otherWords tells whether each of two things that one clicks says something that the other one does not: "Retry all", "Clean all".
func otherWords(a, b *element) bool {
	if a.kind != activated || b.kind != activated || a.caption == "" || b.caption == "" || slices.Contains(a.others, b.caption) || slices.Contains(b.others, a.caption) {
		return false
	}
	one, other := strings.Fields(a.meaning), strings.Fields(b.meaning)
	more := func(words, than []string) bool {
		return slices.ContainsFunc(words, func(word string) bool {
			return !slices.ContainsFunc(than, func(other string) bool { return alikeWords(word, other) })
		})
	}
	return more(one, other) && more(other, one)
}

// alikeWords tells whether words of two captions may be the same one: a badge may have been run together with it, and "hide" is as good
// as "close".
func alikeWords(a, b string) bool {
	return a == b || alike[deeds[a]]&deeds[b] != 0 || min(len(a), len(b)) >= 4 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// Twin is the number of an element with the caption of another one, and of its kind, that is as like the target as that one, but for its
// place; -1 if there is none. Rows of a list come and go: which of two buttons "Edit" is meant, what stands beside them must say.
func (p *Page) Twin(target Fingerprint, of int) int {
	const least = 0.2
	q, e := p.ask(target), &p.elements[of]
	s := p.compare(q, e)
	own := s.told()
	for i := range p.elements {
		other := &p.elements[i]
		if i == of || other.caption != e.caption || other.kind != e.kind || other.root != e.root || p.kin(i, of) || other.fp.Visible != nil && !*other.fp.Visible {
			continue
		}
		if s := p.compare(q, other); own-s.told() < least {
			return i
		}
	}
	return -1
}

// told is what tells an element from others whatever its place.
func (s *similarities) told() float64 {
	sum := 0.0
	for _, part := range []part{partTestID, partID, partName, partHref, partAutocomplete, partClass, partLandmark, partAround, partRole, partTag, partIDPath} {
		sum += s[part] * traits[part].weight
	}
	return sum
}

// contradiction is the wording of two captions without a common word: whoever stands in the same place with another caption is
// likelier to be another element than the same one renamed.
const contradiction = -0.5

// call names an element as a person would: button "Sign in".
func (p *Page) call(i int) string {
	e := &p.elements[i]
	what := e.role
	if what == "generic" || what == "none" {
		what = "element"
		if e.fp.Tag != "" {
			what = "<" + e.fp.Tag + ">"
		}
	}
	switch caption := strings.Join(strings.Fields(captionOf(e.fp)), " "); {
	case caption != "":
		return fmt.Sprintf("%s %q", what, shorten(caption))
	case e.fp.TestID != "":
		return fmt.Sprintf("%s with test id %q", what, shorten(e.fp.TestID))
	case e.fp.ID != "":
		return fmt.Sprintf("%s #%s", what, shorten(e.fp.ID))
	default:
		return fmt.Sprintf("%s %d of the page", what, i+1)
	}
}

// shorten cuts what is quoted in a reason.
func shorten(s string) string {
	const limit = 40
	if len(s) <= limit {
		return s
	}
	return cut(s, limit) + "…"
}

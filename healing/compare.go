package healing

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// question is a target and what of it can be compared with any element.
type question struct {
	element
	present  [parts]bool // what is known of the target
	best     float64     // the score of an element that is the same in everything
	masks    map[int32]uint64
	together bool // asked with others
	typical  float64
	said     float64 // what the words of the caption weigh in ids and names
}

// ask prepares a target.
func (p *Page) ask(f Fingerprint) *question {
	q := &question{element: p.target(f), masks: map[int32]uint64{}}
	for tag, mask := range tagMasks(q.path) {
		if id, ok := p.vocab.ids[tag]; ok {
			q.masks[id] = mask
		}
	}
	fp := q.fp
	q.present = [parts]bool{
		partCaption: q.caption != "", partCaptionWords: len(q.bags[inCaption].ids) > 0, partCaptionLetters: len(q.trigrams) > 0,
		partTestID: fp.TestID != "", partID: fp.ID != "", partName: fp.Name != "", partClass: len(q.bags[inClass].ids) > 0,
		partHref: q.href != "", partTag: fp.Tag != "", partRole: fp.Tag != "" || fp.Role != "", partType: fp.Type != "",
		partAutocomplete: fp.Autocomplete != "",
		partLandmark:     q.landmark != "", partTags: len(q.path) > 0, partPathEnd: len(q.path) > 0, partIDPath: q.idRoot != "" && q.idRoot != fp.ID,
		partPosition: fp.Box != nil, partSize: fp.Box != nil, partAround: len(q.bags[inAround].ids) > 0,
		partKeys: len(q.bags[inKeys].ids) > 0, partWords: len(q.bags[inAll].ids) > 0, partRoot: q.root != "|",
	}
	for i, present := range q.present {
		if present {
			q.best += traits[i].weight
		}
	}
	if numbered(fp.ID) {
		q.best -= (1 - sameNumbered) * traits[partID].weight
	}
	if q.present[partHref] && strings.HasSuffix(fp.Href, "?") {
		q.best -= (1 - sameButQuery) * traits[partHref].weight
	}
	return q
}

// compare says how alike an element is. It makes nothing new: it runs for every element of a page.
func (p *Page) compare(q *question, e *element) (s similarities) {
	p.compareTexts(q, e, &s)
	p.compareAttributes(q, e, &s)
	p.comparePlaces(q, e, &s)
	return s
}

func (p *Page) compareTexts(q *question, e *element, s *similarities) {
	switch {
	case q.present[partCaptionWords] && len(e.bags[inCaption].ids) > 0:
		s[partCaptionWords] = p.dice(inCaption, q, e)
		if q.present[partCaptionLetters] {
			s[partCaptionLetters] = diceOf(q.trigrams, e.trigrams)
		}
		s[partCaption] = sameCaption(&q.element, e)
		if s[partCaptionWords] < 0.1 && s[partCaptionLetters] < 0.2 { // nothing, or a filler
			s[partCaptionWords] = -0.5
		}
		if otherDeed(&q.element, e) {
			s[partCaptionWords] = min(s[partCaptionWords], -0.5)
		}
	case q.present[partCaptionWords]:
		// What had a caption and has none now may have become an icon: its id or name often still says it.
		s[partCaptionWords] = 0.6 * p.said(q, e)
	case len(e.bags[inCaption].ids) > 0:
		s[partCaptionWords] = -0.15
	}
	if q.present[partAround] {
		s[partAround] = p.dice(inAround, q, e)
	}
	if q.present[partKeys] {
		s[partKeys] = (p.dice(inKeys, q, e) + p.coverage(inKeys, q, e)) / 2
	}
	if q.present[partWords] {
		s[partWords] = p.dice(inAll, q, e)
	}
}

func (p *Page) compareAttributes(q *question, e *element, s *similarities) {
	a, b := q.fp, e.fp
	if q.present[partTestID] && b.TestID != "" {
		s[partTestID] = sameOr(a.TestID, b.TestID, -0.5)
	}
	if q.present[partID] && b.ID != "" {
		switch {
		case a.ID != b.ID:
			s[partID] = 0.8 * p.dice(inID, q, e)
		case numbered(a.ID):
			s[partID] = sameNumbered
		default:
			s[partID] = 1
		}
	}
	if q.present[partName] && b.Name != "" {
		s[partName] = 1
		if a.Name != b.Name {
			s[partName] = 0.8 * p.dice(inName, q, e)
		}
	}
	if q.present[partClass] {
		s[partClass] = p.dice(inClass, q, e)
	}
	if q.present[partHref] && e.href != "" {
		switch {
		case q.href != e.href:
			s[partHref] = 0.7 * p.dice(inHref, q, e)
		case a.Href != b.Href || !strings.HasSuffix(a.Href, "?"):
			s[partHref] = 1
		default:
			s[partHref] = sameButQuery
		}
	}
	if q.present[partAutocomplete] && b.Autocomplete != "" {
		s[partAutocomplete] = sameOr(a.Autocomplete, b.Autocomplete, -0.5)
	}
	if q.present[partTag] {
		s[partTag] = sameOr(a.Tag, b.Tag, 0)
	}
	switch {
	case q.present[partRole] && q.role == e.role:
		s[partRole] = 1
	case q.present[partRole] && !compatible(q.role, e.role):
		s[partRole] = -1
	case q.present[partRole] && q.kind == e.kind:
		s[partRole] = 0.5
	}
	if q.present[partType] && b.Type != "" {
		against := -0.5
		if a.Tag == "button" && b.Tag == "button" {
			against = 0 // what a button is to its form is not what it is to a person
		}
		s[partType] = sameOr(a.Type, b.Type, against)
	}
}

func (p *Page) comparePlaces(q *question, e *element, s *similarities) {
	a, b := q.fp, e.fp
	if q.present[partLandmark] {
		switch {
		case q.landmark == e.landmark:
			s[partLandmark] = 1
		case e.landmark != "":
			s[partLandmark] = -0.5
		}
	}
	if len(q.path) > 0 && len(e.path) > 0 {
		n := float64(len(q.path) + len(e.path))
		s[partTags] = 2 * float64(commonTags(q.masks, len(q.path), e.tags)) / n
		s[partPathEnd] = 2 * float64(commonEnd(q.path, e.path)) / n
	}
	switch {
	case !q.present[partIDPath]:
	case q.idRoot == e.idRoot:
		s[partIDPath] = sameOr(q.idBelow, e.idBelow, 0.5)
	default:
		s[partIDPath] = 0.4 * p.dice(inRoot, q, e)
	}
	if a.Box != nil && b.Box != nil {
		s[partPosition] = math.Exp(-math.Hypot(a.Box.X-b.Box.X, a.Box.Y-b.Box.Y) / 300)
		s[partSize] = ratio(a.Box.Width, b.Box.Width) * ratio(a.Box.Height, b.Box.Height)
	}
	switch {
	case q.root != e.root:
		s[partRoot] = -1
	case q.present[partRoot]:
		s[partRoot] = 1
	}
	if b.Visible != nil && !*b.Visible && (a.Visible == nil || *a.Visible) {
		s[partVisible] = -1
	}
}

// raw is the weighted sum of similarities.
func (s *similarities) raw() float64 {
	sum := 0.0
	for i := range s {
		sum += s[i] * traits[i].weight
	}
	return sum
}

// sameMeaning is what captions say that mean the same in other words.
const sameMeaning = 0.9

// sameCaption is 1 for the same caption, also if it was the title and is the name now; a little less for one that means the same; and
// less if one begins with the other.
func sameCaption(a, b *element) float64 {
	switch {
	case a.caption == b.caption || slices.Contains(a.others, b.caption) || slices.Contains(b.others, a.caption):
		return 1
	case a.meaning == b.meaning && a.meaning != "":
		return sameMeaning
	default:
		return sameStart(a.caption, b.caption)
	}
}

// sameStart is 1 for the same captions, and less if one begins with the other.
func sameStart(a, b string) float64 {
	if len(a) > len(b) {
		a, b = b, a
	}
	switch {
	case a == b && a != "":
		return 1
	case len(a) >= 4 && strings.HasPrefix(b, a):
		return 0.7 * float64(len(a)) / float64(len(b))
	default:
		return 0
	}
}

// sameButQuery is what the same address says if its query, which was left out, may differ.
const sameButQuery = 0.6

// sameNumbered is what the same id says if it ends in a number: the first of a list today may have been the second yesterday.
const sameNumbered = 0.8

// numbered tells whether an id ends in a number.
func numbered(id string) bool { return id != "" && id[len(id)-1] >= '0' && id[len(id)-1] <= '9' }

// dice is twice what two bags share, of what both have.
func (p *Page) dice(f field, q *question, e *element) float64 {
	a, b := &q.bags[f], &e.bags[f]
	if len(b.ids) == 0 || a.sum+b.sum == 0 {
		return 0
	}
	return min(1, 2*p.common(f, a.ids, b.ids)/(a.sum+b.sum))
}

// coverage is how much of the target's words an element has.
func (p *Page) coverage(f field, q *question, e *element) float64 {
	if a := &q.bags[f]; a.sum > 0 {
		return min(1, p.common(f, a.ids, e.bags[f].ids)/a.sum)
	}
	return 0
}

// said is how much of the target's caption an element's id and name say.
func (p *Page) said(q *question, e *element) float64 {
	caption := q.bags[inCaption].ids
	if q.said == 0 {
		for _, id := range caption {
			if id < 0 {
				q.said += p.vocab.rare
			} else {
				q.said += p.vocab.weight[inKeys][id]
			}
		}
	}
	return min(1, p.common(inKeys, caption, e.bags[inKeys].ids)/max(q.said, 1e-9))
}

func diceOf(a, b []uint32) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	n := 0
	inBoth(a, b, func(uint32) { n++ })
	return 2 * float64(n) / float64(len(a)+len(b))
}

// inBoth calls do with each value that stands in two sorted lists.
func inBoth[T cmp.Ordered](a, b []T, do func(T)) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			do(a[i])
			i++
			j++
		}
	}
}

func sameOr(a, b string, otherwise float64) float64 {
	if a == b {
		return 1
	}
	return otherwise
}

func ratio(a, b float64) float64 {
	if a == b {
		return 1
	}
	return min(a, b) / max(a, b)
}

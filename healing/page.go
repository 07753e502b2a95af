package healing

import (
	"math"
	"slices"
)

// MaxElements is how many elements of a page are compared; those after are left out.
const MaxElements = 20_000

// Page is a page's elements, made ready to be compared. It does not change any more.
type Page struct {
	prints   []Fingerprint
	elements []element
	vocab    vocabulary
	parents  []int          // the index of the element around, -1 if it is not in the page
	classes  map[string]int // how many elements have these very classes
}

// NewPage indexes the elements that a page has, in the order of the document. It takes about 8 µs an element.
func NewPage(prints []Fingerprint) *Page {
	prints = prints[:min(len(prints), MaxElements)]
	p := &Page{
		prints:   make([]Fingerprint, len(prints)),
		elements: make([]element, len(prints)),
		vocab:    vocabulary{ids: make(map[string]int32, 4*len(prints))},
		parents:  make([]int, len(prints)),
		classes:  map[string]int{},
	}
	places := make(map[string]int, len(prints))
	for i, f := range prints {
		p.prints[i] = f.Bounded()
		e := describe(&p.prints[i])
		sets := gather(&p.prints[i], p.vocab.add)
		for f := range fields {
			e.bags[f].ids = sets[f]
		}
		e.tags = make([]int32, len(e.path))
		for k, s := range e.path {
			e.tags[k] = p.vocab.add(s.tag)
		}
		p.elements[i] = e
		p.classes[e.fp.Class]++
		if e.fp.XPath != "" {
			places[e.place()] = i
		}
	}
	p.weigh()
	for i := range p.elements {
		p.parents[i] = -1
		if parent := parentPath(p.prints[i].XPath); parent != "" {
			if at, ok := places[p.elements[i].root+parent]; ok {
				p.parents[i] = at
			}
		}
	}
	return p
}

// Len is the number of elements, and Element one of them, by its number from 0.
func (p *Page) Len() int { return len(p.prints) }

// Element returns an element by its number, from 0 to Len-1. It must not be changed.
func (p *Page) Element(i int) *Fingerprint { return &p.prints[i] }

func (e *element) place() string { return e.root + e.fp.XPath }

// weigh gives each word of each field a weight: the rarer among the page's elements, the more it says.
func (p *Page) weigh() {
	v := &p.vocab
	n := float64(len(p.elements))
	v.rare = math.Log(n + 3)
	dull := make([]float64, len(v.words))
	for i, word := range v.words {
		dull[i] = wordFactor(word)
	}
	for f := range fields {
		v.counts[f] = make([]int32, len(v.words))
		for i := range p.elements {
			for _, id := range p.elements[i].bags[f].ids {
				v.counts[f][id]++
			}
		}
		v.weight[f] = make([]float64, len(v.words))
		for id, count := range v.counts[f] {
			v.weight[f][id] = dull[id] * math.Log((n+2)/(float64(count)+1)+1)
		}
		for i := range p.elements {
			b := &p.elements[i].bags[f]
			for _, id := range b.ids {
				b.sum += v.weight[f][id]
			}
		}
	}
}

// wordFactor is how much a word counts whatever its rarity.
func wordFactor(word string) float64 {
	switch {
	case generated(word):
		return 0.2
	case len(word) == 1, filler[word]:
		return 0.3
	default:
		return 1
	}
}

// target makes a fingerprint ready to be compared with this page's elements.
func (p *Page) target(f Fingerprint) element {
	f = f.Bounded()
	e := describe(&f)
	var unknown []string
	sets := gather(&f, func(word string) int32 {
		if id, ok := p.vocab.ids[word]; ok {
			return id
		}
		at := slices.Index(unknown, word)
		if at < 0 {
			at = len(unknown)
			unknown = append(unknown, word)
		}
		return int32(-1 - at) //nolint:gosec // bounded by the element's words
	})
	for f := range fields {
		b := &e.bags[f]
		b.ids = sets[f]
		for _, id := range b.ids {
			if id < 0 {
				b.sum += wordFactor(unknown[-1-id]) * p.vocab.rare
			} else {
				b.sum += p.vocab.weight[f][id]
			}
		}
	}
	return e
}

// common is the weight of the words that two bags share.
func (p *Page) common(f field, a, b []int32) float64 {
	weight, sum := p.vocab.weight[f], 0.0
	inBoth(a, b, func(id int32) { sum += weight[id] })
	return sum
}

// kin tells whether one element stands directly in the other.
func (p *Page) kin(a, b int) bool { return p.parents[a] == b || p.parents[b] == a }

package healing

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// MaxCandidates is how many candidates a ranking holds.
const MaxCandidates = 10

// Candidate is an element of the page, compared with the target.
type Candidate struct {
	// Index is the element's number in the page.
	Index int `json:"index"`
	// Score says how alike it is, from 0 to 1: what all parts give, of what they give for the same element.
	Score float64 `json:"score"`
	// Parts are what the score is made of, the largest contribution first; parts that say nothing are left out.
	Parts []Part `json:"parts"`
	// Reason says in words what speaks for the element, and what against it.
	Reason string `json:"reason"`

	raw float64
	s   similarities
}

// Part is one comparison.
type Part struct {
	// Name says what is compared: "caption", "id", "position" …
	Name string `json:"name"`
	// Similarity is from -1 (a contradiction) over 0 (nothing in common) to 1 (the same).
	Similarity float64 `json:"similarity"`
	// Contribution is what this adds to the score. The contributions of a candidate add up to its score, unless that is 0.
	Contribution float64 `json:"contribution"`
}

// Ranking is what a page has to offer for a target.
type Ranking struct {
	// Candidates are the page's most similar elements, the best first. Empty only for an empty page.
	Candidates []Candidate `json:"candidates"`
	// RunnerUp is the place in Candidates of the best one that is another element than the first: neither what it stands directly in,
	// nor what stands directly in it, since a click on either is the same. 0 if there is none.
	RunnerUp int `json:"runnerUp"`
	// Assigned tells that the target was looked for together with others, and that the first candidate is its own: no other one got it.
	Assigned bool `json:"assigned,omitempty"`
	// Evidence is what the confidence is made of.
	Evidence Evidence `json:"evidence"`
	// Confidence is the probability that the best candidate is the right one, for targets of which every second one is gone.
	Confidence float64 `json:"confidence"`
}

// Best is the best candidate. It must not be asked of an empty ranking.
func (r *Ranking) Best() *Candidate { return &r.Candidates[0] }

// Rank compares a target with every element of the page. It takes about 1 µs an element.
func (p *Page) Rank(f Fingerprint) Ranking {
	q := p.ask(f)
	return p.ranking(q, p.score(q, MaxCandidates))
}

// score compares the target with all elements and returns the best, without explanation.
func (p *Page) score(q *question, limit int) []Candidate {
	raws := make([]float64, len(p.elements))
	for i := range p.elements {
		s := p.compare(q, &p.elements[i])
		raws[i] = s.raw()
	}
	order := make([]int, len(raws))
	for i := range order {
		order[i] = i
	}
	// Elements that are equally alike keep the order of the document.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(raws[b], raws[a]) })
	best := make([]Candidate, min(limit, len(order)))
	for i := range best {
		at := order[i]
		best[i] = Candidate{Index: at, raw: raws[at], s: p.compare(q, &p.elements[at])}
	}
	return best
}

// ranking explains the candidates and says how sure it is.
func (p *Page) ranking(q *question, candidates []Candidate) Ranking {
	r := Ranking{Candidates: candidates[:min(len(candidates), MaxCandidates)]}
	for i := range r.Candidates {
		p.explain(q, &r.Candidates[i])
	}
	if len(r.Candidates) > 0 {
		r.RunnerUp, r.Evidence, r.Confidence = p.trust(q, r.Candidates)
	}
	return r
}

// trust says how sure it is that the first candidate is the right one, of what evidence, and which one comes next. There must be a
// candidate.
func (p *Page) trust(q *question, candidates []Candidate) (runnerUp int, e Evidence, confidence float64) {
	best := &candidates[0]
	ahead := best.raw
	for i := 1; i < min(len(candidates), MaxCandidates) && runnerUp == 0; i++ {
		if !p.kin(candidates[i].Index, best.Index) {
			runnerUp = i
			ahead -= candidates[i].raw
		}
	}
	e = p.evidence(q, best, ahead)
	calibration := Alone
	if q.together {
		calibration = Together
	}
	return runnerUp, e, calibration.Confidence(e)
}

func (p *Page) explain(q *question, c *Candidate) {
	c.Score = q.score(c)
	for i, similarity := range c.s {
		if similarity != 0 {
			c.Parts = append(c.Parts, Part{traits[i].name, similarity, similarity * traits[i].weight / math.Max(q.best, 1)})
		}
	}
	slices.SortStableFunc(c.Parts, func(a, b Part) int {
		return cmp.Compare(math.Abs(b.Contribution), math.Abs(a.Contribution))
	})
	c.Reason = reason(q, &c.s)
}

// score is what a candidate's parts give, of what they give for the same element.
func (q *question) score(c *Candidate) float64 {
	if q.best <= 0 {
		return 0
	}
	return min(max(c.raw/q.best, 0), 1)
}

// reason names what counts most.
func reason(q *question, s *similarities) string {
	var pro, contra []string
	for i, t := range &traits {
		switch {
		case s[i] >= 0.6 && t.favour != "" && q.present[i]:
			pro = append(pro, t.favour)
		case s[i] < 0 && t.against != "":
			contra = append(contra, t.against)
		}
	}
	if len(pro) == 0 {
		pro = []string{"little in common"}
	}
	text := strings.Join(pro[:min(len(pro), 5)], ", ")
	if len(contra) > 0 {
		text += "; but " + strings.Join(contra, ", ")
	}
	return text
}

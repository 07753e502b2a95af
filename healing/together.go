package healing

import (
	"math"
	"slices"
)

const (
	considered       = 30   // candidates of each target that are looked at together
	anchorConfidence = 0.9  // a match that others may lean on
	anchorsEach      = 6    // how many each leans on
	contextWeight    = 3.0  // what the context weighs, as the parts do
	worthOfNothing   = 0.25 // of the best score: a target that would get less is better left without an element
)

// together is the state of one question about several targets.
type together struct {
	page       *Page
	questions  []*question
	candidates [][]Candidate
	anchors    []anchor
}

// anchor is a target that was found without help.
type anchor struct {
	target, found int
}

// RankTogether compares several targets of one page with its elements: those that are found without doubt first, the others
// then also by how they stood to those, and no two get the same element. The rankings are in the order of the targets. Targets
// that stood in the old page beside the one that is wanted help to find it.
func (p *Page) RankTogether(targets []Fingerprint) []Ranking {
	if len(p.elements) == 0 {
		return make([]Ranking, len(targets))
	}
	t := together{page: p}
	for _, f := range targets {
		q := p.ask(f)
		t.questions = append(t.questions, q)
		t.candidates = append(t.candidates, p.score(q, considered))
	}
	t.findAnchors()
	contexts := make([][]float64, len(targets))
	for i := range targets {
		contexts[i] = t.lean(i)
	}
	taken := t.share()
	rankings := make([]Ranking, len(targets))
	for i := range targets {
		t.questions[i].together = true
		rankings[i] = t.rank(i, taken, contexts[i])
	}
	return rankings
}

func (t *together) findAnchors() {
	claims := map[int][]anchor{}
	order := []int{}
	for i, q := range t.questions {
		r := t.page.ranking(q, slices.Clone(t.candidates[i]))
		if r.Confidence >= anchorConfidence {
			at := r.Best().Index
			if len(claims[at]) == 0 {
				order = append(order, at)
			}
			claims[at] = append(claims[at], anchor{i, at})
		}
	}
	for _, at := range order {
		if len(claims[at]) == 1 {
			t.anchors = append(t.anchors, claims[at][0])
		}
	}
}

// lean adds to each candidate's score how it stands to the anchors nearest to the target, compared with how the target stood
// to them. It returns each candidate's context.
func (t *together) lean(i int) []float64 {
	q, candidates := t.questions[i], t.candidates[i]
	contexts := make([]float64, len(candidates))
	near := t.nearest(i)
	if len(near) == 0 {
		return contexts
	}
	for k := range candidates {
		e := &t.page.elements[candidates[k].Index]
		sum, weights := 0.0, 0.0
		for n, a := range near {
			weight := 1 / float64(n+1)
			sum += weight * relation(&q.element, &t.questions[a.target].element, e, &t.page.elements[a.found])
			weights += weight
		}
		contexts[k] = sum / weights
		candidates[k].raw += contextWeight * contexts[k]
		candidates[k].context = contexts[k]
	}
	q.best += contextWeight
	order := make([]int, len(candidates))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return compareDown(candidates[a].raw, candidates[b].raw) })
	sorted, sortedContexts := make([]Candidate, len(candidates)), make([]float64, len(candidates))
	for k, from := range order {
		sorted[k], sortedContexts[k] = candidates[from], contexts[from]
	}
	t.candidates[i] = sorted
	return sortedContexts
}

// nearest are the anchors that stood nearest to a target in the old page.
func (t *together) nearest(i int) []anchor {
	q := t.questions[i]
	type distant struct {
		anchor
		distance float64
	}
	var all []distant
	for _, a := range t.anchors {
		if a.target == i || t.questions[a.target].root != q.root {
			continue
		}
		all = append(all, distant{a, apart(&q.element, &t.questions[a.target].element)})
	}
	slices.SortStableFunc(all, func(a, b distant) int { return compareDown(b.distance, a.distance) })
	near := make([]anchor, 0, anchorsEach)
	for _, a := range all[:min(len(all), anchorsEach)] {
		near = append(near, a.anchor)
	}
	return near
}

// apart is how far two elements are from each other: steps in the tree, and pixels.
func apart(a, b *element) float64 {
	up, down := climb(a.path, b.path)
	distance := float64(up + down)
	if a.fp.Box != nil && b.fp.Box != nil {
		distance += math.Hypot(a.fp.Box.X-b.fp.Box.X, a.fp.Box.Y-b.fp.Box.Y) / 100
	}
	return distance
}

// climb is the way from one path to another: so many steps up, so many down.
func climb(a, b []step) (up, down int) {
	n := commonStart(a, b)
	return len(a) - n, len(b) - n
}

// relation says from -1 to 1 how alike the way from a to b is to that from c to d, in the tree and on the screen.
func relation(a, b, c, d *element) float64 {
	sum, weights := 0.0, 0.0
	if len(a.path) > 0 && len(c.path) > 0 {
		up, down := climb(a.path, b.path)
		newUp, newDown := climb(c.path, d.path)
		difference := math.Abs(float64(up-newUp)) + math.Abs(float64(down-newDown))
		sum += 2*math.Exp(-difference/3) - 1
		weights++
		if before, newBefore := order(a.path, b.path), order(c.path, d.path); before != 0 && newBefore != 0 {
			if before == newBefore {
				sum += 0.5
			} else {
				sum -= 0.5
			}
			weights += 0.5
		}
	}
	if a.fp.Box != nil && b.fp.Box != nil && c.fp.Box != nil && d.fp.Box != nil {
		dx := (a.fp.Box.X - b.fp.Box.X) - (c.fp.Box.X - d.fp.Box.X)
		dy := (a.fp.Box.Y - b.fp.Box.Y) - (c.fp.Box.Y - d.fp.Box.Y)
		far := 100 + 0.5*math.Hypot(a.fp.Box.X-b.fp.Box.X, a.fp.Box.Y-b.fp.Box.Y)
		sum += 2*math.Exp(-math.Hypot(dx, dy)/far) - 1
		weights++
	}
	if weights == 0 {
		return 0
	}
	return sum / weights
}

// order is -1 if a stands before b in the document, 1 if after, 0 if their paths don't say.
func order(a, b []step) int {
	n := commonStart(a, b)
	if n >= len(a) || n >= len(b) || a[n].tag != b[n].tag {
		return 0
	}
	if a[n].index < b[n].index {
		return -1
	}
	return 1
}

// share gives each target an element of its own, or none (-1), so that all together are served best.
func (t *together) share() []int {
	columns := map[int]int{}
	var elements []int
	for _, candidates := range t.candidates {
		for _, c := range candidates {
			if _, ok := columns[c.Index]; !ok {
				columns[c.Index] = len(elements)
				elements = append(elements, c.Index)
			}
		}
	}
	worth := make([][]float64, len(t.questions))
	for i, q := range t.questions {
		worth[i] = make([]float64, len(elements)+len(t.questions))
		for j := range worth[i] {
			worth[i][j] = -1e6
		}
		for _, c := range t.candidates[i] {
			worth[i][columns[c.Index]] = c.raw
		}
		worth[i][len(elements)+i] = worthOfNothing * q.best // without an element
	}
	taken := assign(worth)
	for i, j := range taken {
		if j >= len(elements) {
			taken[i] = -1
		} else {
			taken[i] = elements[j]
		}
	}
	return taken
}

// rank puts the element that a target was given first, and leaves out those that others were given.
func (t *together) rank(i int, taken []int, _ []float64) Ranking {
	own := taken[i]
	var first, free []Candidate
	for _, c := range t.candidates[i] {
		switch {
		case c.Index == own:
			first = append(first, c)
		case !slices.Contains(taken, c.Index):
			free = append(free, c)
		}
	}
	if own < 0 && len(free) == 0 {
		free = t.candidates[i]
	}
	return t.page.ranking(t.questions[i], append(first, free...))
}

package healing

import (
	"cmp"
	"math"
	"slices"
)

const (
	considered       = 30   // candidates of each target that are looked at together
	anchorConfidence = 0.7  // a match that others may lean on
	anchorsEach      = 6    // how many each leans on
	closeness        = 8.0  // steps or hundreds of pixels: how far away an anchor counts half
	doubt            = 0.3  // how many anchors at hand count nothing, so that few and distant ones count little
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

// distant is an anchor as seen from a target.
type distant struct {
	anchor
	distance float64
}

// RankTogether compares several targets of one page with its elements: those that are found without doubt first, the others
// then also by how they stood to those, and no two get the same element. The targets must be in the
// order of the old page. Targets that stood there beside the one that is wanted help to find it.
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
	// The first anchors are those that need no help, the second ones those that the first helped to find.
	for range 2 {
		t.findAnchors()
		for i := range targets {
			t.lean(i)
			t.questions[i].together = true
		}
	}
	taken := t.share()
	t.weighPage()
	rankings := make([]Ranking, len(targets))
	for i := range targets {
		rankings[i] = t.rank(i, taken)
	}
	return rankings
}

func (t *together) findAnchors() {
	t.anchors = nil
	claims := map[int][]anchor{}
	order := []int{}
	for i, q := range t.questions {
		if _, _, confidence := t.page.trust(q, t.candidates[i]); confidence >= anchorConfidence {
			at := t.candidates[i][0].Index
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

// lean adds to each candidate how it stands to the anchors nearest to the target, compared with how the target stood to them.
func (t *together) lean(i int) {
	q, candidates := t.questions[i], t.candidates[i]
	near := t.nearest(i)
	if len(near) == 0 {
		return
	}
	for part := partTree; part <= partOrder; part++ {
		if q.present[part] {
			continue
		}
		if part != partOffset || q.fp.Box != nil {
			q.present[part] = true
			q.best += traits[part].weight
		}
	}
	for k := range candidates {
		c := &candidates[k]
		e := &t.page.elements[c.Index]
		var tree, offset, order mean
		for n, a := range near {
			weight := 1 / (float64(n+1) * (1 + a.distance/closeness))
			old, found := &t.questions[a.target].element, &t.page.elements[a.found]
			tree.add(sameWay(&q.element, old, e, found), weight)
			if far, ok := sameOffset(&q.element, old, e, found); ok {
				offset.add(far, weight)
			}
		}
		for _, a := range t.anchors {
			if a.target != i && a.found != c.Index {
				weight := 1 / math.Abs(float64(a.target-i))
				order.add(float64(cmp.Compare(a.target, i)*cmp.Compare(a.found, c.Index)), weight)
			}
		}
		c.s[partTree], c.s[partOffset], c.s[partOrder] = tree.value(), offset.value(), order.value()
		c.raw = c.s.raw()
	}
	slices.SortStableFunc(candidates, func(a, b Candidate) int { return cmp.Compare(b.raw, a.raw) })
}

// mean is a weighted mean.
type mean struct{ sum, weights float64 }

func (m *mean) add(value, weight float64) {
	m.sum += value * weight
	m.weights += weight
}

func (m *mean) value() float64 {
	if m.weights == 0 {
		return 0
	}
	return m.sum / (m.weights + doubt)
}

// nearest are the anchors that stood nearest to a target in the old page.
func (t *together) nearest(i int) []distant {
	q := t.questions[i]
	var all []distant
	for _, a := range t.anchors {
		if a.target == i || t.questions[a.target].root != q.root {
			continue
		}
		all = append(all, distant{a, apart(&q.element, &t.questions[a.target].element)})
	}
	slices.SortStableFunc(all, func(a, b distant) int { return cmp.Compare(a.distance, b.distance) })
	return all[:min(len(all), anchorsEach)]
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

// sameWay says from -1 to 1 how alike the way through the tree from a to b is to that from c to d.
func sameWay(a, b, c, d *element) float64 {
	if len(a.path) == 0 || len(c.path) == 0 {
		return 0
	}
	up, down := climb(a.path, b.path)
	newUp, newDown := climb(c.path, d.path)
	return 2*math.Exp(-(math.Abs(float64(up-newUp))+math.Abs(float64(down-newDown)))/3) - 1
}

// sameOffset says from -1 to 1 how alike the way on the screen from a to b is to that from c to d, if both are known. Far from
// each other, more may change.
func sameOffset(a, b, c, d *element) (float64, bool) {
	if a.fp.Box == nil || b.fp.Box == nil || c.fp.Box == nil || d.fp.Box == nil {
		return 0, false
	}
	x, y := a.fp.Box.X-b.fp.Box.X, a.fp.Box.Y-b.fp.Box.Y
	newX, newY := c.fp.Box.X-d.fp.Box.X, c.fp.Box.Y-d.fp.Box.Y
	return 2*math.Exp(-math.Hypot(x-newX, y-newY)/(100+math.Hypot(x, y)/2)) - 1, true
}

// weighPage tells each question how alike the best candidates of the others are.
func (t *together) weighPage() {
	scores := make([]float64, len(t.questions))
	for i, q := range t.questions {
		scores[i] = t.candidates[i][0].raw / max(q.best, 1)
	}
	for i, q := range t.questions {
		if others := slices.Delete(slices.Clone(scores), i, i+1); len(others) > 0 {
			slices.Sort(others)
			q.typical = min(max(others[len(others)/2], 0), 1)
		}
	}
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
func (t *together) rank(i int, taken []int) Ranking {
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
	r := t.page.ranking(t.questions[i], append(first, free...))
	r.Assigned = own >= 0
	return r
}

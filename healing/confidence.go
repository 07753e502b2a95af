package healing

import "math"

// Evidence is what speaks for the best candidate being the right one. Each number is from -1 to 1.
type Evidence struct {
	// Score is the best candidate's, and Margin how far the runner-up is behind: 0 for a twin, nearly 1 for one that is out of reach.
	Score  float64 `json:"score"`
	Margin float64 `json:"margin"`
	// Caption is 1 for the same caption, less if one begins with the other, 0 if they differ or there is none; Wording is how many of
	// the words are the same, below 0 if none is.
	Caption float64 `json:"caption"`
	Wording float64 `json:"wording"`
	// Identifier (test id, id, name or autocomplete) and Link are 1 if they are the same, below 0 the more they differ, 0 if one side has none.
	Identifier float64 `json:"identifier"`
	Link       float64 `json:"link"`
	// Class is 1 if it is the only element with the target's very classes, a half if it is one of two, and so on.
	Class float64 `json:"class"`
	// Shape is how well position and size agree, Place how well landmark and path do, and Context how well it fits in with other
	// targets of the page; 0 without others.
	Shape   float64 `json:"shape"`
	Place   float64 `json:"place"`
	Context float64 `json:"context"`
	// Known is how much is known of the target: 1 is all that can be compared.
	Known float64 `json:"known"`
	// Typical is the median of the scores that the other targets' best candidates have: low on a page that was redesigned. 0 without others.
	Typical float64 `json:"typical"`
}

// Calibration makes a confidence of evidence: a logistic curve over a weighted sum.
type Calibration struct {
	Bias    float64
	Weights Evidence
}

// The calibrations of this package. They were fitted by `make bench/healing FLAGS=--fit`, which prints them, on targets of which every
// second one was gone; the same command prints how they fare on sites that they were not fitted on.
//
//nolint:gochecknoglobals // constants in all but syntax
var (
	// Alone is for targets that are looked for one at a time.
	Alone = Calibration{-4.72, Evidence{3.78, 2.34, 2.62, -0.37, 1.33, 0.50, 1.08, 0.65, 1.00, 0.00, -2.15, 0.00}}
	// Together is for those that are looked for together.
	Together = Calibration{-0.21, Evidence{4.26, 1.79, 2.38, 0.42, 1.09, 0.62, 1.57, -0.46, 0.77, 2.36, -1.84, -5.40}}
)

// Confidence is the probability that evidence of this kind is right.
func (c Calibration) Confidence(e Evidence) float64 {
	sum := c.Bias
	w, x := c.Weights.Vector(), e.Vector()
	for i := range w {
		sum += w[i] * x[i]
	}
	return 1 / (1 + math.Exp(-sum))
}

// Vector is the evidence in the order of its fields.
func (e Evidence) Vector() [12]float64 {
	return [12]float64{e.Score, e.Margin, e.Caption, e.Wording, e.Identifier, e.Link, e.Class, e.Shape, e.Place, e.Context, e.Known, e.Typical}
}

// evidence for a candidate that is so far ahead of the runner-up.
func (p *Page) evidence(q *question, best *Candidate, ahead float64) Evidence {
	a, b, s := q.fp, p.elements[best.Index].fp, &best.s
	wording := s[partCaptionWords]
	if q.caption != "" && p.elements[best.Index].caption == "" {
		wording -= 0.25
	}
	class := 0.0
	if n := p.classes[b.Class]; n > 0 && s[partClass] > 0.999 {
		class = 1 / float64(n)
	}
	return Evidence{
		Class: class, Shape: (s[partPosition] + s[partSize]) / 2, Known: min(1, q.best/30), Typical: q.typical,
		Score: q.score(best), Margin: 1 - math.Exp(-max(ahead, 0)), Caption: s[partCaption], Wording: wording,
		Identifier: agreement([]pair{{a.TestID, b.TestID, s[partTestID]}, {a.ID, b.ID, s[partID]}, {a.Name, b.Name, s[partName]}, {a.Autocomplete, b.Autocomplete, s[partAutocomplete]}}),
		Link:       agreement([]pair{{q.href, p.elements[best.Index].href, s[partHref]}}),
		Place:      (s[partLandmark] + s[partTags] + s[partPathEnd]) / 3,
		Context:    (s[partTree] + s[partOffset] + s[partOrder]) / 3,
	}
}

// pair is an attribute on both sides, and how similar these are.
type pair struct {
	a, b       string
	similarity float64
}

// agreement is 1 if one pair is the same; else that of the pair that differs least, from -1 to 0.
func agreement(pairs []pair) float64 {
	closest := math.Inf(-1)
	for _, p := range pairs {
		switch {
		case p.a == "" || p.b == "":
		case p.a == p.b && p.similarity > sameButQuery:
			return 1
		default:
			closest = max(closest, min(p.similarity, 1)-1)
		}
	}
	if math.IsInf(closest, -1) {
		return 0
	}
	return max(closest, -1)
}

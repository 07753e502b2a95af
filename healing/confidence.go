package healing

import "math"

// Evidence is what speaks for the best candidate being the right one. Each number is from -1 to 1.
type Evidence struct {
	// Score is the best candidate's, and Margin how far the runner-up is behind: 0 for a twin, nearly 1 for one that is out of reach.
	Score  float64 `json:"score"`
	Margin float64 `json:"margin"`
	// Caption, Identifier and Link say how well these agree (identifier: test id, id or name, the best of them): 1 is the same,
	// below 0 a contradiction, 0 also that the target had none.
	Caption    float64 `json:"caption"`
	Identifier float64 `json:"identifier"`
	Link       float64 `json:"link"`
	// Place is how well landmark and path agree.
	Place float64 `json:"place"`
	// Context is how well it fits in with other targets of the page that were found; 0 if there were none.
	Context float64 `json:"context"`
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
	Alone = Calibration{-6, Evidence{5, 3, 2, 2, 1, 1, 0}}
	// Together is for those that are looked for together.
	Together = Calibration{-6, Evidence{5, 3, 2, 2, 1, 1, 2}}
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
func (e Evidence) Vector() [7]float64 {
	return [7]float64{e.Score, e.Margin, e.Caption, e.Identifier, e.Link, e.Place, e.Context}
}

// evidence of the best of some explained candidates; runnerUp is negative if there is none.
func (q *question) evidence(best *Candidate, behind float64) Evidence {
	e := Evidence{
		Score: best.Score, Margin: 1 - math.Exp(-max(behind, 0)), Caption: best.s[partCaptionWords],
		Identifier: max(best.s[partTestID], best.s[partID], best.s[partName]), Link: best.s[partHref],
		Context: (best.s[partTree] + best.s[partOffset] + best.s[partOrder]) / 3,
	}
	if best.s[partTestID] < 0 {
		e.Identifier = best.s[partTestID]
	}
	if q.present[partHref] && best.s[partHref] == 0 {
		e.Link = -0.5
	}
	e.Place = (best.s[partLandmark] + best.s[partTags] + best.s[partPathEnd]) / 3
	return e
}

package learning

import (
	"math"
	"time"
)

// Evidence is how often something was so, and how often it was not. What is old counts for less than one.
type Evidence struct {
	Yes, No float64
}

// Belief is what evidence makes one believe of a probability: its mean, and the limits between which it lies with a
// probability of 90 %.
type Belief struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// tail is what the limits of a belief leave out on each side.
const tail = 0.05

// with counts one more observation of that weight.
func (e Evidence) with(yes bool, weight float64) Evidence {
	if yes {
		e.Yes += weight
	} else {
		e.No += weight
	}
	return e
}

// Belief follows from the evidence and what was believed before it, as a Beta distribution of these parameters.
func (e Evidence) Belief(prior Evidence) Belief {
	a, b := e.Yes+prior.Yes, e.No+prior.No
	return Belief{Mean: rounded(a / (a + b)), Low: rounded(quantile(tail, a, b)), High: rounded(quantile(1-tail, a, b))}
}

// Weight halves with each half-life of age.
func Weight(age, halfLife time.Duration) float64 {
	if age <= 0 || halfLife <= 0 {
		return 1
	}
	return math.Exp2(-age.Seconds() / halfLife.Seconds())
}

// rounded keeps beliefs short in records and reports.
func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// quantile is the value below which a Beta distribution has that part.
func quantile(p, a, b float64) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		middle := (low + high) / 2
		if below(middle, a, b) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// below is which part of a Beta distribution is below x: the regularised incomplete beta function, as a continued fraction
// where that converges fast.
func below(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - below(1-x, b, a)
	}
	ab, _ := math.Lgamma(a + b)
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	return math.Exp(ab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a * fraction(x, a, b)
}

// fraction is the continued fraction of the incomplete beta function, by Lentz's method.
func fraction(x, a, b float64) float64 {
	const tiny, near = 1e-300, 1e-14
	f, c, d := 1.0, 1.0, 0.0
	for i := range 400 {
		m := float64(i / 2)
		term := 1.0
		switch {
		case i == 0:
		case i%2 == 0:
			term = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			term = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		if d = 1 + term*d; math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		if c = 1 + term/c; math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(1-c*d) < near {
			break
		}
	}
	return f - 1
}

package main

import (
	"math"

	"github.com/cinnamon-qa/cinnamon/healing"
)

// fitCalibration fits a logistic curve to outcomes: Newton's method with a little shrinkage, so that it always ends and no weight runs away.
func fitCalibration(outcomes []outcome) healing.Calibration {
	const size, shrink = 13, 1.0
	var w [size]float64
	for range 25 {
		var gradient [size]float64
		var curvature [size][size]float64
		for i := range w {
			curvature[i][i] = shrink
			gradient[i] = -shrink * w[i]
		}
		curvature[0][0], gradient[0] = 1e-6, 0
		for k := range outcomes {
			o := &outcomes[k]
			if len(o.ranking.Candidates) == 0 {
				continue
			}
			x := row(o)
			sum := 0.0
			for i := range x {
				sum += w[i] * x[i]
			}
			p, y := 1/(1+math.Exp(-sum)), 0.0
			if o.right {
				y = 1
			}
			for i := range x {
				gradient[i] += (y - p) * x[i]
				for j := range x {
					curvature[i][j] += p * (1 - p) * x[i] * x[j]
				}
			}
		}
		step := solve(curvature, gradient)
		for i := range w {
			w[i] += step[i]
		}
	}
	return healing.Calibration{Bias: w[0], Weights: healing.Evidence{
		Score: w[1], Margin: w[2], Caption: w[3], Wording: w[4], Identifier: w[5], Link: w[6], Class: w[7],
		Shape: w[8], Place: w[9], Context: w[10], Known: w[11], Typical: w[12],
	}}
}

func row(o *outcome) [13]float64 {
	x := [13]float64{1}
	v := o.ranking.Evidence.Vector()
	copy(x[1:], v[:])
	return x
}

// solve solves a system of linear equations by elimination.
func solve(a [13][13]float64, b [13]float64) [13]float64 {
	n := len(b)
	for i := range n {
		pivot := i
		for k := i + 1; k < n; k++ {
			if math.Abs(a[k][i]) > math.Abs(a[pivot][i]) {
				pivot = k
			}
		}
		a[i], a[pivot] = a[pivot], a[i]
		b[i], b[pivot] = b[pivot], b[i]
		for k := i + 1; k < n; k++ {
			factor := a[k][i] / a[i][i]
			for j := i; j < n; j++ {
				a[k][j] -= factor * a[i][j]
			}
			b[k] -= factor * b[i]
		}
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			b[i] -= a[i][j] * b[j]
		}
		b[i] /= a[i][i]
	}
	return b
}

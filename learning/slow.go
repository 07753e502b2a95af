package learning

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// SlowStep is a step that takes longer than it did.
type SlowStep struct {
	Key
	// Before and Now are medians; Runs is how many are compared with how many.
	Before, Now      time.Duration
	Recent, Earlier  int
	Since, LastRunAt time.Time
	// Chance is how probable it is that the newest runs are as slow by chance alone, if nothing has changed.
	Chance float64
}

const (
	// recentRuns are compared with earlierRuns before them, at least leastEarlier.
	recentRuns   = 6
	leastEarlier = 10
	earlierRuns  = 60
	mostChance   = 0.01
)

// Slow finds steps that became slower: in passing runs, the oldest first, the newest took longer than those before by the difference
// and the factor of the rules, and not by chance (Mann and Whitney's test, which no single slow run can sway).
func (r Rules) Slow(runs []Run) []SlowStep {
	type took struct {
		time.Duration

		at time.Time
	}
	times := map[Key][]took{}
	for _, run := range runs {
		if !run.Passed || run.Retried {
			continue
		}
		for _, s := range run.Steps {
			if adapted := slices.ContainsFunc(run.Adaptations, func(a Adaptation) bool { return a.Number == s.Number }); s.Passed && !adapted {
				times[s.Key] = append(times[s.Key], took{s.Took, run.Ended})
			}
		}
	}
	var slow []SlowStep
	for key, all := range times {
		if all = all[max(0, len(all)-recentRuns-earlierRuns):]; len(all) < recentRuns+leastEarlier {
			continue
		}
		split := len(all) - recentRuns
		durations := make([]time.Duration, len(all))
		for i, t := range all {
			durations[i] = t.Duration
		}
		before, recent := median(durations[:split]), median(durations[split:])
		if recent-before < r.LeastSlower || float64(recent) < r.LeastRatio*float64(before) {
			continue
		}
		if chance := larger(durations[split:], durations[:split]); chance <= mostChance {
			slow = append(slow, SlowStep{
				Key: key, Before: before, Now: recent, Recent: recentRuns, Earlier: split, Since: all[split].at, LastRunAt: all[len(all)-1].at,
				Chance: rounded(chance),
			})
		}
	}
	slices.SortFunc(slow, func(a, b SlowStep) int { return cmp.Or(a.Number-b.Number, cmp.Compare(a.Hash, b.Hash)) })
	return slow
}

func median(of []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// larger is how probable it is, if both are of the same kind, that the first ones are as much larger as they are: Mann and Whitney's U
// with the normal distribution, corrected for ties.
func larger(xs, ys []time.Duration) float64 {
	n, m := float64(len(xs)), float64(len(ys))
	u := 0.0
	for _, x := range xs {
		for _, y := range ys {
			switch {
			case x > y:
				u++
			case x == y:
				u += 0.5
			}
		}
	}
	same := map[time.Duration]float64{}
	for _, d := range slices.Concat(xs, ys) {
		same[d]++
	}
	ties := 0.0
	for _, t := range same {
		ties += t*t*t - t
	}
	all := n + m
	variance := n * m / 12 * (all + 1 - ties/(all*(all-1)))
	if variance <= 0 {
		return 1
	}
	return math.Erfc((u-n*m/2-0.5)/math.Sqrt(variance)/math.Sqrt2) / 2
}

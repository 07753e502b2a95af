package learning

import (
	"fmt"
	"time"
)

// Reliability is how a case does.
type Reliability struct {
	Runs   int `json:"runs"`
	Passed int `json:"passed"`
	Flaky  int `json:"flaky"`
	// Reliability is the probability that a run passes, Flakiness that its verdict says nothing of what is tested.
	Reliability Belief `json:"reliability"`
	Flakiness   Belief `json:"flakiness"`
}

// What is believed of a case before its first run: anything of its reliability, and that one run in ten is flaky.
var (
	openMinded = Evidence{1, 1}     //nolint:gochecknoglobals // constants
	mostlyFirm = Evidence{0.5, 4.5} //nolint:gochecknoglobals // constants
)

// Reliability judges the runs of a case, the oldest first.
func (r Rules) Reliability(runs []Run) Reliability {
	now := newest(runs)
	var passes, flaky Evidence
	out := Reliability{Runs: len(runs)}
	for i, run := range runs {
		weight := Weight(now.Sub(run.Ended), r.HalfLife)
		passes = passes.with(run.Passed, weight)
		if run.Passed {
			out.Passed++
		}
		isFlaky := Flaky(runs, i)
		flaky = flaky.with(isFlaky, weight)
		if isFlaky {
			out.Flaky++
		}
	}
	out.Reliability, out.Flakiness = passes.Belief(openMinded), flaky.Belief(mostlyFirm)
	return out
}

// Flaky says whether a run is flaky: it passed after an attempt that failed, or the runs before and after it, of the same version of
// the case, both ended the other way. A verdict that changes and stays is a defect, or its repair. Of the newest run only the former
// is known.
func Flaky(runs []Run, i int) bool {
	if runs[i].Retried {
		return true
	}
	if i == 0 || i == len(runs)-1 {
		return false
	}
	before, at, after := runs[i-1], runs[i], runs[i+1]
	return at.Version != "" && before.Version == at.Version && at.Version == after.Version &&
		before.Passed == after.Passed && before.Passed != at.Passed
}

// Quarantine says why a case goes into quarantine; "" if it does not. What was before it left the last time was forgiven.
func (r Rules) Quarantine(runs []Run, left time.Time) string {
	var since []Run
	for _, run := range runs {
		if run.Started.After(left) {
			since = append(since, run)
		}
	}
	if r.QuarantineAbove <= 0 || len(since) == 0 {
		return ""
	}
	found := r.Reliability(since)
	if found.Flakiness.Low <= r.QuarantineAbove {
		return ""
	}
	return fmt.Sprintf("%d of %d runs were flaky: with 95 %% certainty more than %.0f %% are", found.Flaky, found.Runs, 100*found.Flakiness.Low)
}

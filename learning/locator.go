package learning

import (
	"fmt"
	"slices"
	"time"
)

// Status says what became of a learned locator.
type Status string

// The statuses.
const (
	Proposed Status = "proposed"
	Promoted Status = "promoted"
	Rejected Status = "rejected"
)

// Locator is another way to find a step's element, which a heal taught.
type Locator struct {
	ID        int64
	Step      Key
	Selectors [][]string
	Status    Status
	// Heal is the adaptation that it came from.
	Heal string
	// Since is when it got its status. Decided says that somebody, or learning, gave it that, and ByPerson that it was a person; else it
	// has been as it is since it was proposed.
	Since             time.Time
	Decided, ByPerson bool
}

// Use is what became of a run in which a locator was tried.
type Use string

// The uses.
const (
	Worked  Use = "worked"  // it found the element, and the whole run passed
	Missing Use = "missing" // neither it nor the step's own selectors found anything
	Broke   Use = "broke"   // the step failed, although something was found
	Later   Use = "later"   // the step passed, and a later one failed
)

// Used is a use and when its run ended.
type Used struct {
	Use Use
	At  time.Time
}

// Uses finds the runs, the oldest first, in which a locator was tried. Since it is promoted, that it was tried and whether it found the
// element shows in what the step did. One that was put back begins anew: what it did before does not count for it.
func Uses(l Locator, runs []Run) []Used {
	var uses []Used
	for _, run := range runs {
		if use := useIn(l, run); use != "" {
			uses = append(uses, Used{use, run.Ended})
		}
	}
	return uses
}

func useIn(l Locator, run Run) Use {
	since := !run.Started.Before(l.Since)
	counts := since || l.Status == Promoted || !l.Decided
	passedOr := func(use Use) Use {
		if run.Passed {
			return Worked
		}
		return use
	}
	for _, a := range run.Adaptations {
		if a.Key != l.Step {
			continue
		}
		switch {
		case a.Successful && (a.Learned && sameSelectors(a.Selectors, l.Selectors) || a.Looked && a.ID == l.Heal):
			if !counts {
				return ""
			}
			return passedOr(Later)
		case a.Looked && since:
			return Missing
		case a.Learned:
			return "" // another one found it
		}
	}
	if !since {
		return ""
	}
	i := slices.IndexFunc(run.Steps, func(s Step) bool { return s.Key == l.Step })
	switch {
	case i < 0:
		return ""
	case !run.Steps[i].Passed:
		return Broke
	case l.Status == Promoted:
		return passedOr(Later)
	}
	return "" // a proposed one that finds the element shows as an adaptation
}

func sameSelectors(a, b [][]string) bool {
	return slices.EqualFunc(a, b, slices.Equal[[]string])
}

// Judgement is what is to become of a locator.
type Judgement struct {
	// To is its status from now on; as before if nothing is to change.
	To     Status
	Reason string
	// Pass is how probable it is that a run passes with it.
	Pass Belief
	// Row is how many of the newest uses worked, one after the other, Worked how many of all.
	Row, Worked, Uses int
}

// Judge says what is to become of a locator, by its uses, the oldest first, and by how its kind does. rejected are those of the same
// step that people do not want.
func (r Rules) Judge(l Locator, uses []Used, kind Belief, rejected []Locator) Judgement {
	j := Judgement{To: l.Status, Uses: len(uses)}
	var now time.Time
	if len(uses) > 0 {
		now = uses[len(uses)-1].At
	}
	var pass Evidence
	failing, broken := 0, 0
	for _, use := range uses {
		if l.Status == Promoted && use.Use == Later {
			continue // it was promoted because whole runs passed: what fails later is something else
		}
		pass = pass.with(use.Use == Worked, Weight(now.Sub(use.At), r.HalfLife))
		if use.Use == Worked {
			j.Row, j.Worked, failing, broken = j.Row+1, j.Worked+1, 0, 0
			continue
		}
		j.Row = 0
		if failing, broken = failing+1, broken+1; use.Use != Broke {
			broken = 0
		}
	}
	j.Pass = pass.Belief(priorOf(kind))
	switch {
	case l.Status == Rejected:
	case r.RejectAfter > 0 && broken >= r.RejectAfter:
		j.To, j.Reason = Rejected, fmt.Sprintf("its step failed with it %d times in a row", broken)
	case l.Status == Promoted && r.DemoteAfter > 0 && failing >= r.DemoteAfter:
		j.To, j.Reason = Proposed, fmt.Sprintf("in the last %d runs it found nothing, or its step failed", failing)
	case l.Status == Proposed:
		if j.Reason = r.holdsBack(l, j, rejected); j.Reason == "" {
			j.To, j.Reason = Promoted, fmt.Sprintf("%d whole runs passed with it, one after the other", j.Row)
		}
	}
	return j
}

// holdsBack says why a proposed locator is not promoted; empty if nothing does.
func (r Rules) holdsBack(l Locator, j Judgement, rejected []Locator) string {
	least := min(r.LeastPass, 0.9*Evidence{Yes: float64(r.PromoteAfter)}.Belief(priorOf(Belief{Mean: 0.5})).Low)
	switch {
	case r.PromoteAfter <= 0:
		return "people approve it, or nobody"
	case l.ByPerson:
		return "a person put it back: people approve it, or nobody"
	case slices.ContainsFunc(l.Selectors, func(s []string) bool { return KindOf(s) == ByXPath }):
		return "it goes by the element's place"
	case slices.ContainsFunc(rejected, func(other Locator) bool { return other.Step == l.Step && shares(other, l) }):
		return "it finds what people rejected"
	case j.Row < r.PromoteAfter:
		return fmt.Sprintf("%d of %d runs passed with it, one after the other", j.Row, r.PromoteAfter)
	case j.Pass.Low < least:
		return fmt.Sprintf("a run may pass with it as seldom as %.0f times in 100", 100*j.Pass.Low)
	}
	return ""
}

// shares says whether two locators have a selector in common.
func shares(a, b Locator) bool {
	return slices.ContainsFunc(a.Selectors, func(s []string) bool {
		return slices.ContainsFunc(b.Selectors, func(o []string) bool { return slices.Equal(s, o) })
	})
}

// priorOf is what is believed of a locator of a kind before its first use: as much as two uses tell.
func priorOf(kind Belief) Evidence {
	mean := min(max(kind.Mean, 0.2), 0.8)
	return Evidence{2 * mean, 2 * (1 - mean)}
}

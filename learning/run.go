package learning

import "time"

// Run is a run of a case that has ended, and whose verdict says something of the case.
type Run struct {
	ID string
	// Version tells apart how the case was written; empty if that is not known.
	Version string
	Passed  bool
	// Retried says that it passed after an attempt that failed.
	Retried        bool
	Started, Ended time.Time
	// Steps are those of the last attempt that were carried out; Failures the failed ones of all attempts.
	Steps    []Step
	Failures []Failure
	// Adaptations are how the last attempt found elements again, or why not.
	Adaptations []Adaptation
}

// Key names a step across runs.
type Key struct {
	Number int
	Hash   string // of what it does to which selectors; empty if it acts on no element
}

// Step is how a step ended.
type Step struct {
	Key
	Passed bool
	Took   time.Duration
}

// Failure is how a step of an attempt failed.
type Failure struct {
	Number int
	Error  string
	// Page is where that was, as an address without what changes from one time to the next.
	Page string
}

// Adaptation is a step whose element was not found by its own selectors.
type Adaptation struct {
	Key
	ID string
	// Learned says that a learned locator found the element, Looked that the page was searched for it; neither: it was waited for.
	Learned, Looked bool
	Successful      bool
	// Selectors find what was taken.
	Selectors [][]string
}

// Rules are what is learned from how much.
type Rules struct {
	// HalfLife is the age at which a run counts for half.
	HalfLife time.Duration
	// PromoteAfter is how many whole runs a proposed locator must pass one after the other to be promoted; 0: none ever is.
	PromoteAfter int
	// LeastPass is how probable it must at least be that a run passes with it.
	LeastPass float64
	// DemoteAfter is after how many failures in a row a promoted locator is one no more, RejectAfter after how many a locator with
	// which its step fails is not tried again.
	DemoteAfter, RejectAfter int
	// LeastSlower is by how much a step must have become slower to be told of, and LeastRatio by which factor.
	LeastSlower time.Duration
	LeastRatio  float64
	// QuarantineAbove is how probably flaky a case may be, with 95 % certainty, before it goes into quarantine; 0: none ever does.
	QuarantineAbove float64
}

// Default are the rules if nobody says otherwise.
func Default() Rules {
	return Rules{
		HalfLife: 14 * 24 * time.Hour, PromoteAfter: 3, LeastPass: 0.4, DemoteAfter: 2, RejectAfter: 3,
		LeastSlower: 300 * time.Millisecond, LeastRatio: 1.5,
	}
}

// newest is when the last of the runs ended: by it, age is told.
func newest(runs []Run) time.Time {
	var at time.Time
	for _, r := range runs {
		if r.Ended.After(at) {
			at = r.Ended
		}
	}
	return at
}

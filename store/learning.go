package store

import (
	"encoding/json"
	"time"

	"github.com/cinnamon-qa/cinnamon/learning"
)

// SaysNothing lists the classes of failures that tell nothing of a case: its tests were not carried out.
func SaysNothing() []Class {
	return []Class{Unsupported, Invalid, Expired, Stalled, Platform, External}
}

// History is what there is to learn from of a case in an environment.
type History struct {
	// Runs are the newest, the oldest of them first.
	Runs      []learning.Run
	Locators  []learning.Locator
	Sightings []learning.Sighting
	// Quarantined says that the case is in quarantine, LeftQuarantine when it left it, if it ever was.
	Quarantined    bool
	LeftQuarantine time.Time
}

// Learned is what follows from it.
type Learned struct {
	// Reliability is nil if no run says anything.
	Reliability *learning.Reliability
	NewestRun   time.Time
	// Patterns are all that there are now.
	Patterns []Pattern
	// Verdicts are about learned locators.
	Verdicts []LocatorVerdict
	// Quarantine is why the case goes into quarantine; empty: it does not.
	Quarantine string
}

// Changes are what was not so before.
type Changes struct {
	Verdicts []LocatorVerdict
	// Patterns were new, or are not as they were.
	Patterns int
	// Quarantined says that the case was put in quarantine.
	Quarantined bool
}

// The kinds of patterns.
const (
	PatternFailure = "failure"
	PatternSlow    = "slow-step"
	PatternLocator = "locator"
	PatternKind    = "locator-kind"
)

// Pattern is something that was learned of a case in an environment.
type Pattern struct {
	ID                            int64
	Kind, TestCaseID, Environment string
	Step                          int // 0: of none
	// Signature tells patterns of a kind and a step apart.
	Signature string
	Count     int
	// Value is a probability with its limits, or, of a slow step, by which factor it is slower; nil: none.
	Value, Low, High    *float64
	Evidence            json.RawMessage
	FirstSeen, LastSeen time.Time
}

// CaseReliability is how a case does in an environment.
type CaseReliability struct {
	learning.Reliability

	TestCaseID, Environment string
	NewestRun               time.Time
}

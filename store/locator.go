package store

import "time"

// ByLearning is who decides when nobody does: the learning workflow, and no person.
const ByLearning = "learning"

// LocatorVerdict is what somebody decides about a learned locator.
type LocatorVerdict struct {
	LocatorID int64
	// To is the status that it gets. Empty: the one that it had before the newest decision, which is rolled back.
	To LocatorStatus
	// By is a person's name, or ByLearning.
	By, Reason string
	// Expected is the status that it was decided on, and Decision the newest decision that was known of then, 0 if there was none.
	// Empty and nil: whatever they are.
	Expected LocatorStatus
	Decision *int64
}

// LocatorDecision is a decision about a learned locator.
type LocatorDecision struct {
	ID        int64
	LocatorID int64
	From, To  LocatorStatus
	By        string
	Reason    string
	Undoes    int64 // the decision that this one rolled back; 0: none
	DecidedAt time.Time
}

// Locator is a learned locator with where it comes from.
type Locator struct {
	LearnedLocator

	TestCaseID, Environment string
	// Passed is how many runs passed with it while it was proposed.
	Passed    int
	CreatedAt time.Time
	// Heal is what taught it, nil if its run is gone, and Decision the newest one, nil if nobody has decided.
	Heal     *Adaptation
	Decision *LocatorDecision
}

// LocatorFilter says which learned locators are asked for; what is empty leaves none out.
type LocatorFilter struct {
	TestCaseID, Environment string
	Status                  LocatorStatus
	After                   int64 // the id of the one to go on after
	Limit                   int
}

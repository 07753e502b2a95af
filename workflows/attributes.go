package workflows

import "go.temporal.io/sdk/temporal"

// Search attributes of a run, to filter by in the Temporal Web UI.
var (
	TestCaseID = temporal.NewSearchAttributeKeyKeyword("CinnamonTestCaseId")
	TestRunID  = temporal.NewSearchAttributeKeyKeyword("CinnamonTestRunId")
	UserID     = temporal.NewSearchAttributeKeyKeyword("CinnamonUserId")
	Status     = temporal.NewSearchAttributeKeyKeyword("CinnamonStatus")
)

// SearchAttributes lists the search attributes that a namespace must know.
func SearchAttributes() []temporal.SearchAttributeKeyKeyword {
	return []temporal.SearchAttributeKeyKeyword{TestCaseID, TestRunID, UserID, Status}
}

package workflows

import (
	"go.temporal.io/sdk/temporal"

	"github.com/cinnamon-qa/cinnamon/store"
)

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

// RunAttributes are those of a run when it starts; userID may be empty.
func RunAttributes(testCaseID, runID, userID string) temporal.SearchAttributes {
	attributes := []temporal.SearchAttributeUpdate{
		TestCaseID.ValueSet(testCaseID), TestRunID.ValueSet(runID), Status.ValueSet(string(store.RunPending)),
	}
	if userID != "" {
		attributes = append(attributes, UserID.ValueSet(userID))
	}
	return temporal.NewSearchAttributes(attributes...)
}

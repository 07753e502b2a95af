package activities

import (
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// Found is what a search for an element came to.
type Found struct {
	Refusal, Name, Reason string
	Confidence            float64
	XPath                 string
	Element               healing.Fingerprint
}

// Search is search, for tests.
func Search(before []healing.Fingerprint, target int, after []healing.Fingerprint, step testcase.Step) Found {
	f := search(before, target, after, step)
	return Found{f.refusal, f.name, f.reason, f.confidence, f.found.XPath, f.found}
}

// Recorded is what an attempt with these steps and adaptations leaves in the workflow's history.
func Recorded(steps []store.Step, list []store.Adaptation, reason string) AttemptResult {
	result := resultOf(store.Run{ID: "run-1"}, store.Outcome{Status: store.RunFailed, Error: reason, Adaptations: list})
	return AttemptResult{Result: result, Steps: lines(steps, notesOf(list), room(result))}
}

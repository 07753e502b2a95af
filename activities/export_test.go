package activities

import (
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// Found is what a search for an element came to.
type Found struct {
	Refusal, Name, Reason string
	Confidence            float64
	XPath                 string
}

// Search is search, for tests.
func Search(before []healing.Fingerprint, target int, after []healing.Fingerprint, step testcase.Step) Found {
	f := search(before, target, after, step)
	return Found{f.refusal, f.name, f.reason, f.confidence, f.found.XPath}
}

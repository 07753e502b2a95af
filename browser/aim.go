package browser

import (
	"context"

	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// Aim says how a step finds its element, beyond its own selectors. The zero value adds nothing.
type Aim struct {
	// First are selectors that are tried before the step's own.
	First []testcase.Selector
	// At is an element of the last Look, which the step is to act on in place of its own: by Only, selectors that find nothing else,
	// or, without them, by the element's place.
	At   *healing.Fingerprint
	Only []testcase.Selector
	// Look asks for a description of the element and its page, as they are before the step acts.
	Look bool
	// Chosen asks which selector found the element.
	Chosen bool
}

// Sight is what a page showed.
type Sight struct {
	// Elements are what was there, in the order of the documents.
	Elements []healing.Fingerprint
	// Target is the number of the step's element among them, -1 if there is none.
	Target int
	// Chosen is the number of the selector that found it, of Aim.First and the step's own in one list; -1 if that is not known.
	Chosen int
	// Cut says why it is not all of the page; empty if it is.
	Cut string
}

// Dismissed is what Uncover got rid of.
type Dismissed struct {
	// Overlay is the beginning of what it said, Control the caption of what was clicked.
	Overlay, Control string
}

// Healer is the part of a Session that finds elements again.
type Healer interface {
	// DoAimed runs one step like Do, and says what it saw, as far as Aim asks for that. A step whose page could not be described
	// runs all the same.
	DoAimed(ctx context.Context, step testcase.Step, aim Aim) (Sight, error)
	// Look describes what the last step's tab shows, with its frames.
	Look(ctx context.Context) (Sight, error)
	// Only returns those of the selectors that find this element of the last Look, and nothing else. here is false if the element
	// is not what and where it was.
	Only(ctx context.Context, step testcase.Step, element healing.Fingerprint, selectors []testcase.Selector) (only []testcase.Selector, here bool, err error)
	// Loaded waits until the last step's page has loaded, and says whether that took any time.
	Loaded(ctx context.Context) (waited bool, err error)
	// Uncover gets rid of what lies over the step's element, if that is a consent banner or an advertisement with a single control
	// that closes it. why says in words why there is nothing to be done; empty if it was done.
	Uncover(ctx context.Context, step testcase.Step) (done Dismissed, why string, err error)
	// Marked is a Screenshot with a frame around an element of the last Look.
	Marked(ctx context.Context, element healing.Fingerprint) ([]byte, error)
}

package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// AdaptiveMode says what happens when a step's element is not found.
type AdaptiveMode string

// The modes. In JSON, AdaptHeal is true and AdaptOff false, as they are documented; the words are understood, too.
const (
	// AdaptOff: the step fails.
	AdaptOff AdaptiveMode = "off"
	// AdaptSuggest: the step fails, and its evidence says which element would have been taken.
	AdaptSuggest AdaptiveMode = "suggest"
	// AdaptHeal: the step goes on with an element that certainly is the same one.
	AdaptHeal AdaptiveMode = "heal"
)

// UnmarshalJSON reads true, false or a word.
func (m *AdaptiveMode) UnmarshalJSON(data []byte) error {
	var word any
	if err := json.Unmarshal(data, &word); err != nil {
		return fmt.Errorf("reading adaptiveMode: %w", err)
	}
	switch word {
	case true, string(AdaptHeal):
		*m = AdaptHeal
	case false, string(AdaptOff):
		*m = AdaptOff
	case string(AdaptSuggest):
		*m = AdaptSuggest
	case nil: // as if it was not there
	default:
		return fmt.Errorf("adaptiveMode is %s: use true, false or one of off, suggest, heal", data)
	}
	return nil
}

// MarshalJSON writes true, false or "suggest".
func (m AdaptiveMode) MarshalJSON() ([]byte, error) {
	switch m {
	case AdaptHeal:
		return []byte("true"), nil
	case AdaptSuggest:
		return []byte(`"suggest"`), nil
	case AdaptOff:
	}
	return []byte("false"), nil
}

// AdaptationType says how a step was helped.
type AdaptationType string

// The types of adaptations.
const (
	// AdaptedRetry: the page had not loaded yet, and the step passed when it had.
	AdaptedRetry AdaptationType = "retry"
	// AdaptedOverlay: a consent banner or an advertisement lay over the element and was closed.
	AdaptedOverlay AdaptationType = "overlay"
	// AdaptedLocator: none of the step's selectors found the element, and it was found by what was known of it.
	AdaptedLocator AdaptationType = "locator"
	// AdaptedLearned: what an earlier heal taught found the element; nobody has approved it yet.
	AdaptedLearned AdaptationType = "learned-locator"
)

// StepKey names a step of a case across runs.
type StepKey struct {
	Number int    // from 1
	Hash   string // of what the step does, to which selectors
}

// Adaptation is how an attempt found an element again, or why it did not.
type Adaptation struct {
	ID          string
	RunID       string
	Attempt     int
	TestCaseID  string
	Environment string
	Step        StepKey
	Type        AdaptationType
	Successful  bool
	// Reason says in words why, of a heal as well as of a refusal.
	Reason    string
	Evidence  Evidence
	CreatedAt time.Time
}

// Evidence is what an adaptation can be judged by. The fields that do not apply are empty.
type Evidence struct {
	// OldLocator and NewLocator are selectors, as in a case.
	OldLocator string `json:"oldLocator,omitempty"`
	NewLocator string `json:"newLocator,omitempty"`
	// Selectors are all that find the element that was taken, and no other one.
	Selectors [][]string `json:"selectors,omitempty"`
	// Element is what was taken, in words; RunnerUp the next best, and its score.
	Element       string  `json:"element,omitempty"`
	RunnerUp      string  `json:"runnerUp,omitempty"`
	RunnerUpScore float64 `json:"runnerUpScore,omitempty"`
	// Score says how alike the element is, from 0 to 1, and Parts what the score is made of.
	Score float64     `json:"score,omitempty"`
	Parts []ScorePart `json:"parts,omitempty"`
	// Confidence is the probability that it is the right one.
	Confidence float64 `json:"confidence,omitempty"`
	// Before and After are screenshots: artifacts of the run.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// ScorePart is one comparison: from -1 (a contradiction) to 1 (the same), and what it adds to the score.
type ScorePart struct {
	Name         string  `json:"name"`
	Similarity   float64 `json:"similarity"`
	Contribution float64 `json:"contribution"`
}

// LocatorStatus says what became of what a heal taught.
type LocatorStatus string

// The statuses of learned locators.
const (
	LocatorProposed LocatorStatus = "proposed"
	LocatorPromoted LocatorStatus = "promoted"
	LocatorRejected LocatorStatus = "rejected"
)

// Valid says whether it is one of them.
func (s LocatorStatus) Valid() bool {
	return s == LocatorProposed || s == LocatorPromoted || s == LocatorRejected
}

// LearnedLocator is another way to find a step's element.
type LearnedLocator struct {
	ID        int64
	Step      StepKey
	Selectors [][]string
	Status    LocatorStatus
	UpdatedAt time.Time
}

// Memory is what is known of a case's steps in an environment.
type Memory struct {
	// Seen says since when it is known how the elements look.
	Seen map[StepKey]time.Time
	// Locators are promoted ones first, and the newest first.
	Locators []LearnedLocator
}

// FindsRejected says whether a learned locator has a selector in common with one of its step that was rejected, and so finds its
// element. One that was promoted later is wanted all the same.
func (m Memory) FindsRejected(l LearnedLocator) bool {
	return slices.ContainsFunc(m.Locators, func(other LearnedLocator) bool {
		if other.Status != LocatorRejected || other.Step != l.Step || l.Status == LocatorPromoted && l.UpdatedAt.After(other.UpdatedAt) {
			return false
		}
		return slices.ContainsFunc(other.Selectors, func(s []string) bool {
			return slices.ContainsFunc(l.Selectors, func(own []string) bool { return slices.Equal(s, own) })
		})
	})
}

// Snapshot is what a page looked like.
type Snapshot struct {
	Digest   []byte
	Elements int
	// Data is gzipped JSON: a list of package healing's fingerprints.
	Data []byte
}

// Seen is how a step's element looked.
type Seen struct {
	Step    StepKey
	Version int // given by the store
	// Fingerprint is package healing's, Locators a list of its locators.
	Fingerprint, Locators json.RawMessage
	// Page is the page, empty if it was too large to be kept, and Target the element's number in it.
	Page       Snapshot
	Target     int
	CapturedAt time.Time
}

// Lesson is what a heal in a run that passed teaches.
type Lesson struct {
	Step         StepKey
	Selectors    [][]string
	AdaptationID string
}

// Remembered is what a passing attempt leaves for later ones.
type Remembered struct {
	TestCaseID, Environment, RunID string
	Seen                           []Seen
	Lessons                        []Lesson
}

package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/learning"
	"github.com/cinnamon-qa/cinnamon/store"
)

// learnedStore knows what was learned of cases.
type learnedStore interface {
	Reliabilities(ctx context.Context, testCaseID string, limit int) ([]store.CaseReliability, error)
	Patterns(ctx context.Context, testCaseID, kind string, limit int) ([]store.Pattern, error)
}

// reliabilityResource is how a case does in an environment.
type reliabilityResource struct {
	TestCaseID  string `json:"testCaseId"`
	Environment string `json:"environment"`
	learning.Reliability

	NewestRunAt time.Time `json:"newestRunAt"`
}

func shownReliability(r store.CaseReliability) reliabilityResource {
	return reliabilityResource{TestCaseID: r.TestCaseID, Environment: r.Environment, Reliability: r.Reliability, NewestRunAt: r.NewestRun}
}

// patternResource is something that was learned of a case.
type patternResource struct {
	Kind        string          `json:"kind"`
	TestCaseID  string          `json:"testCaseId"`
	Environment string          `json:"environment"`
	StepNumber  int             `json:"stepNumber,omitempty"`
	Count       int             `json:"count"`
	Value       *float64        `json:"value,omitempty"`
	Low         *float64        `json:"low,omitempty"`
	High        *float64        `json:"high,omitempty"`
	Evidence    json.RawMessage `json:"evidence"`
	FirstSeen   time.Time       `json:"firstSeen"`
	LastSeen    time.Time       `json:"lastSeen"`
}

func shownPattern(p store.Pattern) patternResource {
	return patternResource{
		Kind: p.Kind, TestCaseID: p.TestCaseID, Environment: p.Environment, StepNumber: p.Step, Count: p.Count, Value: p.Value, Low: p.Low, High: p.High,
		Evidence: p.Evidence, FirstSeen: p.FirstSeen, LastSeen: p.LastSeen,
	}
}

// listReliability lists how cases do, the least reliable first.
func (h *handlers) listReliability(c *gin.Context) {
	id, err := optionalID(c, "testCaseId")
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	found, err := h.Learned.Reliabilities(c.Request.Context(), id, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, found, shownReliability)
}

// listPatterns lists what was learned of cases, what was seen last first.
func (h *handlers) listPatterns(c *gin.Context) {
	id, err := optionalID(c, "testCaseId")
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	kind := c.Query("kind")
	switch kind {
	case "", store.PatternFailure, store.PatternSlow, store.PatternLocator, store.PatternKind:
	default:
		fail(c, h.Log, fault.InvalidField("kind", "it must be failure, slow-step, locator or locator-kind"))
		return
	}
	found, err := h.Learned.Patterns(c.Request.Context(), id, kind, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, found, shownPattern)
}

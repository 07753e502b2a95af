package api

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/store"
)

// adaptationResource is how a run found an element again, or why not, as clients see it.
type adaptationResource struct {
	ID             string               `json:"id"`
	Attempt        int                  `json:"attempt"`
	StepNumber     int                  `json:"stepNumber"`
	AdaptationType store.AdaptationType `json:"adaptationType"`
	Reason         string               `json:"reason"`
	Successful     bool                 `json:"successful"`
	OldLocator     string               `json:"oldLocator,omitempty"`
	NewLocator     string               `json:"newLocator,omitempty"`
	// Selectors are all that find the new element alone.
	Selectors   [][]string        `json:"selectors,omitempty"`
	Element     string            `json:"element,omitempty"`
	Score       float64           `json:"score,omitempty"`
	Parts       []store.ScorePart `json:"parts,omitempty"`
	Confidence  float64           `json:"confidence,omitempty"`
	RunnerUp    *runnerUpResource `json:"runnerUp,omitempty"`
	Screenshots *picturesResource `json:"screenshots,omitempty"`
	Environment string            `json:"environment,omitempty"`
	CreatedAt   time.Time         `json:"createdAt"`
}

// runnerUpResource is the next best element.
type runnerUpResource struct {
	Element string  `json:"element"`
	Score   float64 `json:"score"`
}

// picturesResource holds links to what the page looked like before and after the step, the element marked.
type picturesResource struct {
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

func (h *handlers) adaptation(a store.Adaptation) adaptationResource {
	e := a.Evidence
	out := adaptationResource{
		ID: a.ID, Attempt: a.Attempt, StepNumber: a.Step.Number, AdaptationType: a.Type, Reason: a.Reason, Successful: a.Successful,
		OldLocator: e.OldLocator, NewLocator: e.NewLocator, Selectors: e.Selectors, Element: e.Element, Score: e.Score, Parts: e.Parts,
		Confidence: e.Confidence, Environment: a.Environment, CreatedAt: a.CreatedAt,
	}
	if e.RunnerUp != "" {
		out.RunnerUp = &runnerUpResource{Element: e.RunnerUp, Score: e.RunnerUpScore}
	}
	if e.Before != "" || e.After != "" {
		out.Screenshots = &picturesResource{Before: h.picture(a.RunID, e.Before), After: h.picture(a.RunID, e.After)}
	}
	return out
}

// picture is a link that opens without the key.
func (h *handlers) picture(runID, id string) string {
	if id == "" {
		return ""
	}
	return h.links.open(h.addresses.artifact(runID, id), runID, id, time.Now())
}

func (h *handlers) adaptationsOf(ctx context.Context, runID string) ([]adaptationResource, error) {
	found, err := h.Store.Adaptations(ctx, runID)
	if err != nil {
		return nil, err
	}
	list := make([]adaptationResource, 0, len(found))
	for _, a := range found {
		list = append(list, h.adaptation(a))
	}
	return list, nil
}

func (h *handlers) listAdaptations(c *gin.Context) {
	if _, err := h.Store.Run(c.Request.Context(), c.Param("id")); err != nil {
		fail(c, h.Log, err)
		return
	}
	found, err := h.Store.Adaptations(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, found, h.adaptation)
}

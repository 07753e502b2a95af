package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/casepatch"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// patchResource is what learned locators would change in a stored case.
type patchResource struct {
	TestCaseID string `json:"testCaseId"`
	// Patch is a unified diff of the case as `cinnamon case export` prints it; Case is the case with it.
	Patch string              `json:"patch"`
	Case  json.RawMessage     `json:"case"`
	Steps []casepatch.Changed `json:"steps"`
	Left  []casepatch.Left    `json:"left"`
}

func (h *handlers) patchCase(c *gin.Context) {
	ctx, id := c.Request.Context(), c.Param("id")
	environment, statuses := c.Query("environment"), []store.LocatorStatus{store.LocatorPromoted}
	switch proposed := c.Query("proposed"); {
	case proposed == "true":
		statuses = append(statuses, store.LocatorProposed)
	case proposed != "" && proposed != "false":
		fail(c, h.Log, fault.InvalidField("proposed", "it must be true or false"))
		return
	}
	if !storable(environment, longestEnvironment) {
		fail(c, h.Log, fault.InvalidField("environment", "it must be the host of a site"))
		return
	}
	stored, err := h.Store.Case(ctx, id)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	better, err := h.better(ctx, id, environment, statuses)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	result, text, err := h.patched(ctx, stored, better)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(http.StatusOK, patchResource{TestCaseID: id, Patch: result.Diff(id + ".json"), Case: text, Steps: result.Steps, Left: result.Left})
}

// better are the learned locators of a case, those of the first status first, then the newest.
func (h *handlers) better(ctx context.Context, testCaseID, environment string, statuses []store.LocatorStatus) ([]casepatch.Better, error) {
	var better []casepatch.Better
	for _, status := range statuses {
		f := store.LocatorFilter{TestCaseID: testCaseID, Environment: environment, Status: status, Limit: maxListed}
		for {
			found, err := h.Locators.Locators(ctx, f)
			if err != nil {
				return nil, err
			}
			for _, l := range found {
				better = append(better, casepatch.Better{Step: l.Step.Number, Hash: l.Step.Hash, Selectors: l.Selectors})
			}
			if len(found) < f.Limit {
				break
			}
			f.After = found[len(found)-1].ID
		}
	}
	return better, nil
}

// patched is a stored case with better selectors.
func (h *handlers) patched(ctx context.Context, stored store.TestCase, better []casepatch.Better) (result casepatch.Result, text json.RawMessage, err error) {
	whole, err := testcase.Parse(stored.Definition)
	if err != nil {
		return result, nil, fault.Wrap(fault.Internal, err, "the stored case can't be read")
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, stored.Definition, "", "  "); err != nil {
		return result, nil, fault.Wrap(fault.Internal, err, "the stored case can't be read")
	}
	lines.WriteByte('\n')
	result, err = casepatch.Make(ctx, lines.Bytes(), whole, func(ctx context.Context, id string) ([]byte, bool, error) {
		inner, err := h.Store.Case(ctx, id)
		if fault.Of(err) == fault.NotFound {
			return nil, false, nil
		}
		return inner.Definition, err == nil, err
	}, better)
	if err != nil && fault.Of(err) == fault.Internal {
		return result, nil, fault.Wrap(fault.Conflict, err, "the case can't be given other selectors: %s", err)
	}
	if err != nil {
		return result, nil, fmt.Errorf("patching case %s: %w", stored.ID, err)
	}
	return result, result.Text, nil
}

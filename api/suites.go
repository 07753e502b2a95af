package api

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
)

func (h *handlers) saveSuite(c *gin.Context) {
	id := c.Param("id")
	if !starter.ValidID(id) {
		fail(c, h.Log, fault.InvalidField("suiteId", idRule))
		return
	}
	var suite starter.Suite
	if p := decode(c, &suite); p != nil {
		answer(c, *p)
		return
	}
	if err := suite.Validate(); err != nil {
		fail(c, h.Log, err)
		return
	}
	definition, err := json.Marshal(suite)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	title := suite.Title
	if title == "" {
		title = id
	}
	created, err := h.Store.SaveSuite(c.Request.Context(), store.Suite{ID: id, Title: title, Definition: definition})
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	h.showSuite(c, saved(created))
}

func (h *handlers) getSuite(c *gin.Context) { h.showSuite(c, http.StatusOK) }

func (h *handlers) showSuite(c *gin.Context, code int) {
	suite, err := h.Store.Suite(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(code, suiteOf(suite))
}

func (h *handlers) listSuites(c *gin.Context) {
	after, err := optionalID(c, "after")
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	found, err := h.Store.Suites(c.Request.Context(), after, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, found, suiteOf)
}

// submitStoredSuite runs a stored suite: POST /api/suites/:id/runs.
func (h *handlers) submitStoredSuite(c *gin.Context) {
	h.submitSuiteOf(c, c.Param("id"))
}

// submitSuite runs cases that come with the request, or those of an earlier suite run that did not pass.
func (h *handlers) submitSuite(c *gin.Context) { h.submitSuiteOf(c, "") }

func (h *handlers) submitSuiteOf(c *gin.Context, suiteID string) {
	var r starter.SuiteRequest
	if p := decodeUpTo(c, &r, maxSuiteBody, suiteID != ""); p != nil {
		answer(c, *p)
		return
	}
	switch {
	case suiteID != "" && (r.SuiteID != "" || len(r.Cases) > 0):
		fail(c, h.Log, fault.InvalidField("cases", "the cases are those of suite %q: give neither cases nor suiteId", suiteID))
		return
	case suiteID == "" && r.SuiteID != "":
		fail(c, h.Log, fault.InvalidField("suiteId", "a stored suite is run with POST /api/suites/%s/runs", r.SuiteID))
		return
	}
	r.SuiteID = suiteID
	var err error
	if r.IdempotencyKey, err = idempotencyKey(c); err != nil {
		fail(c, h.Log, err)
		return
	}
	run, created, err := h.Starter.SubmitSuite(c.Request.Context(), r)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.Header("Location", h.addresses.suiteRun(run.ID))
	c.JSON(submitted(created), h.addresses.suiteResource(run))
}

func (h *handlers) getSuiteRun(c *gin.Context) { h.showSuiteRun(c, http.StatusOK) }

func (h *handlers) showSuiteRun(c *gin.Context, code int) {
	run, err := h.Store.SuiteRun(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(code, h.addresses.suiteResource(run))
}

func (h *handlers) listSuiteRuns(c *gin.Context) {
	suiteID, err := h.suiteAsked(c)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	of := store.SuiteRunsOf{SuiteID: suiteID, Title: c.Query("title")}
	if problem := starter.CheckSuiteTitle(of.Title); problem != "" {
		fail(c, h.Log, fault.InvalidField("title", "%s", problem))
		return
	}
	limit, err := number(c, "limit", defaultListed, 1, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	runs, err := h.Store.SuiteRuns(c.Request.Context(), of, limit)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, runs, h.addresses.suiteResource)
}

// suiteAsked is the suite whose runs are asked for, "" if those of all are.
func (h *handlers) suiteAsked(c *gin.Context) (string, error) {
	id := c.Param("id")
	if id == "" {
		return optionalID(c, "suite")
	}
	_, err := h.Store.Suite(c.Request.Context(), id)
	return id, err
}

// listRunsOfSuite lists the runs of a suite run in the order in which they start.
func (h *handlers) listRunsOfSuite(c *gin.Context) {
	if _, err := h.Store.SuiteRun(c.Request.Context(), c.Param("id")); err != nil {
		fail(c, h.Log, err)
		return
	}
	limit, err := number(c, "limit", maxListed, 1, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	offset, err := number(c, "offset", 0, 0, 1_000_000)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	runs, err := h.Store.RunsOfSuite(c.Request.Context(), c.Param("id"), limit, offset)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, runs, h.addresses.resource)
}

func (h *handlers) cancelSuiteRun(c *gin.Context) {
	if err := h.Starter.CancelSuite(c.Request.Context(), c.Param("id")); err != nil {
		fail(c, h.Log, err)
		return
	}
	h.showSuiteRun(c, http.StatusAccepted)
}

package api

import (
	"encoding/json"
	"net/http"
	"strconv"

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
		p.Instance = c.Request.URL.Path
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
	code := http.StatusOK
	if created {
		code = http.StatusCreated
	}
	h.showSuite(c, code)
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
	after := c.Query("after")
	if after != "" {
		if err := queryID("after", after); err != nil {
			fail(c, h.Log, err)
			return
		}
	}
	list, err := h.Store.Suites(c.Request.Context(), after, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	items := make([]suiteResource, len(list))
	for i, suite := range list {
		items[i] = suiteOf(suite)
	}
	c.JSON(http.StatusOK, gin.H{"items": items})
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
		p.Instance = c.Request.URL.Path
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
	code := http.StatusAccepted
	if !created {
		code = http.StatusOK
	}
	c.Header("Location", h.addresses.suiteRun(run.ID))
	c.JSON(code, h.addresses.suiteResource(run))
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
	suiteID := c.Param("id")
	if suiteID == "" {
		if suiteID = c.Query("suite"); suiteID != "" {
			if err := queryID("suite", suiteID); err != nil {
				fail(c, h.Log, err)
				return
			}
		}
	} else if _, err := h.Store.Suite(c.Request.Context(), suiteID); err != nil {
		fail(c, h.Log, err)
		return
	}
	limit, err := number(c, "limit", defaultListed, 1, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list, err := h.Store.SuiteRuns(c.Request.Context(), suiteID, limit)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	items := make([]suiteRunResource, len(list))
	for i, run := range list {
		items[i] = h.addresses.suiteResource(run)
	}
	c.JSON(http.StatusOK, gin.H{"items": items})
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
	items := make([]runResource, len(runs))
	for i, r := range runs {
		items[i] = h.addresses.resource(r)
	}
	c.JSON(http.StatusOK, gin.H{"items": items})
}

func (h *handlers) cancelSuiteRun(c *gin.Context) {
	if err := h.Starter.CancelSuite(c.Request.Context(), c.Param("id")); err != nil {
		fail(c, h.Log, err)
		return
	}
	h.showSuiteRun(c, http.StatusAccepted)
}

// number reads a whole number of the query.
func number(c *gin.Context, name string, fallback, lowest, highest int) (int, error) {
	text := c.Query(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lowest || n > highest {
		return 0, fault.InvalidField(name, "it must be between %d and %d", lowest, highest)
	}
	return n, nil
}

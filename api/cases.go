package api

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

func (h *handlers) saveCase(c *gin.Context) {
	id := c.Param("id")
	if !starter.ValidID(id) || strings.HasPrefix(id, testcase.InlinePrefix) {
		fail(c, h.Log, fault.InvalidField("testCaseId", idRule+", and not begin with %q", testcase.InlinePrefix))
		return
	}
	data, p := body(c)
	if p != nil {
		answer(c, *p)
		return
	}
	parsed, err := starter.ParseCase("", data)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	created, err := h.Store.SaveCase(c.Request.Context(), store.TestCase{ID: id, Title: parsed.Title, Definition: parsed.JSON()})
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	h.showCase(c, saved(created))
}

func (h *handlers) getCase(c *gin.Context) { h.showCase(c, http.StatusOK) }

func (h *handlers) showCase(c *gin.Context, code int) {
	tc, err := h.Store.Case(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(code, caseResource{
		TestCaseID: tc.ID, Title: tc.Title, Case: tc.Definition, CreatedAt: tc.CreatedAt, UpdatedAt: tc.UpdatedAt,
	})
}

func (h *handlers) listCases(c *gin.Context) {
	after, err := optionalID(c, "after")
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	found, err := h.Store.Cases(c.Request.Context(), after, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, found, func(tc store.TestCase) caseResource {
		return caseResource{TestCaseID: tc.ID, Title: tc.Title, CreatedAt: tc.CreatedAt, UpdatedAt: tc.UpdatedAt}
	})
}

package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// quarantineStore knows the cases that fail no suite.
type quarantineStore interface {
	PutInQuarantine(ctx context.Context, q store.Quarantined, now time.Time) (created bool, err error)
	LeaveQuarantine(ctx context.Context, testCaseID string, now time.Time) error
	InQuarantine(ctx context.Context, testCaseID string) (store.Quarantined, error)
	Quarantine(ctx context.Context, after string, limit int) ([]store.Quarantined, error)
}

// mostPasses bounds what it may take to leave.
const mostPasses = 1000

// quarantineResource is a case in quarantine as clients see it.
type quarantineResource struct {
	TestCaseID string    `json:"testCaseId"`
	Title      string    `json:"title,omitempty"` // of a stored case
	Reason     string    `json:"reason"`
	By         string    `json:"by"`
	Since      time.Time `json:"since"`
	Passes     int       `json:"passes"` // in a row, that it takes to leave
	Passed     int       `json:"passed"` // in a row, up to now
	Runs       int       `json:"runs"`
	Failed     int       `json:"failed"`
	Links      selfLink  `json:"links"`
}

func (h *handlers) quarantined(q store.Quarantined) quarantineResource {
	return quarantineResource{
		TestCaseID: q.TestCaseID, Title: q.Title, Reason: q.Reason, By: q.By, Since: q.Since, Passes: q.Needed, Passed: q.Passed, Runs: q.Runs, Failed: q.Failed,
		Links: selfLink{Self: h.addresses.public + "/api/test-cases/" + url.PathEscape(q.TestCaseID) + "/quarantine"},
	}
}

// quarantineRequest says who puts a case in quarantine, and why.
type quarantineRequest struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	Passes *int   `json:"passes"`
}

func (r quarantineRequest) check() error {
	switch {
	case strings.TrimSpace(r.Reason) == "":
		return fault.InvalidField("reason", "say why")
	case r.Passes != nil && (*r.Passes < 1 || *r.Passes > mostPasses):
		return fault.InvalidField("passes", "it must be between 1 and %d", mostPasses)
	}
	return decisionRequest{By: r.By, Reason: r.Reason}.check()
}

func (h *handlers) putInQuarantine(c *gin.Context) {
	ctx, id := c.Request.Context(), c.Param("id")
	var r quarantineRequest
	if p := decode(c, &r); p != nil {
		answer(c, *p)
		return
	}
	err := r.check()
	if err == nil && !strings.HasPrefix(id, testcase.InlinePrefix) {
		_, err = h.Store.Case(ctx, id)
	}
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	q := store.Quarantined{TestCaseID: id, Reason: r.Reason, By: strings.TrimSpace(r.By), Needed: store.QuarantinePasses}
	if r.Passes != nil {
		q.Needed = *r.Passes
	}
	created, err := h.Quarantine.PutInQuarantine(ctx, q, time.Now())
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	h.showQuarantined(c, saved(created))
}

func (h *handlers) getQuarantined(c *gin.Context) { h.showQuarantined(c, http.StatusOK) }

func (h *handlers) showQuarantined(c *gin.Context, code int) {
	q, err := h.Quarantine.InQuarantine(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(code, h.quarantined(q))
}

func (h *handlers) leaveQuarantine(c *gin.Context) {
	if err := h.Quarantine.LeaveQuarantine(c.Request.Context(), c.Param("id"), time.Now()); err != nil {
		fail(c, h.Log, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func (h *handlers) listQuarantine(c *gin.Context) {
	after, err := optionalID(c, "after")
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	found, err := h.Quarantine.Quarantine(c.Request.Context(), after, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, found, h.quarantined)
}

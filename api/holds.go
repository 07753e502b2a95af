package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// holdRequest says what a run is held for.
type holdRequest struct {
	As string `json:"as,omitempty"`
}

const longestHold = 200

// heldFor reads what something is to be held for; not ok: the request is answered.
func (h *handlers) heldFor(c *gin.Context) (as string, ok bool) {
	var r holdRequest
	if p := decodeUpTo(c, &r, maxBody, true); p != nil {
		answer(c, *p)
		return "", false
	}
	if len(r.As) > longestHold {
		fail(c, h.Log, fault.InvalidField("as", "it must have %d bytes at the most", longestHold))
		return "", false
	}
	return r.As, true
}

func (h *handlers) holdRun(c *gin.Context) {
	as, ok := h.heldFor(c)
	if !ok {
		return
	}
	if err := h.Cleanups.HoldRun(c.Request.Context(), c.Param("id"), as, time.Now()); err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"testRunId": c.Param("id"), "held": true, "as": as})
}

func (h *handlers) releaseRun(c *gin.Context) {
	if err := h.Cleanups.ReleaseRun(c.Request.Context(), c.Param("id")); err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"testRunId": c.Param("id"), "held": false})
}

// heldResource is a held run as clients see it.
type heldResource struct {
	TestRunID  string          `json:"testRunId"`
	TestCaseID string          `json:"testCaseId"`
	Title      string          `json:"title"`
	Status     store.RunStatus `json:"status"`
	As         string          `json:"as,omitempty"`
	HeldSince  time.Time       `json:"heldSince"`
	Links      selfLink        `json:"links"`
}

func (h *handlers) listHeld(c *gin.Context) {
	limit, err := number(c, "limit", defaultListed, 1, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	held, err := h.Cleanups.RunsHeld(c.Request.Context(), c.Query("as"), limit)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, held, func(r store.HeldRun) heldResource {
		return heldResource{
			TestRunID: r.RunID, TestCaseID: r.TestCaseID, Title: r.Title, Status: r.Status, As: r.As, HeldSince: r.Since,
			Links: selfLink{Self: h.addresses.run(r.RunID)},
		}
	})
}

// heldTagResource is a held tag as clients see it.
type heldTagResource struct {
	Tag       string    `json:"tag"`
	As        string    `json:"as,omitempty"`
	HeldSince time.Time `json:"heldSince"`
	Runs      int       `json:"runs"`
}

func (h *handlers) holdTag(c *gin.Context) {
	as, ok := h.heldFor(c)
	if !ok {
		return
	}
	if err := h.Cleanups.HoldTag(c.Request.Context(), c.Param("id"), as, time.Now()); err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"tag": c.Param("id"), "held": true, "as": as})
}

func (h *handlers) releaseTag(c *gin.Context) {
	if err := h.Cleanups.ReleaseTag(c.Request.Context(), c.Param("id")); err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"tag": c.Param("id"), "held": false})
}

func (h *handlers) listHeldTags(c *gin.Context) {
	held, err := h.Cleanups.TagsHeld(c.Request.Context())
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, held, func(t store.HeldTag) heldTagResource {
		return heldTagResource{Tag: t.Tag, As: t.As, HeldSince: t.Since, Runs: t.Runs}
	})
}

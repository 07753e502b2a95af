package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
)

// accepted answers a submitted run.
type accepted struct {
	TestRunID string          `json:"testRunId"`
	JobID     string          `json:"jobId"`
	Queue     string          `json:"queue"`
	Status    store.RunStatus `json:"status"`
	Links     links           `json:"links"`
}

func (h *handlers) submitRun(c *gin.Context) {
	var r starter.Request
	if p := decode(c, &r); p != nil {
		answer(c, *p)
		return
	}
	var err error
	if r.IdempotencyKey, err = idempotencyKey(c); err != nil {
		fail(c, h.Log, err)
		return
	}
	if r.TestCaseID != "" && !starter.ValidID(r.TestCaseID) {
		fail(c, h.Log, fault.InvalidField("testCaseId", idRule))
		return
	}
	run, created, err := h.Starter.Submit(c.Request.Context(), r)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.Header("Location", h.addresses.run(run.ID))
	c.JSON(submitted(created), h.addresses.accepted(run))
}

func (a addresses) accepted(run store.Run) accepted {
	return accepted{TestRunID: run.ID, JobID: run.JobID, Queue: queue.TestExecution, Status: run.Status, Links: a.links(run)}
}

func (h *handlers) listRuns(c *gin.Context) {
	asked := c.QueryArray("id")
	limit, err := number(c, "limit", defaultListed, 1, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	if len(asked) > maxListed {
		fail(c, h.Log, fault.InvalidField("id", "ask for at most %d runs at once", maxListed))
		return
	}
	for _, id := range asked {
		if err := queryID("id", id); err != nil {
			fail(c, h.Log, err)
			return
		}
	}
	if len(asked) > 0 {
		limit = len(asked)
	}
	runs, err := h.Store.Runs(c.Request.Context(), asked, limit)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, runs, h.addresses.resource)
}

func (h *handlers) getRun(c *gin.Context) {
	run, err := h.Store.Run(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	shown := h.addresses.resource(run)
	if shown.Adaptations, err = h.adaptationsOf(c.Request.Context(), run.ID); err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(http.StatusOK, shown)
}

func (h *handlers) listSteps(c *gin.Context) {
	if _, err := h.Store.Run(c.Request.Context(), c.Param("id")); err != nil {
		fail(c, h.Log, err)
		return
	}
	steps, err := h.Store.Steps(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, steps, func(s store.Step) stepResource {
		shown := h.addresses.step(s)
		if s.ScreenshotID != "" {
			shown.Screenshot = h.links.open(shown.Screenshot, s.RunID, s.ScreenshotID, time.Now())
		}
		return shown
	})
}

func (h *handlers) cancelRun(c *gin.Context) {
	if err := h.Starter.Cancel(c.Request.Context(), c.Param("id")); err != nil {
		fail(c, h.Log, err)
		return
	}
	h.respondAccepted(c)
}

func (h *handlers) respondAccepted(c *gin.Context) {
	run, err := h.Store.Run(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(http.StatusAccepted, h.addresses.resource(run))
}

package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/cleanup"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
)

// jobSubmitter submits and cancels jobs that carry out no test run.
type jobSubmitter interface {
	SubmitJob(ctx context.Context, j starter.Job) (job queue.Job, created bool, err error)
	CancelJob(ctx context.Context, queueName, id string) error
}

// cleanupStore reads clean-ups, and keeps runs from them.
type cleanupStore interface {
	Job(ctx context.Context, queueName, id string) (job queue.Job, workflowRunID string, err error)
	Cleanups(ctx context.Context, id string, limit int) ([]store.Cleanup, error)
	Counted(ctx context.Context, id string) (cleanup.Amounts, error)
	HoldRun(ctx context.Context, runID, as string, now time.Time) error
	ReleaseRun(ctx context.Context, runID string) error
	RunsHeld(ctx context.Context, as string, limit int) ([]store.HeldRun, error)
	HoldTag(ctx context.Context, tag, as string, now time.Time) error
	ReleaseTag(ctx context.Context, tag string) error
	TagsHeld(ctx context.Context) ([]store.HeldTag, error)
}

// cleanupResource is a clean-up as clients see it.
type cleanupResource struct {
	CleanupID string `json:"cleanupId"`
	JobID     string `json:"jobId"`
	Queue     string `json:"queue"`
	// Status is the job's state: waiting, delayed, active, completed or failed.
	Status   string          `json:"status"`
	DryRun   bool            `json:"dryRun"`
	Progress json.RawMessage `json:"progress,omitempty"`
	// Removed is what went so far, Report what a clean-up that has ended says.
	Removed    cleanup.Amounts `json:"removed,omitempty"`
	Report     json.RawMessage `json:"report,omitempty"`
	Error      string          `json:"error,omitempty"`
	CreatedAt  *time.Time      `json:"createdAt,omitempty"`
	StartedAt  *time.Time      `json:"startedAt,omitempty"`
	FinishedAt *time.Time      `json:"finishedAt,omitempty"`
	Links      cleanupLinks    `json:"links"`
}

type cleanupLinks struct {
	Self     string `json:"self"`
	Temporal string `json:"temporal"`
}

func (a addresses) cleanup(id string) string { return a.public + "/api/cleanups/" + url.PathEscape(id) }

func (a addresses) cleanupResource(id, workflowRunID string) cleanupResource {
	def, _ := queue.Find(queue.Cleanup)
	return cleanupResource{
		CleanupID: id, JobID: id, Queue: queue.Cleanup,
		Links: cleanupLinks{Self: a.cleanup(id), Temporal: a.workflow(def.WorkflowID(id), workflowRunID)},
	}
}

func (r *cleanupResource) of(job queue.Job) {
	r.Status, r.Progress, r.Error = string(job.State), job.Progress, job.FailedReason
	if job.State == queue.Completed {
		r.Error = "" // of an earlier attempt
	}
	r.CreatedAt, r.StartedAt, r.FinishedAt = present(job.CreatedAt), present(job.StartedAt), present(job.FinishedAt)
	if request, err := cleanup.ParseRequest(job.Data); err == nil {
		r.DryRun = request.DryRun
	}
}

// kept adds what the record of a clean-up says, which outlives its job.
func (r *cleanupResource) kept(c store.Cleanup) {
	r.DryRun, r.Report, r.StartedAt = c.DryRun, c.Report, present(c.StartedAt)
	if r.Status == "" {
		r.Status, r.FinishedAt = string(queue.Completed), present(c.FinishedAt)
		if c.FinishedAt.IsZero() {
			r.Status = string(queue.Failed)
			r.Error = "it did not end, and its job is gone"
		}
	}
}

func (h *handlers) submitCleanup(c *gin.Context) {
	var r cleanup.Request
	if p := decodeUpTo(c, &r, maxBody, true); p != nil {
		answer(c, *p)
		return
	}
	data, err := json.Marshal(r)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	job, created, err := h.Jobs.SubmitJob(c.Request.Context(), starter.Job{Queue: queue.Cleanup, Data: data})
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	shown := h.addresses.cleanupResource(job.ID, "")
	shown.of(job)
	c.Header("Location", shown.Links.Self)
	c.JSON(submitted(created), shown)
}

func (h *handlers) getCleanup(c *gin.Context) { h.showCleanup(c, http.StatusOK) }

func (h *handlers) showCleanup(c *gin.Context, code int) {
	shown, err := h.readCleanup(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(code, shown)
}

func (h *handlers) readCleanup(ctx context.Context, id string) (cleanupResource, error) {
	job, workflowRunID, err := h.Cleanups.Job(ctx, queue.Cleanup, id)
	shown := h.addresses.cleanupResource(id, workflowRunID)
	there := err == nil
	if there {
		shown.of(job)
	} else if fault.Of(err) != fault.NotFound {
		return shown, err
	}
	records, err := h.Cleanups.Cleanups(ctx, id, 1)
	switch {
	case err != nil:
		return shown, err
	case len(records) == 0 && !there:
		return shown, fault.New(fault.NotFound, "there is no clean-up %q", id)
	case len(records) == 0:
		return shown, nil
	}
	shown.kept(records[0])
	if shown.Report == nil {
		shown.Removed, err = h.Cleanups.Counted(ctx, id)
	}
	return shown, err
}

func (h *handlers) listCleanups(c *gin.Context) {
	limit, err := number(c, "limit", defaultListed, 1, maxListed)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	records, err := h.Cleanups.Cleanups(c.Request.Context(), "", limit)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	items := make([]cleanupResource, 0, len(records))
	for _, r := range records {
		shown, err := h.readCleanup(c.Request.Context(), r.ID)
		if err != nil {
			fail(c, h.Log, err)
			return
		}
		items = append(items, shown)
	}
	list(c, items, func(r cleanupResource) cleanupResource { return r })
}

func (h *handlers) cancelCleanup(c *gin.Context) {
	if err := h.Jobs.CancelJob(c.Request.Context(), queue.Cleanup, c.Param("id")); err != nil {
		fail(c, h.Log, err)
		return
	}
	h.showCleanup(c, http.StatusAccepted)
}

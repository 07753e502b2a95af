package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/starter"
)

// scheduler keeps schedules.
type scheduler interface {
	SaveSchedule(ctx context.Context, id string, s starter.Schedule) (created bool, err error)
	Schedule(ctx context.Context, id string) (starter.KeptSchedule, error)
	Schedules(ctx context.Context) ([]starter.KeptSchedule, error)
	DeleteSchedule(ctx context.Context, id string) error
	PauseSchedule(ctx context.Context, id, note string) error
	ResumeSchedule(ctx context.Context, id, note string) error
	TriggerSchedule(ctx context.Context, id string, overlap starter.Overlap) error
	BackfillSchedule(ctx context.Context, id string, b starter.Backfill) error
}

// scheduleResource is a schedule as clients see it.
type scheduleResource struct {
	ScheduleID string                   `json:"scheduleId"`
	Schedule   starter.Schedule         `json:"schedule"`
	Paused     bool                     `json:"paused"`
	Note       string                   `json:"note,omitempty"`
	NextTimes  []time.Time              `json:"nextTimes"`
	Recent     []starter.ScheduleAction `json:"recent"`
	Running    []string                 `json:"running"`
	Started    int                      `json:"started"`
	Skipped    int                      `json:"skipped"`
	Missed     int                      `json:"missed"`
	CreatedAt  time.Time                `json:"createdAt"`
	Links      scheduleLinks            `json:"links"`
}

type scheduleLinks struct {
	Self     string `json:"self"`
	Temporal string `json:"temporal"`
}

func (a addresses) schedule(id string) string {
	return a.public + "/api/schedules/" + url.PathEscape(id)
}

func (a addresses) scheduleResource(k starter.KeptSchedule) scheduleResource {
	r := scheduleResource{
		ScheduleID: k.ID, Schedule: k.Schedule, NextTimes: orEmpty(k.Next), Recent: orEmpty(k.Recent), Running: orEmpty(k.Running),
		Started: k.Started, Skipped: k.Skipped, Missed: k.Missed, CreatedAt: k.CreatedAt,
		Links: scheduleLinks{
			Self:     a.schedule(k.ID),
			Temporal: a.temporalUI + "/namespaces/" + url.PathEscape(a.namespace) + "/schedules/" + url.PathEscape(starter.TemporalScheduleID(k.ID)),
		},
	}
	if k.Paused != nil {
		r.Paused = *k.Paused
	}
	if k.Note != nil {
		r.Note = *k.Note
	}
	r.Schedule.Paused, r.Schedule.Note = nil, nil // said above
	return r
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (h *handlers) saveSchedule(c *gin.Context) {
	id := c.Param("id")
	if !starter.ValidID(id) {
		fail(c, h.Log, fault.InvalidField("scheduleId", idRule))
		return
	}
	var s starter.Schedule
	if p := decode(c, &s); p != nil {
		answer(c, *p)
		return
	}
	created, err := h.Schedules.SaveSchedule(c.Request.Context(), id, s)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	h.showSchedule(c, saved(created))
}

func (h *handlers) getSchedule(c *gin.Context) { h.showSchedule(c, http.StatusOK) }

func (h *handlers) showSchedule(c *gin.Context, code int) {
	kept, err := h.Schedules.Schedule(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(code, h.addresses.scheduleResource(kept))
}

func (h *handlers) listSchedules(c *gin.Context) {
	found, err := h.Schedules.Schedules(c.Request.Context())
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, found, h.addresses.scheduleResource)
}

func (h *handlers) deleteSchedule(c *gin.Context) {
	if err := h.Schedules.DeleteSchedule(c.Request.Context(), c.Param("id")); err != nil {
		fail(c, h.Log, err)
		return
	}
	c.Status(http.StatusNoContent)
}

// noted is the body of requests that may say why.
type noted struct {
	Note string `json:"note,omitempty"`
}

func (h *handlers) pauseSchedule(c *gin.Context) {
	changeSchedule(h, c, true, func(ctx context.Context, id string, n noted) error { return h.Schedules.PauseSchedule(ctx, id, n.Note) })
}

func (h *handlers) resumeSchedule(c *gin.Context) {
	changeSchedule(h, c, true, func(ctx context.Context, id string, n noted) error {
		return h.Schedules.ResumeSchedule(ctx, id, n.Note)
	})
}

// triggered is the body of a request to run now.
type triggered struct {
	Overlap starter.Overlap `json:"overlap,omitempty"`
}

func (h *handlers) triggerSchedule(c *gin.Context) {
	changeSchedule(h, c, true, func(ctx context.Context, id string, t triggered) error {
		return h.Schedules.TriggerSchedule(ctx, id, t.Overlap)
	})
}

func (h *handlers) backfillSchedule(c *gin.Context) {
	changeSchedule(h, c, false, h.Schedules.BackfillSchedule)
}

// changeSchedule does what the body of a request says to a schedule, and shows it.
func changeSchedule[T any](h *handlers, c *gin.Context, optional bool, change func(ctx context.Context, id string, body T) error) {
	var body T
	if p := decodeUpTo(c, &body, maxBody, optional); p != nil {
		answer(c, *p)
		return
	}
	if err := change(c.Request.Context(), c.Param("id"), body); err != nil {
		fail(c, h.Log, err)
		return
	}
	h.showSchedule(c, http.StatusAccepted)
}

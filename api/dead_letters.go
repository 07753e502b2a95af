package api

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
)

// letterResource is a dead letter as clients see it.
type letterResource struct {
	ID           int64       `json:"id"`
	Queue        string      `json:"queue"`
	JobID        string      `json:"jobId"`
	TestRunID    string      `json:"testRunId"`
	TestCaseID   string      `json:"testCaseId"`
	SuiteRunID   string      `json:"suiteRunId,omitempty"`
	Title        string      `json:"title"`
	Class        store.Class `json:"class"`
	Reason       string      `json:"reason"`
	AttemptsMade int         `json:"attemptsMade"`
	DiedAt       time.Time   `json:"diedAt"`
	Links        letterLinks `json:"links"`
}

type letterLinks struct {
	Run     string `json:"run"`
	Requeue string `json:"requeue"`
}

// letterFilter is a filter as clients write it: the query of a list, the body of a requeue.
type letterFilter struct {
	Queue      string `json:"queue"`
	Class      string `json:"class"`
	TestCaseID string `json:"testCaseId"`
	Since      string `json:"since"`
	Until      string `json:"until"`
	After      int64  `json:"after"`
	Limit      int    `json:"limit"`
}

// read checks a filter.
func (f letterFilter) read() (store.LetterFilter, error) {
	out := store.LetterFilter{Queue: f.Queue, Class: store.Class(f.Class), TestCaseID: f.TestCaseID, After: f.After, Limit: f.Limit}
	if out.Limit == 0 {
		out.Limit = defaultListed
	}
	_, known := queue.Find(f.Queue)
	switch {
	case f.Queue != "" && !known:
		return out, fault.InvalidField("queue", "there is no queue %q", f.Queue)
	case f.Class != "" && !out.Class.Valid():
		return out, fault.InvalidField("class", "it must be one of %s", store.ClassNames())
	case f.After < 0:
		return out, fault.InvalidField("after", "it must be the id of a dead letter")
	case out.Limit < 1 || out.Limit > maxListed:
		return out, fault.InvalidField("limit", "it must be between 1 and %d", maxListed)
	}
	if f.TestCaseID != "" {
		if err := queryID("testCaseId", f.TestCaseID); err != nil {
			return out, err
		}
	}
	var err error
	if out.Since, err = moment("since", f.Since); err != nil {
		return out, err
	}
	out.Until, err = moment("until", f.Until)
	return out, err
}

func moment(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fault.InvalidField(field, "it must be a time such as 2026-11-03T12:00:00Z")
	}
	return t, nil
}

func (h *handlers) listLetters(c *gin.Context) {
	asked := letterFilter{
		Queue: c.Query("queue"), Class: c.Query("class"), TestCaseID: c.Query("testCaseId"), Since: c.Query("since"), Until: c.Query("until"),
	}
	var err error
	if asked.Limit, err = number(c, "limit", defaultListed, 1, maxListed); err != nil {
		fail(c, h.Log, err)
		return
	}
	if after := c.Query("after"); after != "" {
		if asked.After, err = strconv.ParseInt(after, 10, 64); err != nil || asked.After < 1 {
			fail(c, h.Log, fault.InvalidField("after", "it must be the id of a dead letter"))
			return
		}
	}
	filter, err := asked.read()
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	found, err := h.Store.DeadLetters(c.Request.Context(), filter)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	filter.After = 0
	total, err := h.Store.CountDeadLetters(c.Request.Context(), filter)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	items := make([]letterResource, len(found))
	for i, l := range found {
		items[i] = h.addresses.letter(l)
	}
	c.JSON(http.StatusOK, gin.H{"items": items, "total": total})
}

func (a addresses) letter(l store.DeadLetter) letterResource {
	return letterResource{
		ID: l.ID, Queue: l.Queue, JobID: l.JobID, TestRunID: l.RunID, TestCaseID: l.TestCaseID, SuiteRunID: l.SuiteRunID,
		Title: l.Title, Class: l.Class, Reason: l.Reason, AttemptsMade: l.Attempts, DiedAt: l.DiedAt,
		Links: letterLinks{Run: a.run(l.RunID), Requeue: a.run(l.RunID) + "/requeue"},
	}
}

func (h *handlers) requeueRun(c *gin.Context) {
	run, err := h.Starter.Requeue(c.Request.Context(), c.Param("id"))
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	c.JSON(http.StatusAccepted, h.addresses.resource(run))
}

// requeueRequest names the runs to requeue, or the dead letters by a filter.
type requeueRequest struct {
	IDs []string `json:"ids"`
	letterFilter
}

// requeuedResource says what became of one run.
type requeuedResource struct {
	TestRunID string     `json:"testRunId"`
	Requeued  bool       `json:"requeued"`
	Code      fault.Code `json:"code,omitempty"`   // of what was against it
	Reason    string     `json:"reason,omitempty"` // in words
}

func (h *handlers) requeueLetters(c *gin.Context) {
	var r requeueRequest
	if p := decode(c, &r); p != nil {
		answer(c, *p)
		return
	}
	ids, after, err := h.toRequeue(c, r)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	results := h.Starter.RequeueAll(c.Request.Context(), ids)
	items, done := make([]requeuedResource, len(results)), 0
	for i, result := range results {
		items[i] = requeuedResource{TestRunID: result.RunID, Requeued: result.Err == nil}
		if result.Err == nil {
			done++
			continue
		}
		items[i].Code = fault.Of(result.Err)
		items[i].Reason, _ = public(result.Err)
		if items[i].Code == fault.Internal || items[i].Reason == "" {
			items[i].Reason = "something went wrong on our side; the server's log says what"
		}
		if items[i].Code == fault.Internal || items[i].Code == fault.Unavailable {
			h.Log.ErrorContext(c.Request.Context(), "a run could not be requeued", "test_run_id", result.RunID, "error", result.Err)
		}
	}
	out := gin.H{"items": items, "requeued": done, "refused": len(items) - done}
	if after > 0 {
		out["after"] = after
	}
	c.JSON(http.StatusOK, out)
}

// toRequeue finds the runs that a request means. after is the id of the last letter that a filter found, for the next request.
func (h *handlers) toRequeue(c *gin.Context, r requeueRequest) (ids []string, after int64, err error) {
	if r.IDs != nil {
		if r.letterFilter != (letterFilter{}) {
			return nil, 0, fault.InvalidField("ids", "give either ids or a filter, not both")
		}
		if len(r.IDs) == 0 || len(r.IDs) > starter.MostRequeued {
			return nil, 0, fault.InvalidField("ids", "give 1 to %d ids of test runs", starter.MostRequeued)
		}
		if slices.ContainsFunc(r.IDs, func(id string) bool { return !starter.ValidID(id) }) {
			return nil, 0, fault.InvalidField("ids", idRule)
		}
		return r.IDs, 0, nil
	}
	filter, err := r.read()
	if err != nil {
		return nil, 0, err
	}
	found, err := h.Store.DeadLetters(c.Request.Context(), filter)
	if err != nil {
		return nil, 0, err
	}
	for _, l := range found {
		ids = append(ids, l.RunID)
		after = l.ID
	}
	return ids, after, nil
}

package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/starter"
)

// batchRun is one run of a batch.
type batchRun struct {
	starter.Request
	// Key is what the header is to a single request.
	Key string `json:"idempotencyKey,omitempty"`
}

// batchItem says what became of one.
type batchItem struct {
	Status int         `json:"status"`
	Run    *accepted   `json:"run,omitempty"`
	Error  *batchError `json:"error,omitempty"`
}

type batchError struct {
	Code   fault.Code    `json:"code"`
	Detail string        `json:"detail"`
	Errors []fault.Field `json:"errors,omitempty"`
}

func (p *problem) item() batchItem {
	return batchItem{Status: p.Status, Error: &batchError{Code: p.Code, Detail: p.Detail, Errors: p.Errors}}
}

// submitBatch accepts many runs with one request. What is wrong with one of them does not keep the others from running.
func (h *handlers) submitBatch(c *gin.Context) {
	var body struct {
		Runs []json.RawMessage `json:"runs"`
	}
	if p := decodeUpTo(c, &body, maxSuiteBody, false); p != nil {
		answer(c, *p)
		return
	}
	if n := len(body.Runs); n == 0 || n > starter.MostBatched {
		fail(c, h.Log, fault.InvalidField("runs", "there must be between 1 and %d of them", starter.MostBatched))
		return
	}
	key, err := idempotencyKey(c)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	items := make([]batchItem, len(body.Runs))
	var requests []starter.Request
	var places []int
	for i, text := range body.Runs {
		request, p := readBatched(text, key, i)
		if p != nil {
			items[i] = p.item()
			continue
		}
		requests, places = append(requests, request), append(places, i)
	}
	if len(requests) > 0 {
		results, err := h.Starter.SubmitBatch(c.Request.Context(), requests)
		if err != nil {
			fail(c, h.Log, err)
			return
		}
		for at, r := range results {
			items[places[at]] = h.batched(r)
		}
	}
	ok := 0
	for _, item := range items {
		if item.Error == nil {
			ok++
		}
	}
	c.JSON(http.StatusOK, gin.H{"accepted": ok, "refused": len(items) - ok, "items": items})
}

// readBatched reads one run of a batch. Those of a batch with a key have keys of their own, made of it.
func readBatched(text json.RawMessage, key string, place int) (starter.Request, *problem) {
	var r batchRun
	if p := decodeJSON(text, &r); p != nil {
		return starter.Request{}, p
	}
	if r.Key == "" && key != "" {
		r.Key = key + " " + strconv.Itoa(place)
	}
	var err error
	switch {
	case len(r.Key) > starter.MaxIdempotencyKey || strings.ContainsFunc(r.Key, unprintable):
		err = fault.InvalidField("idempotencyKey", "it must be 1 to %d printable ASCII characters", starter.MaxIdempotencyKey)
	case r.TestCaseID != "" && !starter.ValidID(r.TestCaseID):
		err = fault.InvalidField("testCaseId", idRule)
	}
	if err != nil {
		p := problemOf(err)
		return starter.Request{}, &p
	}
	r.IdempotencyKey = r.Key
	return r.Request, nil
}

func (h *handlers) batched(r starter.Batched) batchItem {
	if r.Err != nil {
		p := problemOf(r.Err)
		return p.item()
	}
	run := h.addresses.accepted(r.Run)
	return batchItem{Status: submitted(r.Created), Run: &run}
}

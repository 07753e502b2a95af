package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// locatorStore knows what heals taught, and what was decided about it.
type locatorStore interface {
	Locators(ctx context.Context, f store.LocatorFilter) ([]store.Locator, error)
	CountLocators(ctx context.Context, f store.LocatorFilter) (int, error)
	Locator(ctx context.Context, id int64) (store.Locator, error)
	LocatorRuns(ctx context.Context, l store.Locator) ([]string, error)
	LocatorDecisions(ctx context.Context, locatorID int64) ([]store.LocatorDecision, error)
	DecideLocator(ctx context.Context, v store.LocatorVerdict, now time.Time) (changed bool, err error)
}

const (
	longestName        = 100
	longestReason      = 1000
	longestEnvironment = 255
)

// locatorResource is a learned locator as clients see it. One that is asked for alone comes with Heal, Runs and Decisions.
type locatorResource struct {
	ID          int64               `json:"id"`
	TestCaseID  string              `json:"testCaseId"`
	Environment string              `json:"environment"`
	StepNumber  int                 `json:"stepNumber"`
	StepHash    string              `json:"stepHash"`
	Status      store.LocatorStatus `json:"status"`
	OldLocator  string              `json:"oldLocator,omitempty"`
	NewLocator  string              `json:"newLocator"`
	Selectors   [][]string          `json:"selectors"`
	Confidence  float64             `json:"confidence,omitempty"`
	// Passed is how many runs passed with it while it was proposed.
	Passed    int                `json:"passed"`
	Decision  *decisionResource  `json:"decision,omitempty"` // the newest one
	Heal      *healResource      `json:"heal,omitempty"`
	Runs      []runLink          `json:"runs,omitempty"`
	Decisions []decisionResource `json:"decisions,omitempty"`
	CreatedAt time.Time          `json:"createdAt"`
	UpdatedAt time.Time          `json:"updatedAt"`
	Links     selfLink           `json:"links"`
}

type selfLink struct {
	Self string `json:"self"`
}

// healResource is the adaptation that taught a locator.
type healResource struct {
	adaptationResource

	TestRunID string `json:"testRunId"`
}

type runLink struct {
	TestRunID string   `json:"testRunId"`
	Links     selfLink `json:"links"`
}

// decisionResource is a decision about a learned locator.
type decisionResource struct {
	ID        int64               `json:"id"`
	From      store.LocatorStatus `json:"from"`
	To        store.LocatorStatus `json:"to"`
	By        string              `json:"by"`
	Reason    string              `json:"reason,omitempty"`
	Undoes    int64               `json:"undoes,omitempty"`
	DecidedAt time.Time           `json:"decidedAt"`
}

func shownDecision(d store.LocatorDecision) decisionResource {
	return decisionResource{ID: d.ID, From: d.From, To: d.To, By: d.By, Reason: d.Reason, Undoes: d.Undoes, DecidedAt: d.DecidedAt}
}

func (h *handlers) locator(l store.Locator) locatorResource {
	out := locatorResource{
		ID: l.ID, TestCaseID: l.TestCaseID, Environment: l.Environment, StepNumber: l.Step.Number, StepHash: l.Step.Hash, Status: l.Status,
		Selectors: l.Selectors, Passed: l.Passed, CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt,
		Links: selfLink{Self: h.addresses.public + "/api/locators/" + strconv.FormatInt(l.ID, 10)},
	}
	if len(l.Selectors) > 0 {
		out.NewLocator = testcase.Selector(l.Selectors[0]).String()
	}
	if l.Heal != nil {
		out.OldLocator, out.Confidence = l.Heal.Evidence.OldLocator, l.Heal.Evidence.Confidence
	}
	if l.Decision != nil {
		d := shownDecision(*l.Decision)
		out.Decision = &d
	}
	return out
}

func (h *handlers) listLocators(c *gin.Context) {
	f := store.LocatorFilter{Environment: c.Query("environment"), Status: store.LocatorStatus(c.Query("status"))}
	var err error
	if f.TestCaseID, err = optionalID(c, "testCaseId"); err != nil {
		fail(c, h.Log, err)
		return
	}
	if f.Limit, err = number(c, "limit", defaultListed, 1, maxListed); err != nil {
		fail(c, h.Log, err)
		return
	}
	if after := c.Query("after"); after != "" {
		if f.After, err = strconv.ParseInt(after, 10, 64); err != nil || f.After < 1 {
			fail(c, h.Log, fault.InvalidField("after", "it must be the id of a learned locator"))
			return
		}
	}
	switch {
	case f.Status != "" && !f.Status.Valid():
		err = fault.InvalidField("status", "it must be proposed, promoted or rejected")
	case !storable(f.Environment, longestEnvironment):
		err = fault.InvalidField("environment", "it must be the host of a site")
	}
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	found, err := h.Locators.Locators(c.Request.Context(), f)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	total, err := h.Locators.CountLocators(c.Request.Context(), f)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	items := make([]locatorResource, len(found))
	for i, l := range found {
		items[i] = h.locator(l)
	}
	c.JSON(http.StatusOK, gin.H{"items": items, "total": total})
}

// storable says whether the database can compare a text with what it has.
func storable(text string, longest int) bool {
	return len(text) <= longest && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// locatorID reads the id in the path.
func locatorID(c *gin.Context) (int64, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, fault.New(fault.NotFound, "there is no learned locator %q", c.Param("id"))
	}
	return id, nil
}

func (h *handlers) getLocator(c *gin.Context) {
	id, err := locatorID(c)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	h.showLocator(c, id)
}

// showLocator answers with a locator and all that it can be judged by. Its tag is the newest decision.
func (h *handlers) showLocator(c *gin.Context, id int64) {
	ctx := c.Request.Context()
	l, err := h.Locators.Locator(ctx, id)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	runs, err := h.Locators.LocatorRuns(ctx, l)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	decisions, err := h.Locators.LocatorDecisions(ctx, id)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	out := h.locator(l)
	if l.Heal != nil {
		out.Heal = &healResource{adaptationResource: h.adaptation(*l.Heal), TestRunID: l.Heal.RunID}
	}
	for _, run := range runs {
		out.Runs = append(out.Runs, runLink{TestRunID: run, Links: selfLink{Self: h.addresses.run(run)}})
	}
	for _, d := range decisions {
		out.Decisions = append(out.Decisions, shownDecision(d))
	}
	newest := int64(0)
	if l.Decision != nil {
		newest = l.Decision.ID
	}
	c.Header("Etag", `"`+strconv.FormatInt(newest, 10)+`"`)
	c.JSON(http.StatusOK, out)
}

// decisionRequest says who decides, and on what.
type decisionRequest struct {
	By       string              `json:"by"`
	Reason   string              `json:"reason"`
	Expected store.LocatorStatus `json:"expected"`
}

func (r decisionRequest) check() error {
	switch {
	case strings.TrimSpace(r.By) == "":
		return fault.InvalidField("by", "say who decides")
	case !storable(r.By, longestName), strings.EqualFold(strings.TrimSpace(r.By), store.ByLearning):
		return fault.InvalidField("by", "it must be a person's name of at most %d bytes, and not %q", longestName, store.ByLearning)
	case !storable(r.Reason, longestReason):
		return fault.InvalidField("reason", "it must be text of at most %d bytes", longestReason)
	case r.Expected != "" && !r.Expected.Valid():
		return fault.InvalidField("expected", "it must be proposed, promoted or rejected")
	}
	return nil
}

// decide gives a learned locator a status, or, without one, that which it had before the newest decision.
func (h *handlers) decide(to store.LocatorStatus) gin.HandlerFunc {
	return func(c *gin.Context) {
		id, err := locatorID(c)
		if err != nil {
			fail(c, h.Log, err)
			return
		}
		var r decisionRequest
		if p := decode(c, &r); p != nil {
			answer(c, *p)
			return
		}
		v := store.LocatorVerdict{LocatorID: id, To: to, By: strings.TrimSpace(r.By), Reason: r.Reason, Expected: r.Expected}
		if err = r.check(); err == nil {
			v.Decision, err = ifMatch(c)
		}
		if err == nil {
			_, err = h.Locators.DecideLocator(c.Request.Context(), v, time.Now())
		}
		if err != nil {
			fail(c, h.Log, err)
			return
		}
		h.showLocator(c, id)
	}
}

// ifMatch reads the decision that a request knows of, nil if it does not say.
func ifMatch(c *gin.Context) (*int64, error) {
	tag := c.GetHeader("If-Match")
	if tag == "" || tag == "*" {
		return nil, nil //nolint:nilnil // nothing is said, and nothing is wrong
	}
	n, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
	if err != nil || n < 0 {
		return nil, fault.InvalidField("If-Match", "it must be the ETag of a learned locator, which is the id of its newest decision")
	}
	return &n, nil
}

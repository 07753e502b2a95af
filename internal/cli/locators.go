package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// LocatorOptions says which learned locators are meant, and how to show them.
type LocatorOptions struct {
	SuiteOptions

	// Case, Environment and Status leave out those of others.
	Case, Environment, Status string
	Limit                     int
	After                     int64
}

// LocatorDecision is what somebody decides about learned locators.
type LocatorDecision struct {
	SuiteOptions

	Stderr io.Writer
	// Verb is approve, reject or rollback.
	Verb       string
	IDs        []string
	By, Reason string
	// Expected is the status, and Decision the newest decision, that it is decided on; empty: whatever they are.
	Expected, Decision string
}

// apiLocator is a learned locator as the API shows it.
type apiLocator struct {
	ID          int64      `json:"id"`
	TestCaseID  string     `json:"testCaseId"`
	Environment string     `json:"environment"`
	StepNumber  int        `json:"stepNumber"`
	StepHash    string     `json:"stepHash"`
	Status      string     `json:"status"`
	OldLocator  string     `json:"oldLocator"`
	NewLocator  string     `json:"newLocator"`
	Selectors   [][]string `json:"selectors"`
	Passed      int        `json:"passed"`
	UpdatedAt   time.Time  `json:"updatedAt"`
	Decision    struct {
		By string `json:"by"`
	} `json:"decision"`
	Heal struct {
		apiAdaptation

		TestRunID string `json:"testRunId"`
		Element   string `json:"element"`
		RunnerUp  struct {
			Element string  `json:"element"`
			Score   float64 `json:"score"`
		} `json:"runnerUp"`
	} `json:"heal"`
	Runs []struct {
		TestRunID string `json:"testRunId"`
	} `json:"runs"`
	Decisions []struct {
		ID        int64     `json:"id"`
		From      string    `json:"from"`
		To        string    `json:"to"`
		By        string    `json:"by"`
		Reason    string    `json:"reason"`
		Undoes    int64     `json:"undoes"`
		DecidedAt time.Time `json:"decidedAt"`
	} `json:"decisions"`
}

func locatorPath(id string) string { return "/api/locators/" + url.PathEscape(id) }

// locatorPage is a page of a list of them.
type locatorPage struct {
	Items []json.RawMessage `json:"items"`
	Total int               `json:"total"` // of all pages
}

func (c *client) locators(ctx context.Context, o LocatorOptions) (page locatorPage, list []apiLocator, err error) {
	query := url.Values{}
	for name, value := range map[string]string{"testCaseId": o.Case, "environment": o.Environment, "status": o.Status} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if o.Limit > 0 {
		query.Set("limit", strconv.Itoa(o.Limit))
	}
	if o.After > 0 {
		query.Set("after", strconv.FormatInt(o.After, 10))
	}
	page.Items = []json.RawMessage{}
	if err := c.get(ctx, "/api/locators?"+query.Encode(), &page); err != nil {
		return page, nil, err
	}
	list = make([]apiLocator, len(page.Items))
	for i, item := range page.Items {
		if err := json.Unmarshal(item, &list[i]); err != nil {
			return page, nil, c.notOurs("its learned locators can't be read: " + err.Error())
		}
	}
	return page, list, nil
}

// ListLocators lists learned locators, the newest first, and returns an exit code.
func ListLocators(ctx context.Context, o LocatorOptions) (int, error) {
	c := o.client()
	defer c.close()
	page, list, err := c.locators(ctx, o)
	if err != nil {
		return reached(ctx, err)
	}
	if o.JSON {
		if err := writeJSON(o.Stdout, page); err != nil {
			return exitCodeOf(err), err
		}
		return ExitPassed, nil
	}
	rows := [][]string{{"ID", "STATUS", "CASE", "STEP", "LOCATOR", "IN PLACE OF", "PASSED", "DECIDED BY", "CHANGED"}}
	for i := range list {
		l := &list[i]
		rows = append(rows, []string{
			strconv.FormatInt(l.ID, 10), clean(l.Status), clean(l.TestCaseID), strconv.Itoa(l.StepNumber), clean(l.NewLocator), clean(l.OldLocator),
			strconv.Itoa(l.Passed), clean(l.Decision.By), ago(l.UpdatedAt),
		})
	}
	if err := o.show("items", page.Items, rows, "No learned locators: no run that passed had to find an element again."); err != nil {
		return ExitPlatform, err
	}
	if page.Total > len(list) && len(list) > 0 {
		fmt.Fprintf(o.Stdout, "\n%d of %s; more: --after %d\n", len(list), count(page.Total, "learned locator"), list[len(list)-1].ID)
	}
	return ExitPassed, nil
}

// ShowLocator shows a learned locator with all that it can be judged by, and returns an exit code.
func ShowLocator(ctx context.Context, o LocatorOptions, id string) (int, error) {
	c := o.client()
	defer c.close()
	var text json.RawMessage
	if err := c.get(ctx, locatorPath(id), &text); err != nil {
		return reached(ctx, err)
	}
	if o.JSON {
		if err := writeJSON(o.Stdout, text); err != nil {
			return exitCodeOf(err), err
		}
		return ExitPassed, nil
	}
	var l apiLocator
	if err := json.Unmarshal(text, &l); err != nil {
		return reached(ctx, c.notOurs("its learned locator can't be read: "+err.Error()))
	}
	o.write(&l, c)
	return ExitPassed, nil
}

func (o LocatorOptions) write(l *apiLocator, c *client) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(o.Stdout, "%-12s  %s\n", name, fmt.Sprintf(format, args...))
	}
	line("locator", "%d, %s", l.ID, clean(l.Status))
	line("case", "%s, step %d, on %s", clean(l.TestCaseID), l.StepNumber, clean(l.Environment))
	for i, selector := range l.Selectors {
		line([]string{"found by", ""}[min(i, 1)], "%s", clean(strings.Join(selector, " >> ")))
	}
	if l.OldLocator != "" {
		line("in place of", "%s", clean(l.OldLocator))
	}
	line("passed", "%s", count(l.Passed, "run"))
	for _, run := range l.Runs {
		line("", "%s", clean(run.TestRunID))
	}
	if h := &l.Heal; h.TestRunID != "" {
		line("heal", "run %s: %s", clean(h.TestRunID), clean(h.Reason))
		line("element", "%s, %.0f %% sure", clean(h.Element), 100*h.Confidence)
		if h.RunnerUp.Element != "" {
			line("runner-up", "%s, score %.2f of %.2f", clean(h.RunnerUp.Element), h.RunnerUp.Score, h.Score)
		}
		for _, shot := range [][2]string{{"before", h.Screenshots.Before}, {"after", h.Screenshots.After}} {
			if shot[1] != "" {
				line(shot[0], "%s", c.link(shot[1]))
			}
		}
	}
	for _, d := range l.Decisions {
		what := fmt.Sprintf("%s → %s by %s, %s", clean(d.From), clean(d.To), clean(d.By), ago(d.DecidedAt))
		if d.Undoes > 0 {
			what += fmt.Sprintf(", undoes %d", d.Undoes)
		}
		if d.Reason != "" {
			what += ": " + clean(d.Reason)
		}
		line(fmt.Sprintf("decision %d", d.ID), "%s", what)
	}
}

// DecideLocators decides about learned locators and returns an exit code: ExitFailed if some were refused.
func DecideLocators(ctx context.Context, o LocatorDecision) (int, error) {
	switch {
	case strings.TrimSpace(o.By) == "":
		return ExitUsage, usageError("say who decides: --by NAME")
	case o.Decision != "" && len(o.IDs) > 1:
		return ExitUsage, usageError("--decision is of one locator: give one id")
	}
	c := o.client()
	defer c.close()
	body, err := json.Marshal(map[string]string{"by": o.By, "reason": o.Reason, "expected": o.Expected})
	if err != nil {
		return ExitPlatform, fmt.Errorf("encoding the decision: %w", err)
	}
	code, decided := ExitPassed, []json.RawMessage{}
	for _, id := range o.IDs {
		var text json.RawMessage
		var l apiLocator
		err := c.callWith(ctx, http.MethodPost, locatorPath(id)+"/"+o.Verb, body, map[string]string{"If-Match": o.Decision}, &text)
		if refusedAs(err, http.StatusConflict) {
			fmt.Fprintf(o.Stderr, "%s: %s\n", clean(id), err)
			code = ExitFailed
			continue
		}
		if err != nil {
			return reached(ctx, err)
		}
		if err := json.Unmarshal(text, &l); err != nil {
			return reached(ctx, c.notOurs("its learned locator can't be read: "+err.Error()))
		}
		if decided = append(decided, text); !o.JSON {
			fmt.Fprintf(o.Stdout, "%s is %s: step %d of %s, %s\n", clean(id), clean(l.Status), l.StepNumber, clean(l.TestCaseID), clean(l.NewLocator))
		}
	}
	if o.JSON {
		if err := writeJSON(o.Stdout, map[string]any{"items": decided}); err != nil {
			return exitCodeOf(err), err
		}
	}
	return code, nil
}

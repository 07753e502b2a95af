package activities

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

const (
	// refreshAfter is how old a fingerprint may get before a passing step takes another one.
	refreshAfter = 24 * time.Hour
	// memoryWithin bounds reading what is known of a case; without it the run goes on.
	memoryWithin = 3 * time.Second
	// mostLearned is how many selectors that heals taught are tried before a step's own.
	mostLearned = 8
)

// adaptStore knows what elements looked like, and what heals taught.
type adaptStore interface {
	Memory(ctx context.Context, testCaseID, environment string) (store.Memory, error)
	Seen(ctx context.Context, testCaseID, environment string, step store.StepKey) (seen store.Seen, found bool, err error)
	Remember(ctx context.Context, r store.Remembered, now time.Time) error
	Adaptations(ctx context.Context, runID string) ([]store.Adaptation, error)
}

// adapter finds the elements of an attempt's steps, also on pages that changed.
type adapter struct {
	*attempt

	mode        store.AdaptiveMode
	environment string
	left        int // adaptations that are still allowed

	read   chan struct{} // closed when memory is there
	memory store.Memory
	blind  bool // it could not be read

	seen    []store.Seen
	lessons []store.Lesson
	list    []store.Adaptation
}

// newAdapter begins to read what is known of the case.
func newAdapter(ctx context.Context, a *attempt, baseURL string, parts []testcase.Part) *adapter {
	cfg := a.claim.Run.Config
	h := &adapter{
		attempt: a, mode: cfg.AdaptiveMode, environment: environmentOf(baseURL, parts), left: cfg.MaxAdaptations,
		read: make(chan struct{}),
	}
	if !h.on() {
		close(h.read)
		return h
	}
	go func() {
		defer close(h.read)
		ctx, cancel := context.WithTimeout(ctx, memoryWithin)
		defer cancel()
		var err error
		if h.memory, err = a.Store.Memory(ctx, a.claim.Run.TestCaseID, h.environment); err != nil {
			h.blind = true
			a.log.WarnContext(ctx, "what is known of the case's elements could not be read: the run goes on without", "error", err)
		}
	}()
	return h
}

func (h *adapter) on() bool { return h.mode == store.AdaptHeal || h.mode == store.AdaptSuggest }

// environmentOf is where the case runs: the host of its site, or of the first page that it opens.
func environmentOf(baseURL string, parts []testcase.Part) string {
	addresses := []string{baseURL}
	for _, part := range parts {
		for _, s := range part.Steps {
			if s.Type == testcase.TypeNavigate {
				addresses = append(addresses, s.URL)
			}
		}
	}
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			return u.Host
		}
	}
	return ""
}

// do runs a step, and says whether it took an adaptation to pass.
func (h *adapter) do(ctx context.Context, session browser.Session, number int, step testcase.Step) (adapted bool, err error) {
	// Selectors with variables in them name something else each time: the one of last time would be the wrong one.
	if !h.on() || !step.ActsOnElement() || !step.NamesAlways() {
		return false, session.Do(ctx, step)
	}
	<-h.read
	key := store.StepKey{Number: number, Hash: step.TargetHash()}
	learned, aim := h.aim(key)
	sight, err := session.DoAimed(ctx, step, aim)
	if err == nil {
		return h.passed(key, step, learned, sight), nil
	}
	if ctx.Err() != nil || browser.IsCutShort(err) || !browser.Lacks(err) && !browser.IsCovered(err) {
		return false, err
	}
	began := time.Now()
	try := &recovery{adapter: h, session: session, key: key, step: step, aim: aim, original: err}
	adapted, err = try.run(ctx)
	if try.outcome != "" {
		h.Metrics.HealEnded(try.outcome, time.Since(began))
	}
	return adapted, err
}

// aim says what is tried before the step's own selectors, and whether its element is to be described.
func (h *adapter) aim(key store.StepKey) ([]store.LearnedLocator, browser.Aim) {
	var aim browser.Aim
	var learned []store.LearnedLocator
	since, known := h.memory.Seen[key]
	aim.Look = !h.blind && h.environment != "" && (!known || time.Since(since) > refreshAfter)
	for _, l := range h.memory.Locators {
		if l.Step != key || l.Status == store.LocatorRejected || len(aim.First)+len(l.Selectors) > mostLearned || h.memory.FindsRejected(l) {
			continue
		}
		for _, selector := range l.Selectors {
			aim.First = append(aim.First, testcase.Selector(selector))
			learned = append(learned, l)
		}
		aim.Chosen = aim.Chosen || l.Status == store.LocatorProposed
		aim.Look = aim.Look || l.Status == store.LocatorPromoted && l.UpdatedAt.After(since) // the page has changed since
	}
	aim.Chosen = aim.Chosen || aim.Look && len(aim.First) > 0
	return learned, aim
}

// passed notes what a step that passed tells. learned has an entry for each selector that was tried first.
func (h *adapter) passed(key store.StepKey, step testcase.Step, learned []store.LearnedLocator, sight browser.Sight) (adapted bool) {
	if sight.Chosen >= 0 && sight.Chosen < len(learned) && learned[sight.Chosen].Status == store.LocatorProposed {
		l := learned[sight.Chosen]
		h.lessons = append(h.lessons, store.Lesson{Step: key, Selectors: l.Selectors})
		h.add(store.Adaptation{
			Step: key, Type: store.AdaptedLearned, Successful: true,
			Reason: "a heal of an earlier run taught this locator, which is neither approved nor promoted yet; the step's own selectors find nothing",
			Evidence: store.Evidence{
				OldLocator: bounded(step.Selectors[0].String(), mostLocator), NewLocator: bounded(testcase.Selector(l.Selectors[sight.Chosen-firstOf(learned, l)]).String(), mostLocator),
				Selectors: l.Selectors,
			},
		})
		return true
	}
	if len(sight.Elements) > 0 && sight.Target >= 0 {
		h.note(key, sight)
	}
	return false
}

// firstOf is where a locator's selectors begin among those that were tried.
func firstOf(learned []store.LearnedLocator, l store.LearnedLocator) int {
	return slices.IndexFunc(learned, func(other store.LearnedLocator) bool { return other.ID == l.ID })
}

// add records an adaptation, successful or not.
func (h *adapter) add(a store.Adaptation) *store.Adaptation {
	a.ID, a.RunID, a.Attempt = uuid.NewString(), h.in.RunID, h.claim.Attempt
	a.TestCaseID, a.Environment, a.CreatedAt = h.claim.Run.TestCaseID, h.environment, time.Now()
	a.Reason = h.secrets.Redact(a.Reason)
	h.list = append(h.list, a)
	if a.Successful {
		h.left--
	}
	h.Metrics.Adapted(string(a.Type), a.Successful)
	return &h.list[len(h.list)-1]
}

// noteOf says in a line what helped.
func noteOf(a store.Adaptation) string {
	if a.Evidence.NewLocator == "" {
		return a.Reason
	}
	return fmt.Sprintf("%s in place of %s", a.Evidence.NewLocator, a.Evidence.OldLocator)
}

// remember keeps what a passing attempt leaves for later ones. The run has passed, whether that works or not.
func (h *adapter) remember(ctx context.Context) {
	if h == nil || len(h.seen)+len(h.lessons) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryWithin)
	defer cancel()
	err := h.Store.Remember(ctx, store.Remembered{
		TestCaseID: h.claim.Run.TestCaseID, Environment: h.environment, RunID: h.in.RunID, Seen: h.seen, Lessons: h.lessons,
	}, time.Now())
	if err != nil {
		h.log.WarnContext(ctx, "what the run's elements looked like could not be kept", "error", err)
	}
}

// adaptations are those of the attempt.
func (h *adapter) adaptations() []store.Adaptation {
	if h == nil {
		return nil
	}
	return h.list
}

// withReason is a step's error with the reason why its element was not found elsewhere.
func withReason(original error, reason string) error {
	e, ok := errors.AsType[*browser.Error](original)
	if !ok || reason == "" {
		return original
	}
	more := *e
	more.Message += "; " + reason
	return &more
}

// interactive are the roles of elements that one does something with: those that tell how a page is laid out.
func interactive(f *healing.Fingerprint) bool {
	if f.Visible != nil && !*f.Visible {
		return false
	}
	switch f.Role {
	case "link", "button", "textbox", "searchbox", "spinbutton", "checkbox", "radio", "switch", "combobox", "listbox", "slider", "tab", "menuitem",
		"menuitemcheckbox", "menuitemradio", "option", "treeitem":
		return true
	}
	return f.Type == "file"
}

package activities

import (
	"context"
	"fmt"
	"strings"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// How a try to find an element again ends, for the metrics.
const (
	healDone      = "healed"
	healRefused   = "refused"
	healSuggested = "suggested"
	healFailed    = "failed"
	recovered     = "recovered"
)

// recovery is what is tried when a step's element is not found, or covered.
type recovery struct {
	*adapter

	session  browser.Session
	key      store.StepKey
	step     testcase.Step
	aim      browser.Aim
	original error
	outcome  string
}

// run tries what is simple first: a page that had not loaded, something over the element. The step's own error comes back, with the
// reason why nothing helped.
func (r *recovery) run(ctx context.Context) (adapted bool, err error) {
	if r.left <= 0 {
		if len(r.list) == 0 {
			return false, r.original // none is wanted
		}
		return r.refuse(fmt.Sprintf("it was not looked for elsewhere: the run may have %d adaptations", r.claim.Run.Config.MaxAdaptations))
	}
	if browser.IsCovered(r.original) {
		return r.uncover(ctx)
	}
	if r.mode == store.AdaptHeal {
		waited, err := r.session.Loaded(ctx)
		if err != nil {
			return false, r.original
		}
		if waited {
			if _, err := r.session.DoAimed(ctx, r.step, r.aim); err == nil {
				r.outcome = recovered
				r.add(store.Adaptation{
					Step: r.key, Type: store.AdaptedRetry, Successful: true,
					Reason: "the page had not loaded when the step's time was up; tried again when it had, the step passed",
				})
				return true, nil
			} else if !browser.Lacks(err) {
				return false, r.original
			}
		}
	}
	return r.heal(ctx)
}

func (r *recovery) refuse(reason string) (bool, error) {
	r.outcome = healRefused
	return false, withReason(r.original, reason)
}

// uncover closes what lies over the element, and tries again.
func (r *recovery) uncover(ctx context.Context) (bool, error) {
	if r.mode != store.AdaptHeal {
		return false, r.original
	}
	done, why, err := r.session.Uncover(ctx, r.step)
	if err != nil {
		return false, r.original
	}
	if why != "" {
		return r.refuse(why)
	}
	what := fmt.Sprintf("%q closed what lay over the element (%q)", done.Control, done.Overlay)
	if _, err := r.session.DoAimed(ctx, r.step, r.aim); err != nil {
		r.outcome = healFailed
		r.add(store.Adaptation{Step: r.key, Type: store.AdaptedOverlay, Reason: what + ", but that did not help: " + err.Error()})
		return false, withReason(r.original, what+", but that did not help")
	}
	r.outcome = recovered
	r.add(store.Adaptation{Step: r.key, Type: store.AdaptedOverlay, Successful: true, Reason: what})
	return true, nil
}

// heal looks for the element by what was known of it.
func (r *recovery) heal(ctx context.Context) (bool, error) {
	seen, known, err := r.Store.Seen(ctx, r.claim.Run.TestCaseID, r.environment, r.key)
	if err != nil {
		r.log.WarnContext(ctx, "what an element looked like could not be read", "step", r.key.Number, "error", err)
		return r.refuse("it was not looked for elsewhere: what it looked like could not be read")
	}
	if !known {
		return false, r.original // nothing passed here yet that could tell
	}
	old, err := unpack(seen.Page)
	if err != nil {
		return r.refuse("it was not looked for elsewhere: " + err.Error())
	}
	sight, err := r.session.Look(ctx)
	switch {
	case ctx.Err() != nil:
		return false, r.original
	case err != nil:
		return r.refuse("it was not looked for elsewhere: the page could not be described: " + err.Error())
	case sight.Cut != "":
		return r.refuse("it was not looked for elsewhere: the page is too large to be compared: " + sight.Cut)
	}
	f := search(old, seen.Target, sight.Elements, r.step)
	if f.refusal == "" {
		r.verify(ctx, &f)
	}
	evidence := f.evidence(r.step)
	if f.refusal != "" {
		reason := "nothing was taken in its place: " + f.refusal
		r.add(store.Adaptation{Step: r.key, Type: store.AdaptedLocator, Reason: reason, Evidence: evidence})
		return r.refuse(reason)
	}
	if r.mode == store.AdaptSuggest {
		r.outcome = healSuggested
		reason := fmt.Sprintf("suggestion: %s (%s)", evidence.NewLocator, f.reason)
		r.add(store.Adaptation{Step: r.key, Type: store.AdaptedLocator, Reason: reason, Evidence: r.pictures(ctx, f, evidence, false)})
		return false, withReason(r.original, reason)
	}
	evidence = r.pictures(ctx, f, evidence, false)
	if _, err := r.session.DoAimed(ctx, r.step, browser.Aim{At: &f.found, Only: f.selectors}); err != nil {
		r.outcome = healFailed
		reason := fmt.Sprintf("%s was found in its place, but the step fails with it, too: %s", f.reason, err)
		r.add(store.Adaptation{Step: r.key, Type: store.AdaptedLocator, Reason: reason, Evidence: evidence})
		return false, withReason(r.original, reason)
	}
	r.outcome = healDone
	a := r.add(store.Adaptation{
		Step: r.key, Type: store.AdaptedLocator, Successful: true, Reason: f.reason, Evidence: r.pictures(ctx, f, evidence, true),
	})
	if lesson := f.lesson(); len(lesson) > 0 {
		r.lessons = append(r.lessons, store.Lesson{Step: r.key, Selectors: lesson, AdaptationID: a.ID})
	}
	return true, nil
}

// verify asks the page itself which locators find the element and nothing else, and leaves out what people rejected.
func (r *recovery) verify(ctx context.Context, f *finding) {
	only, here, err := r.session.Only(ctx, r.step, f.found, f.selectors)
	switch {
	case err != nil:
		f.refusal = "the page changed while it was looked at: " + err.Error()
		return
	case !here:
		f.refusal = f.name + " was there, but is not any more"
		return
	}
	for _, l := range r.memory.Locators {
		if l.Step != r.key || l.Status != store.LocatorRejected {
			continue
		}
		for _, rejected := range l.Selectors {
			for _, s := range append(only, f.place) {
				if testcase.Selector(rejected).String() == s.String() {
					f.refusal = fmt.Sprintf("%s was taken before, and people rejected that", f.name)
					return
				}
			}
		}
	}
	f.selectors = only
	if len(only) == 0 && !f.placed {
		f.refusal = f.name + " is the most similar element, but no locator finds it alone"
	}
}

// pictures keeps a screenshot of the page before or after the step, the element marked.
func (r *recovery) pictures(ctx context.Context, f finding, e store.Evidence, after bool) store.Evidence {
	k := r.keeper
	if k.policies[artifact.Screenshot] == artifact.Off {
		return e
	}
	taking, cancel := context.WithTimeout(ctx, captureWithin)
	defer cancel()
	when, into := "before", &e.Before
	if after {
		when, into = "after", &e.After
	}
	data, err := r.session.Marked(taking, f.found)
	if err != nil {
		k.log.WarnContext(ctx, "no picture of an adaptation", "step", r.key.Number, "error", err)
		return e
	}
	name := fmt.Sprintf("attempt-%d-step-%d-%s%s", r.claim.Attempt, r.key.Number, when, artifact.Screenshot.Extension())
	if kept := k.put(ctx, artifact.Screenshot, r.key.Number, name, int64(len(data)), strings.NewReader(string(data))); kept != nil {
		k.save(ctx, []store.Artifact{*kept})
		if kept.Path != "" {
			*into = kept.ID
		}
	}
	return e
}

// mostLocator bounds a locator in evidence.
const mostLocator = 500

// evidence is what a finding can be judged by.
func (f *finding) evidence(step testcase.Step) store.Evidence {
	e := store.Evidence{
		OldLocator: bounded(step.Selectors[0].String(), mostLocator), Element: f.name, RunnerUp: f.runnerUp, RunnerUpScore: f.runnerUpScore,
		Score: f.score, Confidence: f.confidence,
	}
	for _, p := range f.parts {
		e.Parts = append(e.Parts, store.ScorePart{Name: p.Name, Similarity: p.Similarity, Contribution: p.Contribution})
	}
	if f.refusal == "" {
		for _, s := range f.selectors {
			e.Selectors = append(e.Selectors, s)
		}
		e.NewLocator = bounded(f.place.String(), mostLocator)
		if len(f.selectors) > 0 {
			e.NewLocator = bounded(f.selectors[0].String(), mostLocator)
		}
	}
	return e
}

// lesson is what later runs may try first: nothing that goes by the element's place, which the next change moves.
func (f *finding) lesson() [][]string {
	var lesson [][]string
	for _, s := range f.selectors {
		if s.String() != f.place.String() && len(lesson) < 3 {
			lesson = append(lesson, s)
		}
	}
	return lesson
}

// nameOf calls an element as a person would.
func nameOf(f *healing.Fingerprint) string {
	caption := f.AccessibleName
	if caption == "" {
		caption = f.Text
	}
	what := f.Role
	if what == "" {
		what = "<" + f.Tag + ">"
	}
	switch {
	case caption != "":
		return fmt.Sprintf("%s %q", what, bounded(caption, 40))
	case f.ID != "":
		return what + " #" + bounded(f.ID, 40)
	default:
		return what
	}
}

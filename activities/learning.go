package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/learning"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// learnStore has what there is to learn from, and keeps what was learned.
type learnStore interface {
	Environments(ctx context.Context, testCaseID string) ([]string, error)
	Learn(ctx context.Context, testCaseID, environment string, judge func(store.History) (store.Learned, error), now time.Time) (store.Changes, error)
	ChangedCases(ctx context.Context, from, until time.Time, after string, limit int) ([]string, error)
	LearnedUpTo(ctx context.Context) (time.Time, error)
	LearnedAll(ctx context.Context, upTo time.Time) error
}

// Learning holds the activities of the AdaptationLearning workflow.
type Learning struct {
	jobs    *Jobs
	store   learnStore
	rules   learning.Rules
	metrics *metrics.Learning
}

// NewLearning makes the activities. Metrics that are nil count nothing.
func NewLearning(jobs *Jobs, records learnStore, rules learning.Rules, m *metrics.Learning) *Learning {
	return &Learning{jobs: jobs, store: records, rules: rules, metrics: m}
}

// ExecuteLearning carries out one attempt of an adaptation-learning job. Whoever begins again after a worker that died learns the same
// once more.
func (l *Learning) ExecuteLearning(ctx context.Context, in JobAttemptInput) (JobAttemptResult, error) {
	return l.jobs.Attempt(ctx, in, func(ctx context.Context, job queue.Job, show func(any)) (any, error) {
		request, err := ParseLearning(job.Data)
		if err != nil {
			return nil, err
		}
		return l.learn(ctx, request, func(p LearningProgress) { show(p) })
	})
}

// LearningRequest is the data of an adaptation-learning job: of which case to learn, or, without one, of all that changed since the
// last time.
type LearningRequest struct {
	TestCaseID  string `json:"testCaseId,omitempty"`
	Environment string `json:"environment,omitempty"`
}

// ParseLearning reads the data of a job.
func ParseLearning(data json.RawMessage) (LearningRequest, error) {
	var r LearningRequest
	if err := fault.ReadObject(data, &r, "the job's data", `{"testCaseId": "checkout"}`, "testCaseId and environment"); err != nil {
		return r, err
	}
	const most = 500
	switch {
	case r.Environment != "" && r.TestCaseID == "":
		return r, fault.New(fault.Invalid, "the job's data has an environment and no testCaseId")
	case len(r.TestCaseID) > most || len(r.Environment) > most || strings.ContainsRune(r.TestCaseID+r.Environment, 0):
		return r, fault.New(fault.Invalid, "testCaseId or environment can't be that of a case")
	}
	return r, nil
}

// Title says in words what a job is for.
func (r LearningRequest) Title() string {
	if r.TestCaseID == "" {
		return "Learn of all cases that changed"
	}
	return "Learn of " + r.TestCaseID
}

// LearningReport is the return value of an adaptation-learning job.
type LearningReport struct {
	Cases        int `json:"cases"`
	Environments int `json:"environments"`
	Runs         int `json:"runs"`
	// Promoted, Demoted and Rejected count learned locators, Changes are the first of them.
	Promoted int             `json:"promoted"`
	Demoted  int             `json:"demoted"`
	Rejected int             `json:"rejected"`
	Changes  []LocatorChange `json:"changes,omitempty"`
	// Quarantined counts cases that were put in quarantine.
	Quarantined int `json:"quarantined,omitempty"`
	// Patterns counts what is known by its kind, PatternsChanged what was not so before.
	Patterns        map[string]int `json:"patterns"`
	PatternsChanged int            `json:"patternsChanged"`
	// Reliability is that of a single case, by its environments, at most 20 of them.
	Reliability map[string]learning.Reliability `json:"reliability,omitempty"`
	// Problems say of which cases nothing could be learned, and why, at most 20.
	Problems []string `json:"problems,omitempty"`
}

// LocatorChange is a learned locator that has another status now.
type LocatorChange struct {
	LocatorID   int64               `json:"locatorId"`
	TestCaseID  string              `json:"testCaseId"`
	Environment string              `json:"environment"`
	To          store.LocatorStatus `json:"to"`
	Reason      string              `json:"reason"`
}

// LearningProgress is shown while it is learned.
type LearningProgress struct {
	Percentage int    `json:"percentage"`
	Cases      int    `json:"cases"`
	Message    string `json:"message"`
}

const (
	// mostListed bounds the lists of a report.
	mostListed   = 20
	learningPage = 200
	// firstLook is how far back the first learning of all cases goes; overlap is how late a run may be committed after it has ended.
	firstLook = 90 * 24 * time.Hour
	overlap   = 10 * time.Minute
	showEvery = time.Second
)

// learn learns of a case, or of all that changed.
func (l *Learning) learn(ctx context.Context, r LearningRequest, show func(LearningProgress)) (LearningReport, error) {
	report := LearningReport{Patterns: map[string]int{}}
	if r.TestCaseID != "" {
		report.Reliability = map[string]learning.Reliability{}
		err := l.ofCase(ctx, r.TestCaseID, r.Environment, &report)
		show(LearningProgress{Percentage: 100, Cases: 1, Message: "Learned of " + r.TestCaseID})
		return report, err
	}
	from, err := l.store.LearnedUpTo(ctx)
	if err != nil {
		return report, err
	}
	until := time.Now()
	if from.IsZero() {
		from = until.Add(-firstLook)
	}
	var shown time.Time
	for after := ""; ; {
		page, err := l.store.ChangedCases(ctx, from.Add(-overlap), until, after, learningPage)
		if err != nil {
			return report, err
		}
		for _, id := range page {
			err := l.ofCase(ctx, id, "", &report)
			switch {
			case ctx.Err() != nil:
				return report, ctx.Err()
			case fault.Of(err) == fault.Unavailable:
				return report, err
			case err != nil: // one that can't be learned of is not in the way of the others
				l.jobs.Log.ErrorContext(ctx, "nothing could be learned of a case", "test_case_id", id, "error", err)
				if len(report.Problems) < mostListed {
					report.Problems = append(report.Problems, id+": "+words(err))
				}
			}
			if time.Since(shown) > showEvery {
				shown = time.Now()
				show(LearningProgress{Cases: report.Cases, Message: fmt.Sprintf("Learned of %d cases", report.Cases)})
			}
		}
		if len(page) < learningPage {
			break
		}
		after = page[len(page)-1]
	}
	show(LearningProgress{Percentage: 100, Cases: report.Cases, Message: fmt.Sprintf("Learned of %d cases", report.Cases)})
	return report, l.store.LearnedAll(ctx, until)
}

// ofCase learns of a case in an environment, or in all of them.
func (l *Learning) ofCase(ctx context.Context, id, environment string, report *LearningReport) error {
	environments := []string{environment}
	if environment == "" {
		var err error
		if environments, err = l.store.Environments(ctx, id); err != nil {
			return err
		}
	}
	report.Cases++
	for _, environment := range environments {
		var runs int
		var learned store.Learned
		now := time.Now()
		changes, err := l.store.Learn(ctx, id, environment, func(h store.History) (_ store.Learned, err error) {
			runs = len(h.Runs)
			learned, err = l.judge(h, now)
			return learned, err
		}, now)
		if err != nil {
			return fmt.Errorf("learning of case %s: %w", id, err)
		}
		report.Environments++
		report.Runs += runs
		report.PatternsChanged += changes.Patterns
		if changes.Quarantined {
			report.Quarantined++
		}
		for _, p := range learned.Patterns {
			report.Patterns[p.Kind]++
		}
		for _, v := range changes.Verdicts {
			l.metrics.Decided(string(v.To))
			report.count(v, id, environment)
		}
		if r := learned.Reliability; r != nil && report.Reliability != nil && len(report.Reliability) < mostListed {
			report.Reliability[environment] = *r
		}
	}
	return nil
}

func (r *LearningReport) count(v store.LocatorVerdict, id, environment string) {
	switch v.To {
	case store.LocatorPromoted:
		r.Promoted++
	case store.LocatorProposed:
		r.Demoted++
	case store.LocatorRejected:
		r.Rejected++
	}
	if len(r.Changes) < mostListed {
		r.Changes = append(r.Changes, LocatorChange{
			LocatorID: v.LocatorID, TestCaseID: id, Environment: environment, To: v.To, Reason: v.Reason,
		})
	}
}

// judge makes of what happened what is to be kept.
func (l *Learning) judge(h store.History, now time.Time) (store.Learned, error) {
	var out store.Learned
	add := func(p store.Pattern, belief *learning.Belief, evidence any) error {
		text, err := json.Marshal(evidence)
		if err != nil {
			return fmt.Errorf("encoding a pattern: %w", err)
		}
		p.Evidence = text
		if belief != nil {
			p.Value, p.Low, p.High = &belief.Mean, &belief.Low, &belief.High
		}
		out.Patterns = append(out.Patterns, p)
		return nil
	}
	if len(h.Runs) > 0 {
		reliability := l.rules.Reliability(h.Runs)
		out.Reliability = &reliability
		if !h.Quarantined {
			out.Quarantine = l.rules.Quarantine(h.Runs, h.LeftQuarantine)
		}
		for _, run := range h.Runs {
			if run.Ended.After(out.NewestRun) {
				out.NewestRun = run.Ended
			}
		}
	}
	survives := map[learning.Kind]learning.Belief{}
	for _, k := range l.rules.Kinds(h.Sightings) {
		survives[k.Kind] = k.Survives
		p := store.Pattern{Kind: store.PatternKind, Signature: string(k.Kind), Count: k.Changes, FirstSeen: k.First, LastSeen: k.Last}
		if err := add(p, &k.Survives, map[string]int{"changes": k.Changes, "kept": k.Kept}); err != nil {
			return out, err
		}
	}
	if err := l.locators(h, now, survives, &out, add); err != nil {
		return out, err
	}
	for _, f := range learning.Failures(h.Runs) {
		p := store.Pattern{
			Kind: store.PatternFailure, Step: f.Step, Signature: f.Page + "\n" + f.Error, Count: f.Runs, FirstSeen: f.First, LastSeen: f.Last,
		}
		if err := add(p, nil, f); err != nil {
			return out, err
		}
	}
	for _, s := range l.rules.Slow(h.Runs) {
		factor := float64(s.Now) / float64(max(s.Before, time.Millisecond))
		p := store.Pattern{
			Kind: store.PatternSlow, Step: s.Number, Signature: s.Hash, Count: s.Recent, Value: &factor, FirstSeen: s.Since, LastSeen: s.LastRunAt,
		}
		err := add(p, nil, map[string]any{
			"beforeMs": s.Before.Milliseconds(), "nowMs": s.Now.Milliseconds(), "recentRuns": s.Recent, "earlierRuns": s.Earlier, "byChance": s.Chance,
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// locators judges what heals taught.
func (l *Learning) locators(h store.History, now time.Time, survives map[learning.Kind]learning.Belief, out *store.Learned, add func(store.Pattern, *learning.Belief, any) error) error {
	var rejected []learning.Locator
	for _, locator := range h.Locators {
		if locator.Status == learning.Rejected {
			rejected = append(rejected, locator)
		}
	}
	for _, locator := range h.Locators {
		kind := learning.KindOf(firstSelector(locator))
		prior, known := survives[kind]
		if !known {
			prior.Mean = 0.5
		}
		uses := learning.Uses(locator, h.Runs)
		j := l.rules.Judge(locator, uses, prior, rejected)
		if j.To != locator.Status {
			out.Verdicts = append(out.Verdicts, store.LocatorVerdict{
				LocatorID: locator.ID, To: store.LocatorStatus(j.To), Reason: j.Reason, Expected: store.LocatorStatus(locator.Status),
			})
			locator.Status, locator.Since, locator.Decided, locator.ByPerson = j.To, now, true, false
			uses = learning.Uses(locator, h.Runs) // as the next time, when it has that status
			j = l.rules.Judge(locator, uses, prior, rejected)
		}
		if len(uses) == 0 {
			continue
		}
		p := store.Pattern{
			Kind: store.PatternLocator, Step: locator.Step.Number, Signature: strconv.FormatInt(locator.ID, 10), Count: j.Uses,
			FirstSeen: uses[0].At, LastSeen: uses[len(uses)-1].At,
		}
		err := add(p, &j.Pass, map[string]any{
			"locatorId": locator.ID, "goesBy": kind, "worked": j.Worked, "inARow": j.Row, "says": cmp.Or(j.Reason, "it does what it should"),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func firstSelector(l learning.Locator) []string {
	if len(l.Selectors) == 0 {
		return nil
	}
	return l.Selectors[0]
}

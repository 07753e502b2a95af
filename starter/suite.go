package starter

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

const (
	maxSuiteCases = 5000
	maxParallel   = testcase.MaxParallel
	maxTitle      = testcase.MaxSuiteTitle

	suiteWorkflow = "SuiteExecution"
)

// Suite is the definition of a stored suite: its cases, and what its runs are like unless a request says otherwise.
type Suite struct {
	Title string   `json:"title,omitempty"`
	Cases []string `json:"cases"` // ids of stored cases
	SuiteSettings
	// Config is a testcase.SuiteConfig: what counts for all cases, unless one says otherwise. So do the attempts.
	Config json.RawMessage `json:"config,omitempty"`
}

// SuiteSettings say how the cases of a suite run.
type SuiteSettings struct {
	// Parallel is how many run at once; 0 leaves that to the workers.
	Parallel *int `json:"parallel,omitempty"`
	// FailFast ends the suite with the first case that fails: what runs is cancelled, the rest does not start.
	FailFast *bool `json:"failFast,omitempty"`
	// Attempts of each case at the most; 0 for the configured default.
	Attempts int      `json:"attempts,omitempty"`
	Priority Priority `json:"priority,omitzero"`
}

// SuiteCase is a case of a suite: a stored one by its id, or one given inline.
type SuiteCase struct {
	TestCaseID string          `json:"testCaseId,omitempty"`
	Case       json.RawMessage `json:"case,omitempty"`
	// TestRunID names its run; a new id is made if it is empty.
	TestRunID string `json:"testRunId,omitempty"`
}

// SuiteRequest asks for a run of many cases.
type SuiteRequest struct {
	// SuiteID is the stored suite that is run; Cases are given if there is none.
	SuiteID string      `json:"suiteId,omitempty"`
	Title   string      `json:"title,omitempty"`
	Cases   []SuiteCase `json:"cases,omitempty"`
	UserID  string      `json:"userId,omitempty"`
	// FailedOf runs only the cases that did not pass in that suite run; Latest stands for the suite's newest one.
	FailedOf string `json:"failedOf,omitempty"`
	SuiteSettings
	// Config counts for all runs, whatever their cases say.
	Config *RequestConfig `json:"config,omitempty"`
	// Defaults are what a suite's config is: what counts for all cases, unless one says otherwise.
	Defaults       json.RawMessage `json:"defaults,omitempty"`
	IdempotencyKey string          `json:"-"`

	defaults *testcase.SuiteConfig // those, and below them the stored suite's
}

// frozen is what is kept of a request with its suite run.
type frozen struct {
	SuiteSettings
	Config *RequestConfig `json:"config,omitempty"`
}

// Latest stands for the newest run of a suite.
const Latest = "latest"

// over fills in what the request leaves open.
func (s *SuiteSettings) over(defaults SuiteSettings) {
	if s.Parallel == nil {
		s.Parallel = defaults.Parallel
	}
	if s.FailFast == nil {
		s.FailFast = defaults.FailFast
	}
	s.Attempts = cmp.Or(s.Attempts, defaults.Attempts)
	s.Priority = cmp.Or(s.Priority, defaults.Priority)
}

func (s *SuiteSettings) validate(bad report) {
	if s.Parallel != nil && (*s.Parallel < 0 || *s.Parallel > maxParallel) {
		bad("parallel", "it must be between 0, for as many as there are workers for, and %d", maxParallel)
	}
	if s.Attempts < 0 || s.Attempts > maxAttempts {
		bad("attempts", "it must be between 1 and %d", maxAttempts)
	}
	if s.Priority < 0 || s.Priority > maxPriority {
		bad("priority", "it must be between 0 and %d", maxPriority)
	}
}

// Validate reports everything that is wrong with a suite.
func (s *Suite) Validate() error {
	return validated(func(bad report) {
		checkSuite(s.Title, len(s.Cases), &s.SuiteSettings, bad)
		for i, id := range s.Cases {
			if !ValidID(id) {
				bad(fmt.Sprintf("cases[%d]", i), "%q is not the id of a test case", id)
			}
		}
		suiteConfig("config", s.Config, s.Attempts, bad)
	})
}

// CheckSuiteTitle says what is wrong with the title of a suite; "" if nothing is.
func CheckSuiteTitle(title string) string {
	if !utf8.ValidString(title) || strings.ContainsRune(title, 0) || utf8.RuneCountInString(title) > maxTitle {
		return fmt.Sprintf("it must be at most %d characters", maxTitle)
	}
	return ""
}

func checkSuite(title string, cases int, settings *SuiteSettings, bad report) {
	if problem := CheckSuiteTitle(title); problem != "" {
		bad("title", "%s", problem)
	}
	if cases == 0 {
		bad("cases", "a suite needs at least one case")
	}
	if cases > maxSuiteCases {
		bad("cases", "a suite may have %d cases at the most, this one has %d", maxSuiteCases, cases)
	}
	settings.validate(bad)
}

// SubmitSuite accepts a suite run with all its runs. created is false when an earlier request with the same idempotency key
// had created it.
func (s *Starter) SubmitSuite(ctx context.Context, r SuiteRequest) (run store.SuiteRun, created bool, err error) {
	hash, err := hashOf(r)
	if err != nil {
		return run, false, err
	}
	if err := s.complete(ctx, &r); err != nil {
		return run, false, err
	}
	n, err := s.prepareSuite(ctx, r)
	if err != nil {
		return run, false, err
	}
	n.RequestHash = hash
	id, created, err := s.Store.CreateSuiteRun(ctx, n)
	if err != nil {
		return run, false, err
	}
	if created {
		s.Log.InfoContext(ctx, "suite added to queue", "queue", queue.TestExecution, "suite_run_id", id, "runs", len(n.Runs))
		soon, cancel := context.WithTimeout(ctx, temporalWithin)
		defer cancel()
		if err := s.startSuite(soon, store.SuiteStart{ID: id, UserID: n.UserID, Title: n.Title, WorkflowInput: n.WorkflowInput}); err != nil {
			s.Log.WarnContext(ctx, "the suite's workflow could not be started yet; it will be", "suite_run_id", id, "error", err)
		}
	}
	run, err = s.Store.SuiteRun(ctx, id)
	return run, created, err
}

// complete finds the cases and settings that a request refers to.
func (s *Starter) complete(ctx context.Context, r *SuiteRequest) error {
	err := validated(func(bad report) {
		if len(r.IdempotencyKey) > MaxIdempotencyKey {
			bad("Idempotency-Key", "it must be at most %d characters", MaxIdempotencyKey)
		}
		r.defaults = suiteConfig("defaults", r.Defaults, 0, bad)
	})
	if err != nil {
		return err
	}
	if r.SuiteID != "" {
		stored, err := s.Store.Suite(ctx, r.SuiteID)
		if err != nil {
			return err
		}
		var suite Suite
		if err := json.Unmarshal(stored.Definition, &suite); err != nil {
			return fault.Wrap(fault.Internal, err, "decoding suite %s", r.SuiteID)
		}
		kept, err := suite.defaults()
		if err != nil {
			return fmt.Errorf("reading suite %s: %w", r.SuiteID, err)
		}
		suite.Attempts = 0 // they are part of these
		r.over(suite.SuiteSettings)
		r.defaults = r.defaults.Over(kept)
		r.Title = cmp.Or(r.Title, stored.Title)
		r.Cases = make([]SuiteCase, len(suite.Cases))
		for i, id := range suite.Cases {
			r.Cases[i].TestCaseID = id
		}
	}
	if r.FailedOf != "" {
		return s.completeFailed(ctx, r)
	}
	return nil
}

// completeFailed leaves the cases that did not pass in an earlier suite run.
func (s *Starter) completeFailed(ctx context.Context, r *SuiteRequest) error {
	if r.FailedOf == Latest {
		if r.SuiteID == "" {
			return fault.InvalidField("failedOf", "%q needs a stored suite: give the id of a suite run", Latest)
		}
		newest, err := s.Store.SuiteRuns(ctx, store.SuiteRunsOf{SuiteID: r.SuiteID}, 1)
		if err != nil {
			return err
		}
		if len(newest) == 0 {
			return fault.InvalidField("failedOf", "suite %q has never run", r.SuiteID)
		}
		r.FailedOf = newest[0].ID
	}
	earlier, err := s.Store.SuiteRun(ctx, r.FailedOf)
	if err != nil {
		return err
	}
	switch {
	case r.SuiteID != "" && earlier.SuiteID != r.SuiteID:
		return fault.InvalidField("failedOf", "suite run %q is not one of suite %q", earlier.ID, r.SuiteID)
	case !earlier.Status.Finished():
		return fault.New(fault.Conflict, "suite run %q has not ended yet", earlier.ID)
	}
	cases, err := s.Store.SuiteCases(ctx, earlier.ID, true)
	if err != nil {
		return err
	}
	if len(cases) == 0 {
		return fault.New(fault.Conflict, "nothing is to be run again: every case of suite run %q passed", earlier.ID)
	}
	r.Title, r.UserID = cmp.Or(r.Title, earlier.Title), cmp.Or(r.UserID, earlier.UserID)
	if r.SuiteID == "" {
		if err := r.as(earlier); err != nil {
			return err
		}
	}
	r.Cases = make([]SuiteCase, len(cases))
	for i, c := range cases {
		r.Cases[i] = SuiteCase{TestCaseID: c.TestCaseID, Case: c.Definition}
	}
	return nil
}

// as fills in how an earlier suite run was run.
func (r *SuiteRequest) as(earlier store.SuiteRun) error {
	if earlier.Settings == nil {
		return nil
	}
	var was frozen
	if err := json.Unmarshal(earlier.Settings, &was); err != nil {
		return fault.Wrap(fault.Internal, err, "decoding the settings of suite run %s", earlier.ID)
	}
	r.over(was.SuiteSettings)
	if r.Config == nil {
		r.Config = was.Config
	}
	kept, err := (&Suite{Config: earlier.Defaults}).defaults()
	r.defaults = r.defaults.Over(kept)
	return err
}

// prepareSuite turns a request into the records of a suite run and of its runs, those first that take longest.
func (s *Starter) prepareSuite(ctx context.Context, r SuiteRequest) (store.NewSuiteRun, error) {
	config, err := r.Config.over(r.defaults)
	if err != nil {
		return store.NewSuiteRun{}, err
	}
	err = validated(func(bad report) {
		checkSuite(r.Title, len(r.Cases), &r.SuiteSettings, bad)
		if config != nil {
			config.validate(bad)
		}
	})
	if err != nil {
		return store.NewSuiteRun{}, err
	}
	n := store.NewSuiteRun{SuiteRun: store.SuiteRun{
		ID: uuid.NewString(), SuiteID: r.SuiteID, Title: cmp.Or(r.Title, "Suite"), UserID: r.UserID, Status: store.RunRunning,
		Parallel: orZero(r.Parallel), FailFast: orZero(r.FailFast), CreatedAt: time.Now().UTC().Truncate(time.Millisecond),
	}, IdempotencyKey: r.IdempotencyKey}
	n.WorkflowID = suiteWorkflowID(n.ID)
	n.Settings, err = json.Marshal(frozen{SuiteSettings: r.SuiteSettings, Config: r.Config})
	n.Defaults = r.defaults.JSON()
	if err != nil {
		return n, fmt.Errorf("encoding the settings: %w", err)
	}
	for i, c := range r.Cases {
		run, _, err := s.prepare(ctx, Request{
			TestCaseID: c.TestCaseID, Case: c.Case, TestRunID: c.TestRunID, UserID: r.UserID, Priority: r.Priority, Attempts: r.Attempts, Config: config,
			defaults: r.defaults,
		})
		if err != nil {
			return n, below(fmt.Sprintf("cases[%d]", i), err)
		}
		n.Runs = append(n.Runs, run)
	}
	if err := s.longestFirst(ctx, n.Runs); err != nil {
		return n, err
	}
	n.WorkflowInput, err = json.Marshal(workflows.SuiteExecutionInput{
		SuiteRunID: n.ID, Queue: queue.TestExecution, Title: n.Title, UserID: n.UserID, Total: len(n.Runs), Parallel: n.Parallel,
		FailFast: n.FailFast, PriorityKey: s.PriorityScale.key(int(r.Priority)), FairnessKey: fairnessKey(n.UserID),
		FairnessWeight: share(s.openRuns(ctx, n.UserID) + len(n.Runs)),
	})
	if err != nil {
		return n, fmt.Errorf("encoding the workflow's input: %w", err)
	}
	return n, nil
}

// below says where in the request an error's fields are.
func below(place string, err error) error {
	inner, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return fmt.Errorf("%s: %w", place, err)
	}
	outer := fault.New(inner.Code, "%s: %s", place, inner.Message)
	for _, f := range inner.Fields {
		outer.Fields = append(outer.Fields, fault.Field{Field: place + "." + f.Field, Message: f.Message})
	}
	return outer
}

// longestFirst orders runs by how long their cases took before, so that a long one doesn't start when all others have
// ended. What never passed may take longest of all. Equal ones stay in their order.
func (s *Starter) longestFirst(ctx context.Context, runs []store.NewRun) error {
	ids := make([]string, len(runs))
	for i, run := range runs {
		ids[i] = run.TestCaseID
	}
	took, err := s.Store.CaseDurations(ctx, ids)
	if err != nil {
		return err
	}
	slices.SortStableFunc(runs, func(a, b store.NewRun) int {
		first, known := took[a.TestCaseID]
		second, alsoKnown := took[b.TestCaseID]
		switch {
		case known != alsoKnown && !known:
			return -1
		case known != alsoKnown:
			return 1
		}
		return cmp.Compare(second, first)
	})
	return nil
}

func orZero[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func suiteWorkflowID(suiteRunID string) string { return "suite/" + suiteRunID }

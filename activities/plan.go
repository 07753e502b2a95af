package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// caseReader reads stored cases, which others may run.
type caseReader interface {
	Case(ctx context.Context, id string) (store.TestCase, error)
}

// load finds a stored case.
func (a *attempt) load(ctx context.Context, id string) ([]byte, bool, error) {
	stored, err := a.Store.Case(ctx, id)
	if fault.Of(err) == fault.NotFound {
		return nil, false, nil
	}
	return stored.Definition, err == nil, err
}

// parse reads the case, as it runs in its suite.
func (a *attempt) parse() (*testcase.Case, error) {
	c, err := testcase.Parse(a.claim.Definition)
	if err != nil || a.claim.Defaults == nil {
		return c, err
	}
	defaults, err := testcase.ParseSuiteConfig(a.claim.Defaults)
	if err != nil {
		return nil, fmt.Errorf("the suite's config: %w", err)
	}
	return c.In(defaults)
}

// plan returns what the sessions of the attempt run. A case that can't be run is final.
func (a *attempt) plan(ctx context.Context, c *testcase.Case) ([]testcase.Part, *verdict) {
	parts, err := c.Plan(ctx, a.load)
	if invalid, ok := errors.AsType[*testcase.InvalidError](err); ok {
		return nil, hopeless(store.Invalid, "the test case is not valid: %s", invalid)
	}
	if err != nil {
		return nil, a.judge(ctx, "reading the test case: ", err)
	}
	return parts, nil
}

func (a *attempt) options(c *testcase.Case, part testcase.Part) browser.Options {
	cfg := a.claim.Run.Config
	o := browser.Options{
		Viewport:    browser.Viewport{Width: cfg.Viewport.Width, Height: cfg.Viewport.Height},
		Headless:    cfg.Headless,
		BaseURL:     cfg.BaseURL,
		StepTimeout: defaultStepTimeout,
		Config:      c.Config,
		Variables:   maps.Clone(part.Variables),
		Needs:       testcase.NeedsOf(part.Steps),
		Secrets:     a.secrets,
	}
	if o.BaseURL == "" {
		o.BaseURL = c.BaseURL
	}
	if c.Timeout > 0 {
		o.StepTimeout = time.Duration(c.Timeout) * time.Millisecond
	}
	return o
}

// defaultStateAge is how long what a login case left is used, unless the case says otherwise.
const defaultStateAge = 10 * time.Minute

// maxStates bounds how many are kept by a worker.
const maxStates = 100

// states keeps what login cases left in the browser, in this process's memory and nowhere else. The zero value is empty.
type states struct {
	mu   sync.Mutex
	kept map[string]*keptState
}

// keptState is one of them. Whoever holds turn may make it.
type keptState struct {
	turn  chan struct{}
	state browser.State
	until time.Time
}

// entry returns the place of a key.
func (s *states) entry(key string) *keptState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil || len(s.kept) >= maxStates {
		s.kept = map[string]*keptState{}
	}
	if s.kept[key] == nil {
		s.kept[key] = &keptState{turn: make(chan struct{}, 1)}
	}
	return s.kept[key]
}

// stateFor returns what a session of the case begins with: what its login case left, which is run now if that is not known
// or too old. Attempts that need the same one wait for it.
func (a *attempt) stateFor(ctx context.Context, c *testcase.Case, o browser.Options) (browser.State, *verdict) {
	asked := c.Config.StorageState
	if asked == nil || asked.Login == nil {
		return nil, nil
	}
	login, definition, failed := a.loginCase(ctx, asked.Login)
	if failed != nil {
		return nil, failed
	}
	identity, err := json.Marshal(struct {
		Definition []byte            `json:"definition"`
		BaseURL    string            `json:"baseUrl"`
		Browser    string            `json:"browser"`
		Device     string            `json:"device"`
		Headers    map[string]string `json:"headers"`
		Variables  map[string]string `json:"variables"`
	}{definition, o.BaseURL, c.Config.Browser, c.Config.Device, c.Config.ExtraHeaders, c.Variables})
	if err != nil {
		return nil, a.judge(ctx, "logging in: ", err)
	}
	sum := sha256.Sum256(identity)
	entry := a.logins.entry(hex.EncodeToString(sum[:]))
	select {
	case entry.turn <- struct{}{}:
		defer func() { <-entry.turn }()
	case <-ctx.Done():
		return nil, a.judge(ctx, "logging in: ", ctx.Err())
	}
	if entry.state != nil && time.Now().Before(entry.until) {
		return entry.state, nil
	}
	state, failed := a.logIn(ctx, login, o)
	if failed != nil {
		return nil, failed
	}
	age := defaultStateAge
	if asked.MaxAge > 0 {
		age = time.Duration(asked.MaxAge) * time.Millisecond
	}
	entry.state, entry.until = state, time.Now().Add(age)
	return state, nil
}

func (a *attempt) loginCase(ctx context.Context, sub *testcase.SubCase) (*testcase.Case, []byte, *verdict) {
	if sub.Case != nil {
		return sub.Case, sub.Case.JSON(), nil
	}
	definition, found, err := a.load(ctx, sub.ID)
	final := func(why string) *verdict {
		return hopeless(store.Invalid, "config.storageState.login names the test case %q, which %s", sub.ID, why)
	}
	switch {
	case err != nil:
		return nil, nil, a.judge(ctx, "reading the login case: ", err)
	case !found:
		return nil, nil, final("does not exist")
	}
	c, err := testcase.Parse(definition)
	if err != nil {
		return nil, nil, final("is not valid: " + err.Error())
	}
	return c, definition, nil
}

// logIn runs a case for what it leaves in the browser.
func (a *attempt) logIn(ctx context.Context, c *testcase.Case, o browser.Options) (state browser.State, failed *verdict) {
	parts, failed := a.plan(ctx, c)
	if failed != nil {
		return nil, failed
	}
	variables := maps.Clone(o.Variables)
	if variables == nil {
		variables = map[string]string{}
	}
	maps.Copy(variables, parts[0].Variables)
	o.Variables, o.Needs, o.State = variables, testcase.NeedsOf(parts[0].Steps), nil
	o.Config.StorageState = nil
	session, err := a.Browsers.Open(ctx, o)
	if err != nil {
		return nil, a.judge(ctx, "opening a browser to log in: ", err)
	}
	defer a.close(ctx, session)
	for i, step := range parts[0].Steps {
		if err := session.Do(ctx, step); err != nil {
			return nil, a.judge(ctx, fmt.Sprintf("logging in with %q, step %d (%s): ", c.Title, i+1, step.Description()), err)
		}
	}
	if state, err = session.State(ctx); err != nil {
		return nil, a.judge(ctx, "keeping the login: ", err)
	}
	return state, nil
}

// close ends a session, also when ctx has ended.
func (a *attempt) close(ctx context.Context, session browser.Session) {
	closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := session.Close(closeCtx); err != nil {
		a.log.WarnContext(ctx, "the browser session did not close cleanly", "error", err)
	}
}

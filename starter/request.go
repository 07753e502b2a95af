package starter

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// Request asks for a test run.
type Request struct {
	// TestCaseID names a stored case; Case is one given inline. Exactly one of them is needed.
	TestCaseID string          `json:"testCaseId,omitempty"`
	Case       json.RawMessage `json:"case,omitempty"`
	// TestRunID names the run; a new id is made if it is empty.
	TestRunID string `json:"testRunId,omitempty"`
	// UserID is whose run this is; no user's runs starve another's.
	UserID   string   `json:"userId,omitempty"`
	Priority Priority `json:"priority,omitzero"`
	// Delay in milliseconds before the first attempt.
	Delay int64 `json:"delay,omitempty"`
	// Attempts at the most; 0 for the configured default.
	Attempts int            `json:"attempts,omitempty"`
	Config   *RequestConfig `json:"config,omitempty"`
	// IdempotencyKey makes a repeated request find the first one's run.
	IdempotencyKey string `json:"-"`

	defaults *testcase.SuiteConfig // of the suite that the run belongs to
}

// RequestConfig overrides the defaults of a run.
type RequestConfig struct {
	Timeout *int64 `json:"timeout,omitempty"` // milliseconds of one attempt
	// QueueTimeout is how long the run may wait for a worker each time it is due, in milliseconds; 0: for as long as it takes.
	QueueTimeout *int64          `json:"queueTimeout,omitempty"`
	Headless     *bool           `json:"headless,omitempty"`
	Viewport     *store.Viewport `json:"viewport,omitempty"`
	// AdaptiveMode says what happens when a step's element is not found: true or "heal", "suggest", false or "off".
	AdaptiveMode   *store.AdaptiveMode `json:"adaptiveMode,omitempty"`
	MaxAdaptations *int                `json:"maxAdaptations,omitempty"`
	BaseURL        string              `json:"baseUrl,omitempty"`
	// Environment names one of the addresses that the case has for its site.
	Environment string `json:"environment,omitempty"`
	// Artifacts are policies by kind: screenshot, dom, console, network, trace, har, video.
	Artifacts map[artifact.Kind]artifact.Policy `json:"artifacts,omitempty"`
	// Tags put the run beside others: runs are held by them.
	Tags []string `json:"tags,omitempty"`
}

// Priority is how urgent a run is: a word or a number, a higher one being more urgent; 0 is none.
type Priority int

// The documented priorities.
const (
	Low    Priority = 1
	Normal Priority = 5
	High   Priority = 10
	Urgent Priority = 20
)

// ParsePriority reads a word or a number.
func ParsePriority(s string) (Priority, error) {
	words := map[string]Priority{"": 0, "low": Low, "normal": Normal, "high": High, "urgent": Urgent}
	if p, ok := words[strings.ToLower(s)]; ok {
		return p, nil
	}
	var p Priority
	if err := json.Unmarshal([]byte(s), (*int)(&p)); err != nil {
		return 0, fault.InvalidField("priority", "%q is not one of low, normal, high, urgent or a number", s)
	}
	return p, nil
}

// UnmarshalJSON reads a word or a number.
func (p *Priority) UnmarshalJSON(data []byte) error {
	text := string(data)
	if bytes.HasPrefix(data, []byte(`"`)) {
		if err := json.Unmarshal(data, &text); err != nil {
			return fault.InvalidField("priority", "it is not a word")
		}
	}
	var err error
	*p, err = ParsePriority(text)
	return err
}

const (
	maxPriority   = testcase.MaxPriority
	maxAttempts   = testcase.MaxAttempts
	maxDelay      = 90 * 24 * time.Hour
	maxTimeout    = testcase.MaxAttemptTimeout * time.Millisecond
	maxQueued     = testcase.MaxQueueTimeout * time.Millisecond
	longestUserID = 200

	baseTimeout    = 30 * time.Second
	timeoutPerStep = 5 * time.Second

	defaultMaxAdaptations = 5
)

// ids name runs and cases: they become job ids, workflow ids and folder names. BullMQ reserves integers and the names of its
// own keys, for runs.
var (
	ids      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	integers = regexp.MustCompile(`^[0-9]+$`)
)

// MaxIdempotencyKey is how long an idempotency key may be.
const MaxIdempotencyKey = 255

// ValidID says whether a run or a case may have this id.
func ValidID(id string) bool { return ids.MatchString(id) }

func reservedJobID(id string) bool {
	switch id {
	case "meta", "id", "wait", "waiting", "paused", "active", "prioritized", "delayed", "completed", "failed",
		"waiting-children", "events", "pc", "marker", "stalled", "stalled-check", "limiter", "repeat", "de", "dn", "metrics":
		return true
	}
	return false
}

// validate reports everything that is wrong with a request, except for its case.
func (r *Request) validate() error {
	return validated(r.check)
}

func (r *Request) check(bad report) {
	inline := len(r.Case) > 0 && !bytes.Equal(r.Case, []byte("null"))
	switch {
	case r.TestCaseID == "" && !inline:
		bad("testCaseId", "give the id of a stored test case here, or a test case as `case`")
	case r.TestCaseID != "" && inline:
		bad("case", "give either testCaseId or case, not both")
	}
	if r.TestRunID != "" && (!ValidID(r.TestRunID) || integers.MatchString(r.TestRunID) || reservedJobID(r.TestRunID)) {
		bad("testRunId", "it must be 1 to 128 letters, digits, dots, dashes or underscores, and neither a number nor a reserved word of the queue")
	}
	if len(r.UserID) > longestUserID || strings.ContainsFunc(r.UserID, unicode.IsControl) {
		bad("userId", "it must be at most %d printable characters", longestUserID)
	}
	if r.Priority < 0 || r.Priority > maxPriority {
		bad("priority", "it must be between 0 and %d", maxPriority)
	}
	if r.Delay < 0 || r.Delay > maxDelay.Milliseconds() {
		bad("delay", "it must be between 0 and %d milliseconds (90 days)", maxDelay.Milliseconds())
	}
	if r.Attempts < 0 || r.Attempts > maxAttempts {
		bad("attempts", "it must be between 1 and %d", maxAttempts)
	}
	if len(r.IdempotencyKey) > MaxIdempotencyKey {
		bad("Idempotency-Key", "it must be at most %d characters", MaxIdempotencyKey)
	}
	if r.Config != nil {
		r.Config.validate(bad)
	}
}

// report says what is wrong with a field.
type report func(field, format string, args ...any)

// validated makes one error of everything that check reports.
func validated(check func(report)) error {
	var problems []fault.Field
	check(func(field, format string, args ...any) {
		problems = append(problems, fault.Field{Field: field, Message: fmt.Sprintf(format, args...)})
	})
	return problemsOf(problems)
}

func (c *RequestConfig) validate(bad report) {
	if c.Timeout != nil && (*c.Timeout < 1000 || *c.Timeout > maxTimeout.Milliseconds()) {
		bad("config.timeout", "it must be between 1000 and %d milliseconds", maxTimeout.Milliseconds())
	}
	if q := c.QueueTimeout; q != nil && *q != 0 && (*q < 1000 || *q > maxQueued.Milliseconds()) {
		bad("config.queueTimeout", "it must be between 1000 and %d milliseconds (30 days), or 0 for as long as it takes", maxQueued.Milliseconds())
	}
	if v := c.Viewport; v != nil && (v.Width < 1 || v.Width > 10000 || v.Height < 1 || v.Height > 10000) {
		bad("config.viewport", "width and height must be between 1 and 10000")
	}
	if c.MaxAdaptations != nil && (*c.MaxAdaptations < 0 || *c.MaxAdaptations > testcase.MaxAdaptations) {
		bad("config.maxAdaptations", "it must be between 0 and %d", testcase.MaxAdaptations)
	}
	for _, kind := range slices.Sorted(maps.Keys(c.Artifacts)) {
		if problem := artifact.CheckPolicy(kind, c.Artifacts[kind]); problem != "" {
			bad("config.artifacts."+string(kind), "%s", problem)
		}
	}
	if len(c.Tags) > testcase.MaxTags || slices.ContainsFunc(c.Tags, func(tag string) bool { return !ValidID(tag) || len(tag) > testcase.MaxTag }) {
		bad("config.tags", "they must be %d at the most, each of 1 to 100 letters, digits, dots, dashes or underscores", testcase.MaxTags)
	}
	if c.BaseURL != "" {
		switch u, err := url.Parse(c.BaseURL); {
		case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
			bad("config.baseUrl", "it must be an http:// or https:// address")
		case u.User != nil:
			bad("config.baseUrl", "it must not hold a user or a password: it is kept and shown in many places")
		}
	}
}

func problemsOf(problems []fault.Field) error {
	if len(problems) == 0 {
		return nil
	}
	words := make([]string, len(problems))
	for i, p := range problems {
		words[i] = p.Field + ": " + p.Message
	}
	err := fault.New(fault.Invalid, "%s", strings.Join(words, "; "))
	err.Fields = problems
	return err
}

// ParseCase reads a test case and reports its problems as fields below the given one.
func ParseCase(field string, definition json.RawMessage) (*testcase.Case, error) {
	c, err := testcase.Parse(definition)
	if err == nil {
		return c, nil
	}
	return nil, validated(func(bad report) { invalidIn(field, err, bad) })
}

// invalidIn reports what the package testcase has against a field.
func invalidIn(field string, err error, bad report) {
	invalid, ok := errors.AsType[*testcase.InvalidError](err)
	if !ok {
		bad(field, "%s", err)
		return
	}
	for _, p := range invalid.Problems {
		bad(strings.Trim(field+"."+p.Path, "."), "%s", p.Message)
	}
}

// config fills in what the case asks for, and the documented defaults.
func (r *Request) config(c *testcase.Case) (store.RunConfig, error) {
	settings := store.RunConfig{
		Timeout:        min((baseTimeout + time.Duration(c.Size())*timeoutPerStep), maxTimeout).Milliseconds(),
		Headless:       true,
		Viewport:       store.Viewport{Width: 1920, Height: 1080},
		AdaptiveMode:   store.AdaptHeal,
		MaxAdaptations: defaultMaxAdaptations,
	}
	if c.Config.Timeout > 0 {
		settings.Timeout = int64(c.Config.Timeout)
	}
	set(&settings.Headless, c.Config.Headless)
	switch {
	case c.Config.Width > 0:
		settings.Viewport = store.Viewport{Width: c.Config.Width, Height: c.Config.Height}
	case c.Config.Device != "":
		settings.Viewport = store.Viewport{} // the device's own
	}
	asked := r.Config
	if asked == nil {
		return settings, nil
	}
	set(&settings.Timeout, asked.Timeout)
	set(&settings.QueueTimeout, asked.QueueTimeout)
	set(&settings.Headless, asked.Headless)
	set(&settings.Viewport, asked.Viewport)
	set(&settings.AdaptiveMode, asked.AdaptiveMode)
	set(&settings.MaxAdaptations, asked.MaxAdaptations)
	settings.BaseURL, settings.Artifacts, settings.Tags = asked.BaseURL, asked.Artifacts, asked.Tags
	if asked.Environment != "" && asked.BaseURL == "" {
		address, ok := c.Config.BaseURLs[asked.Environment]
		if !ok {
			return settings, fault.InvalidField("config.environment", "the case's config.baseUrls has no environment %q", asked.Environment)
		}
		settings.BaseURL = address
	}
	return settings, nil
}

// runsAlone reports files that a case names: only the command line, which reads them, can put them in.
func runsAlone(field string, c *testcase.Case) error {
	name, ok := c.NamesFile()
	if !ok {
		return nil
	}
	return fault.InvalidField(field, "it runs the case in the file %q, which only the command line can read: store that case and give its id", name)
}

// attempts is how often the run is tried at the most.
func (r *Request) attempts(c *testcase.Case, otherwise int) int {
	switch {
	case r.Attempts > 0:
		return r.Attempts
	case c.Config.Retries != nil:
		return *c.Config.Retries + 1
	}
	return otherwise
}

func set[T any](value, asked *T) {
	if asked != nil {
		*value = *asked
	}
}

// hashOf tells whether a repeated idempotency key comes with the same request.
func hashOf(request any) (string, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("encoding the request: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

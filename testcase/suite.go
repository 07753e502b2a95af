package testcase

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// SuiteFile is the name of the file that says how the cases of its folder run together. It is no case.
const SuiteFile = "suite.json"

const (
	// MaxSuiteBytes bounds a suite's file and its config, which is kept with each of its runs.
	MaxSuiteBytes = 256 << 10
)

// What a suite may say at the most, and a request as well. Times are in milliseconds.
const (
	MaxSuiteTitle     = 200 // characters
	MaxParallel       = 10_000
	MaxPriority       = 2097151 // what BullMQ's clients accept
	MaxAttempts       = maxRetries + 1
	MaxAdaptations    = 100
	MaxTags           = 20
	MaxTag            = maxName // characters
	MaxAttemptTimeout = 2 * 60 * 60 * 1000
	MaxQueueTimeout   = 30 * 24 * 60 * 60 * 1000
)

// Suite is what a suite file says of the cases in its folder.
type Suite struct {
	Title string
	// Parallel is how many run at once; nil or 0 leaves that to the workers.
	Parallel *int
	FailFast *bool
	// Priority is a word or a number as the file has it; nil if it does not say.
	Priority json.RawMessage
	// Config holds attempts as well, as retries; nil if the file says nothing of the kind.
	Config *SuiteConfig
}

// SuiteConfig is what a suite says for all its cases, unless a case says otherwise: the fields of a case's config, where
// relative addresses lead, and what only a run has.
type SuiteConfig struct {
	raw     json.RawMessage
	fields  map[string]json.RawMessage // of a case's config
	ofRuns  map[string]json.RawMessage // that only a run has
	baseURL string
	login   *SubCase
}

// ParseSuite reads a suite file. If anything is wrong with it, the error is an *InvalidError that lists every problem.
// The notes are about what may be a mistake.
func ParseSuite(data []byte) (s *Suite, notes []Problem, err error) {
	notes, err = readDocument(data, "the file must be a JSON object with what counts for all cases of the folder", func(p *parser, fields map[string]json.RawMessage) {
		s = newObject(p, fields).suite()
	})
	return s, notes, err
}

// ParseSuiteConfig reads the config of a suite alone.
func ParseSuiteConfig(data []byte) (c *SuiteConfig, err error) {
	_, err = readDocument(data, "must be a JSON object", func(p *parser, fields map[string]json.RawMessage) {
		c = newObject(p, fields).suiteConfig()
	})
	return c, err
}

// readDocument lets read read a JSON object, and returns what it notes and finds wrong.
func readDocument(data []byte, what string, read func(p *parser, fields map[string]json.RawMessage)) ([]Problem, error) {
	if len(data) > MaxSuiteBytes {
		return nil, invalid(fmt.Sprintf("has %d bytes: at most %d are allowed", len(data), MaxSuiteBytes))
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, invalid(syntaxProblem(data, err))
	}
	fields, ok := decodeObject(whole)
	if !ok {
		return nil, invalid(what)
	}
	p := &parser{}
	read(p, fields)
	if len(p.problems) > 0 {
		place(data, p.problems)
		return nil, &InvalidError{Problems: p.problems, Omitted: p.omitted}
	}
	place(data, p.notes)
	return p.notes, nil
}

func (o object) suite() *Suite {
	o.raw("$schema", optional, "")
	s := &Suite{Title: o.text("title", optional, MaxSuiteTitle), FailFast: o.flag("failFast"), Priority: o.priority()}
	if !o.absent("parallel") {
		parallel := o.integer("parallel", optional, 0, MaxParallel)
		s.Parallel = &parallel
	}
	attempts := o.integer("attempts", optional, 1, MaxAttempts)
	if c, ok := o.inner("config", optional, ""); ok {
		s.Config = c.suiteConfig()
		if attempts > 0 && !c.absent("retries") {
			o.problem("attempts", "and config.retries are both given: give one of them")
		}
	}
	s.Config = s.Config.WithAttempts(attempts)
	o.refuseUnknown()
	return s
}

// priority reads a word or a number.
func (o object) priority() json.RawMessage {
	raw, ok := o.raw("priority", optional, "")
	if !ok {
		return nil
	}
	var word string
	if json.Unmarshal(raw, &word) == nil {
		if !slices.Contains([]string{"low", "normal", "high", "urgent"}, strings.ToLower(word)) {
			o.problem("priority", fmt.Sprintf("is %q: use one of low, normal, high, urgent, or a number", word))
		}
		return raw
	}
	o.integer("priority", optional, 0, MaxPriority)
	return raw
}

func (o object) suiteConfig() *SuiteConfig {
	c := &SuiteConfig{fields: map[string]json.RawMessage{}, ofRuns: map[string]json.RawMessage{}}
	parsed := o.configFields()
	for name := range o.asked {
		if !o.absent(name) {
			c.fields[name] = o.fields[name]
		}
	}
	if parsed.StorageState != nil {
		c.login = parsed.StorageState.Login
	}
	c.baseURL = o.text("baseUrl", optional, maxURL)
	if problem := checkBaseURL(c.baseURL); c.baseURL != "" && problem != "" {
		o.problem("baseUrl", problem)
	}
	o.text("environment", optional, maxName)
	o.adaptiveMode()
	o.integer("maxAdaptations", optional, 0, MaxAdaptations)
	o.integer("queueTimeout", optional, 0, MaxQueueTimeout)
	o.texts("artifacts", optional, maxName)
	o.tags()
	for _, name := range runFields() {
		if !o.absent(name) {
			c.ofRuns[name] = o.fields[name]
		}
	}
	o.refuseUnknown()
	c.encode()
	return c
}

// adaptiveMode checks what is to happen when a step's element is not found.
func (o object) adaptiveMode() {
	if raw, ok := o.raw("adaptiveMode", optional, ""); ok && !slices.Contains([]string{"true", "false", `"off"`, `"suggest"`, `"heal"`}, string(raw)) {
		o.problem("adaptiveMode", "must be true, false or one of off, suggest, heal")
	}
}

// tags checks the words that runs are held by; a request for runs says more of what they may be.
func (o object) tags() {
	list, _ := o.list("tags", optional, "a list of words", MaxTags)
	for i, raw := range list {
		o.asText(fmt.Sprintf("tags[%d]", i), raw, maxName)
	}
}

// runFields are the fields of a suite's config that a case's config has not.
func runFields() []string {
	return []string{"adaptiveMode", "artifacts", "environment", "maxAdaptations", "queueTimeout", "tags"}
}

// encode makes the config's JSON of its fields.
func (s *SuiteConfig) encode() {
	all := maps.Clone(s.fields)
	maps.Copy(all, s.ofRuns)
	if s.baseURL != "" {
		all["baseUrl"] = quoted(s.baseURL)
	}
	if raw, err := json.Marshal(all); err == nil { // its values were read as JSON
		s.raw = raw
	}
}

func quoted(text string) json.RawMessage {
	raw, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage(`""`)
	}
	return raw
}

// JSON returns the config as ParseSuiteConfig reads it; nil for a nil config.
func (s *SuiteConfig) JSON() json.RawMessage {
	if s == nil {
		return nil
	}
	return slices.Clone(s.raw)
}

// OfRuns returns the fields that only a run has: adaptiveMode, artifacts, environment, maxAdaptations, queueTimeout and tags.
func (s *SuiteConfig) OfRuns() map[string]json.RawMessage {
	if s == nil {
		return nil
	}
	return maps.Clone(s.ofRuns)
}

// WithAttempts returns the config with that number of attempts, unless it says something about retries or the number is 0.
func (s *SuiteConfig) WithAttempts(attempts int) *SuiteConfig {
	if attempts == 0 {
		return s
	}
	c := &SuiteConfig{fields: map[string]json.RawMessage{}}
	if s != nil {
		if _, says := s.fields["retries"]; says {
			return s
		}
		*c = *s
		c.fields = maps.Clone(s.fields)
	}
	c.fields["retries"] = json.RawMessage(strconv.Itoa(attempts - 1))
	c.encode()
	return c
}

// Over returns the config with what another one says where this one does not. Both may be nil.
func (s *SuiteConfig) Over(other *SuiteConfig) *SuiteConfig {
	switch {
	case s == nil:
		return other
	case other == nil:
		return s
	}
	c := *s
	c.fields, c.ofRuns = over(s.fields, other.fields), maps.Clone(other.ofRuns)
	maps.Copy(c.ofRuns, s.ofRuns)
	if c.baseURL == "" {
		c.baseURL = other.baseURL
	}
	if _, says := s.fields["storageState"]; !says {
		c.login = other.login
	}
	c.encode()
	return &c
}

// over puts fields of a config before others: field by field, and environment by environment. A device without a viewport
// has one of its own.
func over(first, then map[string]json.RawMessage) map[string]json.RawMessage {
	merged := maps.Clone(then)
	if _, sized := first["viewport"]; !sized && first["device"] != nil {
		delete(merged, "viewport")
	}
	maps.Copy(merged, first)
	sites, ok := decodeObject(then["baseUrls"])
	if own, also := decodeObject(first["baseUrls"]); ok && also {
		maps.Copy(sites, own)
		if raw, err := json.Marshal(sites); err == nil { // its values were read as JSON
			merged["baseUrls"] = raw
		}
	}
	return merged
}

// NamesFile returns the file that the config's login case is in or runs, if it names one.
func (s *SuiteConfig) NamesFile() (string, bool) {
	if s == nil || s.login == nil {
		return "", false
	}
	login := &Case{Config: Config{StorageState: &StorageState{Login: s.login}}}
	return login.NamesFile()
}

// In returns the case as it runs in a suite with that config, which may be nil: what the case says of itself counts more.
// Its JSON stays the case's own.
func (c *Case) In(s *SuiteConfig) (*Case, error) {
	if s == nil {
		return c, nil
	}
	var own struct {
		Config map[string]json.RawMessage `json:"config"`
	}
	if err := json.Unmarshal(c.raw, &own); err != nil {
		return nil, fmt.Errorf("reading the case's config: %w", err)
	}
	maps.DeleteFunc(own.Config, func(_ string, v json.RawMessage) bool { return bytes.Equal(v, []byte("null")) })
	p := &parser{}
	merged, fields := *c, over(own.Config, s.fields)
	merged.Config = newObject(p, fields).at("config", fields).configFields()
	if len(p.problems) > 0 {
		return nil, &InvalidError{Problems: p.problems, Omitted: p.omitted}
	}
	if merged.BaseURL == "" {
		merged.BaseURL = s.baseURL
	}
	return &merged, nil
}

// refuseUnknown reports the fields that nobody reads.
func (o object) refuseUnknown() {
	known := sortedKeys(o.asked)
	for _, name := range sortedKeys(o.fields) {
		if !o.asked[name] {
			o.problem(name, unknownField(name, known))
		}
	}
}

package starter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// suiteConfig reads the config of a suite in a field of a request, with the suite's attempts, and reports its problems.
func suiteConfig(field string, raw json.RawMessage, attempts int, bad report) *testcase.SuiteConfig {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return (*testcase.SuiteConfig)(nil).WithAttempts(attempts)
	}
	c, err := testcase.ParseSuiteConfig(raw)
	if err != nil {
		invalidIn(field, err, bad)
		return nil
	}
	if name, ok := c.NamesFile(); ok {
		bad(field+".storageState.login", "it names the file %q, which only the command line can read: store that case and give its id", name)
	}
	ofRuns, err := (*RequestConfig)(nil).over(c)
	if err != nil {
		bad(field, "%s", err)
	}
	if ofRuns != nil {
		ofRuns.validate(func(inner, format string, args ...any) { bad(field+inner[len("config"):], format, args...) })
	}
	return c.WithAttempts(attempts)
}

// defaults returns what the suite says for its cases.
func (s *Suite) defaults() (c *testcase.SuiteConfig, err error) {
	err = validated(func(bad report) { c = suiteConfig("config", s.Config, s.Attempts, bad) })
	return c, err
}

// over returns the config of a request with what a suite's config says that only a run has. Both may be nil.
func (c *RequestConfig) over(suite *testcase.SuiteConfig) (*RequestConfig, error) {
	fields := suite.OfRuns()
	if len(fields) == 0 {
		return c, nil
	}
	own, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	var asked map[string]json.RawMessage
	if err := json.Unmarshal(own, &asked); err != nil {
		return nil, fmt.Errorf("decoding the configuration: %w", err)
	}
	maps.Copy(fields, asked)
	all, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	merged := &RequestConfig{}
	if err := json.Unmarshal(all, merged); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the configuration can't be read")
	}
	return merged, nil
}

package testcase_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

const wholeSuite = `{
  "$schema": "https://x/schemas/suite.json", "title": "Smoke", "parallel": 4, "failFast": true, "attempts": 2, "priority": "high",
  "config": {
    "browser": "chromium", "headless": false, "viewport": {"width": 800, "height": 600}, "locale": "de-DE", "timezone": "Europe/Berlin",
    "colorScheme": "dark", "geolocation": {"latitude": 52.5, "longitude": 13.4}, "permissions": ["geolocation"],
    "httpCredentials": {"username": "lab", "password": "{{secret.LAB}}"}, "extraHeaders": {"X-Suite": "1"}, "ignoreHTTPSErrors": true,
    "storageState": {"login": {"id": "login"}, "maxAge": 60000}, "baseUrls": {"staging": "https://staging.example"}, "timeout": 60000,
    "baseUrl": "http://here", "environment": "staging", "artifacts": {"trace": "on"}, "adaptiveMode": false, "maxAdaptations": 2, "queueTimeout": 60000, "tags": ["smoke"]
  }
}`

func suiteSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(testcase.SuiteSchema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("suite.json", doc))
	s, err := compiler.Compile("suite.json")
	require.NoError(t, err)
	return s
}

func TestParseSuite(t *testing.T) {
	t.Parallel()
	s, notes, err := testcase.ParseSuite([]byte(wholeSuite))
	require.NoError(t, err)
	require.Empty(t, notes)
	require.Equal(t, "Smoke", s.Title)
	require.Equal(t, 4, *s.Parallel)
	require.True(t, *s.FailFast)
	require.Equal(t, `"high"`, string(s.Priority))
	require.Contains(t, string(s.Config.JSON()), `"retries":1`, "attempts are retries and one more")
	again, err := testcase.ParseSuiteConfig(s.Config.JSON())
	require.NoError(t, err)
	require.Equal(t, s.Config.JSON(), again.JSON())
	ofRuns := s.Config.OfRuns()
	require.Len(t, ofRuns, 6)
	require.JSONEq(t, `{"trace": "on"}`, string(ofRuns["artifacts"]))

	empty, _, err := testcase.ParseSuite([]byte(`{}`))
	require.NoError(t, err)
	require.Nil(t, empty.Config)

	_, notes, err = testcase.ParseSuite([]byte("{\"config\": {\n\"viewport\": {\"width\": 1, \"height\": 2, \"hight\": 3}}}"))
	require.NoError(t, err)
	require.Equal(t, []testcase.Problem{{
		Path: "config.viewport.hight", Field: "config.viewport.hight", Line: 2, Message: "is not known and has no effect; do you mean height?",
	}}, notes)
}

func TestSuitesThatAreNotValid(t *testing.T) {
	t.Parallel()
	schema := suiteSchema(t)
	require.NoError(t, accepts(schema, wholeSuite))
	for file, want := range map[string]string{
		`{"titel": "x"}`:                            `titel is not known and has no effect; do you mean title?`,
		`{"cases": []}`:                             `cases is not known`,
		`{"steps": [{"type": "close"}]}`:            `steps is not known`,
		`{"parallel": -1}`:                          `parallel is -1`,
		`{"failFast": "yes"}`:                       `failFast must be true or false`,
		`{"attempts": 0}`:                           `attempts is 0`,
		`{"priority": "soon"}`:                      `priority is "soon": use one of low, normal, high, urgent, or a number`,
		`{"priority": 1.5}`:                         `priority is 1.5`,
		`{"attempts": 2, "config": {"retries": 1}}`: `attempts and config.retries are both given`,
		`{"config": {"vewport": {}}}`:               `config.vewport is not known and has no effect; do you mean viewport?`,
		`{"config": {"viewport": {"width": 5}}}`:    `config.viewport.height is missing`,
		`{"config": {"locale": "german!"}}`:         `config.locale is "german!"`,
		`{"config": {"baseUrl": "shop"}}`:           `config.baseUrl is "shop"`,
		`{"config": {"adaptiveMode": 1}}`:           `config.adaptiveMode must be true, false or one of off, suggest, heal`,
		`{"config": {"maxAdaptations": 101}}`:       `config.maxAdaptations is 101`,
		`{"config": {"artifacts": []}}`:             `config.artifacts must be a JSON object`,
		`{"config": []}`:                            `config must be a JSON object`,
		`[]`:                                        `the file must be a JSON object`,
	} {
		_, _, err := testcase.ParseSuite([]byte(file))
		require.ErrorContains(t, err, want, file)
		require.Error(t, accepts(schema, file), "the schema takes %s", file)
	}
	_, _, err := testcase.ParseSuite([]byte(`{"title": "` + strings.Repeat("x", testcase.MaxSuiteBytes) + `"}`))
	require.ErrorContains(t, err, "at most 262144 are allowed")
	_, _, err = testcase.ParseSuite([]byte("{\n\"title\": 5,\n\"config\": {\n\"timeout\": 1}}"))
	var invalid *testcase.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, []int{2, 4}, []int{invalid.Problems[0].Line, invalid.Problems[1].Line})
}

// A case counts more than its suite, field by field.
func TestCaseInASuite(t *testing.T) {
	t.Parallel()
	suite, err := testcase.ParseSuiteConfig([]byte(`{"viewport": {"width": 800, "height": 600}, "locale": "de-DE", "timeout": 60000, "headless": false, "retries": 2,
		"baseUrl": "http://suite", "baseUrls": {"staging": "https://staging.example", "live": "https://live.example"}, "extraHeaders": {"A": "suite", "B": "suite"}}`))
	require.NoError(t, err)
	parse := func(fields string) *testcase.Case {
		c, err := testcase.Parse([]byte(`{"title": "t", ` + fields + `"steps": [{"type": "close"}]}`))
		require.NoError(t, err)
		return c
	}
	silent := parse("")
	merged, err := silent.In(suite)
	require.NoError(t, err)
	require.Equal(t, "http://suite", merged.BaseURL)
	require.Equal(t, []int{800, 600, 60000, 2}, []int{merged.Config.Width, merged.Config.Height, merged.Config.Timeout, *merged.Config.Retries})
	require.Equal(t, "de-DE", merged.Config.Locale)
	require.False(t, *merged.Config.Headless)
	require.Equal(t, silent.JSON(), merged.JSON(), "its JSON stays its own")
	require.Empty(t, silent.Config.Locale, "and so does the case")

	merged, err = parse(`"baseUrl": "http://case", "config": {"headless": true, "locale": "fr", "timeout": null, "retries": 0, "baseUrls": {"live": "https://own.example"}, "extraHeaders": {"A": "case"}},`).In(suite)
	require.NoError(t, err)
	require.Equal(t, "http://case", merged.BaseURL)
	require.True(t, *merged.Config.Headless)
	require.Equal(t, "fr", merged.Config.Locale)
	require.Zero(t, *merged.Config.Retries)
	require.Equal(t, 60000, merged.Config.Timeout, "null says nothing")
	require.Equal(t, map[string]string{"staging": "https://staging.example", "live": "https://own.example"}, merged.Config.BaseURLs, "environment by environment")
	require.Equal(t, map[string]string{"A": "case"}, merged.Config.ExtraHeaders)

	phone, err := parse(`"config": {"device": "iPhone 15"},`).In(suite)
	require.NoError(t, err)
	require.Zero(t, phone.Config.Width, "a device has a viewport of its own")
	same, err := silent.In(nil)
	require.NoError(t, err)
	require.Same(t, silent, same)
}

func TestSuiteConfigOverAnother(t *testing.T) {
	t.Parallel()
	parse := func(text string) *testcase.SuiteConfig {
		c, err := testcase.ParseSuiteConfig([]byte(text))
		require.NoError(t, err)
		return c
	}
	first := parse(`{"locale": "fr", "environment": "live", "storageState": {"login": {"id": "a"}}}`)
	then := parse(`{"locale": "de", "timeout": 5000, "environment": "staging", "adaptiveMode": true, "baseUrl": "http://then", "storageState": {"login": {"file": "b.json"}}}`)
	both := first.Over(then)
	require.JSONEq(t, `{"locale": "fr", "timeout": 5000, "environment": "live", "adaptiveMode": true, "baseUrl": "http://then", "storageState": {"login": {"id": "a"}}}`, string(both.JSON()))
	_, names := both.NamesFile()
	require.False(t, names)
	name, names := then.NamesFile()
	require.True(t, names)
	require.Equal(t, "b.json", name)
	require.Same(t, first, first.Over(nil))
	require.Same(t, first, (*testcase.SuiteConfig)(nil).Over(first))
	require.JSONEq(t, `{"retries": 0}`, string((*testcase.SuiteConfig)(nil).WithAttempts(1).JSON()))
	require.Contains(t, string(parse(`{"retries": 4}`).WithAttempts(2).JSON()), `"retries":4`)
}

// TestSuitesSayWhatCasesMay keeps the two from drifting apart: a field that a case's config gets is one of suites.
func TestSuitesSayWhatCasesMay(t *testing.T) {
	t.Parallel()
	var doc struct {
		Defs map[string]struct {
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(testcase.Schema(), &doc))
	docs, err := os.ReadFile("../docs/test-cases.md")
	require.NoError(t, err)
	fields := doc.Defs["config"].Properties
	require.Len(t, fields, reflect.TypeFor[testcase.Config]().NumField()-2, "width and height are one field, as are user and password")
	for name := range fields {
		_, err := testcase.ParseSuiteConfig(fmt.Appendf(nil, `{%q: null}`, name))
		require.NoError(t, err)
		require.Contains(t, string(docs), "`"+name+"`")
	}
}

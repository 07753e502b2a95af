package testcase_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

func TestLint(t *testing.T) {
	t.Parallel()
	c, notes, err := testcase.Lint([]byte(`{
  "title": "t", "tilte": "x",
  "variables": {"a": 1},
  "steps": [
    {"type": "click", "selectors": "#a", "buton": "primary", "x-tool": 1},
    {"type": "change", "selectors": "#{{a}}",
      "value": "{{b}} {{b}} {{secret.C}} \\{{d}}"},
    {"type": "customStep", "name": "extract", "parameters": {"variable": "e", "selectors": "#a", "form": "text"}},
    {"type": "customStep", "name": "assertText", "parameters": {"selectors": "{{e}}", "text": "{{f}}"}}
  ]
}`))
	require.NoError(t, err)
	require.Equal(t, "t", c.Title)
	require.Equal(t, []testcase.Problem{
		{Path: "tilte", Field: "tilte", Line: 2, Message: "is not known and has no effect; do you mean title?"},
		{Path: "steps[0].buton", Step: 1, Action: "click", Field: "buton", Line: 5, Message: "is not known and has no effect; do you mean button?"},
		{Path: "steps[1]", Step: 2, Action: "change", Line: 6, Message: "uses {{b}}, which nothing before it gives a value"},
		{Path: "steps[2].parameters.form", Step: 3, Action: "extract", Field: "parameters.form", Line: 8, Message: "is not known and has no effect; do you mean from?"},
		{Path: "steps[3]", Step: 4, Action: "assertText", Line: 9, Message: "uses {{f}}, which nothing before it gives a value"},
	}, notes)

	_, _, err = testcase.Lint([]byte("{\"title\": \"t\",\n\"steps\": [\n{\"type\": \"click\"},\n\n{\"type\": \"navigate\",\n \"url\": 5}]}"))
	var invalid *testcase.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, []int{3, 6}, []int{invalid.Problems[0].Line, invalid.Problems[1].Line})
}

func TestExpand(t *testing.T) {
	t.Parallel()
	values := map[string]string{"a": `x"y`, "dot": "a.b"}
	lookup := func(name string, secret bool) (string, error) {
		if secret {
			return "paprika", nil
		}
		return values[name], nil
	}
	for _, test := range []struct {
		step string
		get  func(testcase.Step) any
		want any
	}{
		{`{"type": "change", "selector": "text/{{ a }}", "value": "{{secret.S}} {{a}} {{1}} {{ a b }} \\{{a}}"}`, func(s testcase.Step) any { return s.Value }, `paprika x"y {{1}} {{ a b }} {{a}}`},
		{`{"type": "change", "selector": "text/{{ a }}", "value": ""}`, func(s testcase.Step) any { return s.Selectors[0][0] }, `text/x"y`},
		{`{"type": "waitForExpression", "expression": "f({{a}}, {b: {{dot}}})"}`, func(s testcase.Step) any { return s.Expression }, `f("x\"y", {b: "a.b"})`},
		{`{"type": "waitForElement", "selector": "a", "properties": {"p": {"q": ["{{dot}}", 1]}}, "attributes": {"r": "{{dot}}"}}`, func(s testcase.Step) any { return s.Properties["p"] }, map[string]any{"q": []any{"a.b", 1.0}}},
		{`{"type": "customStep", "name": "assertUrl", "parameters": {"url": "^{{dot}}", "match": "matches"}}`, func(s testcase.Step) any { return s.Parameters.Expected }, `^a\.b`},
		{`{"type": "customStep", "name": "apiRequest", "parameters": {"url": "/{{dot}}", "json": {"n": "{{a}}"}, "headers": {"A": "{{secret.S}}"}}}`, func(s testcase.Step) any { return s.Parameters.Request.Body }, `{"n":"x\"y"}`},
		{`{"type": "customStep", "name": "apiRequest", "parameters": {"url": "/{{dot}}", "body": "n={{a}}"}}`, func(s testcase.Step) any { return s.Parameters.Request.Body }, `n=x"y`},
		{`{"type": "customStep", "name": "uploadFile", "parameters": {"selector": "a", "files": [{"name": "{{dot}}", "text": "{{a}}"}]}}`, func(s testcase.Step) any { return s.Parameters.Files[0] }, testcase.File{Name: "a.b", Content: []byte(`x"y`)}},
		{`{"type": "customStep", "name": "setCookie", "parameters": {"name": "n", "value": "{{secret.S}}"}}`, func(s testcase.Step) any { return s.Parameters.Cookie.Value }, "paprika"},
	} {
		c, err := testcase.Parse([]byte(`{"title": "t", "steps": [` + test.step + `]}`))
		require.NoError(t, err)
		before := c.Steps[0].Description()
		expanded, err := c.Steps[0].Expand(lookup)
		require.NoError(t, err)
		require.Equal(t, test.want, test.get(expanded), test.step)
		require.Equal(t, before, c.Steps[0].Description(), "the step itself stays")
		require.NotContains(t, before, "paprika")
	}
}

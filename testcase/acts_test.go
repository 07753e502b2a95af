package testcase_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

func TestStepsThatActOnElements(t *testing.T) {
	t.Parallel()
	step := func(text string) testcase.Step {
		c, err := testcase.Parse([]byte(`{"title": "t", "steps": [` + text + `]}`))
		require.NoError(t, err)
		return c.Steps[0]
	}
	for text, acts := range map[string]bool{
		`{"type": "click", "selectors": "#a"}`:                                                                 true,
		`{"type": "change", "selectors": "#a", "value": "x"}`:                                                  true,
		`{"type": "scroll", "selectors": "#a", "y": 1}`:                                                        true,
		`{"type": "scroll", "y": 1}`:                                                                           false,
		`{"type": "navigate", "url": "/"}`:                                                                     false,
		`{"type": "waitForElement", "selectors": "#a"}`:                                                        false,
		`{"type": "customStep", "name": "press", "parameters": {"keys": "Enter", "selectors": "#a"}}`:          true,
		`{"type": "customStep", "name": "assertText", "parameters": {"text": "x", "selectors": "#a"}}`:         false,
		`{"type": "customStep", "name": "assertVisible", "parameters": {"visible": false, "selectors": "#a"}}`: false,
		`{"type": "customStep", "name": "extract", "parameters": {"variable": "v", "selectors": "#a"}}`:        false,
		`{"type": "customStep", "name": "assertScreenshot", "parameters": {"selectors": "#a"}}`:                false,
	} {
		require.Equal(t, acts, step(text).ActsOnElement(), text)
	}
	a := step(`{"type": "change", "selectors": ["#a", ["b", "c"]], "value": "x"}`)
	require.Equal(t, a.TargetHash(), step(`{"type": "change", "selectors": ["#a", ["b", "c"]], "value": "y"}`).TargetHash())
	require.NotEqual(t, a.TargetHash(), step(`{"type": "change", "selectors": ["#a", "b", "c"], "value": "x"}`).TargetHash())
	require.NotEqual(t, a.TargetHash(), step(`{"type": "click", "selectors": ["#a", ["b", "c"]]}`).TargetHash())
	require.True(t, a.NamesAlways())
	require.False(t, step(`{"type": "click", "selectors": ["#a", "text/{{name}}"]}`).NamesAlways())
}

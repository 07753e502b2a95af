package testcase_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

func TestDescription(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 41)
	for _, test := range []struct{ step, want string }{
		{`{"type": "setViewport", "width": 1280, "height": 720}`, "set viewport to 1280×720"},
		{`{"type": "navigate", "url": "/login"}`, "navigate /login"},
		{`{"type": "click", "selectors": ["#add", "aria/Add to cart"]}`, `click "Add to cart"`},
		{`{"type": "click", "selectors": ["aria/[role=\"main\"]"]}`, `click main`},
		{`{"type": "click", "selectors": [["shop-card", ".buy"]]}`, `click shop-card >> .buy`},
		{`{"type": "doubleClick", "selector": "text/Row 1"}`, `double-click "Row 1"`},
		{`{"type": "hover", "selector": "#menu"}`, `hover #menu`},
		{`{"type": "change", "selector": "#a", "value": "` + long + `"}`, `change #a to "` + long[1:] + `…"`},
		{`{"type": "keyDown", "key": "Enter"}`, `press Enter`},
		{`{"type": "keyUp", "key": " "}`, `release Space`},
		{`{"type": "scroll", "y": 120}`, `scroll to 0, 120`},
		{`{"type": "scroll", "y": 120, "selector": "#list"}`, `scroll #list to 0, 120`},
		{`{"type": "waitForElement", "selector": "#list"}`, `wait for #list`},
		{`{"type": "waitForExpression", "expression": "a\n  === 1"}`, `wait for expression a === 1`},
		{`{"type": "customStep", "name": "assertText", "parameters": {"selector": "h1", "text": "Hi", "match": "contains"}}`, `assert text of h1 contains "Hi"`},
		{`{"type": "customStep", "name": "assertValue", "parameters": {"selector": "#a", "value": ""}}`, `assert value of #a equals ""`},
		{`{"type": "customStep", "name": "assertUrl", "parameters": {"url": "/cart"}}`, `assert URL equals "/cart"`},
		{`{"type": "customStep", "name": "assertTitle", "parameters": {"title": "^Cart", "match": "matches"}}`, `assert title matches "^Cart"`},
		{`{"type": "customStep", "name": "uploadFile", "parameters": {"selector": "#f", "files": [{"name": "a.txt", "text": ""}, {"name": "b.txt", "text": ""}]}}`, `upload a.txt, b.txt to #f`},
	} {
		t.Run(test.want, func(t *testing.T) {
			t.Parallel()
			c, err := testcase.Parse([]byte(`{"title": "t", "steps": [` + test.step + `]}`))
			require.NoError(t, err)
			require.Equal(t, test.want, c.Steps[0].Description())
		})
	}
}

func TestEveryActionIsDescribed(t *testing.T) {
	t.Parallel()
	for _, typ := range testcase.Types() {
		require.NotEmpty(t, testcase.Step{Type: typ, Name: "assertUrl"}.Description())
	}
	for _, name := range testcase.CustomNames() {
		require.NotEmpty(t, testcase.Step{Type: testcase.TypeCustomStep, Name: name}.Description())
	}
}

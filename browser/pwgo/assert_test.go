package pwgo_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
)

// custom is a step that uses up its time, which is short: what is wrong is found out after that. One that fails at once is
// made with step, and has all the time that a busy machine may need to get there.
func custom(name, parameters string) string {
	return fmt.Sprintf(`{"type": "customStep", "name": %q, "timeout": 300, "parameters": {%s}}`, name, parameters)
}

func TestAssertionsThatHold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, visit("/"), `{"type": "change", "selectors": "#email", "value": "a@b.c"}`)
	for _, text := range []string{
		step("assertText", `"selectors": "h1", "text": "Shop"`),
		step("assertText", `"selectors": ["#nothing", "#hidden"], "text": "Hidden button"`),
		step("assertText", `"selectors": "#list", "text": "two", "match": "contains"`),
		step("assertText", `"selectors": "#list", "text": "one\\s*two", "match": "matches"`),
		step("assertText", `"selectors": "pierce/.price", "text": "42 €"`),
		step("assertValue", `"selectors": "#email", "value": "a@b.c"`),
		step("assertValue", `"selectors": "#email", "value": "@b.", "match": "contains"`),
		step("assertValue", `"selectors": "#email", "value": "^a@.*c$", "match": "matches"`),
		step("assertTitle", `"title": "Form"`),
		step("assertTitle", `"title": "or", "match": "contains"`),
		step("assertTitle", `"title": "^F", "match": "matches"`),
		step("assertUrl", `"url": "/"`),
		step("assertUrl", fmt.Sprintf(`"url": %q`, b.site)),
		step("assertUrl", `"url": "127.0.0.1", "match": "contains"`),
		step("assertUrl", `"url": ":\\d+/$", "match": "matches"`),
		`{"type": "change", "selectors": "#email", "value": ""}`,
		step("assertValue", `"selectors": "#email", "value": ""`),
	} {
		b.do(t, text)
	}
}

func TestAssertionsThatDoNotHold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, visit("/"))
	for _, test := range []struct {
		step string
		kind browser.Kind
		want string
	}{
		{custom("assertText", `"selectors": "h1", "text": "shop"`), browser.Assertion, `the text of h1 is "Shop", expected "shop" (waited `},
		{custom("assertText", `"selectors": "h1", "text": "x", "match": "contains"`), browser.Assertion, `the text of h1 is "Shop", expected it to contain "x" (waited `},
		{custom("assertText", `"selectors": "h1", "text": "^x", "match": "matches"`), browser.Assertion, `the text of h1 is "Shop", expected it to match "^x" (waited `},
		{custom("assertText", `"selectors": "h1", "text": "Connection closed: your cart has been closed"`), browser.Assertion, `the text of h1 is "Shop", expected "Connection closed`},
		{custom("assertText", `"selectors": ["aria/Nothing", "#nothing"], "text": "x"`), browser.NotFound, `no element matches any of: aria/Nothing, #nothing (waited `},
		{step("assertText", `"selectors": "a[", "text": "x"`), browser.Unsupported, `none of the selectors is valid: a[`},
		{custom("assertValue", `"selectors": "#size", "value": "l"`), browser.Assertion, `the value of #size is "s", expected "l" (waited `},
		{custom("assertValue", `"selectors": "h1", "value": "l"`), browser.Assertion, `h1 has no value, expected "l" (waited `},
		{custom("assertTitle", `"title": "Other"`), browser.Assertion, `the title is "Form", expected "Other" (waited `},
		{custom("assertUrl", `"url": "/cart"`), browser.Assertion, `the address is ` + b.site + `/, expected "/cart" (waited `},
		{`{"type": "waitForElement", "selectors": "#list li", "operator": "==", "count": 5, "timeout": 300}`, browser.Assertion, `3 elements match #list li, expected exactly 5 (waited `},
		{`{"type": "waitForElement", "selectors": "#list li", "operator": "<=", "count": 1, "timeout": 300}`, browser.Assertion, `3 elements match #list li, expected at most 1 (waited `},
		{`{"type": "waitForElement", "selectors": "#list li", "attributes": {"class": "done"}, "timeout": 300}`, browser.Assertion, `3 elements match #list li, but without the attributes or properties asked for (waited `},
		{`{"type": "waitForElement", "selectors": "#list", "visible": false, "timeout": 300}`, browser.Assertion, `still visible: #list (waited `},
		{`{"type": "waitForElement", "selectors": "#nothing", "count": 2, "timeout": 300}`, browser.NotFound, `no element matches any of: #nothing (waited `},
		{`{"type": "waitForElement", "selectors": "#hidden", "visible": true, "timeout": 300}`, browser.Timeout, `cannot see #hidden: it is there, but not visible (waited `},
		{`{"type": "waitForExpression", "expression": "document.title === 'x'", "timeout": 300}`, browser.Timeout, `the expression does not become true, it is false: document.title === 'x' (waited `},
		{`{"type": "waitForExpression", "expression": "nothing.here", "timeout": 300}`, browser.Timeout, `the expression does not become true, it throws ReferenceError: nothing is not defined: nothing.here (waited `},
		{`{"type": "waitForExpression", "expression": "new Promise(() => {})", "timeout": 300}`, browser.Timeout, `the expression does not become true, it is false: new Promise(() => {}) (waited `},
		{`{"type": "waitForExpression", "expression": "a b"}`, browser.Script, `the expression cannot be run: SyntaxError`},
	} {
		require.Contains(t, b.fails(t, test.kind, test.step), test.want)
	}
}

func TestActionsThatFail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, visit("/obstacles.html"))
	for _, test := range []struct {
		step string
		kind browser.Kind
		want string
	}{
		{`{"type": "click", "selectors": ["aria/Add to cart", "#add"], "timeout": 300}`, browser.NotFound, "no element matches any of: aria/Add to cart, #add (waited "},
		{`{"type": "click", "selectors": "#hidden", "timeout": 300}`, browser.Timeout, "cannot click #hidden: it is there, but not visible (waited "},
		{`{"type": "click", "selectors": "#disabled", "timeout": 2000}`, browser.Timeout, "cannot click #disabled: it is disabled (waited "},
		{`{"type": "click", "selectors": "#covered", "timeout": 2000}`, browser.Timeout, `cannot click #covered: it is covered: <div id="cover"></div> intercepts pointer events (waited `},
		{`{"type": "hover", "selectors": "#covered", "timeout": 2000}`, browser.Timeout, `cannot hover over #covered: it is covered`},
		{`{"type": "click", "selectors": ["a[", "xpath/["]}`, browser.Unsupported, "none of the selectors is valid: a[, xpath/["},
		{`{"type": "click", "selectors": "#nothing", "offsetX": 1, "offsetY": 1, "timeout": 300}`, browser.NotFound, "no element matches any of: #nothing (waited "},
		{`{"type": "change", "selectors": "#readonly", "value": "x", "timeout": 2000}`, browser.Timeout, "cannot change #readonly: it is read-only (waited "},
		{`{"type": "change", "selectors": "#size", "value": "Huge", "timeout": 2000}`, browser.Timeout, "cannot select an option of #size: it has no such option (waited "},
		{`{"type": "change", "selectors": "#file", "value": "x"}`, browser.Unsupported, "#file is a file field: use the step uploadFile"},
		{`{"type": "change", "selectors": "#number", "value": "many"}`, browser.Unsupported, "#number does not take this value: "},
		{`{"type": "change", "selectors": "#out", "value": "x"}`, browser.Unsupported, "#out does not take this value: "},
		{`{"type": "keyDown", "key": "Nope"}`, browser.Unsupported, `there is no key "Nope": use a name such as Enter, Tab, ArrowDown or a`},
		{`{"type": "scroll", "selectors": "#nothing", "timeout": 300}`, browser.NotFound, "no element matches any of: #nothing (waited "},
		{step("uploadFile", `"selectors": "#out", "files": [{"name": "a", "text": ""}]`), browser.Unsupported, "#out does not take these files: "},
		{step("uploadFile", `"selectors": "#file", "files": [{"name": "a", "text": ""}, {"name": "b", "text": ""}]`), browser.Unsupported, "#file does not take these files: "},
	} {
		require.Contains(t, b.fails(t, test.kind, test.step), test.want)
	}
	// A failed step leaves the page as it is.
	b.do(t, says("nothing yet"))
}

package pwgo_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// inLab is a fresh session on the laboratory of the test site.
func inLab(t *testing.T, change ...func(*browser.Options)) bundle {
	t.Helper()
	b := bundle{site: lab(t)}
	o := options(b.site)
	o.Needs = testcase.Needs{Downloads: true, Responses: true}
	for _, c := range change {
		c(&o)
	}
	b.Session = open(t, sharedPool(t), o)
	return b
}

// step is a custom step with the patience of a test.
func step(name, parameters string) string {
	return fmt.Sprintf(`{"type": "customStep", "name": %q, "parameters": {%s}}`, name, parameters)
}

// steps joins steps to one table entry.
func steps(list ...string) []string { return list }

// TestCustomSteps runs each custom step in its ways.
func TestCustomSteps(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	table := map[string][]string{
		"asserting": steps(visit("/lab/"),
			step("assertText", `"selectors": "#out", "text": "nothing yet"`),
			step("assertValue", `"selectors": "#volume", "value": "10"`),
			step("assertAttribute", `"selectors": "#out", "attribute": "data-kind", "value": "report"`),
			step("assertAttribute", `"selectors": "#save", "attribute": "title", "value": "Saves", "match": "contains"`),
			step("assertAttribute", `"selectors": "#save", "attribute": "title", "value": "^S.*it$", "match": "matches"`),
			step("assertCount", `"selectors": "#list li", "count": 3`),
			step("assertCount", `"selectors": "#list li", "count": 2, "operator": ">="`),
			step("assertCount", `"selectors": "#nothing", "count": 0`),
			step("assertVisible", `"selectors": "#late"`),
			step("assertVisible", `"selectors": "#hidden", "visible": false`),
			step("assertVisible", `"selectors": "#nothing", "visible": false`),
			step("assertEnabled", `"selectors": "#save"`), step("assertEnabled", `"selectors": "#off", "enabled": false`),
			step("assertChecked", `"selectors": "#cash"`), step("assertChecked", `"selectors": "#terms", "checked": false`),
			step("assertTitle", `"title": "Lab"`), step("assertUrl", `"url": "/lab/"`),
			`{"type": "customStep", "name": "assertScreenshot"}`, step("assertScreenshot", `"selectors": "#list"`)),
		"entering": steps(visit("/lab/"),
			step("select", `"selectors": "#size", "value": "Medium"`), says("size m"),
			step("select", `"selectors": "#toppings", "values": ["salt", "Chili"]`), says("toppings salt+chili"),
			step("check", `"selectors": "#terms"`), says("terms true"), step("uncheck", `"selectors": "#terms"`), says("terms false"),
			step("check", `"selectors": "aria/Card"`), says("card true"),
			step("type", `"selectors": "#email", "text": "ada@b.c", "delay": 1`), step("assertValue", `"selectors": "#email", "value": "ada@b.c"`),
			step("press", `"selectors": "#email", "keys": "Control+A"`), says("down Control+A"), step("press", `"keys": "Delete"`),
			step("type", `"text": "eve"`), step("assertValue", `"selectors": "#email", "value": "eve"`),
			step("uploadFile", `"selectors": "#photos", "files": [{"name": "a.txt", "text": "hi"}]`), says("a.txt hi"),
			step("drag", `"selectors": "#from", "to": ["aria/Nothing", "text/Drop here"]`), says("dropped cargo")),
		"dialogs": steps(visit("/lab/"),
			click("#alert"), says("alert answered"), step("assertDialog", `"message": "Look out"`),
			step("handleDialog", `"action": "dismiss"`), click("#confirm"), says("confirm false"), step("assertDialog", `"message": "^Really", "match": "matches"`),
			step("handleDialog", `"promptText": "Eve"`), click("#prompt"), says("prompt Eve"), click("#prompt"), says("prompt Ada"),
			step("handleDialog", `"action": "dismiss"`), click("#prompt"), says("prompt null")),
		"download": steps(visit("/lab/"),
			step("download", `"selectors": "#download"`),
			step("download", `"selectors": "text/Download the report", "fileName": "report-\\d+\\.csv", "match": "matches", "contains": "saffron,5"`)),
		"requests": steps(
			step("apiRequest", `"url": "/lab/echo?status=201", "method": "POST", "json": {"name": "mug"}, "headers": {"X-Kind": "spice"}, "status": 201, "contains": "spice"`),
			step("apiRequest", `"url": "/lab/echo", "extract": {"variable": "id", "path": "items.0.id"}`),
			step("apiRequest", `"url": "/lab/echo?id={{id}}", "contains": "id=7"`),
			step("setCookie", `"name": "flavour", "value": "mild"`), step("apiRequest", `"url": "/lab/echo", "contains": "flavour=mild"`),
			step("apiRequest", `"url": "/lab/echo", "method": "PUT", "body": "plain", "extract": {"variable": "sent", "path": "body", "pattern": "pl(.*)n"}`),
			visit("/lab/"), step("assertUrl", `"url": "/lab/"`), click("#fetch"),
			step("waitForResponse", `"url": "/lab/echo?q=1", "method": "GET", "status": 200`),
			step("waitForResponse", `"url": "/echo", "match": "contains"`), says("fetched GET")),
		"cookies and storage": steps(
			step("setCookie", `"name": "spice", "value": "saffron", "sameSite": "Lax"`), visit("/lab/self"), step("assertText", `"selectors": "#cookie", "text": "spice=saffron"`),
			step("setLocalStorage", `"items": {"stored": "kept"}`), visit("/lab/self"), step("assertText", `"selectors": "#stored", "text": "kept"`)),
		"variables": steps(visit("/lab/"),
			step("extract", `"variable": "out", "selectors": "#out"`), step("assertText", `"selectors": "#out", "text": "{{out}}"`),
			step("extract", `"variable": "count", "from": "count", "selectors": "#list li"`), step("extract", `"variable": "kind", "from": "attribute", "attribute": "data-kind", "selectors": "#out"`),
			step("extract", `"variable": "title", "from": "title"`), step("extract", `"variable": "path", "from": "url", "pattern": "//[^/]+(/.*)"`),
			step("extract", `"variable": "volume", "from": "value", "selectors": "#volume"`),
			step("extract", `"variable": "list", "from": "expression", "expression": "[...document.querySelectorAll('#list li')].map(li => li.dataset.n)"`),
			step("extract", `"variable": "late", "selectors": "#late-host", "pattern": "^Late (.*)$"`),
			step("setVariable", `"variable": "all", "value": "{{count}} {{kind}} {{title}} {{path}} {{volume}} {{list}} {{late}}"`),
			`{"type": "waitForExpression", "expression": "{{all}} === '3 report Lab /lab/ 10 [\"1\",\"2\",\"3\"] button'"}`,
			`{"type": "change", "selectors": "#notes", "value": "{{ all }} \\{{all}}"}`,
			step("assertValue", `"selectors": "#notes", "value": "3 report Lab /lab/ 10 [\"1\",\"2\",\"3\"] button \\{{all}}"`),
			step("assertText", `"selectors": "#{{out}}, #out", "text": "^notes {{count}} .*{{list}}", "match": "matches"`),
			step("runCase", `"id": "other", "variables": {"email": "x-{{count}}@y.z"}`), `{"type": "change", "selectors": "#email", "value": "{{email}}"}`, says("email x-3@y.z")),
	}
	for _, list := range table {
		for _, s := range list {
			used[parse(t, s).Name] = true
		}
	}
	for _, name := range testcase.CustomNames() {
		require.True(t, used[name], "the table has no step %s", name)
	}
	for name, list := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inLab(t).do(t, list...)
		})
	}
}

func TestCustomStepsThatFail(t *testing.T) {
	t.Parallel()
	b := inLab(t)
	b.do(t, visit("/lab/"))
	for _, test := range []struct {
		step string
		kind browser.Kind
		want string
	}{
		{custom("assertAttribute", `"selectors": "#out", "attribute": "data-kind", "value": "x"`), browser.Assertion, `the attribute data-kind of #out is "report", expected "x" (waited `},
		{custom("assertAttribute", `"selectors": "#out", "attribute": "nope", "value": "x"`), browser.Assertion, `#out has no attribute nope, expected "x"`},
		{custom("assertCount", `"selectors": "#list li", "count": 5`), browser.Assertion, `3 elements match #list li, expected exactly 5`},
		{custom("assertVisible", `"selectors": "#hidden"`), browser.Assertion, `#hidden is not visible (waited `},
		{custom("assertVisible", `"selectors": "#nothing"`), browser.NotFound, `no element matches any of: #nothing`},
		{custom("assertVisible", `"selectors": "#out", "visible": false`), browser.Assertion, `#out is not hidden`},
		{custom("assertEnabled", `"selectors": "#off"`), browser.Assertion, `#off is not enabled`},
		{custom("assertChecked", `"selectors": "#terms"`), browser.Assertion, `#terms is not checked`},
		{custom("assertChecked", `"selectors": "#cash", "checked": false`), browser.Assertion, `#cash is not unchecked`},
		{step("assertChecked", `"selectors": "#out"`), browser.Unsupported, `#out is no checkbox and no radio button`},
		{custom("assertDialog", `"message": "x"`), browser.Assertion, `there was no dialog, expected "x"`},
		{`{"type": "customStep", "name": "select", "timeout": 3000, "parameters": {"selectors": "#size", "value": "XXL"}}`, browser.Timeout, `cannot select an option of #size: it has no such option`},
		{step("press", `"keys": "Control+Nope"`), browser.Unsupported, `there is no key "Control+Nope": use names such as Enter or Control+A`},
		{`{"type": "customStep", "name": "drag", "timeout": 2000, "parameters": {"selectors": "#from", "to": "#nothing"}}`, browser.NotFound, `no element to drop at matches any of: #nothing`},
		{`{"type": "customStep", "name": "download", "timeout": 3000, "parameters": {"selectors": "#save"}}`, browser.Timeout, `the click on #save downloads nothing`},
		{step("download", `"selectors": "#download", "fileName": "x.csv"`), browser.Assertion, `the downloaded file is called "report-2026.csv", expected "x.csv"`},
		{step("download", `"selectors": "#download", "contains": "cumin"`), browser.Assertion, `the downloaded file does not contain "cumin"`},
		{step("apiRequest", `"url": "/lab/echo?status=503"`), browser.Assertion, `answered with status 503, expected one below 400`},
		{step("apiRequest", `"url": "/lab/echo", "contains": "cumin"`), browser.Assertion, `the answer does not contain "cumin"`},
		{step("apiRequest", `"url": "/lab/echo", "extract": {"variable": "v", "path": "items.9"}`), browser.Assertion, `the answer has nothing at items.9`},
		{step("apiRequest", `"url": "http://127.0.0.1:4/"`), browser.Navigation, `cannot request http://127.0.0.1:4/: `},
		{custom("waitForResponse", `"url": "/nope"`), browser.Timeout, `no response came from an address that is "/nope"`},
		{step("setCookie", `"name": "a", "value": "b", "url": "nope://"`), browser.Unsupported, `the browser does not take the cookie a`},
		{custom("extract", `"variable": "v", "selectors": "#out", "pattern": "^z+"`), browser.Assertion, `does not match "^z+"`},
		{custom("extract", `"variable": "v", "selectors": "#nothing"`), browser.NotFound, `no element matches any of: #nothing`},
		{step("extract", `"variable": "v", "from": "value", "selectors": "#out"`), browser.Assertion, `#out has no value`},
		{step("extract", `"variable": "v", "from": "expression", "expression": "nothing.here"`), browser.Script, `the expression cannot be run: ReferenceError`},
		{step("assertText", `"selectors": "#out", "text": "{{nope}}"`), browser.Unsupported, `there is no variable "nope", nothing has been given one yet`},
		{step("assertText", `"selectors": "#out", "text": "{{secret.NOPE}}"`), browser.Unsupported, `this worker knows no secret "NOPE": set CINNAMON_SECRET_NOPE for it`},
	} {
		require.Contains(t, b.fails(t, test.kind, test.step), test.want)
	}
	b.do(t, visit("about:blank"))
	require.Equal(t, "the screenshot is blank: all of it has one colour",
		b.fails(t, browser.Assertion, `{"type": "customStep", "name": "assertScreenshot"}`))
}

// A variable holds what it can, and no error grows with what a page says.
func TestWhatPagesSayIsCut(t *testing.T) {
	t.Parallel()
	b := inLab(t)
	b.do(t, visit("/lab/"), step("extract", `"variable": "long", "from": "expression", "expression": "'long '.repeat(1e6)"`),
		`{"type": "waitForExpression", "expression": "{{long}}.length === `+"8192"+`"}`,
		`{"type": "waitForExpression", "expression": "document.getElementById('out').textContent = 'long '.repeat(2e4)"}`)
	// Megabytes in each place that errors quote.
	huge := `'long '.repeat(25e4)`
	for name, hostile := range map[string]struct{ prepare, step string }{
		"text":      {`out.textContent = 'long '.repeat(2e4)`, custom("assertText", `"selectors": "#out", "text": "{{long}}x"`)},
		"attribute": {`out.title = ` + huge, custom("assertAttribute", `"selectors": "#out", "attribute": "title", "value": "x"`)},
		"title":     {`document.title = ` + huge, custom("assertTitle", `"title": "x"`)},
		"address":   {`history.replaceState({}, '', '?' + ` + huge + `.slice(0, 1e6)) || true`, custom("assertUrl", `"url": "/x"`)},
		"dialog":    {`alert(` + huge + `) || true`, custom("assertDialog", `"message": "x"`)},
		"exception": {`true`, `{"type": "waitForExpression", "expression": "(() => { throw new Error(` + huge + `) })()"}`},
		"thrown":    {`true`, custom("extract", `"variable": "v", "from": "expression", "expression": "(() => { throw `+huge+` })()"`)},
		"extracted": {`true`, custom("extract", `"variable": "v", "from": "expression", "expression": "`+huge+`", "pattern": "^x"`)},
	} {
		b.do(t, `{"type": "waitForExpression", "expression": "`+hostile.prepare+`"}`)
		failing := parse(t, hostile.step)
		failing.Timeout = 1500
		err := b.Do(t.Context(), failing)
		require.Error(t, err, name)
		require.Less(t, len(err.Error()), 4<<10, name)
		require.Regexp(t, "long(%20| )long", err.Error(), name)
		require.Contains(t, err.Error(), "…", name)
	}
}

func TestStateIsHandedOn(t *testing.T) {
	t.Parallel()
	first := inLab(t)
	first.do(t, visit("/lab/self"), step("setCookie", `"name": "spice", "value": "saffron"`), step("setLocalStorage", `"items": {"stored": "kept"}`))
	state, err := first.State(t.Context())
	require.NoError(t, err)
	o := options(first.site)
	o.State = state
	second := bundle{site: first.site, Session: open(t, sharedPool(t), o)}
	second.do(t, visit("/lab/self"), step("assertText", `"selectors": "#cookie", "text": "spice=saffron"`), step("assertText", `"selectors": "#stored", "text": "kept"`))
}

func TestVariablesOfTheCase(t *testing.T) {
	t.Parallel()
	given := map[string]string{"mail": "ada@b.c"}
	b := inLab(t, func(o *browser.Options) { o.Variables = given })
	b.do(t, visit("/lab/"), `{"type": "change", "selectors": "#email", "value": "{{mail}}"}`, says("email ada@b.c"), step("setVariable", `"variable": "mail", "value": "x"`))
	require.Equal(t, map[string]string{"mail": "ada@b.c"}, maps.Clone(given), "the session has its own")
}

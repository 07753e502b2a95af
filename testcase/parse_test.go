package testcase_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// recording is what Chrome DevTools Recorder exports.
const recording = `{
  "title": "Buy a mug", "timeout": 4000, "selectorAttribute": "data-testid",
  "steps": [
    {"type": "setViewport", "width": 1280, "height": 720, "deviceScaleFactor": 1, "isMobile": false, "hasTouch": false, "isLandscape": false},
    {"type": "navigate", "url": "https://shop.example/", "assertedEvents": [{"type": "navigation", "url": "https://shop.example/", "title": "Shop"}]},
    {"type": "click", "target": "main", "selectors": [["aria/Add to cart[role=\"button\"]"], ["shop-card", ".buy"], ["xpath///*[@id=\"add\"]"]], "offsetX": 12.5, "offsetY": 8, "duration": 60, "button": "secondary"},
    {"type": "doubleClick", "selectors": [["#a"]], "offsetX": 1, "offsetY": 2},
    {"type": "hover", "selectors": [["text/Menu"]]},
    {"type": "change", "value": "", "selectors": [["pierce/#email"]], "frame": [0, 2], "timeout": 900},
    {"type": "keyDown", "target": "https://shop.example/popup", "key": "Enter"},
    {"type": "keyUp", "key": " "},
    {"type": "scroll", "x": 0, "y": 120},
    {"type": "scroll", "selectors": [["#list"]], "y": 40},
    {"type": "waitForElement", "selectors": ["#list li"], "operator": "==", "count": 0, "visible": false, "attributes": {"class": "done"}, "properties": {"checked": true}},
    {"type": "waitForExpression", "expression": "window.ready"},
    {"type": "customStep", "name": "uploadFile", "parameters": {"selectors": "#file", "files": [{"name": "a.txt", "text": "hi"}, {"name": "b.bin", "mimeType": "image/png", "base64": "AAE="}]}}
  ]
}`

func TestParseRecording(t *testing.T) {
	t.Parallel()
	c, err := testcase.Parse([]byte(recording))
	require.NoError(t, err)
	require.Equal(t, "Buy a mug", c.Title)
	require.Equal(t, 4000, c.Timeout)
	require.Len(t, c.Steps, 13)

	require.Equal(t, 1280, c.Steps[0].Width)
	require.True(t, c.Steps[1].CausesNavigation())
	click := c.Steps[2]
	require.Equal(t, testcase.TargetMain, click.Target)
	require.Equal(t, []testcase.Selector{{`aria/Add to cart[role="button"]`}, {"shop-card", ".buy"}, {`xpath///*[@id="add"]`}}, click.Selectors)
	require.InDelta(t, 12.5, *click.OffsetX, 0)
	require.Equal(t, "secondary", click.Button)
	require.Equal(t, 60, click.Duration)
	require.Equal(t, []int{0, 2}, c.Steps[5].Frame)
	require.Equal(t, 900, c.Steps[5].Timeout)
	require.Equal(t, "https://shop.example/popup", c.Steps[6].Target)
	require.InDelta(t, 120, c.Steps[8].Y, 0)
	wait := c.Steps[10]
	require.Equal(t, testcase.OperatorEquals, wait.Operator)
	require.Equal(t, 0, *wait.Count)
	require.False(t, *wait.Visible)
	require.Equal(t, map[string]string{"class": "done"}, wait.Attributes)
	require.Equal(t, map[string]any{"checked": true}, wait.Properties)
	upload := c.Steps[12]
	require.Equal(t, testcase.CustomUploadFile, upload.Action())
	require.Equal(t, []testcase.Selector{{"#file"}}, upload.Selectors)
	require.Equal(t, []testcase.File{{Name: "a.txt", Content: []byte("hi")}, {Name: "b.bin", MIMEType: "image/png", Content: []byte{0, 1}}}, upload.Parameters.Files)
}

func TestParseShortForms(t *testing.T) {
	t.Parallel()
	want := []testcase.Selector{{"#a"}}
	for name, selectors := range map[string]string{
		"one text":             `"selectors": "#a"`,
		"list of texts":        `"selectors": ["#a"]`,
		"list of lists":        `"selectors": [["#a"]]`,
		"selector":             `"selector": "#a"`,
		"null is left out":     `"selector": "#a", "selectors": null`,
		"byte order and space": `"selectors"  :  [ [ "#a" ] ]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := testcase.Parse([]byte("\xef\xbb\xbf" + `{"title": "t", "steps": [{"type": "click", ` + selectors + `}]}`))
			require.NoError(t, err)
			require.Equal(t, want, c.Steps[0].Selectors)
		})
	}
}

// invalidFile is a file that can't be parsed, and what is said of it.
type invalidFile struct{ file, want string }

func invalidFiles() []invalidFile {
	step := func(s string) string { return `{"title": "t", "steps": [` + s + `]}` }
	custom := func(name, parameters string) string {
		return step(`{"type": "customStep", "name": "` + name + `", "parameters": ` + parameters + `}`)
	}
	return []invalidFile{
		{``, "the file is not valid JSON: unexpected end of JSON input"},
		{"{\n  \"title\": oops}", "the file is not valid JSON at line 2, column 12: invalid character 'o' looking for beginning of value"},
		{`[]`, "the file must be a JSON object with a title and steps"},
		{`null`, "the file must be a JSON object with a title and steps"},
		{`{"steps": [{"type": "scroll"}]}`, "title is missing: give a text"},
		{`{"title": " ", "steps": [{"type": "scroll"}]}`, "title is empty: give a text"},
		{`{"title": "t"}`, "steps is missing: give a list of steps"},
		{`{"title": "t", "steps": {}}`, "steps must be a list of steps"},
		{`{"title": "t", "steps": []}`, "steps is empty: give at least one step"},
		{`{"title": "t", "timeout": "5s", "steps": [{"type": "scroll"}]}`, "timeout must be a number"},
		{`{"title": "t", "timeout": -1, "steps": [{"type": "scroll"}]}`, "timeout is -1: use a number between 1 and 600000"},
		{`{"title": "t", "baseUrl": "shop.example", "steps": [{"type": "scroll"}]}`, `baseUrl is "shop.example": give an address that starts with http:// or https://`},
		{`{"title": "t", "baseUrl": "https://ada:paprika@shop.example", "steps": [{"type": "scroll"}]}`, `baseUrl has a user or a password in it: give the address without them, credentials belong into steps that sign in`},
		{`{"title": "t", "baseUrl": "https://ada@shop.example", "steps": [{"type": "scroll"}]}`, `baseUrl has a user or a password in it: give the address without them, credentials belong into steps that sign in`},
		{`{"title": "t", "baseUrl": "ftp://ada:paprika@shop.example", "steps": [{"type": "scroll"}]}`, `baseUrl is "ftp://ada:xxxxx@shop.example": give an address that starts with http:// or https://`},
		{step(`5`), "step 1: must be a JSON object with a type"},
		{step(`{}`), "step 1: type is missing: give a text"},
		{step(`{"type": "clik"}`), `step 1: type is "clik", which does not exist: use one of change, click, close, customStep, doubleClick, emulateNetworkConditions, hover, keyDown, keyUp, navigate, scroll, setViewport, waitForElement, waitForExpression`},
		{step(`{"type": "emulateNetworkConditions", "download": -2, "upload": 1}`), "step 1 (emulateNetworkConditions): download is -2: use a number between -1 and 1000000000000\nstep 1 (emulateNetworkConditions): latency is missing: give a number"},
		{step(`{"type": "click"}`), "step 1 (click): selectors is missing: give at least one selector"},
		{step(`{"type": "click", "selectors": []}`), "step 1 (click): selectors is empty: give at least one selector"},
		{step(`{"type": "click", "selectors": [[]]}`), "step 1 (click): selectors[0] has 0 parts: give between 1 and 20"},
		{step(`{"type": "click", "selectors": ["a", 5]}`), "step 1 (click): selectors[1] must be a selector or a list of selectors"},
		{step(`{"type": "click", "selectors": ["aria/ "]}`), "step 1 (click): selectors[0] is empty: give at least one selector"},
		{step(`{"type": "click", "selectors": ["a >>> b"]}`), `step 1 (click): selectors[0] "a >>> b" uses Puppeteer's own syntax, which is not supported: use a list of selectors, aria/, text/, xpath/ or pierce/`},
		{step(`{"type": "click", "selectors": "a", "selector": "b"}`), "step 1 (click): selector and selectors are both given: give one of them"},
		{step(`{"type": "click", "selector": "a", "button": "left"}`), `step 1 (click): button is "left": use one of primary, secondary, auxiliary, back, forward`},
		{step(`{"type": "click", "selector": "a", "frame": [-1]}`), "step 1 (click): frame must be a list of whole numbers between 0 and 999"},
		{step(`{"type": "click", "selector": "a", "assertedEvents": [{"type": "dialog"}]}`), `step 1 (click): assertedEvents[0].type "dialog" is not supported: only "navigation" is`},
		{step(`{"type": "setViewport", "width": 1.5}`), "step 1 (setViewport): width is 1.5: use a whole number\nstep 1 (setViewport): height is missing: give a number"},
		{step(`{"type": "navigate"}`), "step 1 (navigate): url is missing: give a text"},
		{step(`{"type": "navigate", "url": "file:///etc/passwd"}`), `step 1 (navigate): url is "file:///etc/passwd": use http://, https:// or a path such as /login`},
		{step(`{"type": "navigate", "url": "http://"}`), `step 1 (navigate): url is "http://", which names no host`},
		{step(`{"type": "change", "selector": "a"}`), "step 1 (change): value is missing: give a text, which may be empty"},
		{step(`{"type": "keyDown", "key": ""}`), "step 1 (keyDown): key is empty: give the name of a key, such as Enter"},
		{step(`{"type": "waitForElement", "selector": "a", "visible": 1}`), "step 1 (waitForElement): visible must be true or false"},
		{step(`{"type": "waitForElement", "selector": "a", "attributes": {"class": 1}}`), "step 1 (waitForElement): attributes.class must be a text in quotes"},
		{step(`{"type": "waitForExpression", "expression": " "}`), "step 1 (waitForExpression): expression is empty: give a text"},
		{custom("nope", `{}`), `step 1 (customStep): name is "nope", which does not exist: use one of ` + strings.Join(testcase.CustomNames(), ", ")},
		{custom("assertText", `null`), "step 1 (assertText): parameters is missing: give a JSON object"},
		{custom("assertText", `{"selectors": "a"}`), "step 1 (assertText): parameters.text is missing: give a text, which may be empty"},
		{custom("assertText", `{"text": "x"}`), "step 1 (assertText): parameters.selectors is missing: give at least one selector"},
		{custom("assertUrl", `{"url": "(", "match": "matches"}`), "step 1 (assertUrl): parameters.url is not a valid regular expression: error parsing regexp: missing closing ): `(`"},
		{custom("assertTitle", `{"title": "x", "match": "is"}`), `step 1 (assertTitle): parameters.match is "is": use one of equals, contains, matches`},
		{custom("assertAttribute", `{"selector": "a", "value": "x"}`), "step 1 (assertAttribute): parameters.attribute is missing: give a text"},
		{custom("assertCount", `{"selector": "a"}`), "step 1 (assertCount): parameters.count is missing: give a number"},
		{custom("assertVisible", `{"selector": "a", "visible": "yes"}`), "step 1 (assertVisible): parameters.visible must be true or false"},
		{custom("select", `{"selector": "a"}`), "step 1 (select): parameters.values is missing: give a list of values or labels of options"},
		{custom("select", `{"selector": "a", "value": "x", "values": ["y"]}`), "step 1 (select): parameters.values and value are both given: give one of them"},
		{custom("press", `{}`), "step 1 (press): parameters.keys is missing: give a text"},
		{custom("type", `{"selectors": [], "text": "x", "delay": 5000}`), "step 1 (type): parameters.selectors is empty: give at least one selector\nstep 1 (type): parameters.delay is 5000: use a number between 0 and 1000"},
		{custom("drag", `{"selector": "a"}`), "step 1 (drag): parameters.to is missing: give the selectors of the place to drop at"},
		{custom("handleDialog", `{"action": "ignore"}`), `step 1 (handleDialog): parameters.action is "ignore": use one of accept, dismiss`},
		{custom("download", `{}`), "step 1 (download): parameters.selectors is missing: give at least one selector"},
		{custom("apiRequest", `{"url": "ftp://a", "method": "TRACE", "headers": {"Host": "x"}, "body": "", "json": {}}`), "step 1 (apiRequest): parameters.method is \"TRACE\": use one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\nstep 1 (apiRequest): parameters.url is \"ftp://a\": use http://, https:// or a path such as /login\nstep 1 (apiRequest): parameters.headers.Host is no header that can be sent\nstep 1 (apiRequest): parameters.body and json are both given: give one of them"},
		{custom("apiRequest", `{"url": "/", "extract": {"variable": "a b"}}`), `step 1 (apiRequest): parameters.extract.variable is "a b", which is no name for a variable: use letters, digits and _, and a letter first`},
		{custom("waitForResponse", `{"status": 99}`), "step 1 (waitForResponse): parameters.url is missing: give a text\nstep 1 (waitForResponse): parameters.status is 99: use a number between 100 and 599"},
		{custom("setCookie", `{"name": "a", "value": "b", "url": "http://a", "domain": "b"}`), "step 1 (setCookie): parameters.url and domain are both given: give one of them"},
		{custom("setLocalStorage", `{"items": {"a": 1}}`), "step 1 (setLocalStorage): parameters.items.a must be a text in quotes"},
		{custom("extract", `{"variable": "secret"}`), "step 1 (extract): parameters.variable is \"secret\", which is no name for a variable: use letters, digits and _, and a letter first\nstep 1 (extract): parameters.selectors is missing: give at least one selector"},
		{custom("extract", `{"variable": "v", "from": "expression"}`), "step 1 (extract): parameters.expression is missing: give a text"},
		{custom("setVariable", `{"variable": "v"}`), "step 1 (setVariable): parameters.value is missing: give a text, which may be empty"},
		{custom("runCase", `{"id": "a", "file": "b"}`), "step 1 (runCase): parameters.id or file or case: give exactly one of them"},
		{custom("runCase", `{"case": {"title": "x", "steps": [{"type": "click"}]}}`), "step 1 (click): parameters.case.steps[0].selectors is missing: give at least one selector"},
		{`{"title": "t", "variables": {"1a": "x"}, "steps": [{"type": "scroll"}]}`, "variables.1a is no name for a variable: use letters, digits and _, and a letter first"},
		{`{"title": "t", "data": [], "steps": [{"type": "scroll"}]}`, "data is empty: give at least one row, or leave it out"},
		{`{"title": "t", "data": [{"a": []}], "steps": [{"type": "scroll"}]}`, "data[0].a must be a text, a number, true or false"},
		{`{"title": "t", "config": {"browser": "opera", "locale": "de DE"}, "steps": [{"type": "scroll"}]}`, "config.browser is \"opera\": use one of chromium, firefox, webkit\nconfig.locale is \"de DE\": give a language tag such as de-DE"},
		{`{"title": "t", "config": {"timezone": "Mars/Base"}, "steps": [{"type": "scroll"}]}`, `config.timezone is "Mars/Base", which is no time zone: give a name such as Europe/Berlin`},
		{`{"title": "t", "config": {"permissions": ["fly"]}, "steps": [{"type": "scroll"}]}`, `config.permissions[0] is "fly": use one of accelerometer, ambient-light-sensor, background-sync, camera, clipboard-read, clipboard-write, geolocation, gyroscope, local-fonts, magnetometer, microphone, midi, midi-sysex, notifications, payment-handler, storage-access`},
		{`{"title": "t", "config": {"baseUrls": {"staging": "nowhere"}}, "steps": [{"type": "scroll"}]}`, `config.baseUrls.staging is "nowhere": give an address that starts with http:// or https://`},
		{`{"title": "t", "config": {"storageState": {"cookies": [{"name": "a", "value": "b"}]}}, "steps": [{"type": "scroll"}]}`, "config.storageState.cookies[0].domain is missing: give the host that the cookie is for"},
		{`{"title": "t", "config": {"retries": 20, "viewport": {"width": 1}}, "steps": [{"type": "scroll"}]}`, "config.viewport.height is missing: give a number\nconfig.retries is 20: use a number between 0 and 19"},
		{`{"title": "t", "data": [{},{},{}], "steps": [` + strings.Repeat(`{"type":"scroll"},`, 200) + `{"type":"scroll"}]}`, "steps come to 603 with rows of data and sub-cases: at most 500 are allowed"},
		{custom("uploadFile", `{"selector": "a", "files": []}`), "step 1 (uploadFile): parameters.files is empty: give at least one file"},
		{custom("uploadFile", `{"selector": "a", "files": [{"name": "../a"}]}`), "step 1 (uploadFile): parameters.files[0].name must be a file name without folders\nstep 1 (uploadFile): parameters.files[0].text is missing: give the content as text or base64"},
		{custom("uploadFile", `{"selector": "a", "files": [{"name": "a", "base64": "*"}]}`), "step 1 (uploadFile): parameters.files[0].base64 is not valid base64"},
		{`{"title": "` + strings.Repeat("x", 501) + `", "steps": [{"type": "scroll"}]}`, "title has 501 characters: at most 500 are allowed"},
		{`{"title": "t", "steps": [` + strings.Repeat(`{"type":"scroll"},`, 500) + `{"type":"scroll"}]}`, "steps has 501 entries: at most 500 are allowed"},
		{strings.Repeat(" ", testcase.MaxBytes+1), "the file has 1048577 bytes: at most 1048576 are allowed"},
	}
}

func TestParseReportsProblems(t *testing.T) {
	t.Parallel()
	for _, test := range invalidFiles() {
		name := test.want
		t.Run(name[:min(len(name), 60)], func(t *testing.T) {
			t.Parallel()
			c, err := testcase.Parse([]byte(test.file))
			require.Nil(t, c)
			require.EqualError(t, err, test.want)
		})
	}
}

func TestParseReportsAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := testcase.Parse([]byte(`{"steps": [{"type": "navigate"}, {"type": "scroll"}, {"type": "click", "timeout": 0}]}`))
	invalid, ok := errors.AsType[*testcase.InvalidError](err)
	require.True(t, ok)
	require.Equal(t, []testcase.Problem{
		{Path: "title", Field: "title", Message: "is missing: give a text", Line: 1},
		{Path: "steps[0].url", Step: 1, Action: "navigate", Field: "url", Message: "is missing: give a text", Line: 1},
		{Path: "steps[2].timeout", Step: 3, Action: "click", Field: "timeout", Message: "is 0: use a number between 1 and 600000", Line: 1},
		{Path: "steps[2].selectors", Step: 3, Action: "click", Field: "selectors", Message: "is missing: give at least one selector", Line: 1},
	}, invalid.Problems)

	_, err = testcase.Parse([]byte(`{"title": "t", "steps": [` + strings.Repeat(`{},`, 59) + `{}]}`))
	invalid, ok = errors.AsType[*testcase.InvalidError](err)
	require.True(t, ok)
	require.Len(t, invalid.Problems, 50)
	require.Equal(t, 10, invalid.Omitted)
	require.Contains(t, err.Error(), "\nand 10 more")
}

func TestJSONKeepsUnknownFields(t *testing.T) {
	t.Parallel()
	c, err := testcase.Parse([]byte(recording))
	require.NoError(t, err)
	require.JSONEq(t, recording, string(c.JSON()))

	again, err := testcase.Parse(c.JSON())
	require.NoError(t, err)
	require.Equal(t, c, again)

	// A case travels in other JSON, too.
	wrapped, err := json.Marshal(map[string]*testcase.Case{"case": c})
	require.NoError(t, err)
	var unwrapped map[string]*testcase.Case
	require.NoError(t, json.Unmarshal(wrapped, &unwrapped))
	require.Equal(t, c, unwrapped["case"])
}

func TestARIA(t *testing.T) {
	t.Parallel()
	for part, want := range map[string][2]string{
		`aria/Add to cart`:                        {"Add to cart", ""},
		`aria/Add to cart[role="button"]`:         {"Add to cart", "button"},
		`aria/[role="main"]`:                      {"", "main"},
		`aria/[name="Say \"hi\""][role="button"]`: {`Say "hi"`, "button"},
		`aria/Items [3]`:                          {"Items [3]", ""},
	} {
		name, role, ok := testcase.ARIA(part)
		require.True(t, ok, part)
		require.Equal(t, want, [2]string{name, role}, part)
	}
	_, _, ok := testcase.ARIA("#add")
	require.False(t, ok)
}

func TestResolveURL(t *testing.T) {
	t.Parallel()
	require.Equal(t, "http://h/login", testcase.ResolveURL("http://h/app/", "/login"))
	require.Equal(t, "http://h/app/login?a=b", testcase.ResolveURL("http://h/app/", "login?a=b"))
	require.Equal(t, "https://other/", testcase.ResolveURL("http://h/", "https://other/"))
	require.Equal(t, "/login", testcase.ResolveURL("", "/login"))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(recording))
	f.Add([]byte(`{"title":"t","steps":[{"type":"click","selectors":"#a"},{"type":"click","selector":"aria/[role='x']"}]}`))
	f.Add([]byte(`{"title":"t","steps":[{"type":"customStep","name":"assertUrl","parameters":{"url":"/x","match":"matches"}}]}`))
	f.Add([]byte(`{"title":"t","steps":[{"type":"waitForElement","selectors":[["a","b"]],"count":1e3,"properties":{"a":[{}]}}]}`))
	f.Add([]byte("{\"title\":\"\xff\",\"steps\":[null,{},{\"type\":\"close\"}]}"))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := testcase.Parse(data)
		if err != nil {
			_, ok := errors.AsType[*testcase.InvalidError](err)
			require.True(t, ok)
			require.NotEmpty(t, err.Error())
			return
		}
		require.NotEmpty(t, c.Steps)
		for _, s := range c.Steps {
			require.NotEmpty(t, s.Description())
		}
		again, err := testcase.Parse(c.JSON())
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}

func ExampleParse() {
	c, err := testcase.Parse([]byte(`{
		"title": "Log in",
		"baseUrl": "http://127.0.0.1:8090",
		"steps": [
			{"type": "navigate", "url": "/login"},
			{"type": "change", "selectors": "aria/Email", "value": "ada@example.com"},
			{"type": "click", "selectors": ["aria/Log in[role=\"button\"]", "#login"]},
			{"type": "customStep", "name": "assertText", "parameters": {"selectors": "h1", "text": "Welcome", "match": "contains"}}
		]
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, step := range c.Steps {
		fmt.Printf("%d. %s\n", i+1, step.Description())
	}

	_, err = testcase.Parse([]byte(`{"title": "Log in", "steps": [{"type": "navigate", "url": "/"}, {"type": "click"}]}`))
	fmt.Println(err)
	// Output:
	// 1. navigate /login
	// 2. change "Email" to "ada@example.com"
	// 3. click "Log in"
	// 4. assert text of h1 contains "Welcome"
	// step 2 (click): selectors is missing: give at least one selector
}

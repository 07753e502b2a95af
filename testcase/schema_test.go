package testcase_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// compiled is the published schema.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(testcase.Schema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("case.json", doc))
	s, err := compiler.Compile("case.json")
	require.NoError(t, err)
	return s
}

func accepts(s *jsonschema.Schema, file string) error {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.TrimPrefix(file, "\xef\xbb\xbf")))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

func TestSchemaTakesWhatParseTakes(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	files := map[string]string{"recording": recording}
	for _, pattern := range []string{"testdata/recordings/*.json", "../examples/cases/*/*.json"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			files[name] = string(text)
		}
	}
	for _, step := range validSteps() {
		files[step] = `{"title": "t", "steps": [` + step + `]}`
	}
	for _, fields := range []string{
		`"variables": {"a": "x", "b": 1.5, "c": true}, "data": [{"a": 1}, {}]`, `"config": {}`, `"config": null, "data": null`, `"baseUrl": ""`,
		`"config": {"browser": "webkit", "headless": false, "viewport": {"width": 800, "height": 600}, "device": "iPhone 15", "locale": "de-DE", "timezone": "Europe/Berlin",
			"colorScheme": "dark", "geolocation": {"latitude": 52.5, "longitude": 13.4, "accuracy": 10}, "permissions": ["geolocation"],
			"httpCredentials": {"username": "lab", "password": "{{secret.LAB}}"}, "extraHeaders": {"X-Test": "1"}, "ignoreHTTPSErrors": true,
			"baseUrls": {"staging": "https://staging.example"}, "timeout": 60000, "retries": 0}`,
		`"config": {"storageState": {"login": {"id": "login"}, "maxAge": 60000}}`,
		`"config": {"storageState": {"cookies": [{"name": "a", "value": "b", "domain": "shop.example", "path": "/", "expires": 1e9, "sameSite": "Lax"}], "origins": [{"origin": "https://shop.example", "localStorage": [{"name": "a", "value": "b"}]}]}}`,
	} {
		files[fields] = `{"title": "t", ` + fields + `, "steps": [{"type": "close"}]}`
	}
	used := map[string]bool{}
	for name, file := range files {
		c, err := testcase.Parse([]byte(file))
		require.NoError(t, err, name)
		require.NoError(t, accepts(s, file), name)
		for _, step := range c.Steps {
			used[step.Type], used[step.Name] = true, true
		}
	}
	for _, name := range append(testcase.Types(), testcase.CustomNames()...) {
		require.True(t, used[name], "nothing here has a step %s", name)
	}
}

// validSteps has the short forms and each custom step.
func validSteps() []string {
	custom := func(name, parameters string) string {
		return `{"type": "customStep", "name": "` + name + `", "parameters": {` + parameters + `}}`
	}
	return []string{
		`{"type": "click", "selector": "#a"}`, `{"type": "click", "selectors": "#a", "selector": null}`, `{"type": "click", "selectors": ["#a", ["b", "aria/c"]], "frame": null, "comment": 5}`,
		`{"type": "navigate", "url": "login"}`, `{"type": "navigate", "url": "{{where}}/x"}`, `{"type": "navigate", "url": "about:blank"}`, `{"type": "navigate", "url": "HTTPS://h"}`,
		custom("assertText", `"selector": "a", "text": "", "match": "contains"`), custom("assertValue", `"selectors": "a", "value": "{{a}}"`),
		custom("assertAttribute", `"selector": "a", "attribute": "b", "value": "c"`), custom("assertCount", `"selector": "a", "count": 0, "operator": "<="`),
		custom("assertVisible", `"selector": "a"`), custom("assertEnabled", `"selector": "a", "enabled": false`), custom("assertChecked", `"selector": "a", "checked": null`),
		custom("assertUrl", `"url": "/"`), custom("assertTitle", `"title": "{{a}}(", "match": "matches"`), custom("assertDialog", `"message": "x"`),
		custom("assertScreenshot", ``), `{"type": "customStep", "name": "assertScreenshot"}`, `{"type": "customStep", "name": "handleDialog", "parameters": null}`,
		custom("select", `"selector": "a", "value": "b"`), custom("select", `"selector": "a", "values": ["b", "c"]`), custom("check", `"selector": "a"`), custom("uncheck", `"selector": "a"`),
		custom("press", `"keys": "Control+A"`), custom("type", `"text": "x", "selector": "a", "delay": 5`), custom("uploadFile", `"selector": "a", "files": [{"name": "a", "base64": ""}]`),
		custom("drag", `"selector": "a", "to": ["b"]`), custom("handleDialog", `"action": "dismiss"`), custom("download", `"selector": "a", "fileName": "x"`),
		custom("apiRequest", `"url": "/x", "method": "PATCH", "json": [1], "headers": {"A": "b"}, "status": 204, "extract": {"variable": "v", "path": "a.0", "pattern": "x"}`),
		custom("waitForResponse", `"url": "/x", "method": "GET"`), custom("setCookie", `"name": "a", "value": "", "domain": "h"`), custom("setLocalStorage", `"items": {}`),
		custom("extract", `"variable": "v", "selector": "a"`), custom("extract", `"variable": "v", "from": "attribute", "selector": "a", "attribute": "b"`), custom("extract", `"variable": "v", "from": "url"`),
		custom("setVariable", `"variable": "v", "value": ""`), custom("runCase", `"id": "a", "variables": {"x": 1}`), custom("runCase", `"file": "a.json"`),
		custom("runCase", `"case": {"title": "t", "steps": [{"type": "close"}]}`),
	}
}

func TestSchemaRefusesWhatParseRefuses(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	// What a schema can't say.
	beyond := []string{"regular expression", "time zone", "come to 603", "but is larger", "bytes: at most"}
	for _, test := range invalidFiles() {
		if said := accepts(s, test.file); said == nil {
			excused := false
			for _, words := range beyond {
				excused = excused || strings.Contains(test.want, words)
			}
			require.True(t, excused, "the schema takes %.200s, of which Parse says %s", test.file, test.want)
		}
	}
}

func TestSchemaKnowsEveryStep(t *testing.T) {
	t.Parallel()
	var doc struct {
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(testcase.Schema(), &doc))
	docs, err := os.ReadFile("../docs/test-cases.md")
	require.NoError(t, err)
	for _, name := range testcase.Types() {
		require.Contains(t, doc.Defs, "step."+name)
		require.Contains(t, string(docs), "`"+name+"`")
	}
	for _, name := range testcase.CustomNames() {
		require.Contains(t, doc.Defs, "custom."+name)
		require.Contains(t, string(docs), "`"+name+"`")
	}
}

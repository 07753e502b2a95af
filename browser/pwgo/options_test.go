package pwgo_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
	"github.com/cinnamon-qa/cinnamon/testsite"
)

// answers is a step that has the page fetch something with a method.
func answers(method string) string {
	return `{"type": "waitForExpression", "expression": "fetch('/lab/echo?with=` + method + `', {method: '` + method + `'}).then(() => true)"}`
}

// TestOptions has the options that the other tests leave at their defaults, or have no need of.
func TestOptions(t *testing.T) {
	t.Parallel()
	sharedPool(t)
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	sends := steps(visit("/lab/"))
	for _, method := range methods {
		said := `, "contains": "\"method\":\"` + method + `\""`
		if method == "HEAD" {
			said = "" // it has no body
		}
		sends = append(sends, step("apiRequest", `"url": "/lab/echo", "method": "`+method+`"`+said), answers(method),
			step("waitForResponse", `"url": "/lab/echo?with=`+method+`", "match": "equals", "method": "`+method+`"`),
			step("waitForResponse", `"url": "with=`+method+`$", "match": "matches", "method": "`+method+`"`))
	}
	for name, list := range map[string][]string{
		"matches": steps(visit("/lab/"),
			step("assertText", `"selectors": "h1", "text": "Lab", "match": "equals"`),
			step("assertValue", `"selectors": "#volume", "value": "10", "match": "equals"`),
			step("assertValue", `"selectors": "#volume", "value": "0", "match": "contains"`),
			step("assertValue", `"selectors": "#volume", "value": "^1.$", "match": "matches"`),
			step("assertAttribute", `"selectors": "#out", "attribute": "data-kind", "value": "report", "match": "equals"`),
			step("assertTitle", `"title": "Lab", "match": "equals"`), step("assertTitle", `"title": "ab", "match": "contains"`), step("assertTitle", `"title": "^L", "match": "matches"`),
			step("assertUrl", `"url": "/lab/", "match": "equals"`), step("assertUrl", `"url": "/la", "match": "contains"`), step("assertUrl", `"url": "lab/$", "match": "matches"`),
			step("assertCount", `"selectors": "#list li", "count": 3, "operator": "=="`), step("assertCount", `"selectors": "#list li", "count": 4, "operator": "<="`),
			step("download", `"selectors": "#download", "fileName": "report-2026.csv", "match": "equals"`),
			step("download", `"selectors": "#download", "fileName": "2026", "match": "contains"`),
			step("extract", `"variable": "read", "from": "text", "selectors": "h1"`), step("assertTitle", `"title": "{{read}}"`)),
		"dialogs": steps(visit("/lab/"),
			click("#alert"), step("assertDialog", `"message": "Look out", "match": "equals"`), step("assertDialog", `"message": "out", "match": "contains"`),
			step("handleDialog", `"action": "accept"`), click("#confirm"), says("confirm true")),
		"requests": sends,
		"pointers": steps(visit("/lab/"),
			// Two clicks of the button "back" would lead away from here.
			`{"type": "waitForExpression", "expression": "document.getElementById('pad').onmouseup = event => { event.preventDefault(); }"}`,
			`{"type": "click", "selectors": "#pad", "deviceType": "mouse", "offsetX": 3, "offsetY": 4}`, says("mouse button 0 at 3 4"),
			`{"type": "doubleClick", "selectors": "#pad", "button": "secondary", "offsetX": 3, "offsetY": 4}`, says("mouse button 2 at 3 4"),
			`{"type": "doubleClick", "selectors": "#pad", "button": "auxiliary", "offsetX": 5, "offsetY": 4}`, says("mouse button 1 at 5 4"),
			`{"type": "doubleClick", "selectors": "#pad", "button": "back", "offsetX": 6, "offsetY": 4}`, says("mouse button 3 at 6 4"),
			`{"type": "doubleClick", "selectors": "#pad", "button": "forward", "offsetX": 7, "offsetY": 4}`, says("mouse button 4 at 7 4"),
			`{"type": "doubleClick", "selectors": "#pad", "deviceType": "pen", "offsetX": 3, "offsetY": 4}`, says("double"),
			click("#save"), `{"type": "doubleClick", "selectors": "#pad", "deviceType": "touch", "offsetX": 3, "offsetY": 4}`,
			step("assertText", `"selectors": "#out", "text": "double|tapped", "match": "matches"`)),
		"cookies": steps(visit("/lab/"),
			step("setCookie", `"name": "strict", "value": "1", "url": "SITE/lab/", "httpOnly": true, "sameSite": "Strict", "expires": 4000000000`),
			step("setCookie", `"name": "there", "value": "2", "domain": "127.0.0.1", "path": "/lab/echo", "sameSite": "Lax"`),
			step("setCookie", `"name": "gone", "value": "3", "domain": "127.0.0.1", "path": "/", "expires": 1000000000`),
			step("setCookie", `"name": "sealed", "value": "4", "url": "https://127.0.0.1/", "secure": true, "sameSite": "None"`),
			visit("/lab/self"), step("assertText", `"selectors": "#cookie", "text": "^(sealed=4)?$", "match": "matches"`), // the others are hidden, elsewhere or over
			`{"type": "waitForExpression", "expression": "fetch('/lab/echo').then(r => r.json()).then(r => /strict=1/.test(r.cookies) && /there=2/.test(r.cookies) && !/gone/.test(r.cookies))"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := inLab(t)
			for _, s := range list {
				b.do(t, strings.ReplaceAll(s, "SITE", b.site))
			}
		})
	}
	t.Run("case within", func(t *testing.T) {
		t.Parallel()
		c, err := testcase.Parse([]byte(`{"title": "outside", "steps": [` + visit("/lab/") + `, {"type": "customStep", "name": "runCase", "parameters":
			{"case": {"title": "inside", "steps": [{"type": "change", "selectors": "#email", "value": "{{who}}"}]}, "variables": {"who": "a@b.c"}}}, ` + says("email a@b.c") + `]}`))
		require.NoError(t, err)
		play(t, lab(t), c)
	})
}

// TestConfigOptions has what a case may ask of its browser and TestConfig does not.
func TestConfigOptions(t *testing.T) {
	t.Parallel()
	sharedPool(t)
	secure := httptest.NewTLSServer(testsite.Handler(testsite.Options{}))
	t.Cleanup(secure.Close)
	granted := func(name string) string {
		return `{"type": "waitForExpression", "expression": "navigator.permissions.query({name: '` + name + `'}).then(p => p.state === 'granted')"}`
	}
	for name, test := range map[string]struct {
		site, config string
		steps        []string
	}{
		"chromium, light": {lab(t), `{"browser": "chromium", "colorScheme": "light"}`, steps(visit("/lab/self"), reads("scheme", "light"))},
		"no preference":   {lab(t), `{"colorScheme": "no-preference"}`, steps(visit("/lab/self"), reads("scheme", "light"))},
		"accuracy": {lab(t), `{"geolocation": {"latitude": 1, "longitude": 2, "accuracy": 30}, "permissions": ["geolocation"]}`, steps(visit("/lab/self"),
			`{"type": "waitForExpression", "expression": "new Promise(done => navigator.geolocation.getCurrentPosition(p => done(p.coords.accuracy === 30)))"}`)},
		"certificates": {secure.URL, `{"ignoreHTTPSErrors": true}`, steps(visit("/lab/"), click("#save"), says("clicked save"))},
		"permissions": {
			lab(t), `{"permissions": ["accelerometer", "ambient-light-sensor", "background-sync", "camera", "clipboard-read", "clipboard-write", "geolocation",
			"gyroscope", "local-fonts", "magnetometer", "microphone", "midi", "midi-sysex", "notifications", "payment-handler", "storage-access"]}`,
			steps(visit("/lab/"), granted("camera"), granted("microphone"), granted("clipboard-read"), granted("notifications"), granted("midi"), granted("gyroscope")),
		},
		"stored cookies": {
			lab(t), `{"storageState": {"cookies": [
			{"name": "a", "value": "1", "domain": "127.0.0.1", "path": "/lab", "httpOnly": true, "secure": false, "sameSite": "Strict", "expires": 4000000000},
			{"name": "b", "value": "2", "domain": "127.0.0.1", "path": "/", "sameSite": "Lax"},
			{"name": "c", "value": "3", "domain": "127.0.0.1", "path": "/", "secure": true, "sameSite": "None"}]}}`,
			steps(visit("/lab/self"), step("assertText", `"selectors": "#cookie", "text": "b=2", "match": "contains"`),
				`{"type": "waitForExpression", "expression": "!document.cookie.includes('a=1') && fetch('/lab/echo').then(r => r.json()).then(r => /a=1/.test(r.cookies))"}`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(test.site)
			o.Config = configured(t, test.config)
			b := bundle{site: test.site, Session: open(t, sharedPool(t), o)}
			b.do(t, test.steps...)
			exercised.config([]byte(test.config))
		})
	}
	t.Run("certificates count otherwise", func(t *testing.T) {
		t.Parallel()
		b := bundle{site: secure.URL, Session: open(t, sharedPool(t), options(secure.URL))}
		require.Contains(t, b.fails(t, browser.Navigation, visit("/lab/")), "CERT")
	})
}

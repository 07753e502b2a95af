package pwgo_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/secret"
	"github.com/cinnamon-qa/cinnamon/testcase"
	"github.com/cinnamon-qa/cinnamon/testsite"
)

// vault is a resolver of secrets whose doors can be shut.
type vault struct{ secret.Values }

func (v vault) Resolve(ctx context.Context, name string) (string, error) {
	if name == "SHUT" {
		return "", errors.New("the vault is shut")
	}
	return v.Values.Resolve(ctx, name)
}

// canary is a secret with signs that are escaped differently everywhere.
const canary = `Canary-7f "& 1`

// secrets are those of the shared pool.
func secrets() secret.Resolver {
	return vault{secret.Values{"CANARY": canary, "LAB": testsite.LabPassword}}
}

// configured reads the config of a case.
func configured(t *testing.T, config string) testcase.Config {
	t.Helper()
	c, err := testcase.Parse([]byte(`{"title": "t", "config": ` + config + `, "steps": [{"type": "close"}]}`))
	require.NoError(t, err)
	return c.Config
}

// reads asserts what /lab/self says of something.
func reads(what, value string) string {
	return step("assertText", `"selectors": "#`+what+`", "text": "`+value+`"`)
}

func TestConfig(t *testing.T) {
	t.Parallel()
	sharedPool(t)
	for name, test := range map[string]struct {
		config string
		steps  []string
	}{
		"where and when": {
			`{"locale": "de-DE", "timezone": "Asia/Tokyo", "colorScheme": "dark", "geolocation": {"latitude": 52.5, "longitude": 13.4}, "permissions": ["geolocation"]}`,
			steps(visit("/lab/self"), reads("language", "de-DE"), reads("timezone", "Asia/Tokyo"), reads("scheme", "dark"), says("at 52.5 13.4")),
		},
		"nothing asked": {`{}`, steps(visit("/lab/self"), reads("scheme", "light"), reads("ratio", "1"), reads("touch", "0"), says("geolocation prompt"))},
		"a phone":       {`{"device": "Pixel 7"}`, steps(visit("/lab/self"), reads("width", "412"), reads("ratio", "2.625"), reads("touch", "1"), reads("mobile", "true"))},
		"headers":       {`{"extraHeaders": {"X-Team": "qa"}}`, steps(step("apiRequest", `"url": "/lab/echo", "contains": "\"X-Team\":[\"qa\"]"`), visit("/lab/echo"), step("assertText", `"selectors": "body", "text": "X-Team", "match": "contains"`))},
		"credentials":   {`{"httpCredentials": {"username": "` + testsite.LabUser + `", "password": "` + testsite.LabPassword + `"}}`, steps(visit("/lab/private"), says("welcome"))},
		"stored": {
			`{"storageState": {"cookies": [{"name": "spice", "value": "saffron", "url": "SITE"}], "origins": [{"origin": "SITE", "localStorage": [{"name": "stored", "value": "kept"}]}]}}`,
			steps(visit("/lab/self"), reads("cookie", "spice=saffron"), reads("stored", "kept")),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := lab(t)
			o := options(site)
			o.Config = configured(t, strings.ReplaceAll(test.config, "SITE", site))
			if o.Config.Device != "" {
				o.Viewport = browser.Viewport{}
			}
			b := bundle{site: site, Session: open(t, sharedPool(t), o)}
			b.do(t, test.steps...)
			exercised.config([]byte(test.config))
		})
	}
}

// What a case asks for in vain is its fault, and no reason to try again.
func TestConfigThatCannotBe(t *testing.T) {
	t.Parallel()
	pool := sharedPool(t)
	for config, want := range map[string]string{
		`{"device": "Nokia 3310"}`: `there is no device "Nokia 3310": use one of Playwright's`,
		`{"browser": "firefox"}`:   `the egress guard can only confine chromium: run the case in it, or in a worker with EGRESS_MODE=off`,
		`{"httpCredentials": {"username": "a", "password": "{{secret.NOPE}}"}}`: `this worker knows no secret "NOPE": set CINNAMON_SECRET_NOPE for it`,
		`{"device": "{{nope}}"}`: `there is no variable "nope"`,
	} {
		o := options("http://127.0.0.1")
		o.Config = configured(t, config)
		session, err := pool.Open(t.Context(), o)
		if err == nil { // a machine that has them
			require.NoError(t, session.Close(t.Context()))
			continue
		}
		require.Equal(t, browser.Unsupported, browser.KindOf(err), err.Error())
		require.Contains(t, err.Error(), want)
	}
}

// Without the guard other browsers are run where Playwright has installed them.
func TestOtherBrowsers(t *testing.T) {
	t.Parallel()
	sharedPool(t) // the driver is installed
	pool := pwgo.New(pwgo.Config{})
	t.Cleanup(func() { require.NoError(t, pool.Close(context.WithoutCancel(t.Context()))) })
	for _, name := range []string{testcase.Firefox, testcase.WebKit} {
		site := lab(t)
		o := options(site)
		o.Config.Browser = name
		session, err := pool.Open(t.Context(), o)
		if browser.KindOf(err) == browser.Unsupported {
			require.Contains(t, err.Error(), "this worker has no "+name+": install it with npx playwright@")
			continue
		}
		require.NoError(t, err)
		bundle{site: site, Session: session}.do(t, visit("/lab/"), click("#save"), says("clicked save"))
		require.NoError(t, session.Close(t.Context()))
	}
}

// A request that a case sends goes through the guard like those of pages.
func TestRequestsAreGuarded(t *testing.T) {
	t.Parallel()
	b := inLab(t)
	for _, address := range []string{"http://169.254.169.254/latest/meta-data", "https://10.0.0.1/"} {
		require.Contains(t, b.fails(t, browser.Refused, step("apiRequest", `"url": "`+address+`"`)), "cannot request "+address+": ")
	}
}

// Canaries go in as secrets, by every way that a step has, and must not come out in anything that is said.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	site := lab(t)
	o := options(site)
	o.Config = configured(t, `{"httpCredentials": {"username": "lab", "password": "{{secret.LAB}}"}, "extraHeaders": {"X-Key": "{{secret.LAB}}"}}`)
	o.Needs = testcase.Needs{Responses: true}
	b := bundle{site: site, Session: open(t, sharedPool(t), o)}
	b.do(t, visit("/lab/private"), says("welcome"), step("apiRequest", `"url": "/lab/echo", "contains": "saffron-2026"`),
		visit("/lab/"), `{"type": "change", "selectors": "#notes", "value": "{{secret.CANARY}}"}`,
		step("assertValue", `"selectors": "#notes", "value": "{{secret.CANARY}}"`),
		step("extract", `"variable": "seen", "from": "value", "selectors": "#notes"`))
	for _, failing := range []string{
		custom("assertValue", `"selectors": "#notes", "value": "other"`),
		custom("assertText", `"selectors": "#out", "text": "x {{secret.CANARY}}"`),
		custom("assertText", `"selectors": "#out", "text": "{{seen}} x"`),
		custom("assertText", `"selectors": "#out", "text": "^z{{secret.CANARY}}", "match": "matches"`),
		custom("assertTitle", `"title": "{{secret.CANARY}}"`), custom("assertUrl", `"url": "/?q={{secret.CANARY}}"`),
		custom("assertAttribute", `"selectors": "#out", "attribute": "data-kind", "value": "{{secret.CANARY}}"`),
		custom("assertDialog", `"message": "{{secret.CANARY}}"`),
		custom("select", `"selectors": "#size", "value": "{{secret.CANARY}}"`),
		custom("press", `"keys": "{{secret.CANARY}}"`),
		custom("type", `"selectors": "#nothing", "text": "{{secret.CANARY}}"`),
		custom("apiRequest", `"url": "/lab/echo?status=500&q={{secret.CANARY}}"`),
		custom("apiRequest", `"url": "http://127.0.0.1:4/{{secret.CANARY}}"`),
		custom("apiRequest", `"url": "/lab/echo", "method": "POST", "json": {"k": "{{secret.CANARY}}"}, "contains": "not there"`),
		custom("waitForResponse", `"url": "{{secret.CANARY}}"`),
		custom("setCookie", `"name": "a", "value": "{{secret.CANARY}}", "url": "nope://x"`),
		custom("extract", `"variable": "v", "from": "expression", "expression": "(() => { throw new Error(btoa({{secret.CANARY}}) + {{secret.CANARY}}) })()"`),
		custom("extract", `"variable": "v", "selectors": "#notes", "from": "value", "pattern": "^no {{secret.CANARY}}"`),
		`{"type": "navigate", "url": "http://127.0.0.1:4/?q={{secret.CANARY}}", "timeout": 2000}`,
		`{"type": "click", "selectors": "text/{{secret.CANARY}}", "timeout": 300}`,
		`{"type": "click", "selectors": "#save", "target": "http://x/{{secret.CANARY}}", "timeout": 300}`,
		`{"type": "keyDown", "key": "{{secret.CANARY}}"}`,
		`{"type": "waitForExpression", "expression": "JSON.stringify({{secret.CANARY}}) === 1", "timeout": 300}`,
		`{"type": "waitForElement", "selectors": "#out", "properties": {"textContent": "{{secret.CANARY}}"}, "timeout": 300}`,
	} {
		asked := parse(t, failing)
		err := b.Do(t.Context(), asked)
		require.Error(t, err, failing)
		said := everything(err) + asked.Description()
		require.NotContains(t, said, "Canary", failing)
		require.NotContains(t, said, "Q2FuYXJ5", failing) // in base64
		require.NotContains(t, said, testsite.LabPassword)
	}
	require.Equal(t, `this worker knows no secret "OTHER": set CINNAMON_SECRET_OTHER for it`, b.fails(t, browser.Unsupported, custom("type", `"text": "{{secret.OTHER}}"`)))
	require.Equal(t, `secret "SHUT" could not be read: the vault is shut`, b.fails(t, browser.Unavailable, custom("type", `"text": "{{secret.SHUT}}"`)))
}

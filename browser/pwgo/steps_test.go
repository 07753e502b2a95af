package pwgo_test

import (
	"bytes"
	"image/png"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

func TestEveryActionHasAnExecutor(t *testing.T) {
	t.Parallel()
	want := append(testcase.Types(), testcase.CustomNames()...)
	want = slices.DeleteFunc(want, func(name string) bool { return name == testcase.TypeCustomStep })
	slices.Sort(want)
	require.Equal(t, want, pwgo.ExecutorNames())
}

func TestActions(t *testing.T) {
	t.Parallel()
	change := func(selector, value string) string {
		return `{"type": "change", "selectors": "` + selector + `", "value": "` + value + `"}`
	}
	for name, test := range map[string]struct {
		steps []string
		says  string
	}{
		"click":                        {[]string{click("#add")}, "clicked add"},
		"click at a place":             {[]string{`{"type": "click", "selectors": "#pad", "offsetX": 20, "offsetY": 30}`}, "pad 20 30"},
		"click beyond the element":     {[]string{`{"type": "click", "selectors": "#pad", "offsetX": 500, "offsetY": 30}`}, "pad 100 50"},
		"click with the right":         {[]string{`{"type": "click", "selectors": "#pad", "button": "secondary"}`}, "button 2"},
		"click with the middle":        {[]string{`{"type": "click", "selectors": "#pad", "button": "auxiliary"}`}, "button 1"},
		"long click":                   {[]string{`{"type": "click", "selectors": "#add", "duration": 60, "deviceType": "touch"}`}, "clicked add"},
		"double click":                 {[]string{`{"type": "doubleClick", "selectors": "#pad", "offsetX": 5, "offsetY": 5}`}, "double"},
		"hover":                        {[]string{`{"type": "hover", "selectors": "#pad"}`}, "hovered"},
		"change a text":                {[]string{change("#email", "a@b.c")}, "email a@b.c"},
		"change a text again":          {[]string{change("#email", "a@b.c"), change("#email", "d")}, "email d"},
		"change a text area":           {[]string{change("#notes", "two words")}, "notes two words"},
		"change editable content":      {[]string{change("#editor", "rich")}, "editor rich"},
		"select by value":              {[]string{change("#size", "l")}, "size l"},
		"select by label":              {[]string{change("#size", "Large")}, "size l"},
		"check a box":                  {[]string{change("#terms", "true")}, "terms true"},
		"uncheck a box":                {[]string{change("#terms", "on"), change("#terms", "off")}, "terms false"},
		"choose a radio by value":      {[]string{change("#card", "card")}, "card true"},
		"change a color":               {[]string{change("#color", "#ff8800")}, "color #ff8800"},
		"change a range":               {[]string{change("#volume", "70")}, "volume 70"},
		"change a date":                {[]string{change("#day", "2026-02-28")}, "day 2026-02-28"},
		"press a key":                  {[]string{`{"type": "keyDown", "key": "Escape"}`}, "down Escape"},
		"release a key":                {[]string{`{"type": "keyDown", "key": "Shift"}`, `{"type": "keyUp", "key": "Shift"}`}, "up Shift"},
		"type with keys":               {[]string{click("#notes"), `{"type": "keyDown", "key": "x"}`, `{"type": "keyUp", "key": "x"}`, change("#notes", "xy")}, "notes xy"},
		"scroll the page":              {[]string{`{"type": "scroll", "x": 0, "y": 150}`}, "window 0 150"},
		"scroll an element":            {[]string{`{"type": "scroll", "selectors": "#box", "y": 40}`}, "box 40"},
		"upload to a hidden field":     {[]string{`{"type": "customStep", "name": "uploadFile", "parameters": {"selectors": "#upload", "files": [{"name": "a.txt", "mimeType": "text/plain", "text": "hi"}, {"name": "b.json", "base64": "e30="}]}}`}, "a.txt text/plain hi; b.json application/json {}"},
		"wait for what is there":       {[]string{`{"type": "waitForElement", "selectors": "#hidden"}`, click("#add")}, "clicked add"},
		"the size it has already":      {[]string{`{"type": "setViewport", "width": 1280, "height": 720}`, click("#add")}, "clicked add"},
		"a page for new tabs at first": {[]string{visit("chrome://new-tab-page/"), visit("/"), click("#add")}, "clicked add"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.do(t, visit("/"))
			b.do(t, test.steps...)
			b.do(t, says(test.says))
		})
	}
}

func TestSelectors(t *testing.T) {
	t.Parallel()
	for selectors, said := range map[string]string{
		`"#add"`:                                        "clicked add",
		`"aria/Add to cart"`:                            "clicked add",
		`"aria/Add to cart[role=\"button\"]"`:           "clicked add",
		`"aria/Close menu"`:                             "clicked icon",
		`"text/Add to cart"`:                            "clicked add",
		`"text/cart later"`:                             "clicked other",
		`"xpath///*[@id=\"add\"]"`:                      "clicked add",
		`"xpath//html/body/button[2]"`:                  "clicked other",
		`"pierce/.buy"`:                                 "bought",
		`"text/Buy now"`:                                "bought",
		`"aria/Buy now"`:                                "bought",
		`[["shop-card", ".buy"]]`:                       "bought",
		`[["shop-card", "aria/Buy now"]]`:               "bought",
		`[["shop-card", "xpath//section/button"]]`:      "bought",
		`[["shop-card", "xpath///button"]]`:             "bought",
		`[["shop-card", "section", "button"]]`:          "bought",
		`["#nothing", "aria/Nothing", "#icon"]`:         "clicked icon",
		`["#hidden", "#icon"]`:                          "clicked icon", // hidden elements are not clicked
		`["button", "#icon"]`:                           "clicked icon", // a unique match goes first
		`[".primary, .other", "button"]`:                "clicked add",  // else the first alternative's first
		`["a >> b", "xpath/[", "#icon"]`:                "clicked icon", // one that is not valid does no harm
		`["[title=\"'>> \\\\ ` + "`" + `\"]", "#icon"]`: "clicked icon", // whatever is in it
	} {
		t.Run(selectors, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.do(t, visit("/"), `{"type": "click", "selectors": `+selectors+`}`, says(said))
		})
	}
}

func TestAccessibleNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, visit("/"))
	for name, value := range map[string]string{
		"Email": "ada", "Notes": "long", `Email[role=\"textbox\"]`: "eve", "Size": "Large", `Size[role=\"combobox\"]`: "Small",
		"Terms": "true", `Card[role=\"radio\"]`: "true", `Volume[role=\"slider\"]`: "20", `[role=\"slider\"]`: "30", "Day": "2026-01-01", "Editor": "text",
	} {
		b.do(t, `{"type": "change", "selectors": "aria/`+name+`", "value": "`+value+`"}`)
	}
	for _, name := range []string{`Shop[role=\"heading\"]`, `Next page[role=\"link\"]`, "Next page"} {
		b.do(t, `{"type": "waitForElement", "selectors": "aria/`+name+`"}`)
	}
	// A text that is in nothing that it names is no name.
	b.fails(t, browser.NotFound, `{"type": "waitForElement", "selectors": "aria/inside", "timeout": 300}`)
}

func TestSetViewport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, visit("/"), `{"type": "setViewport", "width": 400, "height": 300}`,
		`{"type": "waitForExpression", "expression": "innerWidth === 400 && innerHeight === 300"}`)
	shot, err := b.Screenshot(t.Context())
	require.NoError(t, err)
	size, err := png.DecodeConfig(bytes.NewReader(shot))
	require.NoError(t, err)
	require.Equal(t, []int{400, 300}, []int{size.Width, size.Height})
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]string{
		"an action waits for its element":    click("text/Late button"),
		"an action waits for it to be shown": click("#early"),
		"element":                            `{"type": "waitForElement", "selectors": "#late"}`,
		"visible element":                    `{"type": "waitForElement", "selectors": "#early", "visible": true}`,
		"number of elements":                 `{"type": "waitForElement", "selectors": "#list li", "operator": "==", "count": 3}`,
		"at least some elements":             `{"type": "waitForElement", "selectors": "#list li", "count": 2}`,
		"element to go":                      `{"type": "waitForElement", "selectors": "#gone", "operator": "==", "count": 0}`,
		"at most none":                       `{"type": "waitForElement", "selectors": "#gone", "operator": "<=", "count": 0}`,
		"element to be hidden":               `{"type": "waitForElement", "selectors": "#gone", "visible": false}`,
		"attributes":                         `{"type": "waitForElement", "selectors": ".x", "attributes": {"class": "x"}, "count": 2}`,
		"properties":                         `{"type": "waitForElement", "selectors": "#early", "properties": {"hidden": false, "parentElement": {"tagName": "BODY"}}}`,
		"expression that throws at first":    `{"type": "waitForExpression", "expression": "ready.state === 'yes';"}`,
		"expression that is a promise":       `{"type": "waitForExpression", "expression": "new Promise(done => setTimeout(done, 20, window.ready)) // later"}`,
		"text":                               `{"type": "customStep", "name": "assertText", "parameters": {"selectors": "#list li:last-child", "text": "three"}}`,
		"title":                              `{"type": "customStep", "name": "assertTitle", "parameters": {"title": "Late and ready"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.do(t, visit("/late.html"), step)
		})
	}
}

func TestStrictContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, visit("/csp.html"), click("aria/Button"), says("strict"),
		`{"type": "waitForExpression", "expression": "document.title === 'Strict'"}`,
		`{"type": "waitForElement", "selectors": "button", "operator": "==", "count": 1}`)
}

package pwgo_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
)

const navigation = `"assertedEvents": [{"type": "navigation", "url": "https://recorded.example/", "title": "Recorded"}]`

func address(url string) string { return custom("assertUrl", fmt.Sprintf(`"url": %q`, url)) }

func TestNavigation(t *testing.T) {
	t.Parallel()
	t.Run("navigate asserts itself", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.do(t, `{"type": "navigate", "url": "/next.html", `+navigation+`}`, address("/next.html"))
	})
	t.Run("a step waits for the page it leads to", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.do(t, visit("/"), `{"type": "click", "selectors": "#next", `+navigation+`}`,
			custom("assertTitle", `"title": "Next page"`),
			`{"type": "click", "selectors": "#go", `+navigation+`}`, // goes a little later
			custom("assertTitle", `"title": "Form"`))
	})
	t.Run("within the page", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.do(t, visit("/next.html"), `{"type": "click", "selectors": "#push", `+navigation+`}`, address("/next.html#pushed"))
	})
	t.Run("by a key", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.do(t, visit("/next.html"), `{"type": "change", "selectors": "aria/Query", "value": "mug"}`,
			`{"type": "keyDown", "key": "Enter", `+navigation+`}`, address("/next.html?q=mug"))
	})
	t.Run("that does not come", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.do(t, visit("/"))
		require.Contains(t, b.fails(t, browser.Navigation, `{"type": "click", "selectors": "#add", "timeout": 2000, `+navigation+`}`),
			"the step led to no other page, the browser is still at "+b.site+"/ (waited ")
	})
	t.Run("to a page that cannot be opened", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.do(t, visit("/"))
		require.Contains(t, b.fails(t, browser.Navigation, `{"type": "click", "selectors": "#broken", `+navigation+`}`),
			"the step led to a page that cannot be opened: browsers do not open that port (net::ERR_UNSAFE_PORT)")
	})
	t.Run("to nobody", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		require.Equal(t, "cannot open http://127.0.0.1:9/: browsers do not open that port (net::ERR_UNSAFE_PORT)",
			b.fails(t, browser.Navigation, visit("http://127.0.0.1:9/")))
		require.Equal(t, "cannot open http://localhost:4/: the connection was refused; is the site running? (net::ERR_CONNECTION_REFUSED)",
			b.fails(t, browser.Navigation, visit("http://localhost:4/")))
	})
	t.Run("to a download", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.fails(t, browser.Navigation, visit("/download"))
		b.do(t, visit("/"))
	})
	t.Run("that takes too long", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		require.Contains(t, b.fails(t, browser.Navigation, `{"type": "navigate", "url": "/hang", "timeout": 300}`), b.site+"/hang did not load (waited ")
	})
	t.Run("to a path of no site", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(o *browser.Options) { o.BaseURL = "" })
		require.Equal(t, "the address /login is relative: give the case or the run a baseUrl", b.fails(t, browser.Unsupported, visit("/login")))
	})
	t.Run("that the page takes elsewhere", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.do(t, visit("/elsewhere.html"), address("/next.html"))
	})
}

func TestFrames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := func(frame, step string) string { return `{"frame": ` + frame + `, ` + step[1:] }
	b.do(t, visit("/frames.html"), says("outside"), in(`[]`, says("outside")), in(`[0]`, says("popup")), in(`[1]`, says("second")),
		in(`[1, 0]`, says("nothing yet")),
		in(`[1, 0]`, `{"type": "change", "selectors": "aria/Query", "value": "mug"}`),
		in(`[1, 0]`, custom("assertValue", `"selectors": "aria/Query", "value": "mug"`)),
		in(`[1, 0]`, `{"type": "waitForExpression", "expression": "document.title === 'Next page'"}`))
	// Recorder names frames from other sites by their address.
	b.do(t, `{"target": "`+b.site+`/popup.html?first", `+says("popup")[1:])
	require.Contains(t, b.fails(t, browser.NotFound, `{"type": "click", "selectors": "a", "frame": [1, 7], "timeout": 200}`), "the page has no frame [1 7] (waited ")
}

func TestTabs(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]string{"address": "/popup.html?x=1", "address without query": "/popup.html?recorded=1#there"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			on := func(step string) string { return `{"target": "` + b.site + target + `", ` + step[1:] }
			b.do(t, visit("/"), click("#popup"), on(says("popup")), says("nothing yet"),
				on(click("#close")), // closes its own tab, which is fine
				click("#add"), says("clicked add"))
			require.Contains(t, b.fails(t, browser.NotFound, `{"type": "click", "selectors": "a", "timeout": 200, "target": "`+b.site+target+`"}`),
				"no tab shows "+b.site+target+" (waited ")
		})
	}
}

func TestDialogsAreAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, visit("/dialogs.html"),
		click("#alert"), says("alert answered"),
		click("#confirm"), says("confirm true"),
		click("#prompt"), says("prompt Ada"),
		`{"type": "change", "selectors": "#dirty", "value": "x"}`,
		`{"type": "click", "selectors": "#leave", `+navigation+`}`, custom("assertTitle", `"title": "Next page"`))
}

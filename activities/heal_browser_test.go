package activities_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/testcase"
	"github.com/cinnamon-qa/cinnamon/testsite"
)

// chromium is the browser of all tests that heal.
var chromium struct {
	once sync.Once
	pool *pwgo.Pool
	err  error
}

func browsers(t *testing.T) *pwgo.Pool {
	t.Helper()
	chromium.once.Do(func() {
		ctx := context.Background() //nolint:forbidigo // outlives the test that comes first
		if chromium.err = pwgo.InstallDriver(ctx, pwgo.Config{}); chromium.err != nil {
			return
		}
		pool := pwgo.New(pwgo.Config{})
		if chromium.err = pool.Start(ctx); chromium.err == nil {
			chromium.pool = pool
		}
	})
	if chromium.err != nil {
		if browser.KindOf(chromium.err) != browser.Unavailable || os.Getenv("CI") != "" {
			require.NoError(t, chromium.err)
		}
		t.Skipf("no browser on this machine, install chromium-headless-shell and Node.js: %s", chromium.err)
	}
	return chromium.pool
}

// tab is a session on a site.
type tab struct {
	browser.Session
	t *testing.T
}

func openTab(t *testing.T, site string) tab {
	t.Helper()
	s, err := browsers(t).Open(t.Context(), browser.Options{
		Viewport: browser.Viewport{Width: 1280, Height: 900}, Headless: true, BaseURL: site, StepTimeout: 20 * time.Second,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	return tab{s, t}
}

func parseStep(t *testing.T, text string) testcase.Step {
	t.Helper()
	c, err := testcase.Parse([]byte(`{"title": "t", "steps": [` + text + `]}`))
	require.NoError(t, err)
	return c.Steps[0]
}

func (b tab) do(steps ...string) {
	b.t.Helper()
	for _, s := range steps {
		require.NoError(b.t, b.Do(b.t.Context(), parseStep(b.t, s)))
	}
}

// page describes what the tab shows.
func (b tab) page() []healing.Fingerprint {
	b.t.Helper()
	sight, err := b.Look(b.t.Context())
	require.NoError(b.t, err)
	require.Empty(b.t, sight.Cut)
	return sight.Elements
}

// find is the number of the first element of a page with all these: "id=email", "landmark=navigation href=/cart", "class=brand".
func find(t *testing.T, page []healing.Fingerprint, what string) int {
	t.Helper()
	for i, f := range page {
		all := true
		for want := range strings.FieldsSeq(what) {
			field, value, ok := strings.Cut(want, "=")
			require.True(t, ok, what)
			switch field {
			case "id":
				all = all && f.ID == value
			case "name":
				all = all && f.Name == value
			case "test":
				all = all && f.TestID == value
			case "tag":
				all = all && f.Tag == value
			case "landmark":
				all = all && f.Landmark == value
			case "class":
				all = all && slices.Contains(strings.Fields(f.Class), value)
			case "href":
				all = all && strings.HasSuffix(f.Href, value)
			case "caption":
				all = all && strings.HasPrefix(strings.ReplaceAll(f.AccessibleName, " ", "_"), value)
			default:
				require.Fail(t, "no such field", what)
			}
		}
		if all {
			return i
		}
	}
	require.Fail(t, "there is no such element", what)
	return -1
}

func stepOf(action string) testcase.Step {
	if slices.Contains(testcase.CustomNames(), action) {
		return testcase.Step{Type: testcase.TypeCustomStep, Name: action}
	}
	return testcase.Step{Type: action}
}

// tally counts what became of elements; none may be healed wrongly.
type tally struct {
	mu             sync.Mutex
	right, refused int
}

func (c *tally) judge(t *testing.T, what string, f activities.Found, truth string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.Refusal != "" {
		c.refused++
		t.Logf("%s: refused: %s", what, f.Refusal)
		return
	}
	c.right++
	require.Equal(t, truth, f.XPath, "%s was healed to %s: %s", what, f.Name, f.Reason)
}

func goTo(path string) string { return fmt.Sprintf(`{"type": "navigate", "url": %q}`, path) }

// pair is an element of version 1 of the shop, and the one that does the same in version 2; empty if none does.
type pair struct {
	action   string
	one, two string
}

// The shop's redesign changed ids, classes, names, captions, the order, and what kind of element it is.
func TestShopRedesign(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(testsite.Handler(testsite.Options{}))
	t.Cleanup(server.Close)
	const click, change = "click", "change"
	count := &tally{}
	t.Cleanup(func() {
		t.Logf("%d elements were found again, %d refused", count.right, count.refused)
		require.True(t, t.Failed() || count.right >= 25, "fewer were found than before: %d", count.right)
	})
	for path, pairs := range map[string][]pair{
		"/login": {
			{change, "id=email", "id=sx-mail"},
			{change, "id=password", "id=sx-secret"},
			{click, "id=login-button", "test=enter-go"},
			{click, "id=login-link", "test=enter"},
			{click, "id=cart-link", "test=basket"},
			{click, "id=terms-link", "tag=a href=/terms"},
			{click, "caption=Catalogue", "caption=Shop_all"},
			{click, "caption=Journal", "caption=Stories"},
			{click, "caption=Kitchen", "caption=Kitchen"},
			{click, "caption=Gifts", "caption=Gift"},
			{"hover", "id=regions-menu", "class=sx-flyout__head"},
			{click, "class=brand", "class=sx-rail__logo"},
		},
		"/": {
			{click, "id=join-club", "test=club-open"},
			{click, "caption=Browse", "class=sx-btn href=/catalogue"},
			{click, "tag=a caption=Ceylon", "tag=a caption=Ceylon"},
		},
		"/products/ceylon-cinnamon": {
			{change, "id=variant", "name=size"},
			{change, "id=quantity", "name=qty"},
			{click, "id=add-to-cart", "test=buy-go"},
			{click, "id=go-to-cart", ""},
			{click, "caption=Helpful:_review", "caption=This_helped"},
		},
		"/catalogue": {{change, "id=search", "test=find"}, {change, "id=region", "id=sx-origin"}, {change, "id=sort", "test=order"}},
		"/gift":      {{"uploadFile", "id=photo", "test=picture"}, {click, "id=upload-button", "test=send"}},
		"/cart": {
			{change, "class=quantity", "name=qty"},
			{click, "class=update", "caption=Save_quantity"},
			{click, "class=remove", "caption=Delete"},
			{click, "id=checkout-button", "test=pay"},
			{click, "class=cart-name", "tag=a caption=Ceylon"},
			{click, "caption=Continue_shopping", ""},
		},
		"/checkout": {
			{change, "id=name", "name=full_name"},
			{change, "id=email", "name=customer_mail"},
			{change, "id=address", "name=street_line"},
			{change, "id=postcode", "name=zip"},
			{change, "id=city", "name=town"},
			{change, "id=country", "name=country_code"},
			{change, "id=card", "name=pan"},
			{change, "id=expiry", "name=valid_thru"},
			{click, "id=terms", "name=consent"},
			{click, "id=shipping-express", "name=delivery caption=Express"},
			{click, "id=place-order", "test=buy-now"},
		},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			old, changed := openTab(t, server.URL), openTab(t, server.URL)
			if path == "/cart" || path == "/checkout" {
				old.do(goTo("/products/ceylon-cinnamon?v=1"), `{"type": "click", "selectors": "#add-to-cart"}`, `{"type": "waitForElement", "selectors": "#add-message:not(:empty)"}`)
				changed.do(goTo("/products/ceylon-cinnamon?v=2"), `{"type": "click", "selectors": "[data-qa=buy-go]"}`, `{"type": "waitForElement", "selectors": "[data-qa=buy-answer]:not(:empty)"}`)
			}
			old.do(goTo(path + "?v=1"))
			changed.do(goTo(path + "?v=2"))
			before, after := old.page(), changed.page()
			for _, p := range pairs {
				truth := ""
				if p.two != "" {
					truth = after[find(t, after, p.two)].XPath
				}
				count.judge(t, p.one, activities.Search(before, find(t, before, p.one), after, stepOf(p.action)), truth)
			}
		})
	}
}

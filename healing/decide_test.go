package healing_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/healing"
)

// answers asks for each element of the old page in turn, all of them together, and returns what was decided.
func answers(old, page []healing.Fingerprint) []healing.Decision {
	indexed := healing.NewPage(page)
	decisions := make([]healing.Decision, len(old))
	for i, r := range indexed.RankTogether(old) {
		decisions[i] = indexed.Decide(old[i], r, healing.Careful)
	}
	return decisions
}

func TestRedesignsHealRightOrRefuse(t *testing.T) {
	t.Parallel()
	german := strings.NewReplacer("Search spices", "Gewürze suchen", "Search", "Suchen", "Sign in", "Anmelden", "Cart", "Warenkorb", "Add to cart", "In den Warenkorb",
		"Check out", "Zur Kasse", "Privacy policy", "Datenschutz", "Terms and conditions", "AGB", "Details of", "Mehr über", "Send me offers", "Angebote schicken")
	redesigns := map[string]struct {
		change func(i int, f *healing.Fingerprint)
		least  int // elements that must be healed
	}{
		"nothing changed": {func(int, *healing.Fingerprint) {}, 27},
		"generated class names": {func(i int, f *healing.Fingerprint) {
			f.Class = fmt.Sprintf("css-%dx%dk sc-fjdhpX%d", i*7919, i, i)
		}, 25},
		"translated": {func(_ int, f *healing.Fingerprint) {
			for _, s := range []*string{&f.Text, &f.Label, &f.Placeholder, &f.AccessibleName} {
				*s = german.Replace(*s)
			}
		}, 20},
		"moved": {func(_ int, f *healing.Fingerprint) {
			f.XPath = strings.Replace(f.XPath, "/body[1]/", "/body[1]/div[1]/div[2]/", 1)
			f.Box.X, f.Box.Y = 1200-f.Box.X, f.Box.Y/2
		}, 25},
		"ids renamed": {func(_ int, f *healing.Fingerprint) {
			if f.ID != "" {
				f.ID = "app-" + f.ID
			}
		}, 25},
	}
	old := shop()
	for name, redesign := range redesigns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			healed := 0
			for i, d := range answers(old, changed(old, redesign.change)) {
				require.NotEmpty(t, d.Reasons)
				if d.Heal {
					healed++
					require.Equal(t, i, d.Index, "%s: %v", old[i].Text, d.Reasons)
				}
			}
			require.GreaterOrEqual(t, healed, redesign.least)
		})
	}
}

func TestAnotherOrderHealsRight(t *testing.T) {
	t.Parallel()
	old := shop()
	reversed := make([]healing.Fingerprint, len(old))
	for i, f := range old {
		reversed[len(old)-1-i] = f
	}
	page := healing.NewPage(reversed)
	for i := range old {
		d := page.Decide(old[i], page.Rank(old[i]), healing.Careful)
		require.True(t, d.Heal, d.Reasons)
		require.Equal(t, len(old)-1-i, d.Index)
	}
}

// A hundred pages with the element removed and a decoy beside it.
func TestDecoysAreRefused(t *testing.T) {
	t.Parallel()
	old := shop()
	pages := 0
	for i := range old {
		for _, disguise := range []func(f *healing.Fingerprint){
			func(f *healing.Fingerprint) {
				f.Text, f.AccessibleName = "Delete everything", "Delete everything"
				f.Href = ""
				f.Label = ""
			},
			func(f *healing.Fingerprint) {
				f.Text = "Subscribe to our newsletter"
				f.AccessibleName = ""
				f.Label = ""
				f.Placeholder = ""
			},
			func(f *healing.Fingerprint) {
				f.Text, f.AccessibleName, f.Label, f.Placeholder, f.Class, f.Role = "Not now", "", "", "", "other", "switch"
			},
			func(f *healing.Fingerprint) { f.Visible = new(bool) },
		} {
			page := append([]healing.Fingerprint{}, old...)
			decoy := old[i]
			decoy.ID, decoy.TestID, decoy.Name = "decoy", "", ""
			if decoy.Href != "" {
				decoy.Href = "https://shop.example/somewhere/else"
			}
			disguise(&decoy)
			page[i] = decoy
			pages++
			d := answers(old, page)[i]
			require.False(t, d.Heal, "%+v became %+v: %v", old[i], decoy, d.Reasons)
		}
	}
	require.GreaterOrEqual(t, pages, 100)
}

func TestWhatIsGoneIsNotReplaced(t *testing.T) {
	t.Parallel()
	old := shop()
	for i := range old {
		d := answers(old, without(old, i))[i]
		require.False(t, d.Heal, "%+v: %v", old[i], d.Reasons)
	}
}

func TestTwinsAreRefused(t *testing.T) {
	t.Parallel()
	twin := healing.Fingerprint{Tag: "button", Text: "Add to cart", Class: "add"}
	page := healing.NewPage([]healing.Fingerprint{twin, twin})
	d := page.Decide(twin, page.Rank(twin), healing.Careful)
	require.False(t, d.Heal)
	require.Contains(t, d.Reasons[0], "equally similar")
}

func TestTheGates(t *testing.T) {
	t.Parallel()
	field := healing.Fingerprint{Tag: "input", Role: "textbox", ID: "email", Name: "email", Label: "Email", XPath: "/html[1]/body[1]/input[1]"}
	other := healing.Fingerprint{Tag: "p", Text: "Something else", XPath: "/html[1]/body[1]/p[1]"}
	for name, test := range map[string]struct {
		change func(f *healing.Fingerprint)
		says   string
	}{
		"another kind": {func(f *healing.Fingerprint) { f.Role = "checkbox" }, "a checkbox"},
		"hidden":       {func(f *healing.Fingerprint) { f.Visible = new(bool) }, "cannot be seen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := field
			test.change(&found)
			page := healing.NewPage([]healing.Fingerprint{other, found})
			d := page.Decide(field, page.Rank(field), healing.Careful)
			require.False(t, d.Heal)
			require.Contains(t, strings.Join(d.Reasons, "; "), test.says)
		})
	}
}

func TestConfirmAsksTheOldPage(t *testing.T) {
	t.Parallel()
	old, page := healing.NewPage(shop()), healing.NewPage(shop())
	for i := range page.Len() {
		locators := page.Locators(i)
		require.NotEmpty(t, locators)
		for _, l := range locators {
			require.Equal(t, []int{i}, page.Matches(l))
			c := healing.Confirm(old, i, *page.Element(i), l)
			require.True(t, c.Confirmed, c.Reason)
			c = healing.Confirm(old, (i+1)%old.Len(), *page.Element(i), l)
			require.False(t, c.Confirmed, c.Reason)
		}
	}
	unknown := healing.Locator{Kind: healing.ByID, Value: "new"}
	require.True(t, healing.Confirm(old, 4, *page.Element(4), unknown).Confirmed)
	require.False(t, healing.Confirm(old, 3, *page.Element(4), unknown).Confirmed)
	require.False(t, healing.Confirm(old, 99, *page.Element(4), unknown).Confirmed)
}

func TestAnotherDeed(t *testing.T) {
	t.Parallel()
	view := healing.Fingerprint{Tag: "a", Role: "link", Class: "btn", Text: "View cart", AccessibleName: "View cart", Href: "http://shop/cart", XPath: "/html[1]/body[1]/a[1]"}
	for caption, heals := range map[string]bool{"Add to cart": false, "Remove cart": false, "Show basket": true, "Cart": true, "Download cart": false} {
		other := view
		other.Text, other.AccessibleName = caption, caption
		page := healing.NewPage([]healing.Fingerprint{other, {Tag: "p", Text: "Nothing else", XPath: "/html[1]/body[1]/p[1]"}})
		d := page.Decide(view, page.Rank(view), healing.Careful)
		require.Equal(t, heals, d.Heal, "%s: %v", caption, d.Reasons)
	}
}

// What alone on both pages leads to an address, or is for a purpose, is the same whatever it is called; so is what has a caption alone, if
// the page was redesigned.
func TestSoleOfItsPurpose(t *testing.T) {
	t.Parallel()
	cell := healing.Fingerprint{Tag: "input", Role: "textbox", Name: "zip", Label: "Postcode", Autocomplete: "postal-code", XPath: "/html[1]/body[1]/form[1]/input[1]"}
	link := healing.Fingerprint{Tag: "a", Role: "link", Class: "nav", Text: "Journal", AccessibleName: "Journal", Href: "https://shop.example/journal", XPath: "/html[1]/body[1]/nav[1]/a[1]"}
	renamedCell, renamedLink := cell, link
	renamedCell.Name, renamedCell.Label, renamedCell.XPath = "plz", "Where it goes", "/html[1]/body[1]/main[1]/div[3]/input[1]"
	renamedLink.Text, renamedLink.AccessibleName, renamedLink.Class, renamedLink.XPath = "Stories", "Stories", "x", "/html[1]/body[1]/footer[1]/p[1]/a[1]"
	elsewhere := renamedLink
	elsewhere.XPath = "/html[1]/body[1]/main[1]/a[1]"
	asked := link
	asked.Href = "https://shop.example/journal?" // its query may be another one
	for name, test := range map[string]struct {
		old, page []healing.Fingerprint
		target    int
		heals     bool
	}{
		"a field":               {[]healing.Fingerprint{link, cell}, []healing.Fingerprint{renamedCell, renamedLink}, 1, true},
		"a link":                {[]healing.Fingerprint{link, cell}, []healing.Fingerprint{renamedCell, renamedLink}, 0, true},
		"two links now":         {[]healing.Fingerprint{link, cell}, []healing.Fingerprint{renamedCell, renamedLink, elsewhere}, 0, false},
		"two links before":      {[]healing.Fingerprint{link, elsewhere}, []healing.Fingerprint{renamedCell, renamedLink}, 0, false},
		"a link with its query": {[]healing.Fingerprint{asked, cell}, []healing.Fingerprint{renamedCell, renamedLink}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, page := healing.NewPage(test.old), healing.NewPage(test.page)
			r := page.Rank(test.old[test.target])
			before := r.Confidence
			page.TrustSole(old, test.target, &r)
			require.Equal(t, test.heals, r.Confidence > before, "%v", r.Evidence)
			require.Equal(t, test.heals, page.Decide(test.old[test.target], r, healing.Careful).Heal)
		})
	}
}

// Rows come and go: what stands beside a button says which one it is, not its place.
func TestRowsAreToldByWhatTheySay(t *testing.T) {
	t.Parallel()
	row := func(n int, customer string) healing.Fingerprint {
		return healing.Fingerprint{
			Tag: "button", Role: "button", Text: "Edit", AccessibleName: "Edit", Class: "small", XPath: fmt.Sprintf("/html[1]/body[1]/ul[1]/li[%d]/button[1]", n),
			Neighbours: healing.Neighbours{Around: customer},
		}
	}
	page := healing.NewPage([]healing.Fingerprint{row(1, "Ada Lovelace"), row(2, "Grace Hopper"), row(3, "Mary Jackson")})
	require.Negative(t, page.Twin(row(2, "Grace Hopper"), 1))
	require.GreaterOrEqual(t, page.Twin(row(2, "Joan Clarke"), 1), 0, "her row is gone, and another one stands in its place")
	require.Negative(t, page.Twin(row(2, "Mary Jackson"), 2), "it moved down")
}

func TestEachSaysSomethingElse(t *testing.T) {
	t.Parallel()
	clean := healing.Fingerprint{Tag: "button", Role: "button", Class: "wide", Text: "Clean all", AccessibleName: "Clean all", XPath: "/html[1]/body[1]/button[1]"}
	for caption, heals := range map[string]bool{"Retry all": false, "Clean all jobs": true, "Delete all": true, "All cleaned by us": false} {
		other := clean
		other.Text, other.AccessibleName = caption, caption
		page := healing.NewPage([]healing.Fingerprint{other, {Tag: "p", Text: "Nothing else", XPath: "/html[1]/body[1]/p[1]"}})
		d := page.Decide(clean, page.Rank(clean), healing.Careful)
		require.Equal(t, heals, d.Heal, "%s: %v", caption, d.Reasons)
	}
}

package healing_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/cinnamon-qa/cinnamon/healing"
)

// shop is a page of our own: a header with a search form, a table of products, each with the same buttons, and a footer.
func shop() []healing.Fingerprint {
	visible := true
	y := 0.0
	var page []healing.Fingerprint
	add := func(f healing.Fingerprint) {
		f.Box = &healing.Box{X: 20 + 40*float64(len(page)%5), Y: y, Width: 80 + float64(3*(len(page)%7)), Height: 24}
		y += 30
		f.Visible = &visible
		page = append(page, f)
	}
	add(healing.Fingerprint{Tag: "a", ID: "logo", Class: "brand", Href: "https://shop.example/", AccessibleName: "Spice shop", XPath: "/html[1]/body[1]/header[1]/a[1]", Landmark: "banner"})
	add(healing.Fingerprint{Tag: "input", ID: "q", Name: "q", Type: "search", Role: "searchbox", Placeholder: "Search spices", Label: "Search", XPath: "/html[1]/body[1]/header[1]/form[1]/input[1]", Landmark: "search"})
	add(healing.Fingerprint{Tag: "button", Class: "btn search-go", Text: "Search", XPath: "/html[1]/body[1]/header[1]/form[1]/button[1]", Landmark: "search"})
	add(healing.Fingerprint{Tag: "a", ID: "sign-in", Class: "nav-link", Href: "https://shop.example/login", Text: "Sign in", XPath: "/html[1]/body[1]/header[1]/nav[1]/a[1]", Landmark: "navigation"})
	add(healing.Fingerprint{Tag: "a", ID: "cart", Class: "nav-link", Href: "https://shop.example/cart", Text: "Cart", XPath: "/html[1]/body[1]/header[1]/nav[1]/a[2]", Landmark: "navigation"})
	for i, spice := range []string{"Saffron", "Cardamom", "Turmeric", "Cumin", "Paprika", "Star anise"} {
		row := fmt.Sprintf("/html[1]/body[1]/main[1]/ul[1]/li[%d]", i+1)
		add(healing.Fingerprint{Tag: "h3", Class: "product-name", Text: spice, XPath: row + "/h3[1]", Landmark: "main"})
		add(healing.Fingerprint{Tag: "a", Class: "product-link", Href: "https://shop.example/spices/" + spice, Text: "Details of " + spice, XPath: row + "/a[1]", Landmark: "main"})
		add(healing.Fingerprint{Tag: "button", TestID: "add-" + spice, Class: "btn add", Text: "Add to cart", XPath: row + "/button[1]", Landmark: "main", Neighbours: healing.Neighbours{Around: spice}})
	}
	add(healing.Fingerprint{Tag: "input", ID: "newsletter", Type: "checkbox", Label: "Send me offers", XPath: "/html[1]/body[1]/footer[1]/label[1]/input[1]", Landmark: "contentinfo"})
	add(healing.Fingerprint{Tag: "button", ID: "checkout", Class: "btn primary", Text: "Check out", XPath: "/html[1]/body[1]/footer[1]/button[1]", Landmark: "contentinfo"})
	add(healing.Fingerprint{Tag: "a", Class: "small", Href: "https://shop.example/privacy", Text: "Privacy policy", XPath: "/html[1]/body[1]/footer[1]/a[1]", Landmark: "contentinfo"})
	add(healing.Fingerprint{Tag: "a", Class: "small", Href: "https://shop.example/terms", Text: "Terms and conditions", XPath: "/html[1]/body[1]/footer[1]/a[2]", Landmark: "contentinfo"})
	return page
}

// changed returns a copy of a page with something done to each element.
func changed(page []healing.Fingerprint, change func(i int, f *healing.Fingerprint)) []healing.Fingerprint {
	changed := make([]healing.Fingerprint, len(page))
	for i, f := range page {
		if f.Box != nil {
			box := *f.Box
			f.Box = &box
		}
		change(i, &f)
		changed[i] = f
	}
	return changed
}

// without returns a copy of a page without one element.
func without(page []healing.Fingerprint, i int) []healing.Fingerprint {
	return append(append([]healing.Fingerprint{}, page[:i]...), page[i+1:]...)
}

// random makes fingerprints of few words, so that many are alike.
func random(r *rand.Rand) healing.Fingerprint {
	word := func() string {
		words := []string{"", "", "search", "cart", "sign in", "account", "orders", "help", "save", "delete"}
		return words[r.IntN(len(words))]
	}
	tags := []string{"a", "button", "input", "li", "span", "div"}
	f := healing.Fingerprint{
		Tag: tags[r.IntN(len(tags))], ID: word(), Name: word(), Class: strings.TrimSpace(word() + " " + word()), Text: word() + " " + word(), Alt: word(), Title: word(),
		TestID: word(), Placeholder: word(), Label: word(), Neighbours: healing.Neighbours{Around: word() + " " + word()},
		XPath: fmt.Sprintf("/html[1]/body[1]/div[%d]/%s[%d]", 1+r.IntN(4), tags[r.IntN(len(tags))], 1+r.IntN(9)),
	}
	if f.Tag == "input" {
		f.Autocomplete = strings.ReplaceAll(word(), " ", "-")
	}
	if w := word(); w != "" {
		f.Href = "https://shop.example/" + w
	}
	if r.IntN(3) > 0 {
		f.Box = &healing.Box{X: float64(r.IntN(1000)), Y: float64(r.IntN(4000)), Width: float64(r.IntN(300)), Height: float64(r.IntN(60))}
	}
	return f
}

func randomPage(r *rand.Rand, n int) []healing.Fingerprint {
	page := make([]healing.Fingerprint, n)
	for i := range page {
		page[i] = random(r)
	}
	return page
}

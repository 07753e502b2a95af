package testsite

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed data/*.json
var dataFiles embed.FS

// A product is one spice on the shelf. Prices are in cents, for the smallest variant.
type product struct {
	Slug        string `json:"slug"`
	Name        string `json:"name"`
	Region      string `json:"region"`
	Kind        string `json:"kind"`
	Price       int    `json:"price"`
	Heat        int    `json:"heat"`
	Dark        string `json:"dark"`
	Light       string `json:"light"`
	Description string `json:"description"`
}

// A variant is a size in which every product is sold.
type variant struct {
	Key    string
	Label  string
	factor int
}

// A review is one customer's opinion; every product shows the same ones.
type review struct {
	Author  string `json:"author"`
	Stars   int    `json:"stars"`
	Text    string `json:"text"`
	Date    string `json:"date"`
	Helpful int    `json:"helpful"`
}

// A story is one entry of the journal.
type story struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// A catalogue is everything the shop sells and says. It never changes after loading.
type catalogue struct {
	products []product
	reviews  []review
	stories  []story
}

// loadCatalogue reads the embedded data. It panics on a mistake in it, which can only be one of this package.
func loadCatalogue() catalogue {
	var c catalogue
	decode("products", &c.products)
	decode("reviews", &c.reviews)
	decode("journal", &c.stories)
	return c
}

func decode(name string, into any) {
	data, err := dataFiles.ReadFile("data/" + name + ".json")
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		panic(fmt.Sprintf("reading the embedded %s: %v", name, err))
	}
}

func variants() []variant {
	return []variant{
		{Key: "jar", Label: "Jar, 40 g", factor: 1},
		{Key: "refill", Label: "Refill bag, 100 g", factor: 2},
		{Key: "pouch", Label: "Family pouch, 250 g", factor: 4},
	}
}

func findVariant(key string) (variant, bool) {
	all := variants()
	i := slices.IndexFunc(all, func(v variant) bool { return v.Key == key })
	if i < 0 {
		return variant{}, false
	}
	return all[i], true
}

// PriceOf is the price of the product in that variant, in cents.
func (p product) PriceOf(v variant) int { return p.Price * v.factor }

func (c catalogue) find(slug string) (product, bool) {
	i := slices.IndexFunc(c.products, func(p product) bool { return p.Slug == slug })
	if i < 0 {
		return product{}, false
	}
	return c.products[i], true
}

// regions lists where the products come from, in alphabetical order.
func (c catalogue) regions() []string {
	var all []string
	for _, p := range c.products {
		all = append(all, p.Region)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A search says which products are shown, and in which order.
type search struct {
	Query  string
	Region string
	Sort   string // "name" (default), "price", "price-desc"
}

func (c catalogue) search(s search) []product {
	words := strings.Fields(strings.ToLower(s.Query))
	found := make([]product, 0, len(c.products))
	for _, p := range c.products {
		text := strings.ToLower(p.Name + " " + p.Region + " " + p.Kind)
		matches := s.Region == "" || s.Region == p.Region
		for _, word := range words {
			matches = matches && strings.Contains(text, word)
		}
		if matches {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b product) int {
		switch s.Sort {
		case "price":
			return cmp.Compare(a.Price, b.Price)
		case "price-desc":
			return cmp.Compare(b.Price, a.Price)
		default:
			return cmp.Compare(a.Name, b.Name)
		}
	})
	return found
}

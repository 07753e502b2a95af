package testsite

import (
	"fmt"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
)

// A shipping is a way in which an order can reach the customer.
type shipping struct {
	Key   string
	Label string
	Price int
}

func shippings() []shipping {
	return []shipping{
		{Key: "standard", Label: "Standard, 3 to 5 days", Price: 390},
		{Key: "express", Label: "Express, next day", Price: 990},
		{Key: "pickup", Label: "Pick up in the shop", Price: 0},
	}
}

// A country is a place to which the shop delivers.
type country struct {
	Code string
	Name string
}

func countries() []country {
	return []country{
		{"AT", "Austria"},
		{"BE", "Belgium"},
		{"DK", "Denmark"},
		{"FR", "France"},
		{"DE", "Germany"},
		{"IT", "Italy"},
		{"NL", "Netherlands"},
		{"PL", "Poland"},
		{"ES", "Spain"},
		{"SE", "Sweden"},
		{"CH", "Switzerland"},
		{"GB", "United Kingdom"},
	}
}

var (
	postcodePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 -]{2,8}$`)
	cardPattern     = regexp.MustCompile(`^\d{4}( ?\d{4}){3}$`)
	expiryPattern   = regexp.MustCompile(`^(0[1-9]|1[0-2])/\d{2}$`)
)

// A rule is what a field of the checkout form must satisfy, and what the customer reads when it does not.
type rule struct {
	Field   string
	Message string
	valid   func(string) bool
}

// rules are checked by the server; templates hand the messages to the browser, which checks the same by its own means.
func rules() []rule {
	return []rule{
		{"name", "Enter your full name.", between(2, 80)},
		{"email", "Enter an email address like name@example.com.", validEmail},
		{"address", "Enter your street and house number.", between(3, 120)},
		{"postcode", "Enter a postcode.", postcodePattern.MatchString},
		{"city", "Enter your city.", between(2, 80)},
		{"country", "Choose a country.", func(code string) bool { return countryName(code) != "" }},
		{"shipping", "Choose how we ship your order.", func(key string) bool { return findShipping(key).Key != "" }},
		{"card", "Enter the 16 digits of your card.", cardPattern.MatchString},
		{"expiry", "Enter the expiry date as MM/YY.", expiryPattern.MatchString},
		{"terms", "Accept the terms to place your order.", func(s string) bool { return s == "yes" }},
	}
}

func between(shortest, longest int) func(string) bool {
	return func(s string) bool { return len(s) >= shortest && len(s) <= longest }
}

func validEmail(s string) bool {
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s || len(s) > 254 {
		return false
	}
	_, domain, _ := strings.Cut(s, "@")
	return strings.Contains(domain, ".")
}

func countryName(code string) string {
	for _, c := range countries() {
		if c.Code == code {
			return c.Name
		}
	}
	return ""
}

func findShipping(key string) shipping {
	for _, s := range shippings() {
		if s.Key == key {
			return s
		}
	}
	return shipping{}
}

// validCard is the checksum that card numbers carry; only the server looks at it.
func validCard(number string) bool {
	digits := strings.ReplaceAll(number, " ", "")
	sum := 0
	for i, r := range digits {
		d := int(r - '0')
		if (len(digits)-i)%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// A checkoutPage is the form, with what was typed and what is wrong with it.
type checkoutPage struct {
	cartPage
	Countries []country
	Shippings []shipping
	Rules     []rule
	Values    map[string]string
	Errors    map[string]string
}

// Message is what the customer reads when the field is not right.
func (p checkoutPage) Message(field string) string {
	i := slices.IndexFunc(p.Rules, func(r rule) bool { return r.Field == field })
	if i < 0 {
		return ""
	}
	return p.Rules[i].Message
}

// A textField is one input of the form, ready for its template.
type textField struct {
	ID, Label, Type, Autocomplete, Pattern, Hint string
	Value, Message, Error                        string
}

// Text describes the input for a field in the words of the template.
func (p checkoutPage) Text(field, label, kind, autocomplete, pattern, hint string) textField {
	return textField{
		ID: field, Label: label, Type: kind, Autocomplete: autocomplete, Pattern: pattern, Hint: hint,
		Value: p.Values[field], Message: p.Message(field), Error: p.Errors[field],
	}
}

// Renamed is the same input under the name that a redesign gave to it.
func (f textField) Renamed(id string) textField {
	f.ID = id
	return f
}

func (v *visit) checkoutPage(lines []line) checkoutPage {
	return checkoutPage{
		cartPage:  cartPage{Lines: lines, Subtotal: subtotal(lines)},
		Countries: countries(),
		Shippings: shippings(),
		Rules:     rules(),
		Values:    map[string]string{"shipping": "standard"},
		Errors:    map[string]string{},
	}
}

func (v *visit) showCheckout() {
	st := v.site.sessions.snapshot(v.session)
	if len(st.lines) == 0 {
		v.redirect("/cart")
		return
	}
	page := v.checkoutPage(st.lines)
	if st.email != "" {
		page.Values["name"], page.Values["email"] = st.name, st.email
	}
	v.render(http.StatusOK, "checkout", page)
}

func (v *visit) placeOrder() {
	if !v.form() {
		return
	}
	lines := v.site.sessions.snapshot(v.session).lines
	if len(lines) == 0 {
		v.redirect("/cart")
		return
	}
	page := v.checkoutPage(lines)
	for _, rule := range page.Rules {
		value := v.field(rule.Field)
		page.Values[rule.Field] = value
		if !rule.valid(value) {
			page.Errors[rule.Field] = rule.Message
		}
	}
	card := page.Values["card"]
	if page.Errors["card"] == "" && !validCard(card) {
		page.Errors["card"] = "Your bank does not know this card. Check the number."
	}
	if len(page.Errors) > 0 {
		delete(page.Values, "card") // never sent back
		v.render(http.StatusUnprocessableEntity, "checkout", page)
		return
	}
	placed := &order{
		Number:   fmt.Sprintf("CS-%d", v.site.orders.Add(1)),
		Lines:    lines,
		Name:     page.Values["name"],
		Email:    page.Values["email"],
		City:     page.Values["city"],
		Country:  countryName(page.Values["country"]),
		Shipping: findShipping(page.Values["shipping"]),
		Card:     card[len(card)-4:],
	}
	v.site.sessions.update(v.session, func(st *state) { st.lines, st.order = nil, placed })
	v.redirect("/orders/" + placed.Number)
}

// showOrder shows the order to the browser that placed it, and to nobody else.
func (v *visit) showOrder() {
	placed := v.site.sessions.snapshot(v.session).order
	if placed == nil || placed.Number != v.r.PathValue("number") {
		v.notFound()
		return
	}
	v.render(http.StatusOK, "order", placed)
}

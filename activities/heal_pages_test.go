package activities_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/healing"
)

// part is one thing to act on in a page that tests draw.
type part struct {
	kind    string // link, button, text, choice, check
	key     string
	caption string
}

// drawn is an application's page: where one goes, what one fills in, what one can do.
type drawn struct {
	links, fields, buttons []part
	rows                   []string
}

// words from which pages are drawn; no two of a page name the same thing.
func draw(r *rand.Rand) drawn {
	links := []part{{"link", "orders", "Orders"}, {"link", "customers", "Customers"}, {"link", "reports", "Reports"}, {"link", "stock", "Stock"}, {"link", "calendar", "Calendar"}, {"link", "prices", "Price lists"}, {"link", "team", "Team"}}
	fields := []part{
		{"text", "company", "Company name"},
		{"text", "vat", "VAT number"},
		{"text", "street", "Street"},
		{"text", "iban", "Bank account"},
		{"choice", "currency", "Currency"},
		{"choice", "terms", "Terms of payment"},
		{"check", "urgent", "Handle with priority"},
		{"text", "note", "Delivery note"},
		{"text", "phone", "Phone"},
		{"check", "invoice", "Invoice by e-mail"},
	}
	buttons := []part{{"button", "save", "Save changes"}, {"button", "archive", "Archive"}, {"button", "print", "Print label"}, {"button", "refund", "Refund payment"}, {"button", "assign", "Assign driver"}, {"button", "export", "Export as CSV"}}
	some := func(list []part, n int) []part {
		list = append([]part(nil), list...)
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list[:n]
	}
	d := drawn{links: some(links, 3+r.IntN(4)), fields: some(fields, 3+r.IntN(5)), buttons: some(buttons, 2+r.IntN(4))}
	for i := range r.IntN(6) {
		d.rows = append(d.rows, fmt.Sprintf("Order %d", 1000+i))
	}
	return d
}

// style says how a page is written.
type style struct {
	id, class func(p part) string
	caption   func(p part) string
	reversed  bool
	// other makes links of buttons.
	other bool
	// instead has what stands in place of a part.
	instead map[string]string
}

func plain() style {
	return style{
		id:      func(p part) string { return p.key },
		class:   func(p part) string { return p.kind },
		caption: func(p part) string { return p.caption },
	}
}

func (s style) write(d drawn) string {
	var b strings.Builder
	put := func(p part) {
		if instead, ok := s.instead[p.key]; ok {
			b.WriteString(instead)
			return
		}
		b.WriteString(s.html(p))
	}
	group := func(parts []part) {
		for i := range parts {
			if s.reversed {
				i = len(parts) - 1 - i
			}
			put(parts[i])
		}
	}
	menu := func() {
		b.WriteString("<nav><ul>")
		group(d.links)
		b.WriteString("</ul></nav>")
	}
	table := func() {
		b.WriteString("<table>")
		for i, row := range d.rows {
			_, _ = fmt.Fprintf(&b, `<tr><td>%s</td><td><button id="row-%d" class="small">Open</button></td></tr>`, row, i)
		}
		b.WriteString("</table>")
	}
	form := func() {
		b.WriteString(`<main><h1>Account</h1><form>`)
		group(d.fields)
		b.WriteString(`</form><div class="bar">`)
		group(d.buttons)
		b.WriteString("</div></main>")
	}
	b.WriteString(`<!doctype html><html lang="en"><body>`)
	if s.reversed {
		form()
		table()
		menu()
	} else {
		menu()
		form()
		table()
	}
	return b.String()
}

func (s style) html(p part) string {
	id, class, caption := s.id(p), s.class(p), s.caption(p)
	switch p.kind {
	case "link":
		return fmt.Sprintf(`<li><a id='%s' class='%s' href='/%s'>%s</a></li>`, id, class, p.key, caption)
	case "button":
		if s.other {
			return fmt.Sprintf(`<a id='%s' class='%s' role="button" tabindex="0">%s</a>`, id, class, caption)
		}
		return fmt.Sprintf(`<button id='%s' class='%s' type="button">%s</button>`, id, class, caption)
	case "choice":
		if s.other {
			return fmt.Sprintf(`<fieldset id='%s'><legend>%s</legend><label><input type="radio" name='%s'> One</label><label><input type="radio" name='%s'> Two</label></fieldset>`, id, caption, id, id)
		}
		return fmt.Sprintf(`<p><label for='%s'>%s</label> <select id='%s' class='%s'><option>One<option>Two</select></p>`, id, caption, id, class)
	case "check":
		return fmt.Sprintf(`<p><input type="checkbox" id='%s' class='%s'> <label for='%s'>%s</label></p>`, id, class, id, caption)
	default:
		return fmt.Sprintf(`<p><label for='%s'>%s</label> <input id='%s' class='%s'></p>`, id, caption, id, class)
	}
}

func (d drawn) parts() []part {
	return append(append(append([]part(nil), d.links...), d.fields...), d.buttons...)
}

func actionOn(p part) string {
	switch p.kind {
	case "text", "choice":
		return "change"
	default:
		return "click"
	}
}

// screen is a tab that shows what a test draws.
type screen struct {
	tab
	pages sync.Map
}

func openScreen(t *testing.T) *screen {
	t.Helper()
	s := &screen{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if html, ok := s.pages.Load(r.URL.Path); ok {
			_, _ = fmt.Fprint(w, html)
		}
	}))
	t.Cleanup(server.Close)
	s.tab = openTab(t, server.URL)
	return s
}

// both describes two pages, one after the other.
func (s *screen) both(before, after string) (old, changed []healing.Fingerprint) {
	s.t.Helper()
	s.pages.Store("/before", before)
	s.pages.Store("/after", after)
	s.do(goTo("/before"))
	old = s.page()
	s.do(goTo("/after"))
	return old, s.page()
}

// Redesigns as they happen: every element that is there is healed to, or refused.
func TestRedesigns(t *testing.T) {
	t.Parallel()
	german := map[string]string{
		"Orders": "Aufträge", "Customers": "Kunden", "Reports": "Berichte", "Stock": "Lager", "Calendar": "Kalender", "Price lists": "Preislisten", "Team": "Mannschaft",
		"Company name": "Firma", "VAT number": "USt-IdNr.", "Street": "Straße", "Bank account": "Bankkonto", "Currency": "Währung", "Terms of payment": "Zahlungsziel",
		"Handle with priority": "Bevorzugt bearbeiten", "Delivery note": "Lieferhinweis", "Phone": "Telefon", "Invoice by e-mail": "Rechnung per E-Mail",
		"Save changes": "Änderungen speichern", "Archive": "Ablegen", "Print label": "Etikett drucken", "Refund payment": "Zahlung erstatten", "Assign driver": "Fahrer zuweisen", "Export as CSV": "Als CSV ausgeben",
	}
	for name, redesign := range map[string]func(r *rand.Rand) style{
		"class names of a framework": func(r *rand.Rand) style {
			s := plain()
			salt := r.Uint32()
			s.id = func(p part) string {
				return fmt.Sprintf("ember%d-%s", salt%900+100+uint32(len(p.key)), p.key[:1]+p.key[len(p.key)-1:])
			}
			s.class = func(part) string { return fmt.Sprintf("css-%x sc-%x", salt, salt/3) }
			return s
		},
		"another order": func(*rand.Rand) style {
			s := plain()
			s.reversed = true
			s.id = func(p part) string { return "new-" + p.key }
			return s
		},
		"another language": func(*rand.Rand) style {
			s := plain()
			s.id = func(p part) string { return "f-" + p.key }
			s.caption = func(p part) string { return german[p.caption] }
			return s
		},
		"other widgets": func(*rand.Rand) style {
			s := plain()
			s.other = true
			s.id = func(p part) string { return "w-" + p.key }
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count, b := &tally{}, openScreen(t)
			r := rand.New(rand.NewPCG(7, uint64(len(name))))
			for range 4 {
				d, s := draw(r), redesign(r)
				before, after := b.both(plain().write(d), s.write(d))
				for _, p := range d.parts() {
					truth := ""
					for i := range after {
						if after[i].ID == s.id(p) && after[i].Tag != "fieldset" && (after[i].AccessibleName == s.caption(p)) {
							truth = after[i].XPath
						}
					}
					count.judge(t, p.key, activities.Search(before, find(t, before, "id="+p.key), after, stepOf(actionOn(p))), truth)
				}
			}
			t.Logf("%d were found again, %d refused", count.right, count.refused)
			if name == "class names of a framework" || name == "another order" {
				require.Greater(t, count.right, 2*count.refused)
			}
		})
	}
}

// What is gone is not replaced by what stands beside it, was put in its place, or looks like it.
func TestDecoys(t *testing.T) {
	t.Parallel()
	const workers = 4
	for w := range workers {
		t.Run(strconv.Itoa(w), func(t *testing.T) {
			t.Parallel()
			b := openScreen(t)
			for n := w; n < 100; n += workers {
				r := rand.New(rand.NewPCG(11, uint64(n)))
				d := draw(r)
				parts := d.parts()
				gone := parts[r.IntN(len(parts))]
				s := plain()
				decoy := gone
				decoy.key, decoy.caption = "x"+gone.key[1:], []string{"Billing address", "Notify warehouse", "Duplicate", "Contracts", "Discount code"}[r.IntN(5)]
				switch n % 4 {
				case 0: // only its neighbours are left
					s.instead = map[string]string{gone.key: ""}
				case 1: // another one stands there, made the same way
					s.instead = map[string]string{gone.key: s.html(decoy)}
				case 2: // another one of the same kind without a word
					decoy.caption = ""
					s.instead = map[string]string{gone.key: s.html(decoy)}
				default: // two stand there
					second := decoy
					second.key, second.caption = "y"+gone.key[1:], "Colour"
					s.instead = map[string]string{gone.key: s.html(decoy) + s.html(second)}
				}
				before, after := b.both(plain().write(d), s.write(d))
				f := activities.Search(before, find(t, before, "id="+gone.key), after, stepOf(actionOn(gone)))
				require.NotEmpty(t, f.Refusal, "%d: %s %q was healed to %s (%.2f): %s", n, gone.kind, gone.caption, f.Name, f.Confidence, f.Reason)
			}
		})
	}
}

package testsite

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// A cartPage is what the template of the cart shows.
type cartPage struct {
	Lines    []line
	Subtotal int
}

func (v *visit) showCart() {
	lines := v.site.sessions.snapshot(v.session).lines
	v.render(http.StatusOK, "cart", cartPage{Lines: lines, Subtotal: subtotal(lines)})
}

func (v *visit) addToCart() {
	if !v.form() {
		return
	}
	p, known := v.site.catalogue.find(v.r.PostFormValue("product"))
	size, sold := findVariant(v.field("variant"))
	if !known || !sold {
		v.notFound()
		return
	}
	quantity, ok := v.quantity()
	if !ok {
		return
	}
	pieces := 0
	v.site.sessions.update(v.session, func(st *state) {
		st.add(line{Product: p, Variant: size, Quantity: quantity})
		pieces = st.pieces()
	})
	if !v.wantsJSON() {
		v.redirect("/cart")
		return
	}
	v.json(http.StatusOK, message{Message: fmt.Sprintf("Added %d × %s", quantity, p.Name), Count: pieces})
}

// add puts a line into the cart, or adds its quantity to the line that is there; never more than maxQuantity.
func (s *state) add(added line) {
	i := slices.IndexFunc(s.lines, func(l line) bool { return l.ID() == added.ID() })
	if i < 0 {
		s.lines = append(s.lines, added)
		return
	}
	s.lines[i].Quantity = min(s.lines[i].Quantity+added.Quantity, maxQuantity)
}

// quantity reads that field and answers itself when it makes no sense.
func (v *visit) quantity() (int, bool) {
	n, err := strconv.Atoi(v.field("quantity"))
	if err == nil && n >= 1 && n <= maxQuantity {
		return n, true
	}
	text := fmt.Sprintf("The quantity must be between 1 and %d.", maxQuantity)
	if v.wantsJSON() {
		v.json(http.StatusUnprocessableEntity, message{Message: text})
	} else {
		v.render(http.StatusUnprocessableEntity, "problem", problem{Title: "That quantity does not work", Text: text})
	}
	return 0, false
}

func (v *visit) changeLine() {
	if !v.form() {
		return
	}
	quantity, ok := v.quantity()
	if !ok {
		return
	}
	v.editLine(func(st *state, i int) { st.lines[i].Quantity = quantity })
}

func (v *visit) removeLine() {
	v.editLine(func(st *state, i int) { st.lines = slices.Delete(st.lines, i, i+1) })
}

// editLine changes the line that the URL names and shows the cart again.
func (v *visit) editLine(edit func(st *state, i int)) {
	found := false
	v.site.sessions.update(v.session, func(st *state) {
		i := slices.IndexFunc(st.lines, func(l line) bool { return l.ID() == v.r.PathValue("line") })
		if found = i >= 0; found {
			edit(st, i)
		}
	})
	if !found {
		v.notFound()
		return
	}
	v.redirect("/cart")
}

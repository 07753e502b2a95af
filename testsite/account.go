package testsite

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"unicode/utf8"
)

const (
	demoName      = "Nora Bark"
	maxNameLength = 60
)

// A loginPage is the form, with what was typed and why it was refused.
type loginPage struct {
	Email    string
	Next     string
	Error    string
	Demo     string
	DemoWord string
}

func (v *visit) loginPage() loginPage {
	return loginPage{
		Email: v.field("email"), Next: local(v.r.FormValue("next"), "/account"),
		Demo: DemoEmail, DemoWord: DemoPassword,
	}
}

func (v *visit) showLogin() { v.render(http.StatusOK, "login", v.loginPage()) }

func (v *visit) login() {
	if !v.form() {
		return
	}
	page := v.loginPage()
	known := strings.EqualFold(page.Email, DemoEmail)
	right := subtle.ConstantTimeCompare([]byte(v.field("password")), []byte(DemoPassword)) == 1
	if !known || !right {
		page.Error = "Email or password is wrong. Please try again."
		v.render(http.StatusUnauthorized, "login", page)
		return
	}
	v.session = v.site.sessions.replace(v.session, func(st *state) { st.email, st.name = DemoEmail, demoName })
	setCookie(v.w, sessionCookie, v.session)
	v.redirect(page.Next)
}

// logout forgets everything that the browser did.
func (v *visit) logout() {
	v.session = v.site.sessions.replace(v.session, func(st *state) { *st = state{} })
	setCookie(v.w, sessionCookie, v.session)
	v.redirect("/")
}

// An accountPage is what a signed-in customer sees.
type accountPage struct {
	Email string
	Name  string
	Order *order
}

func (v *visit) showAccount() {
	st := v.site.sessions.snapshot(v.session)
	if st.email == "" {
		v.redirect("/login?next=/account")
		return
	}
	v.render(http.StatusOK, "account", accountPage{Email: st.email, Name: st.name, Order: st.order})
}

func (v *visit) renameAccount() {
	if !v.form() {
		return
	}
	if v.site.sessions.snapshot(v.session).email == "" {
		v.json(http.StatusUnauthorized, message{Message: "Please sign in again."})
		return
	}
	name := v.field("name")
	if name == "" || utf8.RuneCountInString(name) > maxNameLength {
		v.json(http.StatusUnprocessableEntity, message{Message: "A name has between 1 and 60 characters."})
		return
	}
	v.site.sessions.update(v.session, func(st *state) { st.name = name })
	v.json(http.StatusOK, message{Message: "Saved. Hello, " + name + "!"})
}

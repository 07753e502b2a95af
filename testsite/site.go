package testsite

import (
	"html/template"
	"net/http"
	"sync/atomic"
	"time"
)

// Credentials of the one customer who has an account.
const (
	DemoEmail    = "demo@spice.example"
	DemoPassword = "paprika-2026"
)

const (
	sessionCookie = "spice_session"
	versionCookie = "spice_version"

	defaultMaxSessions = 5000
	firstOrder         = 10000
	maxFormBytes       = 64 << 10
	maxPhotoBytes      = 5 << 20
	maxQuantity        = 20
	slowDefault        = 3 * time.Second
	slowMax            = 15 * time.Second
)

// Options describe the shop. The zero value is ready to use.
type Options struct {
	Version     int // design shown to browsers that chose none: 1 (default) or 2
	MaxSessions int // browsers remembered before the oldest is forgotten; default 5000
}

type site struct {
	designs   map[string]*design // by the value of the version cookie
	standard  string
	catalogue catalogue
	sessions  *sessions
	jar       *template.Template
	orders    atomic.Int64
}

// Handler returns a shop with its own state.
func Handler(o Options) http.Handler {
	assets := loadAssets()
	s := &site{
		designs:   map[string]*design{"1": loadDesign("v1", nil, assets), "2": loadDesign("v2", renamedFields(), assets)},
		standard:  "1",
		catalogue: loadCatalogue(),
		jar:       loadJar(),
		sessions:  newSessions(defaultMaxSessions),
	}
	if o.Version == 2 {
		s.standard = "2"
	}
	if o.MaxSessions > 0 {
		s.sessions = newSessions(o.MaxSessions)
	}
	s.orders.Store(firstOrder)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.Handle("GET /static/", assets)
	mux.HandleFunc("GET /media/{file}", s.productImage)
	lab := labHandler()
	for _, pattern := range []string{"GET /lab/", "POST /lab/echo", "PUT /lab/echo", "PATCH /lab/echo", "DELETE /lab/echo", "OPTIONS /lab/echo"} {
		mux.Handle(pattern, lab)
	}
	for pattern, handle := range s.pages() {
		mux.Handle(pattern, s.page(handle))
	}
	return secured(http.NewCrossOriginProtection().Handler(mux))
}

func (s *site) pages() map[string]func(*visit) {
	return map[string]func(*visit){
		"GET /":                             (*visit).notFound,
		"GET /{$}":                          (*visit).home,
		"POST /club":                        (*visit).joinClub,
		"GET /catalogue":                    (*visit).showCatalogue,
		"GET /catalogue/results":            (*visit).searchResults,
		"GET /products/{slug}":              (*visit).showProduct,
		"GET /products/{slug}/reviews":      (*visit).showReviews,
		"POST /products/{slug}/reviews/{n}": (*visit).markHelpful,
		"GET /cart":                         (*visit).showCart,
		"POST /cart":                        (*visit).addToCart,
		"POST /cart/{line}":                 (*visit).changeLine,
		"POST /cart/{line}/remove":          (*visit).removeLine,
		"GET /checkout":                     (*visit).showCheckout,
		"POST /checkout":                    (*visit).placeOrder,
		"GET /orders/{number}":              (*visit).showOrder,
		"GET /login":                        (*visit).showLogin,
		"POST /login":                       (*visit).login,
		"POST /logout":                      (*visit).logout,
		"GET /account":                      (*visit).showAccount,
		"POST /account/name":                (*visit).renameAccount,
		"GET /gift":                         (*visit).showGift,
		"POST /gift":                        (*visit).uploadPhoto,
		"GET /kitchen":                      (*visit).showKitchen,
		"GET /journal":                      (*visit).showJournal,
		"GET /journal/entries":              (*visit).moreStories,
		"GET /terms":                        (*visit).showTerms,
		"GET /slow":                         (*visit).slow,
		"GET /error":                        (*visit).fail,
		"GET /broken":                       (*visit).broken,
	}
}

// page gives a handler its visit: the design that this browser chose and its session.
func (s *site) page(handle func(*visit)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{site: s, w: w, r: r, design: s.design(w, r)}
		var id string
		if c, err := r.Cookie(sessionCookie); err == nil {
			id = c.Value
		}
		if v.session = s.sessions.visit(id); v.session != id {
			setCookie(w, sessionCookie, v.session)
		}
		w.Header().Set("Cache-Control", "private, no-store")
		w.Header().Add("Vary", "Cookie")
		handle(v)
	})
}

func (s *site) design(w http.ResponseWriter, r *http.Request) *design {
	if asked, ok := s.designs[r.URL.Query().Get("v")]; ok {
		setCookie(w, versionCookie, r.URL.Query().Get("v"))
		return asked
	}
	if c, err := r.Cookie(versionCookie); err == nil {
		if chosen, ok := s.designs[c.Value]; ok {
			return chosen
		}
	}
	return s.designs[s.standard]
}

// setCookie sets a cookie for this browser session. It is not marked Secure: the shop is served on a loopback address.
func setCookie(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // see above
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// secured adds the headers that a careful shop sends with everything.
func secured(next http.Handler) http.Handler {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}

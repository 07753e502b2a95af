package testsite_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testsite"
)

func TestHealthz(t *testing.T) {
	t.Parallel()
	got := open(t, testsite.Options{}).browser().get("/healthz")
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "ok\n", got.body)
}

func TestEveryPageAnswers(t *testing.T) {
	t.Parallel()
	pages := map[string]int{
		"/": 200, "/catalogue": 200, "/catalogue/results?q=pepper": 200, "/products/cloves": 200,
		"/products/cloves/reviews": 200, "/cart": 200, "/login": 200, "/gift": 200, "/kitchen": 200, "/journal": 200,
		"/journal/entries?page=2": 200, "/terms": 200, "/slow?ms=1": 200, "/broken": 200, "/media/cloves.svg": 200,
		"/error": 500, "/nowhere": 404, "/products/chalk": 404, "/products/chalk/reviews": 404, "/orders/CS-1": 404,
		"/journal/entries?page=0": 404, "/media/chalk.svg": 404, "/slow?ms=soon": 400, "/static/v1/templates/home.html": 404,
	}
	inBoth(t, func(t *testing.T, _ dialect, b *browser) {
		for page, status := range pages {
			got := b.get(page)
			require.Equal(t, status, got.status, page)
			require.NotContains(t, got.body, "rendering", page)
			require.Contains(t, got.header.Get("Content-Security-Policy"), "default-src 'none'", page)
		}
		require.Equal(t, http.StatusMethodNotAllowed, b.do(http.MethodPut, "/login", "", nil).status)
	})
}

func TestPagesReferToThisShopOnly(t *testing.T) {
	t.Parallel()
	reference := regexp.MustCompile(`(?:src|href|action)="([^"]*)"`)
	inBoth(t, func(t *testing.T, _ dialect, b *browser) {
		for _, page := range []string{"/", "/catalogue", "/products/cloves", "/products/cloves/reviews", "/broken"} {
			for _, found := range reference.FindAllStringSubmatch(b.get(page).body, -1) {
				require.Regexp(t, `^(/[^/]|/$|#)`, found[1], page)
				if strings.HasPrefix(found[1], "/static/") {
					asset := b.get(found[1])
					require.Equal(t, http.StatusOK, asset.status, found[1])
					require.Contains(t, asset.header.Get("Cache-Control"), "immutable")
				}
			}
		}
	})
}

func TestVersionIsRememberedByTheBrowserThatChoseIt(t *testing.T) {
	t.Parallel()
	s := open(t, testsite.Options{})
	chosen, other := s.browser(), s.browser()

	require.Contains(t, chosen.get("/products/cloves").body, "Add to cart")
	require.Contains(t, chosen.get("/products/cloves?v=2").body, "Add to basket")
	require.Contains(t, chosen.get("/products/cloves").body, "Add to basket")
	require.Contains(t, other.get("/products/cloves").body, "Add to cart")
	require.Contains(t, chosen.get("/products/cloves?v=3").body, "Add to basket")
	require.Contains(t, chosen.get("/products/cloves?v=1").body, "Add to cart")
	require.Contains(t, chosen.get("/products/cloves").body, "Add to cart")
}

func TestRedesignKeepsNoIdentifier(t *testing.T) {
	t.Parallel()
	identifier := regexp.MustCompile(` (?:id|data-testid|data-qa)="([^"]+)"`)
	s := open(t, testsite.Options{})
	for _, page := range []string{"/", "/catalogue", "/products/cloves", "/products/cloves/reviews", "/login", "/gift", "/journal"} {
		seen := map[string]bool{}
		for _, found := range identifier.FindAllStringSubmatch(s.browser().get(page+"?v=1").body, -1) {
			seen[found[1]] = true
		}
		for _, found := range identifier.FindAllStringSubmatch(s.browser().get(page+"?v=2").body, -1) {
			require.False(t, seen[found[1]], "%s has %q in both versions", page, found[1])
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, _ dialect, b *browser) {
		started := time.Now()
		got := b.get("/catalogue/results?q=pepper+asia&sort=price-desc").body
		require.GreaterOrEqual(t, time.Since(started), 200*time.Millisecond)
		require.Regexp(t, `(?s)Long pepper.*Sichuan pepper.*Black peppercorn`, got)
		require.NotContains(t, got, "Aleppo")

		got = b.get("/catalogue/results?region=" + url.QueryEscape("East Africa")).body
		require.Regexp(t, `(?s)Bird&#39;s eye chilli.*Bourbon vanilla.*Cloves`, got)
		require.NotContains(t, b.get("/catalogue/results?q=soap").body, "from €")

		got = b.get("/catalogue?q=" + url.QueryEscape(`"><script>alert(1)</script>`)).body
		require.NotContains(t, got, "<script>alert")
	})
}

func TestLogin(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, d dialect, b *browser) {
		require.Equal(t, "/login", b.get("/account").path)

		wrong := b.post("/login", d.form("email", testsite.DemoEmail, "password", "curry"))
		require.Equal(t, http.StatusUnauthorized, wrong.status)
		require.Contains(t, wrong.body, "Email or password is wrong.")
		require.Contains(t, wrong.body, `value="`+testsite.DemoEmail+`"`)

		b.post("/cart", d.form("product", "cumin", "variant", "jar", "quantity", "1"))
		before := b.cookie("spice_session")
		right := b.post("/login", d.form("email", testsite.DemoEmail, "password", testsite.DemoPassword, "next", "//evil.example/"))
		require.Equal(t, "/account", right.path)
		require.Contains(t, right.body, "Welcome back, Nora Bark")
		require.NotEqual(t, before, b.cookie("spice_session"), "signing in must change the session's id")
		require.Contains(t, b.get("/cart").body, "Cumin", "signing in must keep the cart")

		saved := b.post("/account/name", d.form("name", "<Sue>"), "Accept", "application/json")
		require.Equal(t, http.StatusOK, saved.status)
		require.Contains(t, b.get("/account").body, "&lt;Sue&gt;")
		require.Equal(t, http.StatusUnprocessableEntity, b.post("/account/name", d.form("name", " ")).status)
		require.Equal(t, http.StatusUnprocessableEntity, b.post("/account/name", d.form("name", strings.Repeat("a", 61))).status)

		b.post("/logout", nil)
		require.Equal(t, "/login", b.get("/account").path)
		require.Contains(t, b.get("/cart").body, d.empty)
		require.Equal(t, http.StatusUnauthorized, b.post("/account/name", d.form("name", "Sue")).status)
	})
}

func TestCart(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, d dialect, b *browser) {
		require.Contains(t, b.get("/cart").body, d.empty)
		require.Contains(t, b.get("/products/ceylon-cinnamon").body, d.add)

		add := d.form("product", "ceylon-cinnamon", "variant", "refill", "quantity", "2")
		got := b.post("/cart", add, "Accept", "application/json")
		require.JSONEq(t, `{"message": "Added 2 × Ceylon cinnamon", "count": 2}`, got.body)
		got = b.post("/cart", add)
		require.Equal(t, "/cart", got.path)
		require.Contains(t, got.body, "€39.20")

		got = b.post("/cart/ceylon-cinnamon-refill", d.form("quantity", "3"))
		require.Contains(t, got.body, "€29.40")
		for _, quantity := range []string{"0", "-1", "21", "many", ""} {
			got = b.post("/cart/ceylon-cinnamon-refill", d.form("quantity", quantity))
			require.Equal(t, http.StatusUnprocessableEntity, got.status, quantity)
		}
		for range 9 {
			b.post("/cart", add)
		}
		require.Contains(t, b.get("/cart").body, `value="20"`, "no line holds more than 20")

		require.Equal(t, http.StatusNotFound, b.post("/cart/chalk-jar", d.form("quantity", "1")).status)
		require.Equal(t, http.StatusNotFound, b.post("/cart", d.form("product", "chalk", "variant", "jar", "quantity", "1")).status)
		require.Equal(t, http.StatusNotFound, b.post("/cart", d.form("product", "cumin", "variant", "barrel", "quantity", "1")).status)
		require.Contains(t, b.post("/cart/ceylon-cinnamon-refill/remove", nil).body, d.empty)
		require.Equal(t, http.StatusNotFound, b.post("/cart/ceylon-cinnamon-refill/remove", nil).status)
	})
}

// filled is a checkout form without mistakes, but for the changes.
func filled(d dialect, changes ...string) url.Values {
	return d.form(append([]string{
		"name", "Nora Bark", "email", "nora@spice.example", "address", "Market Street 7", "postcode", "1017 AB",
		"city", "Amsterdam", "country", "NL", "shipping", "express", "card", "4242 4242 4242 4242", "expiry", "11/29",
		"terms", "yes",
	}, changes...)...)
}

func TestCheckout(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, d dialect, b *browser) {
		require.Equal(t, "/cart", b.get("/checkout").path, "nothing to pay for")
		require.Equal(t, "/cart", b.post("/checkout", nil).path, "nothing to pay for")
		b.post("/cart", d.form("product", "ceylon-cinnamon", "variant", "refill", "quantity", "2"))

		empty := b.post("/checkout", url.Values{})
		require.Equal(t, http.StatusUnprocessableEntity, empty.status)
		require.Contains(t, empty.body, "Please correct 10 fields.")

		for field, wrong := range map[string]string{
			"name": "N", "email": "nora at spice", "address": "", "postcode": "?", "city": " ", "country": "XX",
			"shipping": "pigeon", "card": "4242 4242", "expiry": "13/29", "terms": "",
		} {
			got := b.post("/checkout", filled(d, field, wrong))
			require.Equal(t, http.StatusUnprocessableEntity, got.status, field)
			require.Contains(t, got.body, "Please correct 1 field.", field)
		}
		refused := b.post("/checkout", filled(d, "card", "4242 4242 4242 4241"))
		require.Contains(t, refused.body, "Your bank does not know this card.")
		require.NotContains(t, refused.body, "4242 4242 4242 4241", "a card number is never sent back")

		done := b.post("/checkout", filled(d))
		require.Regexp(t, `^/orders/CS-\d+$`, done.path)
		require.Contains(t, done.body, "Thank you for your order, Nora Bark!")
		require.Contains(t, done.body, "€29.50")
		require.Contains(t, done.body, "Express, next day to Amsterdam, Netherlands")
		require.Contains(t, b.get("/cart").body, d.empty)
	})
}

func TestUpload(t *testing.T) {
	t.Parallel()
	png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 60)...)
	inBoth(t, func(t *testing.T, d dialect, b *browser) {
		got := b.upload(d.name("photo"), `my <lid>.png`, png)
		require.Equal(t, http.StatusOK, got.status)
		require.Contains(t, got.body, "my &lt;lid&gt;.png")
		require.Contains(t, got.body, "68 bytes")

		require.Equal(t, http.StatusUnsupportedMediaType, b.upload(d.name("photo"), "notes.txt", []byte("hello")).status)
		require.Equal(t, http.StatusUnprocessableEntity, b.upload("other", "lid.png", png).status)
		require.Equal(t, http.StatusUnprocessableEntity, b.post("/gift", nil).status)
		require.Equal(t, http.StatusOK, b.upload(d.name("photo"), "lid.png", append(png, make([]byte, 5<<20-len(png))...)).status)
		large := b.upload(d.name("photo"), "lid.png", append(png, make([]byte, 5<<20)...))
		require.Equal(t, http.StatusRequestEntityTooLarge, large.status)
	})
}

func TestReviewIsVotedForOnce(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, _ dialect, b *browser) {
		for range 2 {
			got := b.post("/products/saffron/reviews/1", nil)
			require.JSONEq(t, `{"message": "Thank you for your vote.", "count": 8}`, got.body)
		}
		require.Contains(t, b.get("/products/saffron/reviews").body, ">8<")
		require.NotContains(t, b.get("/products/cloves/reviews").body, ">8<")
		require.Equal(t, http.StatusNotFound, b.post("/products/saffron/reviews/3", nil).status)
	})
}

func TestClub(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, d dialect, b *browser) {
		require.Contains(t, b.post("/club", d.form("email", "nora@spice.example")).body, "Welcome to the club, nora@spice.example!")
		require.Equal(t, http.StatusUnprocessableEntity, b.post("/club", d.form("email", "nora")).status)
	})
}

func TestJournalEnds(t *testing.T) {
	t.Parallel()
	inBoth(t, func(t *testing.T, _ dialect, b *browser) {
		next := regexp.MustCompile(`data-(?:next|page)="(\d)"`)
		require.Equal(t, "2", next.FindStringSubmatch(b.get("/journal").body)[1])
		require.Equal(t, "3", next.FindStringSubmatch(b.get("/journal/entries?page=2").body)[1])
		last := b.get("/journal/entries?page=3").body
		require.Contains(t, last, "Letters from the growers")
		require.NotRegexp(t, next, last)
	})
}

func TestForeignSitesCannotPost(t *testing.T) {
	t.Parallel()
	b := open(t, testsite.Options{}).browser()
	form := dialects()[0].form("product", "cumin", "variant", "jar", "quantity", "1")
	require.Equal(t, http.StatusForbidden, b.post("/cart", form, "Sec-Fetch-Site", "cross-site").status)
	require.Equal(t, http.StatusOK, b.post("/cart", form, "Sec-Fetch-Site", "same-origin").status)
}

func TestSessionsAreIsolatedUnderLoad(t *testing.T) { //nolint:tparallel // "customers" returns when all of them have
	t.Parallel()
	s := open(t, testsite.Options{})
	orders := make([]string, 20)
	t.Run("customers", func(t *testing.T) {
		for i := range orders {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				b, d := s.browser(), dialects()[i%2]
				b.get("/?v=" + strconv.Itoa(d.version))
				for range 5 {
					b.post("/cart", d.form("product", "cumin", "variant", "jar", "quantity", "1"))
				}
				require.Contains(t, b.get("/cart").body, `value="5"`)
				orders[i] = b.post("/checkout", filled(d)).path
			})
		}
	})

	seen := map[string]bool{}
	for _, order := range orders {
		require.Regexp(t, `^/orders/CS-\d+$`, order)
		require.False(t, seen[order], "%s was given twice", order)
		seen[order] = true
	}
	require.Equal(t, http.StatusNotFound, s.browser().get(orders[0]).status, "an order belongs to who placed it")
}

func TestOldestSessionIsForgotten(t *testing.T) {
	t.Parallel()
	s := open(t, testsite.Options{MaxSessions: 2})
	first, second, third := s.browser(), s.browser(), s.browser()
	cumin := dialects()[0].form("product", "cumin", "variant", "jar", "quantity", "1")
	first.post("/cart", cumin)
	second.post("/cart", cumin)
	first.get("/") // now the second is the one unseen for longest
	third.post("/cart", cumin)

	require.Contains(t, first.get("/cart").body, "Cumin")
	require.Contains(t, third.get("/cart").body, "Cumin")
	require.Contains(t, second.get("/cart").body, "Your cart is empty.")
}

func TestServe(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready, served := make(chan string, 1), make(chan error, 1)
	go func() {
		served <- testsite.Serve(ctx, "127.0.0.1:0", testsite.Options{Version: 2}, func(addr string) { ready <- addr })
	}()
	b := &browser{t: t, base: "http://" + <-ready, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	require.Contains(t, b.get("/").body, "Become a member")

	err := testsite.Serve(ctx, strings.TrimPrefix(b.base, "http://"), testsite.Options{}, nil)
	require.ErrorContains(t, err, "listening for the test site")

	stop()
	require.NoError(t, <-served)
}

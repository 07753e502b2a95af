package pwgo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// page opens a session on a page of the test's own.
func page(t *testing.T, html string, change ...func(*browser.Options)) browser.Session {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, html)
	}))
	t.Cleanup(server.Close)
	o := options(server.URL)
	o.StepTimeout = 10 * time.Second
	for _, c := range change {
		c(&o)
	}
	s := open(t, sharedPool(t), o)
	require.NoError(t, s.Do(t.Context(), parse(t, visit("/"))))
	return s
}

func named(t *testing.T, sight browser.Sight, name string) healing.Fingerprint {
	t.Helper()
	for _, f := range sight.Elements {
		if f.AccessibleName == name && f.Tag != "label" {
			return f
		}
	}
	require.Fail(t, "nothing has that name", name)
	return healing.Fingerprint{}
}

const form = `<!doctype html><title>Form</title><body><header><nav><a href="/in?next=1#top" class="nav link">Sign in</a></nav></header>
<main id="content"><h2>Your order</h2><form aria-label="Order"><p>We deliver <b>fast</b>.</p>
<label for=mail>E-mail</label><input id=mail name=email type=email autocomplete="shipping Email" value="typed@example.test" placeholder="you@example.test" required>
<label>Notes <textarea name=notes>typed notes</textarea></label>
<label>Size <select name=size><option>Small<option>Large</select></label>
<input type=checkbox name=gift checked aria-label="Gift wrap"><input type=password name=pw value=typed-password>
<div contenteditable id=rich>typed rich text</div>
<input type=submit value="Place order"><button data-test=cancel formaction="/away">Cancel <i>all</i></button></form>
<p style="display:none"><a href="/hidden">Hidden</a></p><my-card></my-card>
<iframe srcdoc="<button id=inner>Inside</button>"></iframe></main>
<script>customElements.define('my-card', class extends HTMLElement { constructor() { super();
this.attachShadow({mode:'open'}).innerHTML = '<section><button>Buy</button></section>' } })</script>`

func TestLookDescribesThePage(t *testing.T) {
	t.Parallel()
	s := page(t, form)
	sight, err := s.Look(t.Context())
	require.NoError(t, err)
	require.Empty(t, sight.Cut)

	mail := named(t, sight, "E-mail")
	require.NotNil(t, mail.Box)
	mail.Box = nil
	require.Contains(t, mail.Neighbours.Around, "E-mail")
	require.Equal(t, "E-mail", mail.Neighbours.Left)
	mail.Neighbours = healing.Neighbours{}
	require.Equal(t, healing.Fingerprint{
		Version: 1, Tag: "input", ID: "mail", Name: "email", Type: "email", Placeholder: "you@example.test", Autocomplete: "shipping email", Role: "textbox", AccessibleName: "E-mail",
		Label: "E-mail", Heading: "Your order", Landmark: "form", XPath: "/html[1]/body[1]/main[1]/form[1]/input[1]", IDPath: "//*[@id='mail']",
		Visible: new(true), Required: true,
	}, mail)

	link := named(t, sight, "Sign in")
	require.Equal(t, "navigation", link.Landmark)
	require.True(t, strings.HasSuffix(link.Href, "/in?"), link.Href)
	require.Equal(t, "nav link", link.Class)
	submit := named(t, sight, "Place order")
	require.Equal(t, []string{"button", "submit", "Place order"}, []string{submit.Role, submit.Type, submit.Value})
	cancel := named(t, sight, "Cancel all")
	require.Equal(t, "cancel", cancel.TestID)
	require.True(t, named(t, sight, "Gift wrap").Checked)
	require.False(t, *named(t, sight, "Hidden").Visible)
	require.Equal(t, []string{"/html[1]/body[1]/main[1]/my-card[1]"}, named(t, sight, "Buy").Shadow)
	require.Equal(t, "/section[1]/button[1]", named(t, sight, "Buy").XPath)
	require.Equal(t, []string{"/html[1]/body[1]/main[1]/iframe[1]"}, named(t, sight, "Inside").Frame)

	all, err := json.Marshal(sight.Elements)
	require.NoError(t, err)
	require.NotContains(t, string(all), "typed", "what people typed is not captured")
}

func TestStepsAreDescribedBeforeTheyAct(t *testing.T) {
	t.Parallel()
	s := page(t, `<body><button onclick="document.body.innerHTML='gone'">Delete</button><p>Text`)
	step := parse(t, click("text/Delete"))
	sight, err := s.DoAimed(t.Context(), step, browser.Aim{Look: true, Chosen: true, First: []testcase.Selector{{"#missing"}}})
	require.NoError(t, err)
	require.Equal(t, 1, sight.Chosen)
	require.Equal(t, "Delete", sight.Elements[sight.Target].AccessibleName)
	require.Len(t, sight.Elements, 2)

	sight, err = s.Look(t.Context())
	require.NoError(t, err)
	require.Empty(t, sight.Elements)
	require.Equal(t, -1, sight.Target)

	step.Timeout = 200
	_, err = s.DoAimed(t.Context(), step, browser.Aim{Look: true})
	require.True(t, browser.Lacks(err), "%v", err)
	require.ErrorContains(t, err, "no element matches any of: text/Delete")
}

func TestStepsActOnAnElementThatWasLookedAt(t *testing.T) {
	t.Parallel()
	s := page(t, form)
	sight, err := s.Look(t.Context())
	require.NoError(t, err)
	step := parse(t, click("#gone"))
	for _, name := range []string{"Buy", "Inside", "Gift wrap"} {
		element := named(t, sight, name)
		candidates := []testcase.Selector{{"aria/" + name}, {"css-is-none"}, {"button"}, {"pierce/button"}}
		only, here, err := s.Only(t.Context(), step, element, candidates)
		require.NoError(t, err)
		require.True(t, here)
		require.Contains(t, only, testcase.Selector{"aria/" + name})
		require.NotContains(t, only, testcase.Selector{"css-is-none"})
		require.NotContains(t, only, testcase.Selector{"pierce/button[1]"})
		_, err = s.DoAimed(t.Context(), step, browser.Aim{At: &element, Only: only[:1]})
		require.NoError(t, err)
		_, err = s.DoAimed(t.Context(), step, browser.Aim{At: &element})
		require.NoError(t, err)
	}
	shot, err := s.Marked(t.Context(), named(t, sight, "Inside"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(shot), "\x89PNG"))

	require.NoError(t, s.Do(t.Context(), parse(t, visit("/"))))
	_, here, err := s.Only(t.Context(), step, named(t, sight, "Inside"), nil)
	require.NoError(t, err)
	require.False(t, here, "its frame is gone")
}

func TestSecretsAreNotDescribed(t *testing.T) {
	t.Parallel()
	value := "correct horse battery staple"
	s := page(t, `<body><p title="`+value+`">You are `+value+`</p><p id=long>`+strings.Repeat("x", 390)+" "+value+`</p><a href="/`+value+`">go</a>`,
		func(o *browser.Options) { o.Record.Secrets = []string{value} })
	sight, err := s.Look(t.Context())
	require.NoError(t, err)
	all, err := json.Marshal(sight.Elements)
	require.NoError(t, err)
	require.Len(t, sight.Elements, 3)
	require.NotContains(t, string(all), "horse")
	require.NotContains(t, string(all), "correct")
}

func TestLookIsBounded(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"100,000 elements":  `document.body.style.display = 'none'; for (let i = 0; i < 100000; i++) { const b = document.createElement('button'); b.textContent = 'B' + i; document.body.append(b) }`,
		"100,000 deep":      `document.body.style.display = 'none'; let e = document.body; for (let i = 0; i < 100000; i++) { const d = document.createElement('div'); e.append(d); e = d }`,
		"a field hides all": `document.body.innerHTML = '<form><input name=firstChild><input name=nextSibling><input name=getAttribute><input name=parentNode><input name=labels><button name=children>Go</button></form>'`,
		"labels":            `document.body.innerHTML = '<label>' + '<i>text</i> '.repeat(20000) + '<input>'.repeat(500) + '</label>'`,
		"prototypes":        `Element.prototype.getAttribute = () => { for (;;) {} }; performance.now = () => 0; JSON.stringify = () => 'x'; document.body.innerHTML = '<button>Go</button>'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := page(t, `<body><script>`+script+`</script>`)
			began := time.Now()
			sight, err := s.Look(t.Context())
			require.NoError(t, err)
			require.Less(t, time.Since(began), 10*time.Second)
			switch {
			case strings.Contains(name, "elements"):
				require.NotEmpty(t, sight.Cut)
				require.LessOrEqual(t, len(sight.Elements), healing.MaxElements)
			case !strings.Contains(name, "deep"):
				require.NotEmpty(t, sight.Elements)
			}
		})
	}
}

// What describes pages for later gives up in time: a step passes on them as it would have without.
func TestHostilePagesDoNotHoldStepsUp(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"100,000 elements": `for (let i = 0; i < 100000; i++) { const b = document.createElement('i'); b.textContent = 'B' + i; end.append(b) }`,
		"5,000 deep":       `let e = end; for (let i = 0; i < 5000; i++) { const d = document.createElement('div'); e.append(d); e = d }`,
		"shadow roots":     `let e = end; for (let i = 0; i < 200; i++) { const d = document.createElement('div'); e.append(d); e = d.attachShadow({mode: 'open'}) }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := page(t, `<body><button onclick="document.title='done'">Go</button><div id=end style="display:none"></div><script>`+script+`</script>`)
			step := parse(t, click("text/Go"))
			began := time.Now()
			require.NoError(t, s.Do(t.Context(), step))
			plain := time.Since(began)
			began = time.Now()
			sight, err := s.DoAimed(t.Context(), step, browser.Aim{Look: true})
			require.NoError(t, err)
			require.Less(t, time.Since(began), 2*plain+3*time.Second, "on a machine that does nothing else it is 0.3 s more")
			require.GreaterOrEqual(t, sight.Target, 0)
			require.Equal(t, "Go", sight.Elements[sight.Target].AccessibleName)
			require.LessOrEqual(t, len(sight.Elements), healing.MaxElements+1)
		})
	}
}

const shop = `<body style="margin:0"><button id=add style="margin:100px" onclick="document.title='added'">Add</button>
<div id=over style="position:fixed;inset:0;background:#fff">%s</div><script>
for (const b of document.querySelectorAll('#over button')) b.onclick = () => document.querySelector('#over').remove()</script>`

func TestUncover(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, overlay, control, why string }{
		{"consent", `We use cookies. <button>Settings</button><button>Accept all</button>`, "Accept all", ""},
		{"consent, the careful way", `We use cookies. <button>Only necessary</button><button>Accept all</button>`, "Only necessary", ""},
		{"advertisement", `Subscribe to our newsletter! <button aria-label=Close>×</button><button>Subscribe</button>`, "Close", ""},
		{"ambiguous", `We value your privacy. <button>Accept</button><button>Accept all</button>`, "", "no single control"},
		{"dialog of the application", `Delete this order? <button>Cancel</button><button>OK</button>`, "", "neither a consent banner"},
		{"trouble", `Sorry, the newsletter failed. <button>Close</button>`, "", "may tell of trouble"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := page(t, fmt.Sprintf(shop, test.overlay))
			step := parse(t, click("#add"))
			step.Timeout = 1500
			err := s.Do(t.Context(), step)
			require.True(t, browser.IsCovered(err), "%v", err)
			done, why, err := s.Uncover(t.Context(), step)
			require.NoError(t, err)
			require.Equal(t, test.control, done.Control)
			if test.why != "" {
				require.Contains(t, why, test.why)
				return
			}
			require.Empty(t, why)
			step.Timeout = 5000
			require.NoError(t, s.Do(t.Context(), step))
		})
	}
}

package secret_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/secret"
)

// awkward are values whose characters mean something somewhere.
var awkward = []string{
	"abcd", "pap rika", `pa"p & rika/ö`, "<&\">'x", `back\slash\\es\n`, "line1\nline2\r\nline3\ttab", " edge space ", "100%25+%41%zz", "日本語パス",
	"🙂emoji🙂pass", "a.*+?(b)[c]{2}|^$", `{"k":"v,\u0026"}`, "cGFwcmlrYQ==", "&lt;not-escaped&gt;&amp;", "canary&amp;lt;oo85", "Größe€ß", "?q=1&x=2#frag;p", "....", "Pass-WORD_09",
	strings.Repeat("long value ", 200),
}

// spellings are what programs make of a value.
func spellings(t *testing.T, value string) map[string]string {
	t.Helper()
	once := map[string]string{
		"plain": value, "query": url.QueryEscape(value), "path": url.PathEscape(value), "spaces as %20": strings.ReplaceAll(url.QueryEscape(value), "+", "%20"),
		"json": mustJSON(t, value), "go": strconv.Quote(value), "ascii": strconv.QuoteToASCII(value), "html": html.EscapeString(value),
		"collapsed": strings.Join(strings.Fields(value), " "), "one line": strings.NewReplacer("\n", "", "\r", "", "\t", "").Replace(value),
		"trimmed": strings.TrimSpace(value), "crlf": strings.ReplaceAll(strings.ReplaceAll(value, "\r\n", "\n"), "\n", "\r\n"),
	}
	all := map[string]string{}
	for name, text := range once {
		all[name] = text
		all[name+" in json"] = mustJSON(t, text)
		all[name+" in json in json"] = mustJSON(t, mustJSON(t, text))
		all[name+" in html"] = html.EscapeString(text)
		if name != "html" { // nobody puts HTML into an address
			all[name+" in an address"] = url.QueryEscape(text)
		}
		if name == "plain" && strings.EqualFold(strings.ToUpper(text), text) {
			all[name+" in other case"] = strings.ToUpper(text)
		}
	}
	all["hex"], all["HEX"] = hex.EncodeToString([]byte(value)), fmt.Sprintf("%X", value)
	all["base64"], all["base64url"] = base64.StdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value))
	if len(value) > 8 { // of a shorter one, too little stays the same
		for shift := range 3 {
			all[fmt.Sprintf("within base64, at %d", shift)] = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("u", shift) + value + ":"))
		}
	}
	return all
}

func TestRedactorTakesOutEverySpelling(t *testing.T) {
	t.Parallel()
	for _, value := range awkward {
		var r secret.Redactor
		r.Add(value)
		for name, text := range spellings(t, value) {
			redacted := r.Redact("<< " + text + " >>")
			require.Contains(t, redacted, secret.Mask, "%q %s: %s", value, name, text)
			// Of the value nothing is left but what no spelling tells: quotes, white space, the ends of base64.
			require.Less(t, len(redacted), len("<<  >>")+len(secret.Mask)+len(`\\\"\\\"`)+14, "%q %s: %q of %q", value, name, redacted, text)
		}
		var wide []byte
		for _, unit := range utf16.Encode([]rune(value)) {
			wide = append(wide, byte(unit), byte(unit>>8))
		}
		require.Equal(t, "<"+secret.Mask+">", r.Redact("<"+string(wide)+">"))
	}
}

func TestRedactorLeavesTheRest(t *testing.T) {
	t.Parallel()
	var r secret.Redactor
	r.Add(awkward...)
	for _, text := range []string{"", "nothing of it", "abc d", "%25 &amp; \\n \\u0026", "pap-rika", "… a cut …", "100%2", "\xff"} {
		require.Equal(t, text, r.Redact(text))
	}
	r.Add("7")
	require.Equal(t, secret.Mask, r.Redact("7"), "a short one is taken out where it is all")
	require.Equal(t, "17 of 70", r.Redact("17 of 70"))
}

// Whatever surrounds a value, it is gone, and what surrounds it is there.
func FuzzRedact(f *testing.F) {
	for _, value := range awkward {
		f.Add("before ", value, " after")
	}
	f.Fuzz(func(t *testing.T, before, value, after string) {
		var r secret.Redactor
		r.Add(value)
		core := strings.TrimSpace(value)
		if !secret.LongEnough(value) || strings.Contains(secret.Mask, core) { //nolint:gocritic // what is in the mask is found in every masked text
			return
		}
		for _, text := range []string{value, mustJSON(t, value), url.QueryEscape(value), html.EscapeString(value)} {
			require.NotContains(t, r.Redact(before+text+after), core)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	var r secret.Redactor
	r.Add(awkward...)
	text := strings.Repeat(`<div class="card" data-x="{&quot;a&quot;:1}">Some text of a page, with 100%25 of what pages have\n</div>`, 10_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r.Redact(text)
	}
}

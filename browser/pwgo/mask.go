package pwgo

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/encoding/charmap"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// shortest is how long a value must be to be masked within other text too:
// masking every "42" would leave nothing to read.
const shortest = 4

// masks knows the values that recordings must not tell.
type masks struct {
	mu     sync.Mutex
	values map[string]bool
	typing string // what a page reported last
}

func newMasks(values []string) *masks {
	m := &masks{values: make(map[string]bool)}
	m.add(values...)
	return m
}

func (m *masks) add(values ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range values {
		if v != "" {
			m.values[v] = true
		}
	}
}

// typed notes what a page's password field holds. One that is typed key by key
// is reported with each of them: only the longest counts.
func (m *masks) typed(value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.typing != "" && m.typing != value && strings.HasPrefix(value, m.typing) {
		delete(m.values, m.typing)
	}
	if !m.values[value] {
		m.values[value], m.typing = true, value
	}
}

// masker replaces the values that are known by now.
type masker struct {
	whole map[string]bool
	parts *strings.Replacer
}

func (m *masks) masker() *masker {
	m.mu.Lock()
	defer m.mu.Unlock()
	spellings := make(map[string]bool)
	for value := range m.values {
		if len(value) < shortest {
			continue
		}
		for _, s := range spelled(value) {
			if len(s) >= shortest {
				spellings[s] = true
			}
		}
	}
	// The longest first: one value may be a part of another.
	list := slices.SortedFunc(maps.Keys(spellings), func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(list))
	for _, s := range list {
		pairs = append(pairs, s, testcase.Mask)
	}
	return &masker{whole: maps.Clone(m.values), parts: strings.NewReplacer(pairs...)}
}

// spelled returns a value as pages, addresses, bodies and headers write it:
// escaped for one of them, and that within JSON or HTML.
func spelled(value string) []string {
	var all []string
	for _, v := range []string{value, misread(value)} {
		query := url.QueryEscape(v)
		for _, once := range []string{v, query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(v), jsonText(v, false), jsonText(v, true)} {
			for _, twice := range []string{once, jsonText(once, false)} {
				inText := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\u00a0", "&nbsp;").Replace(twice)
				all = append(all, twice, inText, strings.ReplaceAll(inText, `"`, "&quot;"), html.EscapeString(twice))
			}
		}
	}
	all = append(all, base64Of([]byte(value))...)
	if latin, err := charmap.Windows1252.NewEncoder().Bytes([]byte(value)); err == nil {
		all = append(all, base64Of(latin)...) // as btoa writes it
	}
	return all
}

// misread is UTF-8 read as browsers read a text that does not say what it is.
func misread(value string) string {
	text, err := charmap.Windows1252.NewDecoder().String(value)
	if err != nil {
		return value
	}
	return text
}

// base64Of is what base64 makes of a value, alone or within something longer:
// it depends on where it stands, and its ends on what is beside it.
func base64Of(value []byte) []string {
	var all []string
	for shift := range 3 {
		padded := append(make([]byte, shift), value...)
		whole := len(padded) / 3 * 3
		text := base64.StdEncoding.EncodeToString(padded[:whole])
		text = text[min((shift*8+5)/6, len(text)):]
		all = append(all, text, strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	return all
}

// jsonText is a value within a JSON string.
func jsonText(value string, escapeHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	_ = e.Encode(value) //nolint:errchkjson // a string always can be
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), `"`), `"`)
}

// Replace masks the values in a text.
func (m *masker) Replace(text string) string {
	if m.whole[text] {
		return testcase.Mask
	}
	return m.parts.Replace(text)
}

// private are the names of headers and fields whose value is nobody's business.
var private = map[string]bool{ //nolint:gochecknoglobals // a constant in all but syntax
	"authorization": true, "proxy-authorization": true, "cookie": true, "set-cookie": true, "x-api-key": true, "apikey": true,
	"x-auth-token": true, "x-csrf-token": true, "x-xsrf-token": true, "password": true, "httpcredentials": true, "postdata": true,
}

// mask masks a JSON document: known values, private headers and fields,
// cookies, and the bodies of requests. dropped is told the names of files that
// held these.
func (m *masker) mask(v any, dropped func(name string)) any {
	switch v := v.(type) {
	case string:
		return m.Replace(v)
	case []any:
		for i := range v {
			v[i] = m.mask(v[i], dropped)
		}
		return v
	case map[string]any:
		return m.object(v, dropped)
	}
	return v
}

func (m *masker) object(v map[string]any, dropped func(name string)) map[string]any {
	out := make(map[string]any, len(v))
	for name, inner := range v {
		key := strings.ToLower(name)
		switch {
		case private[key]:
			inner = conceal(inner, dropped)
		case key == "cookies":
			inner = concealEach(inner)
		}
		out[m.Replace(name)] = m.mask(inner, dropped)
	}
	// Headers are objects of a name and a value; snapshots of pages have attributes.
	name, _ := out["name"].(string)
	kind, _ := out["type"].(string)
	if private[strings.ToLower(name)] || strings.EqualFold(kind, "password") {
		for _, field := range []string{"value", "__playwright_value_"} {
			if _, ok := out[field]; ok {
				out[field] = testcase.Mask
			}
		}
	}
	return out
}

// conceal keeps the shape of a value, and nothing of what it says.
func conceal(v any, dropped func(name string)) any {
	switch v := v.(type) {
	case nil, bool, json.Number:
		return v
	case map[string]any:
		if file, ok := v["_sha1"].(string); ok {
			dropped(file)
		}
		out := map[string]any{}
		if kind, ok := v["mimeType"].(string); ok { // a body
			out["mimeType"], out["text"], out["params"] = kind, testcase.Mask, []any{}
		}
		return out
	}
	return testcase.Mask
}

// concealEach masks the values of cookies.
func concealEach(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	for _, entry := range list {
		if cookie, ok := entry.(map[string]any); ok {
			if _, has := cookie["value"]; has {
				cookie["value"] = testcase.Mask
			}
		}
	}
	return list
}

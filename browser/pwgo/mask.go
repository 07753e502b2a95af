package pwgo

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/cinnamon-qa/cinnamon/secret"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// mostTyped and longestTyped bound what pages can report of their fields.
const (
	mostTyped    = 500
	longestTyped = 64 << 10
)

// masks knows what recordings must not tell: the secrets that steps were given, and what confidential steps and pages put
// into password fields, which the errors of other steps may tell.
type masks struct {
	known *secret.Redactor

	mu     sync.Mutex
	values map[string]bool
	typing string // what a page reported last
}

func newMasks(known *secret.Redactor, values []string) *masks {
	m := &masks{known: known, values: make(map[string]bool)}
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
	if len(value) > longestTyped {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.typing != "" && m.typing != value && strings.HasPrefix(value, m.typing) {
		delete(m.values, m.typing)
	}
	if !m.values[value] && len(m.values) < mostTyped {
		m.values[value], m.typing = true, value
	}
}

// redactor takes out what is known by now.
func (m *masks) redactor() *secret.Redactor {
	r := &secret.Redactor{}
	r.Learn(m.known)
	m.mu.Lock()
	defer m.mu.Unlock()
	for v := range m.values {
		r.Add(v)
	}
	return r
}

// masker masks documents.
type masker struct {
	*secret.Redactor

	// dropped is told the names of files that held what nobody is to see.
	dropped func(name string)
}

// private are the names of headers and fields whose value is nobody's business.
var private = map[string]bool{ //nolint:gochecknoglobals // a constant in all but syntax
	"authorization": true, "proxy-authorization": true, "cookie": true, "set-cookie": true, "x-api-key": true, "apikey": true,
	"x-auth-token": true, "x-csrf-token": true, "x-xsrf-token": true, "password": true, "httpcredentials": true, "postdata": true,
}

// mask masks a JSON document: known values, private headers and fields,
// cookies, and the bodies of requests.
func (m *masker) mask(v any) any {
	switch v := v.(type) {
	case string:
		return m.Redact(v)
	case []any:
		for i := range v {
			v[i] = m.mask(v[i])
		}
		return v
	case map[string]any:
		return m.object(v)
	}
	return v
}

func (m *masker) object(v map[string]any) map[string]any {
	out := make(map[string]any, len(v))
	for name, inner := range v {
		key := strings.ToLower(name)
		switch {
		case private[key]:
			inner = m.conceal(inner)
		case key == "cookies":
			inner = concealEach(inner)
		}
		if n, ok := inner.(json.Number); ok && name == "n" && m.Redact(n.String()) != n.String() {
			inner = json.Number("0") // what an expression came to
		}
		out[m.Redact(name)] = m.mask(inner)
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
func (m *masker) conceal(v any) any {
	switch v := v.(type) {
	case nil, bool, json.Number:
		return v
	case map[string]any:
		if file, ok := v["_sha1"].(string); ok {
			m.dropped(file)
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

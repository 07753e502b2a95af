package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Mask stands in a text where a value was.
const Mask = "•••"

// Redactor takes values out of texts, in the spellings that they travel in:
// plain, in addresses, JSON and HTML, as base64 and hex. The zero value knows
// none. It may be used by several goroutines.
type Redactor struct {
	mu        sync.RWMutex
	known     map[string]bool
	spellings []string
}

// Add makes a value one that is taken out from now on.
func (r *Redactor) Add(value string) {
	if value == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[value] {
		return
	}
	if r.known == nil {
		r.known = map[string]bool{}
	}
	r.known[value] = true
	r.spellings = append(r.spellings, spellings(value)...)
	// The longest first, so that no end of one is left over.
	slices.SortFunc(r.spellings, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	r.spellings = slices.Compact(r.spellings)
}

// Empty reports whether there is nothing to take out.
func (r *Redactor) Empty() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.known) == 0
}

// Redact returns a text without the values.
func (r *Redactor) Redact(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, s := range r.spellings {
		text = strings.ReplaceAll(text, s, Mask)
	}
	return text
}

func spellings(value string) []string {
	list := []string{
		value, url.QueryEscape(value), url.PathEscape(value), strings.ReplaceAll(url.QueryEscape(value), "+", "%20"),
		html.EscapeString(value), strings.Join(strings.Fields(value), " "),
	}
	if quoted, err := json.Marshal(value); err == nil {
		list = append(list, string(quoted[1:len(quoted)-1]))
	}
	// Short values would make encodings that stand everywhere.
	if len(value) >= 6 {
		list = append(list, base64.StdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)),
			hex.EncodeToString([]byte(value)))
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

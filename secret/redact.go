package secret

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	// Mask stands in a text where a value was.
	Mask = "•••"
	// Shortest is how many characters a secret must have at least, white space not counted: taking out every "42" would
	// leave nothing to read.
	Shortest = 4
	// leastCut is how many characters of a value may stay before the place where a text was cut.
	leastCut = 4
	// cutMark ends a text that was too long.
	cutMark = "…"
	// mostValues bounds how many values a Redactor learns.
	mostValues = 2000
)

// Redactor takes values out of texts, however they are spelled: plain or in other case, as addresses, JSON, HTML and
// scripts escape them, these within each other; as base64, alone or within something longer; as hex, in UTF-16 and
// Windows-1252. It takes out the beginning of a value, too, where a text was cut and marked with an ellipsis. A value
// that a page took apart or computed with is beyond it. The zero value knows none. It may be used by several goroutines.
type Redactor struct {
	mu    sync.RWMutex
	known map[string]bool
	// short are values that are taken out only where they are all of a text.
	short map[string]bool
	// plain are the needles that can begin with a byte, escaped those whose first character may be escaped.
	plain   [256][]*needle
	escaped map[rune][]*needle
	count   int
}

// Add makes values some that are taken out from now on. One with fewer than Shortest characters is taken out only where it
// is all of a text.
func (r *Redactor) Add(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, value := range values {
		r.add(value)
	}
}

func (r *Redactor) add(value string) {
	if value == "" || r.known[value] || len(r.known) >= mostValues {
		return
	}
	if r.known == nil {
		r.known, r.short, r.escaped = map[string]bool{}, map[string]bool{}, map[rune][]*needle{}
	}
	r.known[value] = true
	if !LongEnough(value) {
		r.short[value] = true
		return
	}
	for _, n := range needlesOf(value) {
		for b := range r.plain {
			if n.startsWith(byte(b)) {
				r.plain[b] = append(r.plain[b], &n)
			}
		}
		first := unicode.ToLower(n.signs[0].r)
		r.escaped[first] = append(r.escaped[first], &n)
		r.count++
	}
}

// Learn adds what another Redactor knows.
func (r *Redactor) Learn(other *Redactor) {
	if other == nil || other == r {
		return
	}
	other.mu.RLock()
	values := make([]string, 0, len(other.known))
	for v := range other.known {
		values = append(values, v)
	}
	other.mu.RUnlock()
	r.Add(values...)
}

// Knows reports whether a value is taken out.
func (r *Redactor) Knows(value string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.known[value]
}

// Empty reports whether there is nothing to take out.
func (r *Redactor) Empty() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.known) == 0
}

// String keeps the values out of what prints the Redactor.
func (r *Redactor) String() string { return "redactor" }

// GoString keeps the values out of what prints the Redactor.
func (r *Redactor) GoString() string { return r.String() }

// Redact returns a text, which may be any bytes, without the values.
func (r *Redactor) Redact(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.short[text] {
		return Mask
	}
	if r.count == 0 {
		return text
	}
	var out strings.Builder
	done := 0                           // what is written
	cut := strings.Index(text, cutMark) // the next place where the text was cut
	for i := 0; i < len(text); {
		escape := text[i] < utf8.RuneSelf && !plain(text[i])
		needles := r.plain[text[i]]
		if len(needles) == 0 && !escape {
			i++
			continue
		}
		if cut >= 0 && cut < i {
			if cut = strings.Index(text[i:], cutMark); cut >= 0 {
				cut += i
			}
		}
		end := i
		for _, n := range needles {
			end = max(end, n.match(text, i, cut))
		}
		if escape {
			end = max(end, r.matchEscaped(text, i, cut))
		}
		if end == i {
			i++
			continue
		}
		out.WriteString(text[done:i])
		out.WriteString(Mask)
		done, i = end, end
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// matchEscaped returns where a value ends whose first character is escaped at i; i if there is none.
func (r *Redactor) matchEscaped(text string, i, cut int) int {
	end := i
	q := skipSlashes(text, i)
	found, n := decode(text, q, q > i)
	for _, c := range found[:n] {
		for _, needle := range r.escaped[unicode.ToLower(c.r)] {
			end = max(end, needle.match(text, i, cut))
		}
	}
	if q > i {
		for _, needle := range r.escaped[backslash] {
			end = max(end, needle.match(text, i, cut))
		}
	}
	return end
}

// LongEnough reports whether a value can be taken out of texts.
func LongEnough(value string) bool {
	return utf8.RuneCountInString(strings.Join(strings.Fields(value), "")) >= Shortest
}

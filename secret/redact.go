package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
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
	patterns  []*regexp.Regexp
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
	if p := escaped(value); p != nil {
		r.patterns = append(r.patterns, p)
	}
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
	for _, p := range r.patterns {
		text = p.ReplaceAllLiteralString(text, Mask)
	}
	if len(r.spellings) > 0 && strings.Contains(text, cutMark) {
		text = r.redactCut(text)
	}
	return text
}

// cutMark ends a text that was too long.
const cutMark = "…"

// leastCut is how many bytes of a value may stay before the place where a text was cut.
const leastCut = 4

// redactCut takes out the beginning of a value whose end was cut off.
func (r *Redactor) redactCut(text string) string {
	pieces := strings.Split(text, cutMark)
	for i := range pieces[:len(pieces)-1] {
		longest := 0
		for _, s := range r.spellings {
			for n := min(len(s), len(pieces[i])); n >= leastCut && n > longest; n-- {
				if strings.HasSuffix(pieces[i], s[:n]) {
					longest = n
				}
			}
		}
		if longest > 0 {
			pieces[i] = pieces[i][:len(pieces[i])-longest] + Mask
		}
	}
	return strings.Join(pieces, cutMark)
}

// maxEscaped is how long a value may be for its escaped spellings to be found.
const maxEscaped = 2 << 10

// escaped matches a value however its signs are escaped, be it over and over: JSON inside of JSON in a quoted message. It is nil
// for a value of letters and digits alone, and one that is too long.
func escaped(value string) *regexp.Regexp {
	if len(value) > maxEscaped {
		return nil
	}
	var b strings.Builder
	signs := false
	for _, sign := range value {
		if sign < utf8.RuneSelf && (unicode.IsLetter(sign) || unicode.IsDigit(sign)) {
			b.WriteRune(sign)
			continue
		}
		signs = true
		ways := []string{
			regexp.QuoteMeta(string(sign)), fmt.Sprintf(`(?i:u%04x)`, sign), fmt.Sprintf(`(?i:x%02x)`, sign), fmt.Sprintf(`&#0*%d;`, sign),
			fmt.Sprintf(`(?i:&#x0*%x;)`, sign), `(?i:` + regexp.QuoteMeta(percent(sign)) + `)`,
			regexp.QuoteMeta(html.EscapeString(string(sign))),
		}
		switch sign {
		case ' ':
			ways = append(ways, `\s+`, `\+`, `&nbsp;`)
		case '"':
			ways = append(ways, `&quot;`)
		case '\n':
			ways = append(ways, "n", `\s+`)
		case '\t':
			ways = append(ways, "t", `\s+`)
		}
		b.WriteString(`\\*(?:` + strings.Join(ways, "|") + `)`)
	}
	if !signs {
		return nil
	}
	pattern, err := regexp.Compile(b.String())
	if err != nil {
		return nil // its plain spellings are found
	}
	return pattern
}

// percent is a sign as addresses have it.
func percent(sign rune) string {
	var b strings.Builder
	for _, c := range []byte(string(sign)) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func spellings(value string) []string {
	list := []string{
		value, url.QueryEscape(value), url.PathEscape(value), strings.ReplaceAll(url.QueryEscape(value), "+", "%20"),
		html.EscapeString(value), strings.Join(strings.Fields(value), " "),
	}
	quoted := strconv.Quote(value)
	list = append(list, quoted[1:len(quoted)-1])
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

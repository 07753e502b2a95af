package secret

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ends appends the places where a spelling of the sign ends that begins at p.
func (s *sign) ends(list []int, text string, p int, fold bool) []int {
	switch s.r {
	case space:
		return s.gap(list, text, p)
	case backslash:
		return s.slashes(list, text, p)
	}
	for _, o := range s.other {
		if strings.HasPrefix(text[p:], o) {
			list = note(list, p+len(o))
		}
	}
	if s.r < 0 {
		return list
	}
	if p < len(text) && plain(text[p]) {
		if c := rune(text[p]); c == s.r || fold && lower(c) == lower(s.r) {
			list = note(list, p+1)
		}
		return list
	}
	// Escapes may be escaped themselves, over and over: with backslashes in front.
	q := skipSlashes(text, p)
	found, n := decode(text, q, q > p)
	for _, c := range found[:n] {
		if c.r == s.r || fold && unicode.ToLower(c.r) == unicode.ToLower(s.r) {
			list = note(list, c.end)
		}
	}
	return list
}

// skipSlashes returns where a run of backslashes ends, in an address, too: %5C.
// plain reports whether a byte is a character that escapes nothing.
func plain(b byte) bool { return b < utf8.RuneSelf && b != '\\' && b != '%' && b != '&' }

func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func skipSlashes(text string, p int) int {
	for p < len(text) {
		switch text[p] {
		case '\\':
			p++
			continue
		case '%':
			for depth := range nestings {
				if c, ok := percent(text, p, depth); ok && c.r == backslash {
					return skipSlashes(text, c.end)
				}
			}
		}
		return p
	}
	return p
}

// gap is any run of white space.
func (s *sign) gap(list []int, text string, p int) []int {
	if s.loose {
		list = note(list, p)
	}
	for p < len(text) {
		q := skipSlashes(text, p)
		end := -1
		found, n := decode(text, q, q > p)
		for _, c := range found[:n] {
			if unicode.IsSpace(c.r) || c.r == '+' {
				end = c.end
			}
		}
		switch {
		case end >= 0:
		case q > p && q < len(text) && strings.IndexByte("nrt", text[q]) >= 0:
			end = q + 1
		default:
			return list
		}
		p = end
		list = note(list, p)
	}
	return list
}

// slashes is any run of backslashes. Browsers make slashes of those in the path of an address.
func (s *sign) slashes(list []int, text string, p int) []int {
	for p < len(text) {
		end := -1
		found, n := decode(text, p, false)
		for _, c := range found[:n] {
			if c.r == backslash || c.r == '/' {
				end = c.end
			}
		}
		if end < 0 {
			return list
		}
		p = end
		list = note(list, p)
	}
	return list
}

func note(list []int, end int) []int {
	if slices.Contains(list, end) {
		return list
	}
	return append(list, end)
}

// character is one that stands in a text, in whatever spelling, and where it ends.
type character struct {
	r   rune
	end int
}

// decode returns what the text at p may mean, and how many meanings that are: the character itself, or the one that it
// escapes. slashed says that a backslash stands before it.
func decode(text string, p int, slashed bool) (found [2 + nestings]character, n int) {
	if p >= len(text) {
		return found, 0
	}
	r, size := rune(text[p]), 1
	if r >= utf8.RuneSelf {
		r, size = utf8.DecodeRuneInString(text[p:])
	}
	found[0], n = character{r, p + size}, 1
	add := func(c character, ok bool) {
		if ok {
			found[n] = c
			n++
		}
	}
	switch {
	case r == '%':
		for depth := range nestings {
			add(percent(text, p, depth))
		}
	case r == '&':
		for depth := range nestings {
			add(entity(text, p+1, depth))
		}
	case slashed && (r == 'u' || r == 'x' || r == 'U'):
		c, ok := hexadecimal(text, p)
		add(c, ok)
		if ok && c.r == '&' { // HTML in JSON
			for depth := range nestings {
				add(entity(text, c.end, depth))
			}
		}
	}
	return found, n
}

// nestings is how often something may have been escaped for an address, or for HTML.
const nestings = 3

// percent reads %C3%B6, or what was escaped again as often as depth says: %25C3%25B6.
func percent(text string, p, depth int) (character, bool) {
	var bytes [utf8.UTFMax]byte
	for n := range bytes {
		if p >= len(text) || text[p] != '%' {
			return character{}, false
		}
		q := p + 1
		for range depth {
			if !strings.HasPrefix(text[q:], "25") {
				return character{}, false
			}
			q += 2
		}
		if !isHex(text, q, 2) {
			return character{}, false
		}
		b, err := strconv.ParseUint(text[q:q+2], 16, 8)
		if err != nil {
			return character{}, false
		}
		bytes[n], p = byte(b), q+2
		if r, _ := utf8.DecodeRune(bytes[:n+1]); r != utf8.RuneError {
			return character{r, p}, true
		}
		if n == 0 && (p >= len(text) || text[p] != '%') {
			return character{fromWindows1252(byte(b)), p}, true
		}
	}
	return character{}, false
}

func isHex(text string, at, n int) bool {
	if at+n > len(text) {
		return false
	}
	for _, c := range []byte(text[at : at+n]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// hexadecimal reads u0026, x26, u{26} and the two halves of a character above U+FFFF.
func hexadecimal(text string, p int) (character, bool) {
	if strings.HasPrefix(text[p:], "u{") {
		closing := strings.IndexByte(text[p:min(p+10, len(text))], '}')
		if closing < 0 {
			return character{}, false
		}
		n, err := strconv.ParseUint(text[p+2:p+closing], 16, 32)
		return character{rune(n), p + closing + 1}, err == nil //nolint:gosec // a rune that is none equals none
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[p]]
	if !isHex(text, p+1, digits) {
		return character{}, false
	}
	n, err := strconv.ParseUint(text[p+1:p+1+digits], 16, 32)
	c := character{rune(n), p + 1 + digits} //nolint:gosec // a rune that is none equals none
	if err != nil || n < 0xD800 || n > 0xDBFF {
		return c, err == nil
	}
	q := skipSlashes(text, c.end)
	if q >= len(text) || text[q] != 'u' || !isHex(text, q+1, 4) {
		return c, true
	}
	low, _ := strconv.ParseUint(text[q+1:q+5], 16, 32)
	return character{0x10000 + rune(n-0xD800)<<10 + rune(low-0xDC00)&0x3FF, q + 5}, true
}

// entity reads what follows the ampersand of &amp; and &#38;, or what was escaped again as often as depth says: &amp;amp;.
func entity(text string, p, depth int) (character, bool) {
	for range depth {
		if !strings.HasPrefix(text[p:], "amp;") {
			return character{}, false
		}
		p += len("amp;")
	}
	r, n, ok := named(text[p:])
	return character{r, p + n}, ok
}

// named reads what follows an ampersand.
func named(text string) (r rune, size int, ok bool) {
	const longest = 10
	end := strings.IndexByte(text[:min(longest, len(text))], ';')
	if end < 1 {
		return 0, 0, false
	}
	name := text[:end]
	if digits, isNumber := strings.CutPrefix(name, "#"); isNumber {
		base := 10
		if hexDigits, isHex := strings.CutPrefix(strings.ToLower(digits), "x"); isHex {
			digits, base = hexDigits, 16
		}
		n, err := strconv.ParseUint(digits, base, 31)
		return rune(n), end + 1, err == nil
	}
	r, ok = map[string]rune{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\'', "nbsp": '\u00a0', "Tab": '\t', "NewLine": '\n'}[name]
	return r, end + 1, ok
}

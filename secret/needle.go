package secret

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// needle is a value, or one of its encodings, to be found whatever its characters are escaped as.
type needle struct {
	signs []sign
	// fold finds it in other case as well.
	fold bool
}

// sign is a character of a needle, or a run of white space or of backslashes.
type sign struct {
	r rune
	// loose says of white space that it may be left out: of line breaks and tabs, as addresses and one-line fields do.
	loose bool
	// other are spellings of it in other character sets, as bytes.
	other []string
}

const (
	space     = ' '
	backslash = '\\'
)

// needlesOf are the needles of a value.
func needlesOf(value string) []needle {
	var list []needle
	for _, v := range readings(value) {
		list = append(list, needle{signs: signsOf(v), fold: true})
	}
	for _, bytes := range []string{value, windows1252(value)} {
		if bytes != "" {
			for _, text := range base64Of(bytes) {
				list = append(list, needle{signs: signsOf(text)})
			}
			list = append(list, needle{signs: signsOf(hex.EncodeToString([]byte(bytes))), fold: true})
		}
	}
	for _, text := range utf16Of(value) {
		list = append(list, needle{signs: []sign{{r: -1, other: []string{text}}}})
	}
	return slices.DeleteFunc(list, func(n needle) bool { return len(n.signs) == 0 })
}

// readings are what a value becomes where it is put in without being escaped and then read: in an address, a form, in HTML,
// in a JSON string.
func readings(value string) []string {
	all := []string{value}
	note := func(v string, err error) {
		if err == nil && LongEnough(v) && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	note(url.PathUnescape(value))
	note(url.QueryUnescape(value))
	note(html.UnescapeString(value), nil)
	var v string
	err := json.Unmarshal([]byte(`"`+value+`"`), &v)
	note(v, err)
	return all
}

func signsOf(value string) []sign {
	var signs []sign
	value = strings.TrimSpace(value)
	for i := 0; i < len(value); {
		r, size := utf8.DecodeRuneInString(value[i:])
		s := sign{r: r}
		switch {
		case unicode.IsSpace(r):
			rest := strings.TrimLeftFunc(value[i:], unicode.IsSpace)
			size = len(value) - i - len(rest)
			s.r, s.loose = space, strings.Trim(value[i:i+size], "\r\n\t") == ""
		case r == backslash:
			size = len(value) - i - len(strings.TrimLeft(value[i:], `\`))
		case r == utf8.RuneError && size == 1:
			s.r, s.other = -1, []string{value[i : i+1]}
		case r >= utf8.RuneSelf:
			s.other = append(s.other, misread(string(r)))
			if b := windows1252(string(r)); b != "" {
				s.other = append(s.other, b)
			}
		}
		signs = append(signs, s)
		i += size
	}
	return signs
}

// leastEncoded is how many characters of an encoding are enough to know it by.
const leastEncoded = 5

// base64Of is what base64 makes of bytes, alone or within something longer: it depends on where they stand, and its ends on
// what is beside them.
func base64Of(value string) []string {
	all := []string{base64.StdEncoding.EncodeToString([]byte(value)), base64.RawStdEncoding.EncodeToString([]byte(value))}
	for shift := range 3 {
		padded := append(make([]byte, shift), value...)
		text := base64.StdEncoding.EncodeToString(padded[:len(padded)/3*3])
		all = append(all, text[min((shift*8+5)/6, len(text)):])
	}
	for _, text := range all {
		all = append(all, strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return len(s) < leastEncoded })
}

func utf16Of(value string) []string {
	var little, big []byte
	for _, unit := range utf16.Encode([]rune(value)) {
		little = binary.LittleEndian.AppendUint16(little, unit)
		big = binary.BigEndian.AppendUint16(big, unit)
	}
	return []string{string(little), string(big)}
}

// startsWith reports whether a spelling of the needle whose first character is not escaped can begin with the byte.
func (n *needle) startsWith(b byte) bool {
	first := n.signs[0]
	for _, o := range first.other {
		if o[0] == b {
			return true
		}
	}
	if first.r < 0 {
		return false
	}
	if first.r == backslash && b == '/' {
		return true
	}
	for _, r := range []rune{first.r, unicode.ToLower(first.r), unicode.ToUpper(first.r), unicode.SimpleFold(first.r)} {
		if string(r)[0] == b {
			return true
		}
	}
	return false
}

// match returns where the needle ends that begins at i; i if none does. A needle whose beginning reaches the place where the
// text was cut, if that is not negative, ends there.
func (n *needle) match(text string, i, cut int) int {
	if n.rulesOut(text, i) {
		return i
	}
	var room, more [8]int // most needles end in one place
	at, next := append(room[:0], i), more[:0]
	for k := range n.signs {
		next = next[:0]
		for _, p := range at {
			if k >= leastCut && isCut(text, p, cut) {
				return cut
			}
			next = n.signs[k].ends(next, text, p, n.fold)
		}
		if len(next) == 0 {
			return i
		}
		at, next = next, at
	}
	return slices.Max(at)
}

// rulesOut is a quick look at the first two characters, where nothing is escaped.
func (n *needle) rulesOut(text string, i int) bool {
	for k := range min(2, len(n.signs)) {
		s := &n.signs[k]
		if i+k >= len(text) || !plain(text[i+k]) || s.r == space || s.r == backslash || len(s.other) > 0 {
			return false
		}
		if c := rune(text[i+k]); c != s.r && (!n.fold || lower(c) != lower(s.r)) {
			return true
		}
	}
	return false
}

// isCut reports whether nothing but the beginning of an escape stands between a place and the one where the text was cut.
func isCut(text string, at, cut int) bool {
	const longestEscape = 8
	return at == cut || cut > at && cut-at < longestEscape && strings.IndexByte(`%\&`, text[at]) >= 0 && !strings.ContainsAny(text[at:cut], " ;\n")
}

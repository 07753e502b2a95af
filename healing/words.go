package healing

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is compared of a text.
const (
	maxWords    = 48 // words of one field
	maxTrigrams = 48 // trigrams of a caption
)

// eachWord calls f with the words of s in lower case: what is between characters that are neither letters nor digits, and, in an
// identifier, also between "nav" and "Link" and between "item" and "5". It ends after maxWords words.
func eachWord(s string, identifier bool, f func(word string)) {
	start, class, upper, limit := -1, 0, false, maxWords
	emit := func(end int) {
		word := s[start:end]
		if upper {
			word = strings.ToLower(word)
		}
		start, upper = -1, false
		limit--
		f(word)
	}
	for i, r := range s {
		kind := kindOf(r)
		if start >= 0 && (kind == separator || identifier && kind != class && (class != upperCase || kind != lowerCase)) {
			emit(i)
			if limit <= 0 {
				return
			}
		}
		if kind != separator {
			if start < 0 {
				start = i
			}
			upper = upper || kind == upperCase
		}
		class = kind
	}
	if start >= 0 {
		emit(len(s))
	}
}

const (
	separator = iota
	lowerCase
	upperCase
	digit
)

func kindOf(r rune) int {
	switch {
	case r >= 'a' && r <= 'z':
		return lowerCase
	case r >= 'A' && r <= 'Z':
		return upperCase
	case r >= '0' && r <= '9':
		return digit
	case r < utf8.RuneSelf:
		return separator
	case unicode.IsUpper(r):
		return upperCase
	case unicode.IsLetter(r) || unicode.IsMark(r):
		return lowerCase
	case unicode.IsDigit(r):
		return digit
	default:
		return separator
	}
}

// wordsOf returns the words of s with synonyms replaced: "Log in" and "signIn" are both one word, "signin".
func wordsOf(dst []string, s string, identifier bool) []string {
	if s == "" {
		return dst
	}
	first := len(dst)
	eachWord(s, identifier, func(word string) {
		if head, tail := halves(word, identifier); tail != "" {
			dst, word = append(dst, head), tail
		}
		if len(dst) > first {
			if both, ok := pairs[[2]string{dst[len(dst)-1], word}]; ok {
				dst[len(dst)-1] = both
				return
			}
		}
		dst = append(dst, word)
	})
	for i := first; i < len(dst); i++ {
		dst[i] = canonical(dst[i])
	}
	return dst
}

// halves splits a word of an identifier that is two words run together, if one of them is frequent in interfaces: "loginbutton".
func halves(word string, identifier bool) (head, tail string) {
	if !identifier || len(word) < 7 {
		return word, ""
	}
	for _, known := range glued {
		if rest, ok := strings.CutSuffix(word, known); ok && len(rest) >= 3 {
			return rest, known
		}
		if rest, ok := strings.CutPrefix(word, known); ok && len(rest) >= 3 {
			return known, rest
		}
	}
	return word, ""
}

// singular takes the plural's s away: "jobs", but not "news" or "address". It need not be right, only the same for both sides.
func singular(word string) string {
	if n := len(word); n > 4 && word[n-1] == 's' && word[n-2] != 's' && word[n-2] != 'u' && word[n-2] != 'i' {
		return word[:n-1]
	}
	return word
}

// generated tells whether a word looks like one that a tool made up ("1x2y3z", "d654b0ff"), which says nothing across versions.
func generated(word string) bool {
	if len(word) < 4 {
		return false
	}
	letters, digits, vowels, changes := 0, 0, 0, 0
	last := separator
	for _, r := range word {
		kind := kindOf(r)
		if kind == digit {
			digits++
		} else {
			letters++
			if strings.ContainsRune("aeiouy", r) || r >= utf8.RuneSelf {
				vowels++
			}
		}
		if last != separator && (kind == digit) != (last == digit) {
			changes++
		}
		last = kind
	}
	switch {
	case letters == 0:
		return digits >= 5
	case digits > 0:
		return changes >= 2 || digits >= 3
	default:
		return vowels == 0 && letters >= 5
	}
}

// trigrams returns the set of all three characters in a row of a key (see keyOf), sorted, as hashes.
func trigrams(dst []uint32, key string) []uint32 {
	var window [3]rune
	n := 0
	for _, r := range key {
		window[0], window[1], window[2] = window[1], window[2], r
		n++
		if n < 3 {
			continue
		}
		dst = append(dst, uint32(window[0])*0x9E3779B1^uint32(window[1])*0x85EBCA6B^uint32(window[2])*0xC2B2AE35) //nolint:gosec // a hash
		if n-2 >= maxTrigrams {
			break
		}
	}
	if n > 0 && n < 3 {
		dst = append(dst, uint32(window[1])*31+uint32(window[2])) //nolint:gosec // a hash
	}
	return sortedSet(dst)
}

// keyOf is s in lower case with nothing but words, one space apart: equal keys read the same.
func keyOf(s string) string {
	if s == "" {
		return ""
	}
	var b strings.Builder
	b.Grow(len(s))
	eachWord(s, false, func(word string) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	})
	return b.String()
}

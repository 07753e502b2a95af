package secret

import "unicode/utf8"

// high are the characters of Windows-1252, which browsers take an unnamed character set for, from 0x80 to 0x9F; those above
// are Unicode's own.
const high = "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
	"\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178"

func fromWindows1252(b byte) rune {
	if b < 0x80 || b > 0x9F {
		return rune(b)
	}
	return []rune(high)[b-0x80]
}

// windows1252 is a text in that character set; empty if it is plain ASCII, or can't be written in it.
func windows1252(text string) string {
	var bytes []byte
	plain := true
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf || r >= 0xA0 && r <= 0xFF:
			bytes = append(bytes, byte(r)) //nolint:gosec // at most 0xFF
		default:
			b := byte(0)
			for i, h := range []rune(high) {
				if h == r {
					b = byte(0x80 + i)
				}
			}
			if b == 0 {
				return ""
			}
			bytes = append(bytes, b)
		}
		plain = plain && r < utf8.RuneSelf
	}
	if plain {
		return ""
	}
	return string(bytes)
}

// misread is UTF-8 read as Windows-1252, as browsers read a text that does not say what it is.
func misread(text string) string {
	runes := make([]rune, 0, len(text))
	for _, b := range []byte(text) {
		runes = append(runes, fromWindows1252(b))
	}
	return string(runes)
}

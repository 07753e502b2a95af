package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// columns measures text. Characters of ambiguous width count as one column, as terminals draw them.
func columns() *runewidth.Condition {
	c := runewidth.NewCondition()
	c.EastAsianWidth = false
	return c
}

func textWidth(s string) int { return columns().StringWidth(s) }

// truncate shortens text to a width in columns, never inside a character.
func truncate(s string, width int) string {
	if width <= 0 {
		return ""
	}
	return columns().Truncate(s, width, "…")
}

// fit truncates or fills text on the right to exactly this width.
func fit(s string, width int) string {
	return columns().FillRight(truncate(s, width), width)
}

// fitRight truncates or fills text on the left to exactly this width.
func fitRight(s string, width int) string {
	return columns().FillLeft(truncate(s, width), width)
}

// clean makes text from a test or a page safe to print on one line: no control characters (which a terminal would obey),
// no text direction tricks, no line breaks.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "�")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// cleanLines does what clean does to each line and drops empty ones.
func cleanLines(s string) []string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = clean(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// humane writes a duration as people say it: 340ms, 12.3s, 2m 05s, 1h 02m.
func humane(d time.Duration) string {
	switch {
	case d <= 0:
		return "0ms"
	case d < time.Second:
		return fmt.Sprintf("%dms", max(d.Milliseconds(), 1))
	case d.Round(100*time.Millisecond) < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d.Round(time.Second) < time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm %02ds", d/time.Minute, d%time.Minute/time.Second)
	default:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh %02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
}

// count writes a number with its noun: 1 run, 2 runs.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// ofAll writes a part of a whole: "the file", "all 3 files", "1 of 3 files".
func ofAll(n, all int, noun string) string {
	switch {
	case all == 1:
		return "the " + noun
	case n == all:
		return "all " + count(all, noun)
	default:
		return fmt.Sprintf("%d of %s", n, count(all, noun))
	}
}

// palette colours text, or leaves it alone.
type palette struct{ on bool }

func (p palette) paint(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p palette) bold(s string) string   { return p.paint("1", s) }
func (p palette) dim(s string) string    { return p.paint("2", s) }
func (p palette) red(s string) string    { return p.paint("31", s) }
func (p palette) green(s string) string  { return p.paint("32", s) }
func (p palette) yellow(s string) string { return p.paint("33", s) }
func (p palette) cyan(s string) string   { return p.paint("36", s) }

package casepatch

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// around is how many lines of context a diff has.
const around = 3

// Diff says what changed as a unified diff that `git apply` and `patch -p1` take; "" if nothing did.
func (r *Result) Diff(name string) string {
	was, is := linesOf(r.before), linesOf(r.Text)
	changes := compare(was, is)
	if len(changes) == 0 {
		return ""
	}
	var b strings.Builder
	name = strings.TrimPrefix(filepath.ToSlash(name), "/")
	if strings.ContainsAny(name, " \t") {
		name += "\t" // what ends a name that has spaces in it
	}
	fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n", name, name)
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && changes[n].was-(changes[n-1].was+changes[n-1].gone) <= 2*around {
			n++
		}
		writeHunk(&b, was, is, changes[:n])
		changes = changes[n:]
	}
	return b.String()
}

// linesOf splits a text after each line's end.
func linesOf(text []byte) []string {
	return slices.Collect(strings.Lines(string(text)))
}

// change is lines that went and lines that came in their place.
type change struct{ was, gone, is, come int }

// compare finds what changed. Lines are only ever added, or replaced one by one, so it looks no further than for the next line that stayed.
func compare(was, is []string) []change {
	var changes []change
	i, j, low := 0, 0, 0
	for i < len(was) || j < len(is) {
		if i < len(was) && j < len(is) && was[i] == is[j] {
			i, j = i+1, j+1
			continue
		}
		gone, come := apart(was[i:], is[j:])
		c := change{was: i, gone: gone, is: j, come: come}
		for gone == 0 && c.was > low && was[c.was-1] == is[c.is+come-1] { // a list's new entry is shown as a whole
			c.was, c.is = c.was-1, c.is-1
		}
		changes = append(changes, c)
		i, j, low = i+gone, j+come, i+gone
	}
	return changes
}

// apart says how many lines differ before both texts go on alike.
func apart(was, is []string) (gone, come int) {
	const alike = 4 // lines in a row: less may be a coincidence, as lists look alike
	for n := 1; n <= len(was)+len(is); n++ {
		for gone := 0; gone <= min(n, len(was)); gone++ {
			come := n - gone
			if come > len(is) {
				continue
			}
			same := 0
			for same < alike && gone+same < len(was) && come+same < len(is) && was[gone+same] == is[come+same] {
				same++
			}
			if same == alike || gone+same == len(was) && come+same == len(is) {
				return gone, come
			}
		}
	}
	return len(was), len(is)
}

func writeHunk(b *strings.Builder, was, is []string, changes []change) {
	first, last := changes[0], changes[len(changes)-1]
	start := max(first.was-around, 0)
	end := min(last.was+last.gone+around, len(was))
	from := first.is - (first.was - start)
	size := end - start
	for _, c := range changes {
		size += c.come - c.gone
	}
	fmt.Fprintf(b, "@@ -%s +%s @@\n", lineRange(start, end-start), lineRange(from, size))
	at := start
	for _, c := range changes {
		writeLines(b, " ", was[at:c.was])
		writeLines(b, "-", was[c.was:c.was+c.gone])
		writeLines(b, "+", is[c.is:c.is+c.come])
		at = c.was + c.gone
	}
	writeLines(b, " ", was[at:end])
}

func lineRange(start, n int) string {
	if n == 0 {
		return fmt.Sprintf("%d,0", start)
	}
	return fmt.Sprintf("%d,%d", start+1, n)
}

func writeLines(b *strings.Builder, mark string, lines []string) {
	for _, line := range lines {
		b.WriteString(mark + line)
		if !strings.HasSuffix(line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

package obs

import "strings"

// Debug is what the variable DEBUG asks for, as the npm package of that name reads it: patterns separated by commas or
// spaces, with * for any text; one that begins with - leaves out what the others took in.
type Debug struct {
	wanted, unwanted []string
}

// ParseDebug reads patterns.
func ParseDebug(text string) Debug {
	var d Debug
	for _, pattern := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }) {
		if left, ok := strings.CutPrefix(pattern, "-"); ok {
			d.unwanted = append(d.unwanted, left)
		} else {
			d.wanted = append(d.wanted, pattern)
		}
	}
	return d
}

// Matches says whether the log of that name is wanted. An exclusion wins, wherever it stands.
func (d Debug) Matches(name string) bool {
	return anyMatches(d.wanted, name) && !anyMatches(d.unwanted, name)
}

func anyMatches(patterns []string, name string) bool {
	for _, p := range patterns {
		if wildcard(p, name) {
			return true
		}
	}
	return false
}

// wildcard matches a whole name; each * stands for any text, also for none.
func wildcard(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	rest := name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return true
}

package learning

import (
	"cmp"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// FailurePattern is what failed in the same way in several runs: at the same step, on the same page, with the same message but for
// what changes from one time to the next.
type FailurePattern struct {
	Step  int    `json:"step"`
	Error string `json:"error"`
	Page  string `json:"page,omitempty"`
	Runs  int    `json:"runs"`
	// Of is how many of the newest runs were looked at.
	Of          int       `json:"of"`
	First, Last time.Time `json:"-"`
	// Newest are the runs that failed so last, Said is what the newest one's step said.
	Newest []string `json:"newest"`
	Said   string   `json:"said"`
}

const (
	// leastRepeats is how many runs make a pattern, mostNewest how many of them are named, mostPatterns how many patterns are told of,
	// mostMessage is how much of a message, in characters, and mostRead how many bytes of it are looked at.
	leastRepeats = 2
	mostNewest   = 5
	mostPatterns = 50
	mostMessage  = 300
	mostRead     = 4 << 10
)

// Failures groups how runs, the oldest first, failed: what failed most comes first. A run counts once, however many of its attempts
// failed.
func Failures(runs []Run) []FailurePattern {
	type key struct {
		step        int
		error, page string
	}
	groups := map[key]*FailurePattern{}
	for _, run := range runs {
		seen := map[key]bool{}
		for _, f := range run.Failures {
			k := key{f.Number, Normalise(f.Error), place(f.Page)}
			p := groups[k]
			if p == nil {
				p = &FailurePattern{Step: k.step, Error: k.error, Page: k.page, Of: len(runs), First: run.Ended}
				groups[k] = p
			}
			if seen[k] {
				continue
			}
			seen[k] = true
			p.Runs++
			p.Last, p.Said = run.Ended, cut(f.Error)
			if p.Newest = append(p.Newest, run.ID); len(p.Newest) > mostNewest {
				p.Newest = p.Newest[1:]
			}
		}
	}
	patterns := slices.DeleteFunc(slices.Collect(maps.Values(groups)), func(p *FailurePattern) bool { return p.Runs < leastRepeats })
	slices.SortFunc(patterns, func(a, b *FailurePattern) int {
		return cmp.Or(b.Runs-a.Runs, a.Step-b.Step, strings.Compare(a.Error, b.Error), strings.Compare(a.Page, b.Page))
	})
	out := make([]FailurePattern, 0, min(len(patterns), mostPatterns))
	for _, p := range patterns[:min(len(patterns), mostPatterns)] {
		out = append(out, *p)
	}
	return out
}

var (
	address = regexp.MustCompile(`(https?://[^\s"'<>?#]+)[?#][^\s"'<>]*`)
	changes = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{8,}|\b[0-9a-fA-F]*[0-9][0-9a-fA-F]{7,}\b|[0-9]+([.,][0-9]+)*`)
)

// Normalise leaves out of a message or an address what changes from one time to the next: numbers, ids, what follows the path of an
// address. What it has left out once it leaves as it is.
func Normalise(s string) string {
	s = s[:min(len(s), mostRead)]
	s = address.ReplaceAllString(s, "$1")
	s = changes.ReplaceAllString(s, "*")
	return strings.TrimSpace(cut(strings.Join(strings.Fields(s), " ")))
}

// place is a page's address without what changes from one time to the next: its host says more than numbers in it.
func place(page string) string {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" {
		return Normalise(page)
	}
	return u.Host + Normalise(u.Path)
}

func cut(s string) string {
	if r := []rune(s); len(r) > mostMessage {
		return string(r[:mostMessage])
	}
	return s
}

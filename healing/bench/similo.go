package main

import (
	"math"
	"strings"
)

// similo is the yardstick: the method of Nass, Alégroth, Feldt, Leotta and Ricca, "Similarity-based Web Element Localization for
// Robust Test Automation" (ACM TOSEM 2023), written from the paper: fourteen properties, each with a comparison and one of two
// weights, 1.5 for those that rarely change and 0.5 for the others; the element with the largest sum wins.
func similo(a, b *record) float64 {
	const stable, loose = 1.5, 0.5
	score := stable*equal(a.Tag, b.Tag) + stable*equal(a.ID, b.ID) + stable*equal(a.Name, b.Name) +
		stable*spelling(a.visible(), b.visible()) + stable*sharedWords(a.Neighbors, b.Neighbors) +
		loose*spelling(a.Class, b.Class) + loose*spelling(a.Href, b.Href) + loose*spelling(a.Alt, b.Alt) +
		loose*spelling(a.XPath, b.XPath) + loose*spelling(a.IDXPath, b.IDXPath) + loose*equal(a.IsButton, b.IsButton)
	if a.X != nil && b.X != nil {
		distance := math.Hypot(*a.X-*b.X, *a.Y-*b.Y)
		score += loose*max(0, 1-distance/100) +
			loose*closeness(*a.Width**a.Height, *b.Width**b.Height) +
			loose*closeness(shape(*a.Width, *a.Height), shape(*b.Width, *b.Height))
	}
	return score
}

func similoBest(s *site, t *target) int {
	best, at := -1.0, -1
	for i := range s.records {
		if score := similo(&t.Old, &s.records[i]); score > best {
			best, at = score, i
		}
	}
	return at
}

// equal is 1 for properties that both have and that are the same, ignoring case.
func equal(a, b string) float64 {
	if a != "" && strings.EqualFold(a, b) {
		return 1
	}
	return 0
}

func shape(width, height float64) float64 { return 100 * width / max(height, 1) }

func closeness(a, b float64) float64 {
	if m := max(a, b); m > 0 {
		return min(a, b) / m
	}
	return 1
}

// spelling is 1 less the Levenshtein distance of two texts, ignoring case, as a share of the longer one.
func spelling(a, b string) float64 {
	if a == "" || b == "" {
		return 0
	}
	if strings.EqualFold(a, b) {
		return 1
	}
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	return 1 - float64(distance(x, y))/float64(max(len(x), len(y)))
}

// distance is the Levenshtein distance, 64 rows of the table at a time (Myers 1999).
func distance(x, y []rune) int {
	type block struct {
		plus, minus uint64
		at          map[rune]uint64
	}
	blocks := make([]block, (len(x)+63)/64)
	for i := range blocks {
		blocks[i] = block{plus: ^uint64(0), at: map[rune]uint64{}}
	}
	for i, r := range x {
		blocks[i/64].at[r] |= 1 << (i % 64)
	}
	score := len(x)
	for _, r := range y {
		carry := 1
		for i := range blocks {
			b := &blocks[i]
			last := uint64(1) << 63
			if i == len(blocks)-1 {
				last = 1 << ((len(x) - 1) % 64)
			}
			same := b.at[r]
			vertical := same | b.minus
			if carry < 0 {
				same |= 1
			}
			horizontal := (((same & b.plus) + b.plus) ^ b.plus) | same
			plus, minus := b.minus|^(horizontal|b.plus), b.plus&horizontal
			out := 0
			switch {
			case plus&last != 0:
				out = 1
			case minus&last != 0:
				out = -1
			}
			plus, minus = plus<<1, minus<<1
			switch carry {
			case 1:
				plus |= 1
			case -1:
				minus |= 1
			}
			b.plus, b.minus = minus|^(vertical|plus), plus&vertical
			carry = out
		}
		score += carry
	}
	return score
}

// sharedWords is the share of the words of one text that the other has, too.
func sharedWords(a, b string) float64 {
	x, y := strings.Fields(strings.ToLower(a)), strings.Fields(strings.ToLower(b))
	if len(x) == 0 || len(y) == 0 {
		return 0
	}
	has := make(map[string]bool, len(y))
	for _, w := range y {
		has[w] = true
	}
	n := 0
	for _, w := range x {
		if has[w] {
			n++
		}
	}
	return min(1, float64(n)/float64(max(len(x), len(y))))
}

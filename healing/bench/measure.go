package main

import (
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/cinnamon-qa/cinnamon/healing"
)

// outcome is what was answered to one question.
type outcome struct {
	site     *site
	target   *target
	gone     bool // the right element had been taken out
	right    bool // the best candidate is the right one
	ranking  healing.Ranking
	decision healing.Decision
	sound    bool  // nothing but the confidence may speak against healing
	numbers  []int // the numbers that the page's elements have in the data
}

// measured is what was answered about a site.
type measured struct {
	similo          int
	alone, together []outcome
}

// measureAll asks all questions about all sites.
func measureAll(sites []*site) {
	var wait sync.WaitGroup
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, s := range sites {
		wait.Go(func() {
			turns <- struct{}{}
			s.measure()
			<-turns
		})
	}
	wait.Wait()
}

func (s *site) measure() {
	olds := make([]healing.Fingerprint, len(s.targets))
	for i := range s.targets {
		olds[i] = s.targets[i].old
	}
	all := make([]int, len(s.prints))
	for i := range all {
		all[i] = i
	}
	page := healing.NewPage(s.prints)
	together := page.RankTogether(olds)
	for i := range s.targets {
		t := &s.targets[i]
		if slices.Contains(t.Accept, similoBest(s, t)) {
			s.measured.similo++
		}
		s.measured.alone = append(s.measured.alone, s.judge(page, t, page.Rank(t.old), all, false))
		s.measured.together = append(s.measured.together, s.judge(page, t, together[i], all, false))
	}
	for i := range s.targets {
		t := &s.targets[i]
		left := s.without(t)
		prints := make([]healing.Fingerprint, len(left))
		for k, n := range left {
			prints[k] = s.prints[n]
		}
		page := healing.NewPage(prints)
		s.measured.alone = append(s.measured.alone, s.judge(page, t, page.Rank(t.old), left, true))
		s.measured.together = append(s.measured.together, s.judge(page, t, page.RankTogether(olds)[i], left, true))
	}
}

func (s *site) judge(page *healing.Page, t *target, r healing.Ranking, numbers []int, gone bool) outcome {
	o := outcome{site: s, target: t, gone: gone, ranking: r, numbers: numbers, decision: page.Decide(t.old, r, healing.Careful)}
	if len(r.Candidates) > 0 {
		o.right = !gone && slices.Contains(t.Accept, numbers[r.Best().Index])
	}
	sure := healing.Careful
	sure.MinConfidence = 0
	o.sound = page.Decide(t.old, r, sure).Heal
	return o
}

// without are the numbers of the elements that are left when a target is gone: not those that are right, nor what is in them,
// nor what is around them up to three levels, nor what has the same text and link.
func (s *site) without(t *target) []int {
	var left []int
	for i := range s.records {
		e := &s.records[i]
		same := func(accepted int) bool {
			a := &s.records[accepted]
			return i == accepted || inside(e.XPath, a.XPath, 1000) || inside(a.XPath, e.XPath, 3) ||
				e.visible() != "" && e.visible() == a.visible() && e.Href == a.Href
		}
		if !slices.ContainsFunc(t.Accept, same) {
			left = append(left, i)
		}
	}
	return left
}

// inside tells whether an element is in another one, at most so many levels deep.
func inside(path, outer string, levels int) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(path), strings.ToLower(outer)+"/")
	return ok && strings.Count(rest, "/") < levels
}

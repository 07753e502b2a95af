package healing_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/healing"
)

const rounds = 300

func TestScoresAreBoundedAndAddUp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range rounds {
		page, targets := healing.NewPage(randomPage(r, 1+r.IntN(12))), randomPage(r, 1+r.IntN(6))
		old := healing.NewPage(targets)
		alone := page.Rank(targets[0])
		bounded(t, alone)
		page.TrustSole(old, 0, &alone)
		bounded(t, alone)
		for _, ranking := range page.RankTogether(targets) {
			// The one that a target was given may score less than one that it was not given.
			require.NotEmpty(t, ranking.Candidates)
			first := ranking.Candidates[:1]
			ranking.Candidates = ranking.Candidates[1:]
			bounded(t, ranking)
			ranking.Candidates = first
			bounded(t, ranking)
		}
	}
}

// bounded looks at a ranking: all numbers are within their bounds, the parts add up to the score, and the better comes first.
func bounded(t *testing.T, ranking healing.Ranking) {
	t.Helper()
	require.GreaterOrEqual(t, ranking.Confidence, 0.0)
	require.LessOrEqual(t, ranking.Confidence, 1.0)
	for _, v := range ranking.Evidence.Vector() {
		require.GreaterOrEqual(t, v, -1.0, "%+v", ranking.Evidence)
		require.LessOrEqual(t, v, 1.0+1e-9, "%+v", ranking.Evidence)
	}
	for i, c := range ranking.Candidates {
		require.GreaterOrEqual(t, c.Score, 0.0)
		require.LessOrEqual(t, c.Score, 1.0)
		require.NotEmpty(t, c.Reason)
		sum := 0.0
		for _, p := range c.Parts {
			require.GreaterOrEqual(t, p.Similarity, -1.0, p.Name)
			require.LessOrEqual(t, p.Similarity, 1.0+1e-9, p.Name)
			sum += p.Contribution
		}
		require.InDelta(t, max(sum, 0), c.Score, 1e-9)
		if i > 0 {
			require.LessOrEqual(t, c.Score, ranking.Candidates[i-1].Score)
		}
	}
}

func TestTheSameElementWins(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	for range rounds {
		prints := randomPage(r, 2+r.IntN(12))
		wanted := r.IntN(len(prints))
		best := healing.NewPage(prints).Rank(prints[wanted]).Candidates[0]
		require.InDelta(t, 1, best.Score, 1e-9, "the same element scores 1")
		if best.Index != wanted {
			again := healing.NewPage(prints).Rank(prints[best.Index]).Candidates[0]
			require.InDelta(t, 1, again.Score, 1e-9, "only a twin may come before it")
		}
	}
}

func TestMoreAlikeNeverRanksLower(t *testing.T) {
	t.Parallel()
	copies := map[string]func(to, from *healing.Fingerprint){
		"id":         func(to, from *healing.Fingerprint) { to.ID = from.ID },
		"name":       func(to, from *healing.Fingerprint) { to.Name = from.Name },
		"test id":    func(to, from *healing.Fingerprint) { to.TestID = from.TestID },
		"class":      func(to, from *healing.Fingerprint) { to.Class = from.Class },
		"purpose":    func(to, from *healing.Fingerprint) { to.Autocomplete = from.Autocomplete },
		"href":       func(to, from *healing.Fingerprint) { to.Href = from.Href },
		"tag":        func(to, from *healing.Fingerprint) { to.Tag = from.Tag },
		"neighbours": func(to, from *healing.Fingerprint) { to.Neighbours = from.Neighbours },
		"box":        func(to, from *healing.Fingerprint) { to.Box = from.Box },
		"path":       func(to, from *healing.Fingerprint) { to.XPath = from.XPath },
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range rounds {
		prints, target := randomPage(r, 8), random(r)
		of := r.IntN(len(prints))
		for _, what := range slices.Sorted(maps.Keys(copies)) { // in an order, so that a failure comes again
			copyTo := copies[what]
			var lacks healing.Fingerprint
			copyTo(&lacks, &target)
			if reflect.DeepEqual(lacks, healing.Fingerprint{}) {
				continue // nothing is known of it
			}
			before := place(healing.NewPage(prints).Rank(target), of)
			copyTo(&prints[of], &target)
			require.LessOrEqual(t, place(healing.NewPage(prints).Rank(target), of), before, "after its %s became the target's", what)
		}
	}
}

// place is where an element stands in a ranking that holds all elements.
func place(r healing.Ranking, element int) int {
	for i, c := range r.Candidates {
		if c.Index == element {
			return i
		}
	}
	return len(r.Candidates)
}

func TestTheSameQuestionGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	prints := randomPage(rand.New(rand.NewPCG(4, 4)), 60)
	ask := func() string {
		page := healing.NewPage(prints)
		answer, err := json.Marshal([]any{page.Rank(prints[7]), page.RankTogether(prints[:30])})
		require.NoError(t, err)
		return string(answer)
	}
	first := ask()
	for range 5 {
		require.Equal(t, first, ask())
	}
}

func TestTogetherNoTwoGetTheSameElement(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	for range 50 {
		page := healing.NewPage(randomPage(r, 20))
		taken := map[int]bool{}
		for _, ranking := range page.RankTogether(randomPage(r, 8)) {
			if !ranking.Assigned {
				continue
			}
			require.False(t, taken[ranking.Best().Index])
			taken[ranking.Best().Index] = true
		}
	}
}

func TestEmptyPagesAndElements(t *testing.T) {
	t.Parallel()
	empty := healing.NewPage(nil)
	require.Empty(t, empty.Rank(healing.Fingerprint{}).Candidates)
	require.Len(t, empty.RankTogether(make([]healing.Fingerprint, 3)), 3)
	require.False(t, empty.Decide(healing.Fingerprint{}, empty.Rank(healing.Fingerprint{}), healing.Careful).Heal)
	page := healing.NewPage(make([]healing.Fingerprint, 3))
	decision := page.Decide(healing.Fingerprint{}, page.Rank(healing.Fingerprint{}), healing.Careful)
	require.False(t, decision.Heal, "three elements without anything")
	require.NotEmpty(t, decision.Reasons)
}

func BenchmarkNewPage(b *testing.B) {
	prints := randomPage(rand.New(rand.NewPCG(6, 6)), 1000)
	for b.Loop() {
		healing.NewPage(prints)
	}
}

func BenchmarkRank(b *testing.B) {
	prints := randomPage(rand.New(rand.NewPCG(6, 6)), 1000)
	page := healing.NewPage(prints)
	for b.Loop() {
		page.Rank(prints[500])
	}
}

package learning_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/learning"
)

const (
	rounds = 300
	day    = 24 * time.Hour
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func TestBeta(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range rounds {
		a, b, x := 0.05+r.Float64()*300, 0.05+r.Float64()*300, r.Float64()
		require.InDelta(t, x, learning.Below(x, 1, 1), 1e-9, "the uniform distribution")
		require.InDelta(t, math.Pow(x, a), learning.Below(x, a, 1), 1e-9)
		require.InDelta(t, 1, learning.Below(x, a, b)+learning.Below(1-x, b, a), 1e-9)
		y := r.Float64()
		require.LessOrEqual(t, learning.Below(min(x, y), a, b), learning.Below(max(x, y), a, b)+1e-9)
		require.InDelta(t, x, learning.Below(learning.Quantile(x, a, b), a, b), 1e-6)
	}
	require.InDelta(t, 0.6875, learning.Below(0.5, 2, 3), 1e-12)
}

func TestBeliefs(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	prior := learning.Evidence{Yes: 1, No: 1}
	for range rounds {
		e := learning.Evidence{Yes: r.Float64() * 50, No: r.Float64() * 50}
		is := e.Belief(prior)
		require.True(t, 0 <= is.Low && is.Low <= is.Mean && is.Mean <= is.High && is.High <= 1, "%+v", is)
		more := learning.Evidence{Yes: e.Yes + 1, No: e.No}.Belief(prior)
		require.GreaterOrEqual(t, more.Mean, is.Mean)
		require.GreaterOrEqual(t, more.Low, is.Low)
		twice := learning.Evidence{Yes: 2*e.Yes + 1, No: 2*e.No + 1}.Belief(prior)
		require.Less(t, twice.High-twice.Low, is.High-is.Low+0.01, "more evidence does not make it less sure")
		age := time.Duration(r.Int64N(int64(100 * day)))
		require.InDelta(t, learning.Weight(age, 14*day)/2, learning.Weight(age+14*day, 14*day), 1e-9)
	}
}

// runsOf makes runs of a case an hour apart: p passed, f failed, r passed after a failed attempt.
func runsOf(verdicts string) []learning.Run {
	runs := make([]learning.Run, len(verdicts))
	for i, v := range verdicts {
		at := noon.Add(time.Duration(i) * time.Hour)
		runs[i] = learning.Run{ID: fmt.Sprintf("run-%d", i), Version: "1", Passed: v != 'f', Retried: v == 'r', Started: at.Add(-time.Minute), Ended: at}
	}
	return runs
}

func TestReliability(t *testing.T) {
	t.Parallel()
	flaky := func(verdicts string) int { return learning.Default().Reliability(runsOf(verdicts)).Flaky }
	require.Zero(t, flaky("pppppp"))
	require.Zero(t, flaky("pppfff"), "a defect")
	require.Zero(t, flaky("fffppp"), "and its repair")
	require.Zero(t, flaky("pppppf"), "of the newest it is not known yet")
	require.Equal(t, 1, flaky("pppfpp"))
	require.Equal(t, 2, flaky("prpprp"))
	require.Equal(t, 4, flaky("pfpfpf"), "all but the first and the last")
	changed := runsOf("ppfpp")
	changed[2].Version = "2"
	require.Zero(t, learning.Default().Reliability(changed).Flaky, "another version of the case")

	good, bad := learning.Default().Reliability(runsOf("pppppppppppppppppppp")), learning.Default().Reliability(runsOf("pfpfpfpfpfpfpfpfpfpf"))
	require.Greater(t, good.Reliability.Low, bad.Reliability.High)
	require.Greater(t, bad.Flakiness.Low, good.Flakiness.High)
	require.Greater(t, learning.Default().Reliability(runsOf("ffffffffffpppppppppp")).Reliability.Mean, 0.4)

	old := runsOf("fffffpp")
	for i := range 5 {
		old[i].Ended = old[i].Ended.Add(-60 * day)
	}
	require.Greater(t, learning.Default().Reliability(old).Reliability.Mean, learning.Default().Reliability(runsOf("fffffpp")).Reliability.Mean, "what is old counts less")
	require.Equal(t, learning.Reliability{Reliability: learning.Belief{Mean: 0.5, Low: 0.05, High: 0.95}}, func() learning.Reliability {
		r := learning.Default().Reliability(nil)
		r.Flakiness = learning.Belief{}
		return r
	}())
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	rules := learning.Default()
	shaky := runsOf("prppprprpr")
	require.Empty(t, rules.Quarantine(shaky, time.Time{}), "people do it, or nobody")
	rules.QuarantineAbove = 0.1
	require.Equal(t, "4 of 10 runs were flaky: with 95 % certainty more than 13 % are", rules.Quarantine(shaky, time.Time{}))
	require.Empty(t, rules.Quarantine(runsOf("rp"), time.Time{}), "it may be chance")
	require.Empty(t, rules.Quarantine(nil, time.Time{}))
	require.Empty(t, rules.Quarantine(shaky, shaky[7].Started), "it left since")
}

// used makes uses an hour apart: w worked, m missing, b broke, l later.
func used(letters string) []learning.Used {
	uses := make([]learning.Used, len(letters))
	for i, l := range letters {
		use := map[rune]learning.Use{'w': learning.Worked, 'm': learning.Missing, 'b': learning.Broke, 'l': learning.Later}[l]
		uses[i] = learning.Used{Use: use, At: noon.Add(time.Duration(i) * time.Hour)}
	}
	return uses
}

func TestJudge(t *testing.T) {
	t.Parallel()
	step := learning.Key{Number: 2, Hash: "abc"}
	proposed := learning.Locator{ID: 1, Step: step, Selectors: [][]string{{`button[id="save"]`}, {"aria/Save"}}, Status: learning.Proposed}
	promoted, rejected, place, byPerson := proposed, proposed, proposed, proposed
	promoted.Status, rejected.Status, byPerson.ByPerson = learning.Promoted, learning.Rejected, true
	place.Selectors = [][]string{{`button[id="save"]`}, {"xpath//html/body/button[2]"}}
	open := learning.Belief{Mean: 0.5}
	rules := learning.Default()
	judge := func(l learning.Locator, uses string) learning.Status { return rules.Judge(l, used(uses), open, nil).To }

	require.Equal(t, learning.Proposed, judge(proposed, "ww"))
	require.Equal(t, learning.Promoted, judge(proposed, "www"))
	require.Equal(t, learning.Proposed, judge(proposed, "wwlw"), "the whole run must pass")
	require.Equal(t, learning.Promoted, judge(proposed, "wwlwww"))
	require.Equal(t, learning.Proposed, judge(proposed, "lwww"), "a failure is made up for by more than it takes without one")
	require.Equal(t, learning.Promoted, judge(proposed, "lwwww"))
	require.Equal(t, learning.Proposed, judge(place, "wwwwwwww"))
	require.Equal(t, learning.Proposed, judge(byPerson, "wwwwwwww"), "what people put back they promote")
	require.Equal(t, learning.Proposed, rules.Judge(proposed, used("www"), learning.Belief{Mean: 0.1}, nil).To, "its kind does not last")
	require.Equal(t, learning.Rejected, judge(rejected, "wwwwwwww"))
	sharing := rejected
	sharing.Selectors = [][]string{{"aria/Save"}}
	require.Equal(t, learning.Proposed, rules.Judge(proposed, used("wwwwwwww"), open, []learning.Locator{sharing}).To, "it finds what people rejected")
	sharing.Step.Number = 3
	require.Equal(t, learning.Promoted, rules.Judge(proposed, used("wwwwwwww"), open, []learning.Locator{sharing}).To, "that was another step's")

	require.Equal(t, learning.Promoted, judge(promoted, "wwwm"))
	require.Equal(t, learning.Proposed, judge(promoted, "wwwmm"))
	require.Equal(t, learning.Proposed, judge(promoted, "wwwmb"))
	require.Equal(t, learning.Promoted, judge(promoted, "wwmwm"))
	require.Equal(t, learning.Promoted, judge(promoted, "wwwllll"), "what fails later is not its fault")
	require.Equal(t, learning.Rejected, judge(promoted, "wwwbbb"))

	rules.PromoteAfter = 1
	require.Equal(t, learning.Promoted, judge(proposed, "w"))
	rules.PromoteAfter = 0
	require.Equal(t, learning.Proposed, judge(proposed, "wwwwwwww"), "people promote, or nobody")
}

func TestJudgeKeepsItsPromises(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	selectors := [][]string{{"#a"}, {"aria/B"}, {"text/C"}, {"xpath//d"}, {`input[name="e"]`}}
	for range 20 * rounds {
		letters := make([]byte, r.IntN(12))
		for i := range letters {
			letters[i] = "wwwwmbl"[r.IntN(7)]
		}
		l := learning.Locator{Status: []learning.Status{learning.Proposed, learning.Promoted, learning.Rejected}[r.IntN(3)]}
		for range 1 + r.IntN(3) {
			l.Selectors = append(l.Selectors, selectors[r.IntN(len(selectors))])
		}
		rules := learning.Default()
		rules.PromoteAfter = r.IntN(5)
		uses, kind := used(string(letters)), learning.Belief{Mean: r.Float64()}
		j := rules.Judge(l, uses, kind, nil)
		require.Equal(t, j, rules.Judge(l, uses, kind, nil))
		switch {
		case l.Status == learning.Rejected:
			require.Equal(t, learning.Rejected, j.To, "never comes back")
		case j.To == learning.Promoted && l.Status != learning.Promoted:
			require.Positive(t, rules.PromoteAfter)
			require.GreaterOrEqual(t, j.Row, rules.PromoteAfter)
			require.Equal(t, byte('w'), letters[len(letters)-1])
			for _, s := range l.Selectors {
				require.NotEqual(t, learning.ByXPath, learning.KindOf(s), "never by place")
			}
			more := rules.Judge(l, used(string(letters)+"w"), kind, nil)
			require.Equal(t, learning.Promoted, more.To, "one more that worked does no harm")
		case j.To == learning.Rejected:
			require.GreaterOrEqual(t, len(letters), rules.RejectAfter)
			require.NotContains(t, string(letters[len(letters)-rules.RejectAfter:]), "w")
		}
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	step := learning.Key{Number: 2, Hash: "abc"}
	mine, other := [][]string{{"#new"}}, [][]string{{"#other"}}
	l := learning.Locator{Step: step, Selectors: mine, Status: learning.Proposed, Heal: "heal-1", Since: noon}
	run := func(passed bool, stepPassed bool, adaptations ...learning.Adaptation) learning.Run {
		return learning.Run{
			Passed: passed, Started: noon.Add(time.Minute), Ended: noon.Add(time.Hour), Adaptations: adaptations,
			Steps: []learning.Step{{Key: learning.Key{Number: 1}, Passed: true}, {Key: step, Passed: stepPassed}},
		}
	}
	learned := learning.Adaptation{Key: step, Learned: true, Successful: true, Selectors: mine}
	heal := learning.Adaptation{Key: step, ID: "heal-1", Looked: true, Successful: true, Selectors: mine}
	another := learning.Adaptation{Key: step, ID: "heal-2", Looked: true, Successful: true, Selectors: other}
	refused := learning.Adaptation{Key: step, ID: "heal-3", Looked: true}
	byOther := learned
	byOther.Selectors = other
	uses := func(status learning.Status, runs ...learning.Run) (found []learning.Use) {
		l := l
		l.Status = status
		for _, u := range learning.Uses(l, runs) {
			found = append(found, u.Use)
		}
		return found
	}
	before := run(true, true, heal)
	before.Started = noon.Add(-time.Minute)
	require.Equal(t, []learning.Use{learning.Worked, learning.Worked, learning.Later, learning.Missing, learning.Missing, learning.Broke},
		uses(learning.Proposed, before, run(true, true, learned), run(false, true, learned), run(true, true, another), run(false, false, refused), run(false, false)))
	require.Empty(t, uses(learning.Proposed, run(true, true), run(true, true, byOther)), "something else found the element")
	require.Equal(t, []learning.Use{learning.Worked, learning.Later, learning.Missing, learning.Broke},
		uses(learning.Promoted, run(true, true), run(false, true), run(true, true, another), run(false, false)))
	again := l
	again.Decided = true
	require.Empty(t, learning.Uses(again, []learning.Run{before}), "it was put back: it begins anew")
	require.Len(t, learning.Uses(again, []learning.Run{before, run(true, true, learned)}), 1)
	again.Status = learning.Promoted
	require.Len(t, learning.Uses(again, []learning.Run{before, run(true, true, learned)}), 2)
	old := run(false, false)
	old.Started = noon.Add(-time.Minute)
	require.Empty(t, uses(learning.Promoted, old), "it was not promoted yet")
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for selector, kind := range map[string]learning.Kind{
		"aria/Save": learning.ByRole, `aria/[role="button"][name="Save"]`: learning.ByRole, "text/Save": learning.ByText, "xpath//html/body": learning.ByXPath,
		"#save": learning.ByID, `button[id="save"]`: learning.ByID, `pierce/a[data-testid="x"], a[data-test="x"]`: learning.ByTestID, `input[name="q"]`: learning.ByName,
		".btn.primary > span": learning.ByCSS, `//div[1]`: learning.ByXPath, `#a .b`: learning.ByCSS, `img[alt="x"]`: learning.ByAlt,
	} {
		require.Equal(t, kind, learning.KindOf([]string{"#host", selector}), selector)
	}
	step := learning.Key{Number: 1, Hash: "a"}
	id, role := learning.Named{Kind: learning.ByID, Text: "save"}, learning.Named{Kind: learning.ByRole, Text: "button Save"}
	at := func(version int, locators ...learning.Named) learning.Sighting {
		return learning.Sighting{Step: step, Version: version, At: noon.Add(time.Duration(version) * day), Locators: locators}
	}
	kinds := learning.Default().Kinds([]learning.Sighting{at(1, id, role), at(2, role), at(3, learning.Named{Kind: learning.ByID, Text: "x"}, role)})
	require.Len(t, kinds, 2)
	require.Equal(t, []any{learning.ByID, 1, 0}, []any{kinds[0].Kind, kinds[0].Changes, kinds[0].Kept})
	require.Equal(t, []any{learning.ByRole, 2, 2}, []any{kinds[1].Kind, kinds[1].Changes, kinds[1].Kept})
	require.Greater(t, kinds[1].Survives.Mean, kinds[0].Survives.Mean)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	runs := runsOf("pfffpf")
	say := func(i, step int, text, page string) {
		runs[i].Failures = append(runs[i].Failures, learning.Failure{Number: step, Error: text, Page: page})
	}
	say(1, 3, "order 4711 was not found (waited 5s)", "https://shop2.test:8080/orders/4711")
	say(1, 3, "order 4711 was not found (waited 5s)", "https://shop2.test:8080/orders/4711") // a second attempt
	say(2, 3, "order 4712 was not found (waited 5.1s)", "https://shop2.test:8080/orders/4712")
	say(3, 3, "order 4713 was not found (waited 5s)", "/login")
	say(5, 2, "https://shop.test/a?session=8f14e45fceea167a#x did not load", "/a")
	patterns := learning.Failures(runs)
	require.Len(t, patterns, 1)
	require.Equal(t, []any{3, "order * was not found (waited *s)", "shop2.test:8080/orders/*", 2, 6}, []any{patterns[0].Step, patterns[0].Error, patterns[0].Page, patterns[0].Runs, patterns[0].Of})
	require.Equal(t, []string{"run-1", "run-2"}, patterns[0].Newest)
	require.Equal(t, "https://shop.test/a did not load", learning.Normalise(runs[5].Failures[0].Error))
}

func FuzzNormalise(f *testing.F) {
	f.Add("order 4711 at https://x.test/a/12?q=1#y took 5.1s, id 0b0e5c1e-8f0b-4c5e-9d5f-aaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, s string) {
		once := learning.Normalise(s)
		require.Equal(t, once, learning.Normalise(once), "once is enough")
		require.LessOrEqual(t, len([]rune(once)), 300)
	})
}

func TestSlow(t *testing.T) {
	t.Parallel()
	step := learning.Key{Number: 2, Hash: "abc"}
	r := rand.New(rand.NewPCG(4, 4))
	series := func(n int, typical func(i int) time.Duration) []learning.Run {
		runs := runsOf(string(slices.Repeat([]byte("p"), n)))
		for i := range runs {
			runs[i].Steps = []learning.Step{{Key: step, Passed: true, Took: typical(i) + time.Duration(r.IntN(200))*time.Millisecond}}
		}
		return runs
	}
	slow := learning.Default().Slow(series(30, func(i int) time.Duration {
		if i >= 24 {
			return 2 * time.Second
		}
		return time.Second
	}))
	require.Len(t, slow, 1)
	require.Equal(t, step, slow[0].Key)
	require.Equal(t, noon.Add(24*time.Hour), slow[0].Since)
	require.Greater(t, slow[0].Now, slow[0].Before)

	for name, runs := range map[string][]learning.Run{
		"as ever":       series(40, func(int) time.Duration { return time.Second }),
		"one slow run":  series(40, func(i int) time.Duration { return time.Second + time.Duration(i/39)*time.Minute }),
		"of no account": series(40, func(i int) time.Duration { return 20*time.Millisecond + time.Duration(i/34)*100*time.Millisecond }),
		"too few":       series(12, func(i int) time.Duration { return time.Second + time.Duration(i/6)*time.Minute }),
		"faster":        series(40, func(i int) time.Duration { return 3*time.Second - time.Duration(i/34)*2*time.Second }),
	} {
		require.Empty(t, learning.Default().Slow(runs), name)
	}
	same := slices.Repeat([]time.Duration{time.Second}, 10)
	require.InDelta(t, 1, learning.Larger(same, same), 1e-9)
}

package activities_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// upgradesReport is where TestUpgrades writes its table. Without it, only some applications are looked at.
var upgradesReport = flag.String("upgrades", "", "a file for the table of how steps recorded on early versions of applications fare on late ones")

// quickUpgrades are the applications that are looked at in every test: those with the most that may go wrong.
var quickUpgrades = []string{"board", "graphiql"}

// upgrade is a case that was recorded on an early version of an application. testdata/upgrades has them.
type upgrade struct {
	Title       string        `json:"title"`
	Application string        `json:"application"`
	Path        string        `json:"path"`
	Steps       []upgradeStep `json:"steps"`
}

// upgradeStep is a step, and the truth about the late version.
type upgradeStep struct {
	// Do is the step as it was recorded.
	Do json.RawMessage `json:"do"`
	// Late finds the one element of the late version that the step means; empty if there is none.
	Late string `json:"late"`
	// First is done on the late version before it, so that it shows what the early one does. Instead is done there in place of a step
	// whose element is gone.
	First   []json.RawMessage `json:"first"`
	Instead []json.RawMessage `json:"instead"`
}

// fate counts what became of the steps of an upgrade.
type fate struct {
	steps, found    int // all, and those whose own selectors still find the right element
	right, wrong    int // healed to the right element, or to another one
	refused, gone   int // not healed: the right element is there, or there is none
	removed, fooled int // the right element was taken out of the page: asked, and healed all the same
}

func (f *fate) add(other fate) {
	f.steps += other.steps
	f.found += other.found
	f.right += other.right
	f.wrong += other.wrong
	f.refused += other.refused
	f.gone += other.gone
	f.removed += other.removed
	f.fooled += other.fooled
}

// Cases that were recorded on early versions of real applications run against late ones. Healing is asked about every step, also about
// those whose own selectors still find their element, and once more with the right element taken out of the page.
//
//nolint:tparallel // the group of applications does not run beside anything: the table needs all of them
func TestUpgrades(t *testing.T) {
	t.Parallel()
	modules := filepath.Join("testdata", "upgrades", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		require.Empty(t, os.Getenv("CI"), "%s: run scripts/setup.sh test", err)
		t.Skipf("the applications are not installed, run scripts/setup.sh test: %s", err)
	}
	node := testkit.StartNode(t, modules, filepath.Join("testdata", "upgrades", "serve.cjs"), redis.URL(t), "upgrades")
	var urls struct{ Early, Late map[string]string }
	require.NoError(t, json.Unmarshal(node.Next(t), &urls))

	files, err := filepath.Glob("testdata/upgrades/cases/*.json")
	require.NoError(t, err)
	least := 48
	if *upgradesReport == "" {
		files = slices.DeleteFunc(files, func(file string) bool {
			return !slices.Contains(quickUpgrades, strings.TrimSuffix(filepath.Base(file), ".json"))
		})
		least = 19
	}
	fates := make([]fate, len(files))
	titles := make([]string, len(files))
	t.Run("of", func(t *testing.T) { // it ends when all of them have
		for i, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var u upgrade
			require.NoError(t, json.Unmarshal(text, &u))
			titles[i] = u.Title
			t.Run(u.Application, func(t *testing.T) {
				t.Parallel()
				early, late := openTab(t, urls.Early[u.Application]), openTab(t, urls.Late[u.Application])
				early.do(goTo(urls.Early[u.Application] + u.Path))
				late.do(goTo(urls.Late[u.Application] + u.Path))
				for n, step := range u.Steps {
					fates[i].add(step.run(t, fmt.Sprintf("step %d", n+1), early, late))
				}
			})
		}
	})
	var all fate
	var lines []string
	for i, f := range fates {
		lines = append(lines, f.line(titles[i]))
		all.add(f)
	}
	lines = append(lines, all.line("all"), "", fmt.Sprintf("upgrades.fooled: %d", all.fooled),
		fmt.Sprintf("upgrades.right: %d", all.right), fmt.Sprintf("upgrades.wrong: %d", all.wrong), fmt.Sprintf("upgrades.refused: %d", all.refused+all.gone))
	table := fmt.Sprintf("%-32s %6s %6s %6s %6s %8s %6s %8s %7s\n%s\n", "application", "steps", "found", "right", "wrong", "refused", "gone", "removed", "fooled", strings.Join(lines, "\n"))
	t.Log("\n" + table)
	if *upgradesReport != "" {
		require.NoError(t, os.WriteFile(*upgradesReport, []byte(table), 0o600))
	}
	require.Zero(t, all.wrong)
	require.GreaterOrEqual(t, all.right, least, "fewer were healed than before")
}

func (f *fate) line(title string) string {
	return fmt.Sprintf("%-32s %6d %6d %6d %6d %8d %6d %8d %7d", title, f.steps, f.found, f.right, f.wrong, f.refused, f.gone, f.removed, f.fooled)
}

// knows describes the page, and says which of its elements is the one that a selector finds; -1 without a selector.
func (b tab) knows(selector string) (page []healing.Fingerprint, truth int) {
	b.t.Helper()
	if selector == "" {
		return b.page(), -1
	}
	for range 20 {
		before := b.sees(selector)
		page = b.page()
		if after := b.sees(selector); !kin(before, after) {
			continue // it changed meanwhile
		}
		if truth = slices.IndexFunc(page, func(f healing.Fingerprint) bool { return f.XPath == before.XPath && kin(f, before) }); truth >= 0 {
			return page, truth
		}
	}
	require.Fail(b.t, "the page does not come to rest", selector)
	return nil, -1
}

// sees describes the one element that a selector finds.
func (b tab) sees(selector string) healing.Fingerprint {
	b.t.Helper()
	sight := b.recorded(testcase.Step{Selectors: []testcase.Selector{{selector}}, Operator: testcase.OperatorEquals, Count: new(1)})
	return sight.Elements[sight.Target]
}

// recorded describes the element of a step, and its page.
func (b tab) recorded(step testcase.Step) browser.Sight {
	b.t.Helper()
	wait := testcase.Step{Type: testcase.TypeWaitForElement, Selectors: step.Selectors, Operator: step.Operator, Count: step.Count, Timeout: 10_000}
	for range 20 {
		sight, err := b.DoAimed(b.t.Context(), wait, browser.Aim{Look: true})
		require.NoError(b.t, err)
		if sight.Cut == "" && sight.Target >= 0 {
			return sight
		}
		// A machine that does much else may not describe it in time.
	}
	require.Fail(b.t, "the page can't be described in time", step.Selectors)
	return browser.Sight{}
}

func (s upgradeStep) run(t *testing.T, what string, early, late tab) (f fate) {
	t.Helper()
	step := parseStep(t, string(s.Do))
	for _, first := range s.First {
		late.do(string(first))
	}
	if !step.ActsOnElement() {
		early.do(string(s.Do))
		late.do(string(s.Do))
		return fate{}
	}
	f.steps = 1
	before := early.recorded(step)
	early.do(string(s.Do))
	after, truth := late.knows(s.Late)
	if *upgradesReport != "" {
		f.found = s.stillFinds(t, step, late, after, truth)
	}

	found := activities.Search(before.Elements, before.Target, after, step)
	switch {
	case found.Refusal != "" && truth < 0:
		f.gone = 1
	case found.Refusal != "":
		f.refused = 1
		t.Logf("%s: %s refused: %s", what, step.Description(), found.Refusal)
	case truth >= 0 && kin(after[truth], found.Element):
		f.right = 1
		t.Logf("%s: %s healed to %s: %s", what, step.Description(), found.Name, found.Reason)
	default:
		f.wrong = 1
		t.Errorf("%s: %s was healed to %s, wrongly: %s", what, step.Description(), found.Name, found.Reason)
	}
	if truth >= 0 {
		f.removed = 1
		rest := without(after, truth)
		if other := activities.Search(before.Elements, before.Target, rest, step); other.Refusal == "" {
			f.fooled = 1
			t.Logf("%s: %s without its element was healed to %s (%.2f): %s", what, step.Description(), other.Name, other.Confidence, other.Reason)
		}
		// From here on the late version is where the early one is.
		step.Selectors = []testcase.Selector{{s.Late}}
		var err error
		if f.right == 1 {
			_, err = late.DoAimed(t.Context(), step, browser.Aim{At: &found.Element})
		} else {
			err = late.Do(t.Context(), step)
		}
		require.NoError(t, err, what)
	}
	for _, instead := range s.Instead {
		late.do(string(instead))
	}
	return f
}

// stillFinds is 1 if the step's own selectors find the right element of the late version.
func (s upgradeStep) stillFinds(t *testing.T, step testcase.Step, late tab, after []healing.Fingerprint, truth int) int {
	t.Helper()
	look := testcase.Step{Type: testcase.TypeWaitForElement, Selectors: step.Selectors, Timeout: 1000}
	sight, err := late.DoAimed(t.Context(), look, browser.Aim{Look: true})
	if err != nil || sight.Target < 0 || truth < 0 {
		return 0
	}
	if kin(after[truth], sight.Elements[sight.Target]) {
		return 1
	}
	return 0
}

// kin tells whether two elements of a page are the same, or one stands directly in the other: a click on either is the same.
func kin(a, b healing.Fingerprint) bool {
	if !slices.Equal(a.Frame, b.Frame) || !slices.Equal(a.Shadow, b.Shadow) {
		return false
	}
	return a.XPath == b.XPath || filepath.Dir(a.XPath) == b.XPath || filepath.Dir(b.XPath) == a.XPath
}

// without is a page without an element, what is in it, and what stands directly around it.
func without(page []healing.Fingerprint, i int) []healing.Fingerprint {
	gone := page[i]
	return slices.DeleteFunc(slices.Clone(page), func(f healing.Fingerprint) bool {
		return kin(gone, f) || slices.Equal(gone.Frame, f.Frame) && slices.Equal(gone.Shadow, f.Shadow) && strings.HasPrefix(f.XPath, gone.XPath+"/")
	})
}

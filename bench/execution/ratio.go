package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
)

// playwrightConfig is that of the tests of the other side: the same Chromium with the same arguments, the same viewport.
const playwrightConfig = `module.exports = {
  testDir: process.env.BENCH_TESTS,
  retries: 0,
  reporter: [['dot'], ['json', { outputFile: process.env.BENCH_REPORT }]],
  use: {
    baseURL: process.env.BENCH_SITE,
    viewport: { width: 1280, height: 720 },
    screenshot: 'off', trace: 'off', video: 'off',
    launchOptions: {
      executablePath: process.env.BENCH_BROWSER,
      args: ['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
};
`

// contest is our suite and theirs.
type contest struct {
	*bench

	tests   int
	cases   string // folder of ours
	project string // folder of theirs, with the folders tests and start
	browser string
}

// turn is what one side took for its tests.
type turn struct {
	wall, cpu time.Duration
}

func (t turn) String() string {
	return fmt.Sprintf("%.2f s (%.1f s of processor)", t.wall.Seconds(), t.cpu.Seconds())
}

// ratio lets both sides run the same tests by turns.
func (b *bench) ratio(ctx context.Context) error {
	c := &contest{bench: b, cases: filepath.Join(b.system.folder, "cases"), project: filepath.Join(b.system.folder, "playwright")}
	if err := c.prepare(); err != nil {
		return err
	}
	b.say("  %d tests of 4 to 6 steps, %d at once, no artifacts on either side; the same Chromium, viewport and site", c.tests, slots)
	for range 2 { // nobody is measured cold
		if _, err := c.ours(ctx); err != nil {
			return err
		}
	}
	if _, err := c.theirs(ctx, "tests", c.tests); err != nil {
		return err
	}
	ratios := map[string][]float64{}
	for i := range b.pairs {
		var ours, theirs, start turn
		sides := []func() error{
			func() (err error) { ours, err = c.ours(ctx); return err },
			func() (err error) { theirs, err = c.theirs(ctx, "tests", c.tests); return err },
			func() (err error) { start, err = c.theirs(ctx, "start", slots); return err },
		}
		for n := range sides {
			if err := sides[(n+i)%len(sides)](); err != nil { // by turns, also in who is first
				return err
			}
		}
		b.say("  ours %s, theirs %s, of which %s until the first test could begin", ours, theirs, start)
		ratios["playwright"] = append(ratios["playwright"], ours.wall.Seconds()/theirs.wall.Seconds())
		ratios["playwright_started"] = append(ratios["playwright_started"], ours.wall.Seconds()/(theirs.wall-start.wall).Seconds())
		ratios["playwright_cpu"] = append(ratios["playwright_cpu"], ours.cpu.Seconds()/theirs.cpu.Seconds())
		ratios["playwright_started_cpu"] = append(ratios["playwright_started_cpu"], ours.cpu.Seconds()/(theirs.cpu-start.cpu).Seconds())
	}
	for _, name := range slices.Sorted(maps.Keys(ratios)) {
		median, lowest, highest := spread(ratios[name])
		b.found("ratio_"+name, "%.2f (%.2f to %.2f, %d pairs)", median, lowest, highest, b.pairs)
	}
	return nil
}

// prepare writes the tests of both sides.
func (c *contest) prepare() error {
	all := scenarios()
	c.tests = len(all)
	files := map[string]string{}
	perFile := len(all) / variations
	for i, s := range all {
		text, err := s.definition()
		if err != nil {
			return err
		}
		files[filepath.Join(c.cases, fmt.Sprintf("case-%02d.json", i))] = string(text)
		if i%perFile == 0 {
			files[filepath.Join(c.project, "tests", fmt.Sprintf("shop-%d.spec.js", i/perFile))] = spec(all[i : i+perFile])
		}
	}
	// What comes before the first test: a worker and a browser in each slot, and a page.
	for i := range slots {
		files[filepath.Join(c.project, "start", fmt.Sprintf("start-%d.spec.js", i))] = spec([]scenario{{title: "start"}})
	}
	files[filepath.Join(c.project, "playwright.config.js")] = playwrightConfig
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return fmt.Errorf("making a folder: %w", err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return fmt.Errorf("writing the tests: %w", err)
		}
	}
	modules, err := filepath.Abs(filepath.Join("bench", "execution", "node_modules"))
	if err != nil {
		return fmt.Errorf("finding Playwright Test: %w", err)
	}
	if _, err := os.Stat(filepath.Join(modules, "@playwright", "test")); err != nil {
		return errors.New("Playwright Test is missing: npm ci --prefix bench/execution") //nolint:staticcheck // a name
	}
	if err := os.Symlink(modules, filepath.Join(c.project, "node_modules")); err != nil {
		return fmt.Errorf("giving the tests their libraries: %w", err)
	}
	found, err := pwgo.Locate(pwgo.Config{})
	if err != nil {
		return fmt.Errorf("finding the browser that the worker uses: %w", err)
	}
	c.browser = found.Browser
	return nil
}

// ours runs the cases with the command that users type. The processor time is that of the whole system, which is up, and of
// the command.
func (c *contest) ours(ctx context.Context) (turn, error) {
	command := exec.CommandContext(ctx, filepath.Join(c.system.bin, "cinnamon"), "run", c.cases, "--base-url", c.system.Shop, "--attempts", "1", "--output", "json")
	command.Env = append(command.Environ(), "CINNAMON_API_URL="+c.system.API, "CINNAMON_API_KEY="+c.system.APIKey)
	before, _ := usage(c.system.dev.Process.Pid)
	began := time.Now()
	out, err := command.Output()
	wall := time.Since(began)
	if err != nil {
		return turn{}, fmt.Errorf("running our suite: %w\n%s", err, out)
	}
	after, _ := usage(c.system.dev.Process.Pid)
	return turn{wall: wall, cpu: after - before}, nil
}

// theirs runs a folder of tests with the command that users type. All that it starts has ended when it has.
func (c *contest) theirs(ctx context.Context, folder string, tests int) (turn, error) {
	report := filepath.Join(c.project, "report.json")
	command := exec.CommandContext(ctx, "npx", "playwright", "test", fmt.Sprintf("--workers=%d", slots))
	command.Dir = c.project
	command.Env = append(command.Environ(), "BENCH_TESTS=./"+folder, "BENCH_REPORT="+report, "BENCH_SITE="+c.system.Shop, "BENCH_BROWSER="+c.browser)
	_, before := usage(c.system.dev.Process.Pid)
	began := time.Now()
	out, err := command.CombinedOutput()
	wall := time.Since(began)
	if err != nil {
		return turn{}, fmt.Errorf("running Playwright's suite: %w\n%s", err, out)
	}
	var said struct {
		Stats struct {
			Expected int `json:"expected"`
		} `json:"stats"`
	}
	text, err := os.ReadFile(report)
	if err == nil {
		err = json.Unmarshal(text, &said)
	}
	if err == nil && said.Stats.Expected != tests {
		err = fmt.Errorf("%d of %d tests passed", said.Stats.Expected, tests)
	}
	if err != nil {
		return turn{}, fmt.Errorf("reading Playwright's report: %w", err)
	}
	_, after := usage(c.system.dev.Process.Pid)
	return turn{wall: wall, cpu: after - before}, nil
}

package cli

import (
	"io"
	"slices"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

const (
	fallbackWidth  = 80
	fallbackHeight = 24
	// spareLines of a terminal stay free: the summary line, the cursor, and one line of what was there before.
	spareLines = 3
	// newLine begins a line at its start and empties it: a Ctrl-C is echoed as "^C" and leaves the cursor behind that.
	newLine = "\r\x1b[2K"
)

// barsView draws one live line per test and a summary below. If there are more tests than lines, it shows the active
// ones, and failures as they happen above. At the end it takes itself off the screen: the report says it all.
type barsView struct {
	out    io.Writer
	screen *mpb.Progress
	block  *mpb.Bar // all live lines, so that each frame is drawn from one state of the tests
	frame  []string // the lines of the frame being drawn
	colors palette
	began  time.Time

	mu    sync.Mutex
	tests []test

	failed map[int]bool // said above already
}

func newBarsView(out io.Writer, width int, tests []test, colors palette, refresh time.Duration) *barsView {
	v := &barsView{
		out:    out,
		screen: mpb.New(mpb.WithOutput(out), mpb.WithWidth(width), mpb.WithAutoRefresh(), mpb.WithRefreshRate(refresh)),
		colors: colors, began: time.Now(), tests: tests, failed: map[int]bool{},
	}
	// mpb draws the first line of a bar and then what extends it.
	first := mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		width := s.AvailableWidth - 1 // a full line makes some terminals begin another one
		if s.RequestedWidth > 0 {
			width = min(width, s.RequestedWidth)
		}
		v.frame = v.draw(width)
		_, err := io.WriteString(w, v.frame[0])
		return err
	})
	others := mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error {
		for _, line := range v.frame[1:] {
			if _, err := io.WriteString(w, line+"\n"); err != nil {
				return err
			}
		}
		return nil
	})
	v.block = v.screen.MustAdd(0, first, mpb.BarFillerTrim(), mpb.BarExtender(others, false))
	return v
}

func (v *barsView) update(tests []test) {
	v.mu.Lock()
	v.tests = tests
	v.mu.Unlock() // drawing waits for it, and writing above waits for drawing
	if v.rows(len(tests)) == len(tests) {
		return
	}
	for i := range tests {
		if s := tests[i].state(); s.finished() && !s.passed() && s != stateNotStarted && !v.failed[i] {
			v.failed[i] = true
			v.above(v.colors.red("✗ ") + clean(tests[i].title) + ": " + statusWords(&tests[i]))
		}
	}
}

func (v *barsView) notice(text string) { v.above(v.colors.yellow("! ") + clean(text)) }

// above writes a line above the live ones, where it stays.
func (v *barsView) above(line string) { _, _ = io.WriteString(v.screen, newLine+line+"\n") }

func (v *barsView) close() {
	v.block.Abort(true)
	v.screen.Wait()
}

// rows is how many tests the terminal, as high as it is now, has room for.
func (v *barsView) rows(tests int) int {
	_, height := terminalSize(v.out)
	return min(tests, max(height-spareLines, 1))
}

// draw returns the live lines.
func (v *barsView) draw(width int) []string {
	v.mu.Lock()
	tests := v.tests // never edited, only replaced
	v.mu.Unlock()
	now := time.Now()
	var lines []string
	for _, i := range visible(tests, v.rows(len(tests))) {
		lines = append(lines, newLine+row(&tests[i], width, now, v.colors))
	}
	if len(tests) > 1 {
		lines = append(lines, newLine+truncate(runningSummary(tallyOf(tests), now.Sub(v.began)), width))
	}
	return lines
}

// visible picks the tests to show on n lines, in their order: active ones first, then those whose turn comes next, then
// the last ones that finished.
func visible(tests []test, n int) []int {
	var active, waiting, finished []int
	for i := range tests {
		switch s := tests[i].state(); {
		case s.active():
			active = append(active, i)
		case s.finished():
			finished = append(finished, i)
		default:
			waiting = append(waiting, i)
		}
	}
	slices.Reverse(finished)
	picked := slices.Concat(active, waiting, finished)
	picked = picked[:min(n, len(picked))]
	slices.Sort(picked)
	return picked
}

// terminalSize returns the size of the terminal behind a writer, or a usual one.
func terminalSize(out io.Writer) (width, height int) {
	width, height, err := cwriter.New(out).GetTermSize()
	if err != nil || width <= 0 || height <= 0 {
		return fallbackWidth, fallbackHeight
	}
	return width, height
}

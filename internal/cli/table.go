package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const (
	columnGap     = "  "
	minTitleWidth = 24
	maxTitleWidth = 60
	shortIDWidth  = 13
)

// writeTable writes the table of all tests. width 0 means no limit.
func writeTable(out io.Writer, tests []test, width int, colors palette) {
	header := []string{"CASE", "RESULT", "STEPS", "ATTEMPTS", "DURATION", "RUN"}
	rows := make([][]string, len(tests))
	widths := make([]int, len(header))
	for i, name := range header {
		widths[i] = len(name)
	}
	for i := range tests {
		rows[i] = cells(&tests[i])
		for c, cell := range rows[i] {
			widths[c] = max(widths[c], textWidth(cell))
		}
	}
	widths[0] = min(widths[0], maxTitleWidth)
	narrow(widths, width)

	last := len(header) - 1
	line := func(cells []string, paintResult func(string) string) {
		var b strings.Builder
		for c, cell := range cells {
			switch {
			case c == 1:
				b.WriteString(paintResult(fit(cell, widths[c])))
			case c == last:
				b.WriteString(fitID(cell, widths[c]))
			case c >= 2:
				b.WriteString(fitRight(cell, widths[c]))
			default:
				b.WriteString(fit(cell, widths[c]))
			}
			if c < last {
				b.WriteString(columnGap)
			}
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
	line(header, func(s string) string { return s })
	for i := range rows {
		s := tests[i].state()
		line(rows[i], func(cell string) string { return tint(s, cell, colors) })
	}
}

// narrow makes the columns fit: first the run's id is shortened, then the title.
func narrow(widths []int, width int) {
	over := func() int {
		sum := len(columnGap) * (len(widths) - 1)
		for _, w := range widths {
			sum += w
		}
		return sum - width
	}
	last := len(widths) - 1
	if width <= 0 || over() <= 0 {
		return
	}
	if over() > widths[0]-minTitleWidth {
		widths[last] = min(widths[last], shortIDWidth)
	}
	if over() > 0 {
		widths[0] = max(widths[0]-over(), minTitleWidth)
	}
}

// fitID shortens an id at its front: the end is what tells ids apart that begin with a time.
func fitID(id string, width int) string {
	if textWidth(id) <= width {
		return id
	}
	return "…" + id[len(id)-(width-1):]
}

func cells(t *test) []string {
	attempts, duration := "", ""
	if t.run.Attempt > 0 {
		attempts = strconv.Itoa(t.run.Attempt)
	}
	if t.run.DurationMS > 0 {
		duration = humane(t.run.duration())
	}
	return []string{
		clean(t.title), t.state().String(), fmt.Sprintf("%d/%d", t.doneSteps(), t.totalSteps()), attempts, duration, clean(t.id),
	}
}

// writeFailures explains each test that did not pass, other than those that an interrupt ended.
func writeFailures(out io.Writer, tests []test, c *client, interrupted bool, colors palette) {
	for i := range tests {
		t := &tests[i]
		switch s := t.state(); {
		case s.passed(), !s.finished(), interrupted && (s == stateCancelled || s == stateNotStarted):
			continue
		case interrupted && s == stateUnknown:
			fmt.Fprintf(out, "\n%s %s: %s\n  %s\n", tint(s, "✗", colors), clean(t.title), clean(t.reason()), c.linksOf(t).Self)
			continue
		}
		fmt.Fprintf(out, "\n%s %s\n", tint(t.state(), "✗", colors), colors.bold(clean(t.title)))
		detail := func(name, value string) {
			for _, line := range cleanLines(value) {
				fmt.Fprintf(out, "  %s  %s\n", colors.dim(fit(name, len("screenshot"))), line)
				name = ""
			}
		}
		reason := t.reason()
		if reason == "" {
			reason = t.state().String()
		}
		detail("reason", reason)
		detail("class", t.run.Failure.Class)
		if t.state() == stateQuarantined {
			detail("quarantine", "its failures do not count: cinnamon quarantine list")
		}
		if e := t.evidence; e != nil {
			detail("step", fmt.Sprintf("%d of %d: %s", e.Number, t.totalSteps(), e.words()))
			detail("screenshot", c.link(e.Screenshot))
		}
		detail("file", t.file)
		detail("case", t.caseID)
		detail("base url", t.baseURL)
		if t.id != "" {
			l := c.linksOf(t)
			detail("run", l.Self)
			for _, f := range t.files {
				detail(f.Kind, c.link(f.address()))
			}
			detail("artifacts", l.Artifacts)
			detail("temporal", l.Temporal)
		}
	}
}

// writeStarted lists the runs that go on without being watched.
func writeStarted(out io.Writer, tests []test, c *client) {
	for i := range tests {
		t := &tests[i]
		if t.id == "" {
			continue
		}
		fmt.Fprintf(out, "%s  %s\n    %s\n", clean(t.id), clean(t.title), c.linksOf(t).Self)
	}
}

// summaryLine sums up in one line: "9 passed (1 flaky), 1 failed in 12.3s".
func summaryLine(n tally, elapsed time.Duration, colors palette) string {
	var parts []string
	if passed := n.passed(); passed > 0 {
		words := colors.green(fmt.Sprintf("%d passed", passed))
		var special []string
		for _, s := range []state{stateFlaky, stateAdapted} {
			if n[s] > 0 {
				special = append(special, fmt.Sprintf("%d %s", n[s], s))
			}
		}
		if len(special) > 0 {
			words += " " + colors.yellow("("+strings.Join(special, ", ")+")")
		}
		parts = append(parts, words)
	}
	for s := stateQuarantined; s < stateCount; s++ {
		if n[s] > 0 {
			parts = append(parts, tint(s, fmt.Sprintf("%d %s", n[s], s), colors))
		}
	}
	return strings.Join(parts, ", ") + " in " + humane(elapsed)
}

// words says what the step does.
func (s apiStep) words() string {
	if s.Description != "" {
		return s.Description
	}
	return s.Action
}

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cinnamon-qa/cinnamon/healing"
)

// report prints what was measured.
type report struct {
	out   io.Writer
	sites []*site
}

func (r *report) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// tally counts outcomes.
type tally struct {
	targets, similo, alone, together int
	healed                           // what the policy Careful does with targets asked together
}

// healed counts what a policy did.
type healed struct {
	right, wrong, gone int
}

func (h *healed) add(o *outcome, heal bool) {
	switch {
	case !heal:
	case o.gone:
		h.gone++
	case o.right:
		h.right++
	default:
		h.wrong++
	}
}

func (t *tally) add(s *site) {
	t.targets += len(s.targets)
	t.similo += s.measured.similo
	for i := range s.targets {
		if s.measured.alone[i].right {
			t.alone++
		}
		if s.measured.together[i].right {
			t.together++
		}
	}
	for i := range s.measured.together {
		o := &s.measured.together[i]
		t.healed.add(o, o.decision.Heal)
	}
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// tables prints a line for each site, each file and all.
func (r *report) tables() {
	const line = "%-22s %7s %9s %8s %8s %10s %13s %14s %12s"
	row := func(name string, elements int, t *tally) {
		count := ""
		if elements > 0 {
			count = strconv.Itoa(elements)
		}
		r.say(line, name, strconv.Itoa(t.targets), count,
			fmt.Sprintf("%.1f", percent(t.similo, t.targets)), fmt.Sprintf("%.1f", percent(t.alone, t.targets)),
			fmt.Sprintf("%.1f", percent(t.together, t.targets)), fmt.Sprintf("%.1f", percent(t.right, t.targets)),
			strconv.Itoa(t.wrong), fmt.Sprintf("%.1f", percent(t.gone, t.targets)))
	}
	var all tally
	for _, file := range r.files() {
		r.say("\n%s", file)
		r.say(line, "site", "targets", "elements", "similo %", "alone %", "together %", "careful %", "careful wrong", "gone healed %")
		var sum tally
		for _, s := range r.sites {
			if s.file != file {
				continue
			}
			var t tally
			t.add(s)
			row("  "+s.name, len(s.prints), &t)
			sum.add(s)
			all.add(s)
		}
		row("  all", 0, &sum)
	}
	r.say("")
	row("both files", 0, &all)
}

func (r *report) files() []string {
	names := map[string]bool{}
	for _, s := range r.sites {
		names[s.file] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// together are all outcomes of looking for all targets of a page together, and alone those of looking for them one at a time.
func (r *report) together() (all []outcome) {
	for _, s := range r.sites {
		all = append(all, s.measured.together...)
	}
	return all
}

func (r *report) alone() (all []outcome) {
	for _, s := range r.sites {
		all = append(all, s.measured.alone...)
	}
	return all
}

// curve prints how far confidences are true, and what each threshold would do.
func (r *report) curve() {
	outcomes := r.together()
	r.say("\nconfidence, all targets of a page together, each asked twice: with the right element there, and with it gone")
	r.say("%-14s %8s %8s %8s", "confidence", "answers", "mean %", "right %")
	for _, bin := range [][2]float64{{0, 0.1}, {0.1, 0.25}, {0.25, 0.5}, {0.5, 0.75}, {0.75, 0.9}, {0.9, 0.95}, {0.95, 0.99}, {0.99, 1.01}} {
		n, right, sum := 0, 0, 0.0
		for i := range outcomes {
			if c := outcomes[i].ranking.Confidence; c >= bin[0] && c < bin[1] {
				n++
				sum += c
				if outcomes[i].right {
					right++
				}
			}
		}
		share := percent(right, n)
		r.say("%.2f to %.2f   %8d %8.1f %8.1f  %s", bin[0], min(bin[1], 1), n, 100*sum/float64(max(n, 1)), share, strings.Repeat("#", int(share/2.5)))
	}
	r.say("\n%-14s %16s %18s %18s", "threshold", "healed right %", "wrong, % of heals", "gone, healed %")
	for _, threshold := range []float64{0, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99} {
		var h healed
		for i := range outcomes {
			h.add(&outcomes[i], outcomes[i].sound && outcomes[i].ranking.Confidence >= threshold)
		}
		mark := ""
		if threshold == healing.Careful.MinConfidence {
			mark = "  <- the policy Careful"
		}
		n := len(outcomes) / 2
		r.say("%-14.3f %16.1f %18.2f %18.1f%s", threshold, percent(h.right, n), percent(h.wrong, h.right+h.wrong), percent(h.gone, n), mark)
	}
}

// leaveOneOut fits the calibration and the threshold on all sites but one, and applies them to that one.
func (r *report) leaveOneOut() {
	const wrong, gone = 0.5, 4.0 // what the threshold is chosen for, in percent
	names := map[string]bool{}
	for _, s := range r.sites {
		names[s.name] = true
	}
	var h healed
	targets := 0
	for _, name := range slices.Sorted(maps.Keys(names)) {
		var others, own []outcome
		for _, o := range r.together() {
			if o.site.name == name {
				own = append(own, o)
			} else {
				others = append(others, o)
			}
		}
		c := fitCalibration(others)
		t := threshold(c, others, wrong, gone)
		for i := range own {
			h.add(&own[i], own[i].sound && c.Confidence(own[i].ranking.Evidence) >= t)
		}
		targets += len(own) / 2
	}
	r.say("\ncalibration and threshold fitted on the other sites (weights are set by hand, not fitted): "+
		"%.1f %% healed right, %.2f %% of heals wrong, %.1f %% of gone healed",
		percent(h.right, targets), percent(h.wrong, h.right+h.wrong), percent(h.gone, targets))
}

// threshold is the least confidence with which a calibration keeps to the wanted rates of wrong and of false heals.
func threshold(c healing.Calibration, outcomes []outcome, wrong, gone float64) float64 {
	for t := 0.2; t < 1; t += 0.005 {
		var h healed
		for i := range outcomes {
			h.add(&outcomes[i], outcomes[i].sound && c.Confidence(outcomes[i].ranking.Evidence) >= t)
		}
		if percent(h.wrong, h.right+h.wrong) <= wrong && percent(h.gone, len(outcomes)/2) <= gone {
			return t
		}
	}
	return 1
}

func (r *report) calibrations() {
	r.say("\nAlone    = Calibration%s", form(fitCalibration(r.alone())))
	r.say("Together = Calibration%s", form(fitCalibration(r.together())))
}

func form(c healing.Calibration) string {
	var weights []string
	for _, w := range c.Weights.Vector() {
		weights = append(weights, fmt.Sprintf("%.2f", w))
	}
	return fmt.Sprintf("{%.2f, Evidence{%s}}", c.Bias, strings.Join(weights, ", "))
}

// errors says of each target that was not found rightly, or healed though gone, what was taken, and why.
func (r *report) errors() {
	for _, s := range r.sites {
		for i := range s.measured.together {
			o := &s.measured.together[i]
			if o.right && o.decision.Heal || o.gone && !o.decision.Heal || len(o.ranking.Candidates) == 0 {
				continue
			}
			r.say("\n%s/%s, gone %v, right %v, confidence %.3f, %v: %s", s.file, s.name, o.gone, o.right, o.ranking.Confidence,
				o.ranking.Evidence, strings.Join(o.decision.Reasons, "; "))
			r.say("  wanted %s", show(&o.target.Old))
			for n, c := range o.ranking.Candidates {
				accepted := !o.gone && slices.Contains(o.target.Accept, o.numbers[c.Index])
				if n == 0 || n == o.ranking.RunnerUp || accepted {
					r.say("  %d %v %.3f %s\n      %s", n, accepted, c.Score, show(&s.records[o.numbers[c.Index]]), parts(c.Parts))
				}
			}
		}
	}
}

func show(r *record) string {
	var b strings.Builder
	for _, f := range []struct{ name, value string }{
		{"id", r.ID}, {"name", r.Name}, {"class", r.Class}, {"href", r.Href}, {"text", r.visible()}, {"value", r.Value}, {"alt", r.Alt}, {"around", r.Neighbors},
	} {
		if f.value != "" {
			fmt.Fprintf(&b, " %s=%.50q", f.name, f.value)
		}
	}
	if r.X != nil && r.Width != nil {
		fmt.Fprintf(&b, " at %.0f,%.0f %.0fx%.0f", *r.X, *r.Y, *r.Width, *r.Height)
	}
	return strings.ToLower(r.Tag) + b.String() + " " + r.XPath[max(0, len(r.XPath)-70):]
}

func parts(list []healing.Part) string {
	var b strings.Builder
	for _, p := range list {
		fmt.Fprintf(&b, "%s %.2f (%+.3f) ", p.Name, p.Similarity, p.Contribution)
	}
	return b.String()
}

// summary prints the lines that others read.
func (r *report) summary(heal float64) {
	var all tally
	for _, s := range r.sites {
		all.add(s)
	}
	n := all.targets
	r.say("healing.similo: %.1f", percent(all.similo, n))
	r.say("healing.right_single: %.1f", percent(all.alone, n))
	r.say("healing.right_page: %.1f", percent(all.together, n))
	r.say("healing.careful_right: %.1f", percent(all.right, n))
	r.say("healing.careful_wrong: %.2f", percent(all.wrong, all.right+all.wrong))
	r.say("healing.careful_gone: %.1f", percent(all.gone, n))
	r.say("healing.ms_per_1000: %.2f", heal)
}

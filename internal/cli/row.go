package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// row draws the live line of a test:
//
//	● Buy a shirt          ━━━━━━━────── 4/9   1.2s  click "Add to cart"
func row(t *test, width int, now time.Time, colors palette) string {
	s := t.state()
	titleWidth, barWidth := rowWidths(width)
	done, total := t.doneSteps(), t.totalSteps()
	step := done
	if s == stateRunning {
		step = min(max(t.run.Progress.CurrentStep, done), total)
	}
	title := fit(clean(t.title), titleWidth)
	steps := fitRight(strconv.Itoa(step)+"/"+strconv.Itoa(total), 7)
	elapsed := fitRight(elapsedWords(t, now), 7)
	left := symbol(s, colors) + " " + title + " " + bar(done, total, barWidth, s, colors) + " " + steps + " " + elapsed
	words := truncate(statusWords(t), width-(2+titleWidth+1+barWidth+1+7+1+7+2))
	if words == "" {
		return left
	}
	return left + "  " + tint(s, words, colors)
}

// rowWidths shares out a line between title and bar; the status takes what is left.
func rowWidths(width int) (title, bar int) {
	switch {
	case width >= 110:
		return 40, 20
	case width >= 70:
		return 26, 12
	default:
		return max(width-40, 8), 6
	}
}

func bar(done, total, width int, s state, colors palette) string {
	filled := 0
	if total > 0 {
		filled = done * width / total
	}
	return tint(s, strings.Repeat("━", filled), colors) + colors.dim(strings.Repeat("─", width-filled))
}

func symbol(s state, colors palette) string {
	switch {
	case s.passed():
		return tint(s, "✓", colors)
	case s.finished():
		return tint(s, "✗", colors)
	case s == stateRunning:
		return tint(s, "●", colors)
	case s == stateRetrying:
		return tint(s, "↻", colors)
	default:
		return colors.dim("·")
	}
}

// tint colours text by what it says about a test.
func tint(s state, text string, colors palette) string {
	switch {
	case s == statePassed:
		return colors.green(text)
	case s == stateFlaky, s == stateAdapted, s == stateQuarantined, s == stateRetrying, s == stateCancelled:
		return colors.yellow(text)
	case s.finished():
		return colors.red(text)
	case s == stateRunning:
		return colors.cyan(text)
	default:
		return colors.dim(text)
	}
}

// elapsedWords is the time of the newest attempt.
func elapsedWords(t *test, now time.Time) string {
	switch s := t.state(); {
	case s.finished() && t.run.DurationMS > 0:
		return humane(t.run.duration())
	case s == stateRunning && !t.since.IsZero():
		return fmt.Sprintf("%.1fs", max(now.Sub(t.since), 0).Seconds())
	default:
		return ""
	}
}

// statusWords says what a test is doing or how it ended, on one line.
func statusWords(t *test) string {
	words := t.state().String()
	switch s := t.state(); {
	case s == stateRunning:
		step := t.currentStep()
		switch {
		case t.run.Attempt > 1:
			words = fmt.Sprintf("attempt %d of %d", t.run.Attempt, max(t.run.MaxAttempts, t.run.Attempt))
			if step != "" {
				words += ": " + step
			}
		case step != "":
			words = step
		}
	case s == stateRetrying:
		words = fmt.Sprintf("attempt %d failed, waiting for the next", t.run.Attempt)
		if t.run.Error != "" {
			words = fmt.Sprintf("attempt %d failed: %s", t.run.Attempt, t.run.Error)
		}
	case s.passed() && t.run.Attempt > 1:
		words += fmt.Sprintf(" on attempt %d", t.run.Attempt)
	case s.finished() && t.reason() != "":
		words += ": " + t.reason()
	}
	return clean(words)
}

// runningSummary is the line below the live ones.
func runningSummary(n tally, elapsed time.Duration) string {
	parts := []string{}
	add := func(number int, word string) {
		if number > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", number, word))
		}
	}
	add(n[stateRunning]+n[stateRetrying], "running")
	add(n[stateWaiting], "waiting")
	add(n.passed(), "passed")
	add(n[stateQuarantined], "quarantined")
	add(n[stateFailed], "failed")
	add(n[stateCancelled], "cancelled")
	add(n[stateNotStarted], "not started")
	add(n[stateUnknown], "unknown")
	return "  " + strings.Join(parts, ", ") + "  " + fmt.Sprintf("%.1fs", elapsed.Seconds())
}

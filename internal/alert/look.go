package alert

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// Condition is what a rule watches for and holds now.
type Condition struct {
	Rule, Subject, Detail string
	// For is how long it must hold before anybody is told.
	For time.Duration
}

// Figures are what the rules look at in the database.
type Figures interface {
	Figures(ctx context.Context) (store.Figures, error)
	Outcomes(ctx context.Context, since time.Time) (store.Outcomes, error)
	CountDeadLetters(ctx context.Context, f store.LetterFilter) (int, error)
	DeadLetters(ctx context.Context, f store.LetterFilter) ([]store.DeadLetter, error)
}

// Use is how much of something is used.
type Use struct {
	Of   string
	Part float64
}

// look finds the conditions that hold.
func look(ctx context.Context, rules []Rule, from Figures, up map[string]bool, uses []Use, now time.Time) ([]Condition, error) {
	var found []Condition
	figures, err := from.Figures(ctx)
	if err != nil {
		return nil, err
	}
	for i := range rules {
		r := &rules[i]
		if r.Off {
			continue
		}
		add := func(subject, format string, args ...any) {
			found = append(found, Condition{Rule: r.Name, Subject: subject, Detail: fmt.Sprintf(format, args...), For: r.For})
		}
		switch r.Name {
		case DeadLetter:
			err = letters(ctx, r, from, now, add)
		case FailureRate:
			var o store.Outcomes
			if o, err = from.Outcomes(ctx, now.Add(-failureWindow)); o.Total >= leastFailures && float64(o.Failed) > r.part()*float64(o.Total) {
				add("", "%d of %d runs failed within 15 minutes", o.Failed, o.Total)
			}
		case Flaky:
			var o store.Outcomes
			if o, err = from.Outcomes(ctx, now.Add(-flakyWindow)); o.Total >= leastFlaky && float64(o.Flaky) > r.part()*float64(o.Total) {
				add("", "%d of %d runs of an hour passed only when they were repeated", o.Flaky, o.Total)
			}
		case Waiting, Active:
			old(r, figures.Depths, add)
		case BridgeLag:
			for _, b := range figures.Backlogs {
				if b.Oldest > r.time() {
					add(b.Queue, "Redis is %s behind: %d changes of queue %s wait. Is a bridge running?", b.Oldest.Round(time.Second), b.Rows, b.Queue)
				}
			}
		case DependencyDown:
			for name, answers := range up {
				if !answers {
					found = append(found, Condition{Rule: r.Name, Subject: name, Detail: name + " does not answer; cinnamon doctor says why", For: r.time()})
				}
			}
		case Budget:
			for _, u := range uses {
				if u.Part > r.part() {
					add(u.Of, "%s is %.0f %% used", u.Of, u.Part*100)
				}
			}
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b Condition) int { return compare(a.Rule, a.Subject, b.Rule, b.Subject) })
	return found, nil
}

const namedLetters = 3

func letters(ctx context.Context, r *Rule, from Figures, now time.Time, add func(subject, format string, args ...any)) error {
	filter := store.LetterFilter{Since: now.Add(-letterWindow), Limit: namedLetters, Counting: true}
	n, err := from.CountDeadLetters(ctx, filter)
	if err != nil || n < r.number() {
		return err
	}
	newest, err := from.DeadLetters(ctx, filter)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%d runs failed for good within 15 minutes: ", n)
	if n == 1 {
		text = "a run failed for good: "
	}
	names := make([]string, len(newest))
	for i, l := range newest {
		names[i] = fmt.Sprintf("%s (%s)", l.Title, l.Class)
	}
	text += strings.Join(names, ", ")
	if n > len(newest) {
		text += " …"
	}
	add("", "%s", text)
	return nil
}

func old(r *Rule, depths []store.Depth, add func(subject, format string, args ...any)) {
	state, words := queue.Waiting, "the oldest of %d jobs of queue %s has waited for %s; start workers, or look whether the queue is paused"
	if r.Name == Active {
		state, words = queue.Active, "the oldest of %d active jobs of queue %s has been active for %s"
	}
	for _, d := range depths {
		if d.State == state && d.Oldest > r.time() {
			add(d.Queue, words, d.Jobs, d.Queue, d.Oldest.Round(time.Second))
		}
	}
}

package cli

import (
	"fmt"
	"io"
	"sync"
)

// plainView writes a line for each change that is worth one: for logs of CI jobs and for pipes.
type plainView struct {
	mu    sync.Mutex
	out   io.Writer
	known map[int]plainKnown // by index of the test
}

// plainKnown is what the lines so far have said about a test.
type plainKnown struct {
	attempt  int
	finished bool
	reason   string // why the newest attempt failed
}

func newPlainView(out io.Writer) *plainView {
	return &plainView{out: out, known: map[int]plainKnown{}}
}

func (v *plainView) update(tests []test) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range tests {
		t, known := &tests[i], v.known[i]
		s := t.state()
		if t.run.Error != "" {
			known.reason = clean(t.run.Error)
		}
		switch {
		case s == stateNotStarted: // the error and the table say it
		case s.finished() && !known.finished:
			known.finished = true
			v.line(s.String(), t, finishedWords(t))
		case s == stateRunning && t.run.Attempt != known.attempt:
			if t.run.Attempt > 1 {
				v.line(fmt.Sprintf("attempt %d", t.run.Attempt), t, afterWords(known.reason))
			} else {
				v.line("started", t, " ("+count(t.totalSteps(), "step")+")")
			}
			known.attempt = t.run.Attempt
		}
		v.known[i] = known
	}
}

func (v *plainView) notice(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintln(v.out, clean(text))
}

func (v *plainView) close() {}

func (v *plainView) line(label string, t *test, rest string) {
	fmt.Fprintln(v.out, fit(label, len("attempt 10"))+" "+clean(t.title)+rest)
}

func afterWords(reason string) string {
	if reason == "" {
		return ""
	}
	return ", after: " + reason
}

func finishedWords(t *test) string {
	switch s := t.state(); {
	case s.passed():
		words := fmt.Sprintf(" (%s, %s", count(t.totalSteps(), "step"), humane(t.run.duration()))
		if t.run.Attempt > 1 {
			words += fmt.Sprintf(", attempt %d", t.run.Attempt)
		}
		return words + ")"
	case s == stateFailed, s == stateQuarantined:
		words := fmt.Sprintf(" (%d of %s, %s", t.doneSteps(), count(t.totalSteps(), "step"), humane(t.run.duration()))
		if t.run.Attempt > 1 {
			words += ", " + count(t.run.Attempt, "attempt")
		}
		return words + "): " + clean(t.reason())
	default:
		if reason := clean(t.reason()); reason != "" {
			return ": " + reason
		}
		return ""
	}
}

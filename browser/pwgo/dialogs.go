package pwgo

import (
	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
)

// dialogs is what a session knows of the alerts, questions and prompts of its
// pages.
type dialogs struct {
	// next is what the steps said about the next ones, in order; the others are
	// accepted.
	next []dialogAnswer
	// last is the newest one's message; seen says that there was one.
	last string
	seen bool
}

type dialogAnswer struct {
	accept bool
	text   string
}

// maxAnswers bounds the dialogs that may be planned for.
const maxAnswers = 100

// answer answers a dialog, so that the page goes on.
func (s *session) answer(d playwright.Dialog) {
	_ = guarded(func() error {
		answer := dialogAnswer{accept: true, text: d.DefaultValue()}
		s.mu.Lock()
		// A page that asks whether to leave it is not what steps plan for.
		if d.Type() != "beforeunload" {
			if len(s.dialogs.next) > 0 {
				planned := s.dialogs.next[0]
				s.dialogs.next = s.dialogs.next[1:]
				answer.accept = planned.accept
				if planned.text != "" {
					answer.text = planned.text
				}
			}
			s.dialogs.last, s.dialogs.seen = brief(d.Message()), true
		}
		s.mu.Unlock()
		switch {
		case !answer.accept:
			return d.Dismiss()
		case d.Type() == "prompt":
			return d.Accept(answer.text)
		}
		return d.Accept()
	})
}

// handleDialog says how the next dialog is to be answered.
func (r *run) handleDialog() error {
	s := r.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.dialogs.next) >= maxAnswers {
		return failure(browser.Unsupported, nil, "%d dialogs are planned for already, and none has come", maxAnswers)
	}
	s.dialogs.next = append(s.dialogs.next, dialogAnswer{accept: r.step.Parameters.Wanted, text: r.step.Parameters.Text})
	return nil
}

// assertDialog waits until the newest dialog says what the step expects.
func (r *run) assertDialog() error {
	matches, err := r.matcher()
	if err != nil {
		return err
	}
	var last string
	var seen bool
	found, err := r.until(func() bool {
		r.session.mu.Lock()
		defer r.session.mu.Unlock()
		last, seen = r.session.dialogs.last, r.session.dialogs.seen
		return seen && matches(last)
	})
	switch {
	case err != nil || found:
		return err
	case !seen:
		return r.fail(browser.Assertion, nil, "there was no dialog, expected %s", r.condition())
	}
	return r.fail(browser.Assertion, nil, "the last dialog said %q, expected %s", last, r.condition())
}

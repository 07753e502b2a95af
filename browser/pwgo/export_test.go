package pwgo

import (
	"slices"
	"time"

	"github.com/cinnamon-qa/cinnamon/browser"
)

// ExecutorNames lists the actions that have an executor.
func ExecutorNames() []string {
	var names []string
	for name := range executors() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// SetGrace sets how long a browser that is given up may go on.
func SetGrace(p *Pool, grace time.Duration) { p.grace = grace }

// GiveUpBrowser does what a session does that hangs when it is closed.
func GiveUpBrowser(s browser.Session) {
	if s, ok := s.(*session); ok {
		s.pool.discard(s.proc, errLate)
	}
}

// BrowserGone is closed when the session's browser has ended. It is the same
// for all sessions in one browser.
func BrowserGone(s browser.Session) <-chan struct{} {
	if s, ok := s.(*session); ok {
		return s.proc.lost
	}
	return nil
}

// Refused counts how often the session was refused a place.
func Refused(s browser.Session, place string) int {
	if s, ok := s.(*session); ok {
		for _, f := range s.proxy.Failures(time.Time{}) {
			if refusal := f.Refusal(); refusal != nil && refusal.Place() == place {
				return f.Count
			}
		}
	}
	return 0
}

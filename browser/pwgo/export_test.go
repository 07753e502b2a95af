package pwgo

import (
	"os"
	"slices"
	"testing"
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

// DriverHome is the folder of a pool's driver for temporary files.
func DriverHome(p *Pool) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.driver.home
}

// SetWatch sets how often a browser is asked how it is, and how long it may
// take to answer.
func SetWatch(p *Pool, every, limit time.Duration) { p.watchEvery, p.hangLimit = every, limit }

// processes lists the processes of a pool's browsers.
func processes(p *Pool) []browserProcess {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []browserProcess
	for _, b := range p.procs {
		if found, err := b.vitals.processes(); err == nil {
			all = append(all, found...)
		}
	}
	return all
}

// Memory is what a pool's browsers and driver take for themselves, in MiB.
func Memory(p *Pool) int64 {
	p.mu.Lock()
	driver, _ := memoryOf(p.driver.pw.Pid())
	p.mu.Unlock()
	taken := driver.own
	for _, process := range processes(p) {
		m, _ := memoryOf(process.pid)
		taken += m.own
	}
	return taken / mebibyte
}

// KillPages kills the processes of a pool's pages.
func KillPages(t *testing.T, p *Pool) {
	t.Helper()
	for _, process := range processes(p) {
		if process.kind == "renderer" {
			found, err := os.FindProcess(process.pid)
			if err == nil {
				err = found.Kill()
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
}

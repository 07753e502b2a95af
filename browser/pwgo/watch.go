package pwgo

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/mxschmitt/playwright-go"
)

const (
	// watchInterval is how often a browser is asked how it is.
	watchInterval = time.Second
	// hangLimit is how long it may take to answer before it counts as one that
	// hangs. A page that is busy does not keep it from answering.
	hangLimit = 15 * time.Second
	mebibyte  = 1 << 20
)

// vitals is what the system knows of a browser.
type vitals struct {
	cdp playwright.CDPSession // nil if the browser has none
	// leader is the process that the others are children of, group the group
	// that they are in; 0 if unknown.
	leader, group int

	mu sync.Mutex
	// ended is when a page's process was ended that took too much memory, and
	// took how much that was, in MiB.
	ended time.Time
	took  int64
}

// look makes the connection that a browser is asked through.
func look(b playwright.Browser) *vitals {
	v := &vitals{}
	cdp, err := b.NewBrowserCDPSession()
	if err != nil {
		return v // the browser is not Chromium, or is gone already
	}
	v.cdp = cdp
	processes, err := v.processes()
	if err != nil {
		return v
	}
	for _, p := range processes {
		if p.kind == "browser" {
			v.leader, v.group = p.pid, groupOf(p.pid)
		}
	}
	return v
}

type browserProcess struct {
	pid  int
	kind string
}

// processes asks the browser for its processes.
func (v *vitals) processes() ([]browserProcess, error) {
	answer, err := v.cdp.Send("SystemInfo.getProcessInfo", nil)
	if err != nil {
		return nil, err
	}
	fields, _ := answer.(map[string]any)
	list, ok := fields["processInfo"].([]any)
	if !ok {
		return nil, fmt.Errorf("the browser lists its processes as %v", answer)
	}
	var found []browserProcess
	for _, entry := range list {
		p, _ := entry.(map[string]any)
		kind, _ := p["type"].(string)
		switch id := p["id"].(type) {
		case int:
			found = append(found, browserProcess{pid: id, kind: kind})
		case float64:
			found = append(found, browserProcess{pid: int(id), kind: kind})
		}
	}
	return found, nil
}

// attend looks after a browser until it is gone: one that hangs is killed, one
// that has grown too large takes no more sessions.
func (p *Pool) attend(b *proc) {
	if b.vitals.cdp == nil {
		return
	}
	ticker := time.NewTicker(p.watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-b.lost:
			return
		}
		processes, err := race(b.lost, p.hangLimit, b.vitals.processes, func([]browserProcess) {})
		switch {
		case b.isLost():
			return
		case errors.Is(err, errLate):
			p.cfg.Logger.Warn("browser hangs and is killed", "waited", p.hangLimit)
			p.noteHung()
			p.kill(b)
			return
		case err == nil:
			p.weigh(b, processes)
		}
	}
}

// weigh keeps the memory of a browser within its bounds.
func (p *Pool) weigh(b *proc, processes []browserProcess) {
	var sum, shared int64
	for _, process := range processes {
		m, err := memoryOf(process.pid)
		if err != nil {
			continue // it has ended, or this system does not say
		}
		sum += m.own
		shared = max(shared, m.shared)
		if process.kind == "renderer" && m.own > p.limit() {
			b.vitals.end(process.pid, m.own/mebibyte)
			p.cfg.Logger.Warn("page is ended: it takes too much memory", "mib", m.own/mebibyte, "limit_mib", p.cfg.MaxMiB)
		}
	}
	p.noteMemory(b, sum+shared)
	if sum+shared > p.limit() {
		p.retire(b, (sum+shared)/mebibyte)
	}
}

func (p *Pool) limit() int64 { return int64(p.cfg.MaxMiB) * mebibyte }

// end kills the process of a page.
func (v *vitals) end(pid int, mib int64) {
	v.mu.Lock()
	v.ended, v.took = time.Now(), mib
	v.mu.Unlock()
	if process, err := os.FindProcess(pid); err == nil {
		_ = process.Kill()
	}
}

// crashReason says why a page crashed, if that was seen to.
func (v *vitals) crashReason() string {
	const lately = 10 * time.Second // what tells of a crash may be busy
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended.IsZero() || time.Since(v.ended) > lately {
		return ""
	}
	return fmt.Sprintf("the page took %d MiB of memory and was ended (BROWSER_MAX_MIB)", v.took)
}

// retire lets a browser take no more sessions, and ends it when it has none.
func (p *Pool) retire(b *proc, mib int64) {
	p.mu.Lock()
	known := b.retired
	b.retired = true
	if !known {
		p.counts.replaced(ReplacedLarge)
	}
	idle := b.active == 0
	p.mu.Unlock()
	if !known {
		p.cfg.Logger.Info("browser has grown large, another one takes its place", "mib", mib, "limit_mib", p.cfg.MaxMiB)
	}
	if idle {
		p.spawn(func() { p.end(b) })
	}
}

// kill ends a browser that does not end by itself, with all of its processes.
// If its driver does not notice, it hangs too, and is replaced.
func (p *Pool) kill(b *proc) {
	b.vitals.killGroup()
	late := time.NewTimer(closeTimeout)
	defer late.Stop()
	select {
	case <-b.lost:
	case <-late.C:
		p.cfg.Logger.Warn("browser driver hangs, starting another one")
		p.forget(b.driver)
	}
}

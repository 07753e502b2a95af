package pwgo

import (
	"context"
	"maps"
)

// Why a browser is given up.
const (
	ReplacedOld    = "old"    // it served as many sessions as it may
	ReplacedLarge  = "large"  // it took more memory than it may
	ReplacedBroken = "broken" // something went wrong with it
	ReplacedHung   = "hung"   // it did not answer, and was killed
)

// Stats is how a pool is.
type Stats struct {
	// Running browsers may be as many as Limit; Sessions are open in them.
	Running, Limit, Sessions int
	// Bytes is the memory of all browsers with their pages; known on Linux only.
	Bytes int64
	// Started counts the browsers that were started, Replaced those that were given up, by the reason.
	Started  uint64
	Replaced map[string]uint64
	// Trouble is why the newest browser did not start; nil if it did, or none was wanted yet.
	Trouble error
}

// counts is what a pool counts. The pool's mutex guards it.
type counts struct {
	started uint64
	given   map[string]uint64
	trouble error
}

func (c *counts) replaced(reason string) {
	if c.given == nil {
		c.given = map[string]uint64{}
	}
	c.given[reason]++
}

// Stats says how the pool is now.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Limit: p.cfg.Browsers, Started: p.counts.started, Trouble: p.counts.trouble, Replaced: map[string]uint64{
		ReplacedOld: 0, ReplacedLarge: 0, ReplacedBroken: 0, ReplacedHung: 0,
	}}
	maps.Copy(s.Replaced, p.counts.given)
	for _, b := range p.procs {
		if !b.isLost() {
			s.Running++
			s.Bytes += b.bytes
		}
		s.Sessions += b.active
	}
	return s
}

// noteLaunch keeps why a browser of the kind that every worker has did not start. That whoever wanted it has gone says nothing.
func (p *Pool) noteLaunch(ctx context.Context, k kind, err error) {
	if k.engine != "" || !k.headless || err != nil && ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.trouble = err
}

func (p *Pool) noteHung() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.replaced(ReplacedHung)
}

func (p *Pool) noteMemory(b *proc, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.bytes = bytes
}

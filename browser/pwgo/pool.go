package pwgo

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cinnamon-qa/cinnamon/browser"
)

// Pool opens sessions in some browsers under one driver.
type Pool struct {
	cfg Config
	// grace is how long a browser that is given up may go on for the sessions
	// that it has.
	grace time.Duration
	// watchEvery is how often a browser is asked how it is, hangLimit how long
	// it may take to answer.
	watchEvery, hangLimit time.Duration

	// starting is held while a driver or a browser starts: the ones who wait
	// for it may find what they need when it is their turn.
	starting chan struct{}
	// background waits for what ends on its own.
	background sync.WaitGroup

	mu     sync.Mutex
	driver *driver
	procs  []*proc
	closed bool
	counts counts
}

var _ browser.Opener = (*Pool)(nil)

// New returns a pool that has started nothing yet.
func New(cfg Config) *Pool {
	return &Pool{cfg: cfg.withDefaults(), grace: retireGrace, watchEvery: watchInterval, hangLimit: hangLimit, starting: make(chan struct{}, 1)}
}

// Start launches the driver and the first browser, so that what is missing on
// the machine shows now. Open does the same when Start was not called.
func (p *Pool) Start(ctx context.Context) error {
	if err := p.lockStarting(ctx); err != nil {
		return err
	}
	defer p.unlockStarting()
	p.mu.Lock()
	running := len(p.procs)
	p.mu.Unlock()
	if running > 0 {
		return nil
	}
	b, err := p.add(ctx, kind{headless: true})
	if err != nil {
		return err
	}
	p.cfg.Logger.InfoContext(ctx, "browser started", "version", b.browser.Version())
	return nil
}

// retireGrace is how long the other sessions of a browser that is given up may
// take to come to their end.
const retireGrace = 30 * time.Second

// openAttempts is how often Open tries: in a browser that is running, in a new
// one, and in a new one under a new driver.
const openAttempts = 3

// Open opens a session. Browsers and drivers that died are replaced.
func (p *Pool) Open(ctx context.Context, o browser.Options) (browser.Session, error) {
	var lastErr error
	for range openAttempts {
		b, err := p.acquire(ctx, kindOf(o))
		if err != nil {
			return nil, err
		}
		s, err := newSession(ctx, p, b, o)
		if err == nil {
			return s, nil
		}
		p.release(b)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if refused := refusal(err); refused != nil {
			return nil, refused
		}
		p.discard(b, err)
		lastErr = err
	}
	return nil, unavailable(lastErr, "the browser does not open a page: %s", usefulLine(lastErr))
}

// acquire returns a browser for one session, which release gives back.
func (p *Pool) acquire(ctx context.Context, k kind) (*proc, error) {
	if b, err := p.pick(k); b != nil || err != nil {
		return b, err
	}
	if err := p.lockStarting(ctx); err != nil {
		return nil, err
	}
	defer p.unlockStarting()
	if b, err := p.pick(k); b != nil || err != nil {
		return b, err
	}
	b, err := p.add(ctx, k)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.take(b)
	return b, nil
}

func (p *Pool) lockStarting(ctx context.Context) error {
	select {
	case p.starting <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Pool) unlockStarting() { <-p.starting }

// add starts a browser and takes it into the pool.
func (p *Pool) add(ctx context.Context, k kind) (*proc, error) {
	b, err := p.launch(ctx, k)
	p.noteLaunch(ctx, k, err)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.procs = append(p.procs, b)
		p.counts.started++
	}
	p.mu.Unlock()
	if closed {
		p.end(b)
		return nil, errPoolClosed()
	}
	p.spawn(func() { p.watch(b) })
	p.spawn(func() { p.attend(b) })
	return b, nil
}

// take counts a session that is about to open in b. The caller holds the mutex.
func (p *Pool) take(b *proc) {
	b.active++
	b.opened++
	if !b.retired && b.opened >= p.cfg.RecycleAfter {
		b.retired = true
		p.counts.replaced(ReplacedOld)
	}
}

// spawn runs fn in the background; Close waits for it.
func (p *Pool) spawn(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		go fn() // what it works on is ending already
		return
	}
	p.background.Go(fn)
}

// pick returns the running browser with the fewest sessions; nil if another
// one should be started.
func (p *Pool) pick(k kind) (*proc, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errPoolClosed()
	}
	var best *proc
	running := 0
	for _, b := range p.procs {
		if b.kind != k || b.retired || b.isLost() {
			continue
		}
		running++
		if best == nil || b.active < best.active {
			best = b
		}
	}
	if best == nil || (best.active > 0 && running < p.cfg.Browsers) {
		return nil, nil
	}
	p.take(best)
	return best, nil
}

// launch starts a browser, and a driver if there is none or the one there is
// does not answer.
func (p *Pool) launch(ctx context.Context, k kind) (*proc, error) {
	d, fresh, err := p.runningDriver(ctx)
	if err != nil {
		return nil, err
	}
	b, err := d.launch(ctx, p.cfg, k)
	if err == nil || fresh || ctx.Err() != nil || !isClosed(err) {
		return b, err
	}
	p.cfg.Logger.WarnContext(ctx, "browser driver is gone, starting another one", "error", usefulLine(err))
	p.forget(d)
	if d, _, err = p.runningDriver(ctx); err != nil {
		return nil, err
	}
	return d.launch(ctx, p.cfg, k)
}

// runningDriver returns the driver, and whether it was started just now.
func (p *Pool) runningDriver(ctx context.Context) (*driver, bool, error) {
	p.mu.Lock()
	d, closed := p.driver, p.closed
	p.mu.Unlock()
	if closed {
		return nil, false, errPoolClosed()
	}
	if d != nil {
		return d, false, nil
	}
	d, err := startDriver(ctx, p.cfg)
	if err != nil {
		return nil, false, err
	}
	p.mu.Lock()
	if closed = p.closed; !closed {
		p.driver = d
	}
	p.mu.Unlock()
	if closed {
		p.stop(d)
		return nil, false, errPoolClosed()
	}
	return d, true, nil
}

// stop ends a driver.
func (p *Pool) stop(d *driver) {
	if err := d.stop(); err != nil {
		p.cfg.Logger.Warn("temporary files of a browser driver are left", "folder", d.home, "error", err)
	}
}

// forget gives up a driver that is gone or hangs, with its browsers.
func (p *Pool) forget(d *driver) {
	p.mu.Lock()
	if p.driver == d {
		p.driver = nil
	}
	for _, b := range p.procs {
		if b.driver == d {
			b.lose()
			b.vitals.killGroup() // one that hangs does not notice that its driver is gone
		}
	}
	p.mu.Unlock()
	p.spawn(func() { p.stop(d) })
}

// discard gives up a browser that cannot be relied on any more. One session
// that hangs says little about the others: the browser takes no new ones, and
// ends when they have closed or their time is up.
func (p *Pool) discard(b *proc, cause error) {
	p.mu.Lock()
	known := !b.discarded && !b.isLost()
	b.retired, b.discarded = true, true
	if known {
		p.counts.replaced(ReplacedBroken)
	}
	idle := b.active == 0
	p.mu.Unlock()
	if known {
		p.cfg.Logger.Warn("browser is given up", "error", usefulLine(cause))
	}
	switch {
	case isDriverGone(cause):
		p.forget(b.driver)
	case idle:
		p.spawn(func() { p.end(b) })
	case known:
		p.spawn(func() { p.endLater(b) })
	}
}

// endLater ends a browser that its sessions do not leave in time.
func (p *Pool) endLater(b *proc) {
	late := time.NewTimer(p.grace)
	defer late.Stop()
	select {
	case <-late.C:
		p.end(b)
	case <-b.lost: // its last session has closed, or the pool
	}
}

// release gives a browser back; a retired one ends with its last session.
func (p *Pool) release(b *proc) {
	p.mu.Lock()
	b.active--
	last := b.retired && b.active == 0 && !p.closed
	p.mu.Unlock()
	if last {
		p.spawn(func() { p.end(b) })
	}
}

// end closes a browser, and kills one that does not close in time.
func (p *Pool) end(b *proc) {
	p.mu.Lock()
	already := b.ending
	b.ending = true
	p.mu.Unlock()
	if already || b.isLost() {
		return
	}
	err := closeInTime(func() error { return b.browser.Close() })
	if errors.Is(err, errLate) {
		p.cfg.Logger.Warn("browser does not close and is killed")
		p.kill(b)
	}
	b.lose()
}

// watch takes a browser out of the pool when it is gone.
func (p *Pool) watch(b *proc) {
	<-b.lost
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.procs {
		if other == b {
			p.procs = append(p.procs[:i:i], p.procs[i+1:]...)
			break
		}
	}
}

// Close ends all sessions, browsers and the driver. It waits for that no longer
// than ctx.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	d, procs := p.driver, p.procs
	if !p.closed && d != nil {
		p.background.Go(func() { p.stop(d) })
	}
	p.closed = true
	p.mu.Unlock()
	for _, b := range procs {
		b.lose()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.background.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * closeTimeout):
		return unavailable(nil, "the browser driver did not end in time")
	}
}

func errPoolClosed() error {
	return failure(browser.Closed, nil, "the browsers have been closed")
}

package pwgo

import (
	"context"
	_ "embed" // for selector.js and look.js
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
)

const (
	// launchTimeout bounds starting the driver or a browser.
	launchTimeout = 30 * time.Second
	// closeTimeout bounds closing a session, a browser or the driver.
	closeTimeout = 5 * time.Second
)

// engineName is what the selectors of this package start with.
const engineName = "cinnamon"

//go:embed selector.js
var engineSource string

// lookName is the engine that describes pages.
const lookName = "cinnamonlook"

// look.js describes pages. It gets selector.js as its argument.
//
//go:embed look.js
var lookSource string

// driver is a running Playwright driver.
type driver struct {
	pw *playwright.Playwright
	// home is its folder for temporary files.
	home string
	ends sync.Once
}

// startDriver starts the driver and teaches it our selectors.
func startDriver(ctx context.Context, cfg Config) (*driver, error) {
	node, err := cfg.node()
	if err != nil {
		return nil, err
	}
	dir, err := cfg.driverDir()
	if err != nil {
		return nil, err
	}
	if !driverInstalled(dir) {
		return nil, unavailable(nil, "Playwright's driver is not installed in %s", dir)
	}
	if err := useNode(node); err != nil {
		return nil, unavailable(err, "%s", err)
	}
	d, err := bounded(ctx, launchTimeout, func() (*driver, error) { return runDriver(dir) }, func(d *driver) { _ = d.stop() })
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, unavailable(err, "Playwright's driver did not start: %s", usefulLine(err))
	}
	return d, nil
}

func runDriver(dir string) (*driver, error) {
	home, err := makeHome(dir)
	if err != nil {
		return nil, err
	}
	pw, err := playwright.Run(runOptions(home))
	if err != nil {
		return nil, errors.Join(err, removeHome(home))
	}
	d := &driver{pw: pw, home: home}
	isolated := playwright.SelectorsRegisterOptions{ContentScript: new(true)}
	err = errors.Join(
		pw.Selectors.Register(engineName, playwright.Script{Content: &engineSource}, isolated),
		pw.Selectors.Register(lookName, playwright.Script{Content: new(lookSource + "(" + engineSource + ")")}, isolated))
	if err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

// stop ends the driver, and with it all its browsers, and deletes what they leave. One that does not end by itself is
// killed.
func (d *driver) stop() (err error) {
	d.ends.Do(func() {
		if errors.Is(closeInTime(d.pw.Stop), errLate) {
			if process, err := os.FindProcess(d.pw.Pid()); err == nil && d.pw.Pid() > 0 {
				_ = process.Kill()
			}
		}
		err = removeHome(d.home)
	})
	return err
}

// proc is one browser. Its fields are guarded by the pool's mutex, except lost.
type proc struct {
	browser playwright.Browser
	driver  *driver
	kind    kind
	vitals  *vitals
	// active counts the sessions that are open, opened those that ever were.
	active, opened int
	// bytes is the memory of the browser with its pages, as it was last seen.
	bytes int64
	// retired browsers take no new sessions; discarded ones are, because
	// something went wrong with them. ending is set once, by who ends it.
	retired, discarded, ending bool
	// lost is closed when the browser is gone.
	lost     chan struct{}
	loseOnce sync.Once
}

func (p *proc) lose() { p.loseOnce.Do(func() { close(p.lost) }) }

func (p *proc) isLost() bool {
	select {
	case <-p.lost:
		return true
	default:
		return false
	}
}

// launch starts a browser.
func (d *driver) launch(ctx context.Context, cfg Config, k kind) (*proc, error) {
	if k.engine != "" {
		return d.launchOther(ctx, cfg, k)
	}
	executable, _, err := cfg.findBrowser(k.headless)
	if err != nil {
		return nil, err
	}
	options := launchOptions(k)
	options.ChromiumSandbox = new(!cfg.NoSandbox && os.Geteuid() != 0)
	options.Args = []string{"--disable-background-networking", "--disable-component-update", "--disable-sync"}
	if cfg.Egress != nil {
		confine(&options)
	}
	if executable != "" {
		options.ExecutablePath = &executable
	}
	b, err := d.start(ctx, d.pw.Chromium, options)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, launchError(err, describeBrowser(executable))
	}
	return b.proc(d, k), nil
}

// launchOptions are those of every browser.
func launchOptions(k kind) playwright.BrowserTypeLaunchOptions {
	return playwright.BrowserTypeLaunchOptions{
		Headless: &k.headless,
		// The program decides when its browsers end, not the terminal.
		HandleSIGHUP:  new(false),
		HandleSIGINT:  new(false),
		HandleSIGTERM: new(false),
		Timeout:       new(float64(launchTimeout.Milliseconds())),
	}
}

// launchError says in words why a browser did not start.
func launchError(err error, name string) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "XServer") || strings.Contains(text, "X server") || strings.Contains(text, "$DISPLAY"):
		return failure(browser.Unavailable, err, "a browser with a window needs a display, and this machine has none: run headless")
	case strings.Contains(text, "No usable sandbox"):
		return failure(browser.Unavailable, err, "%s cannot start its sandbox on this machine: allow unprivileged user namespaces or turn the sandbox off (BROWSER_SANDBOX=false)", name)
	case strings.Contains(text, "Executable doesn't exist"):
		return failure(browser.Unavailable, err, "no browser was found: install chromium-headless-shell or Chromium from your system's packages, or let Playwright download its own")
	}
	return failure(browser.Unavailable, err, "%s did not start: %s", name, usefulLine(err))
}

// errLate is the error of a call that did not come back in time.
var errLate = errors.New("the call did not come back in time")

// bounded runs fn for no longer than ctx and the limit. If fn is late, what it
// still brings is given to discard.
func bounded[T any](ctx context.Context, limit time.Duration, fn func() (T, error), discard func(T)) (T, error) {
	value, err := race(ctx.Done(), limit, fn, discard)
	if errors.Is(err, errLate) && ctx.Err() != nil {
		return value, ctx.Err()
	}
	return value, err
}

// closeInTime runs fn, which closes something, for no longer than closeTimeout.
func closeInTime(fn func() error) error { return inTime(closeTimeout, fn) }

// inTime runs fn for no longer than the limit.
func inTime(limit time.Duration, fn func() error) error {
	_, err := race(nil, limit, func() (struct{}, error) { return struct{}{}, fn() }, func(struct{}) {})
	return err
}

func race[T any](stop <-chan struct{}, limit time.Duration, fn func() (T, error), discard func(T)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		o.err = guarded(func() (err error) {
			o.value, err = fn()
			return err
		})
		done <- o
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case o := <-done:
		return o.value, o.err
	case <-stop:
	case <-late.C:
	}
	go func() {
		if o := <-done; o.err == nil {
			_ = guarded(func() error { discard(o.value); return nil })
		}
	}()
	var none T
	return none, errLate
}

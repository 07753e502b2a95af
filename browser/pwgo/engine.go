package pwgo

import (
	"context"
	"strings"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// kind is what tells browsers apart that can't stand in for each other.
type kind struct {
	// engine is empty for Chromium.
	engine   string
	headless bool
}

func kindOf(o browser.Options) kind {
	k := kind{engine: o.Config.Browser, headless: o.Headless}
	if k.engine == testcase.Chromium {
		k.engine = ""
	}
	return k
}

// launched is a browser that has just started, and what the system knows of it.
type launched struct {
	browser playwright.Browser
	vitals  *vitals
}

// start starts a browser.
func (d *driver) start(ctx context.Context, engine playwright.BrowserType, options playwright.BrowserTypeLaunchOptions) (launched, error) {
	return bounded(ctx, launchTimeout, func() (launched, error) {
		b, err := engine.Launch(options)
		if err != nil {
			return launched{}, err
		}
		return launched{browser: b, vitals: look(b)}, nil
	}, func(l launched) { _ = l.browser.Close() })
}

// launchOther starts a Firefox or a WebKit, which Playwright builds itself: no
// other ones can be driven.
func (d *driver) launchOther(ctx context.Context, cfg Config, k kind) (*proc, error) {
	if cfg.Egress != nil {
		return nil, failure(browser.Unsupported, nil, "the egress guard can only confine chromium: run the case in it, or in a worker with EGRESS_MODE=off")
	}
	engine := d.pw.Firefox
	if k.engine == testcase.WebKit {
		engine = d.pw.WebKit
	}
	b, err := d.start(ctx, engine, launchOptions(k))
	switch {
	case err == nil:
		return b.proc(d, k), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case strings.Contains(err.Error(), "Executable doesn't exist"):
		return nil, failure(browser.Unsupported, err, "this worker has no %s: install it with npx playwright@%s install %s, or run the case in chromium",
			k.engine, strings.TrimPrefix(driverVersionOr("latest"), "v"), k.engine)
	}
	return nil, launchError(err, k.engine)
}

func driverVersionOr(otherwise string) string {
	version, err := driverVersion()
	if err != nil {
		return otherwise
	}
	return version
}

func (l launched) proc(d *driver, k kind) *proc {
	p := &proc{browser: l.browser, driver: d, kind: k, vitals: l.vitals, lost: make(chan struct{})}
	l.browser.OnDisconnected(func(playwright.Browser) { p.lose() })
	if !l.browser.IsConnected() {
		p.lose()
	}
	return p
}

package pwgo

import (
	"context"
	"strings"
	"sync"

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

// start starts a browser.
func (d *driver) start(ctx context.Context, engine playwright.BrowserType, options playwright.BrowserTypeLaunchOptions) (playwright.Browser, error) {
	return bounded(ctx, launchTimeout, func() (playwright.Browser, error) {
		return engine.Launch(options)
	}, func(b playwright.Browser) { _ = b.Close() })
}

// launchOther starts a Firefox or a WebKit, which Playwright builds itself: no
// other ones can be driven.
func (d *driver) launchOther(ctx context.Context, k kind) (*proc, error) {
	engine := d.pw.Firefox
	if k.engine == testcase.WebKit {
		engine = d.pw.WebKit
	}
	b, err := d.start(ctx, engine, playwright.BrowserTypeLaunchOptions{
		Headless: &k.headless, HandleSIGHUP: new(false), HandleSIGINT: new(false), HandleSIGTERM: new(false),
		Timeout: new(float64(launchTimeout.Milliseconds())),
	})
	switch {
	case err == nil:
		return newProc(d, b, k), nil
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

func newProc(d *driver, b playwright.Browser, k kind) *proc {
	p := &proc{browser: b, driver: d, kind: k, lost: make(chan struct{}), loseOnce: sync.Once{}}
	b.OnDisconnected(func(playwright.Browser) { p.lose() })
	if !b.IsConnected() {
		p.lose()
	}
	return p
}

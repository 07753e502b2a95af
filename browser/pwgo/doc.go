// Package pwgo runs browser sessions with Playwright. It is the only package
// that imports playwright-go, and the place where its edges end: calls get a
// context, panics become errors, calls that hang are bounded, and what
// Playwright reports becomes a *browser.Error in words.
//
// A Pool has one driver (a Node process that Playwright brings) and some
// browsers under it. Every session is a browser context of its own. Browsers
// are replaced after some sessions and when they die; so is the driver.
//
// It must not import anything of this product but testcase and browser. Its
// tests need node and a Chromium; they skip with a hint without one, and fail
// in CI.
package pwgo

package pwgo

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

const (
	// loadPatience is how long a page may take to load when a step's element is not there.
	loadPatience = 3 * time.Second
	// noticeable is what tells a page that was still loading from one that had loaded.
	noticeable = 50 * time.Millisecond
	// dismissWithin bounds a click on what closes an overlay.
	dismissWithin = 2 * time.Second
)

// with runs fn with the tab of the last step, and explains its error.
func (s *session) with(ctx context.Context, fn func(*tab) error) error {
	t := s.shown()
	return s.redact(s.explain(func() *tab { return t }, s.call(ctx, func() error { return fn(t) })))
}

// Only implements browser.Healer.
func (s *session) Only(ctx context.Context, step testcase.Step, element healing.Fingerprint, selectors []testcase.Selector) ([]testcase.Selector, bool, error) {
	f, ok := s.looked[frameKey(element.Frame)]
	if !ok || f.IsDetached() {
		return nil, false, nil
	}
	q := placeOf(element)
	q.Mode, q.Alternatives, q.Want = "verify", partsOf(selectors), wanted(step)
	var only []testcase.Selector
	here := false
	err := s.with(ctx, func(*tab) error {
		a, err := s.ask(f, q, longLook+lookGrace)
		if err != nil {
			return err
		}
		here = a.There && same(a.Print, element)
		for i, selector := range selectors {
			if here && i < len(a.Only) && a.Only[i] {
				only = append(only, selector)
			}
		}
		return nil
	})
	return only, here, err
}

// same tells whether an element that was described twice still is the same one.
func same(a, b healing.Fingerprint) bool {
	return a.Tag == b.Tag && a.ID == b.ID && a.Name == b.Name && a.Type == b.Type && a.TestID == b.TestID && a.Href == b.Href &&
		a.Role == b.Role && a.Class == b.Class && a.Title == b.Title && a.Placeholder == b.Placeholder && a.Value == b.Value
}

// Loaded implements browser.Healer.
func (s *session) Loaded(ctx context.Context) (bool, error) {
	began := time.Now()
	err := s.with(ctx, func(t *tab) error {
		err := t.page.WaitForLoadState(playwright.PageWaitForLoadStateOptions{Timeout: new(float64(loadPatience.Milliseconds()))})
		if isTimeout(err) {
			return nil // it is as loaded as it will be
		}
		return err
	})
	return time.Since(began) > noticeable, err
}

// Uncover implements browser.Healer.
func (s *session) Uncover(ctx context.Context, step testcase.Step) (browser.Dismissed, string, error) {
	step, err := step.Expand(s.lookup(ctx))
	if err != nil {
		return browser.Dismissed{}, "", s.redact(err)
	}
	r := &run{session: s, ctx: ctx, step: step, started: time.Now(), deadline: time.Now().Add(dismissWithin), secret: step.Confidential()}
	var done browser.Dismissed
	why := ""
	err = s.with(ctx, func(*tab) error {
		if err := r.findTab(); err != nil {
			return err
		}
		if err := r.findFrame(); err != nil {
			return err
		}
		a, err := s.ask(r.frame, lookQuery{Mode: "cover", Query: new(queryFor(step.Selectors, wantVisible))}, dismissWithin)
		if err != nil {
			return err
		}
		if a.Control == nil {
			why = a.Why
			return nil
		}
		done = browser.Dismissed{Overlay: a.Overlay, Control: a.Caption}
		control := r.frame.Locator(lookFor(lookQuery{Mode: "at", XPath: a.Control.XPath, Shadow: a.Control.Shadow}))
		err = control.Click(playwright.LocatorClickOptions{Timeout: new(float64(dismissWithin.Milliseconds()))})
		if isTimeout(err) {
			why = "the control that closes it can't be clicked"
			return nil
		}
		return err
	})
	return done, why, err
}

// Marked implements browser.Healer.
func (s *session) Marked(ctx context.Context, element healing.Fingerprint) ([]byte, error) {
	f, ok := s.looked[frameKey(element.Frame)]
	var box *playwright.Rect
	width := 0
	err := s.with(ctx, func(t *tab) (err error) {
		if size := t.page.ViewportSize(); size != nil {
			width = size.Width
		}
		if !ok || f.IsDetached() {
			return nil
		}
		timeout := new(float64(dismissWithin.Milliseconds()))
		at := f.Locator(lookFor(placeOf(element)))
		_ = at.ScrollIntoViewIfNeeded(playwright.LocatorScrollIntoViewIfNeededOptions{Timeout: timeout}) // a picture without it is better than none
		box, err = at.BoundingBox(playwright.LocatorBoundingBoxOptions{Timeout: timeout})
		if isTimeout(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	shot, err := s.Screenshot(ctx)
	if err != nil || box == nil {
		return shot, err
	}
	return framed(shot, *box, width)
}

// framed draws a frame around a box of a picture.
func framed(shot []byte, box playwright.Rect, viewport int) ([]byte, error) {
	decoded, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, failure(browser.Unsupported, err, "the screenshot is no picture: %s", err)
	}
	picture := image.NewRGBA(decoded.Bounds())
	draw.Draw(picture, picture.Bounds(), decoded, decoded.Bounds().Min, draw.Src)
	scale := 1.0
	if viewport > 0 {
		scale = float64(picture.Bounds().Dx()) / float64(viewport)
	}
	const gap, thick = 3, 3
	at := func(v float64) int { return int(math.Round(min(max(v*scale, -1e5), 1e5))) }
	inner := image.Rect(at(box.X), at(box.Y), at(box.X+box.Width), at(box.Y+box.Height)).Inset(-gap)
	outer := inner.Inset(-thick)
	ink := image.NewUniform(color.RGBA{R: 0xE0, G: 0x10, B: 0x30, A: 0xFF})
	for _, side := range []image.Rectangle{
		image.Rect(outer.Min.X, outer.Min.Y, outer.Max.X, inner.Min.Y), image.Rect(outer.Min.X, inner.Max.Y, outer.Max.X, outer.Max.Y),
		image.Rect(outer.Min.X, outer.Min.Y, inner.Min.X, outer.Max.Y), image.Rect(inner.Max.X, outer.Min.Y, outer.Max.X, outer.Max.Y),
	} {
		draw.Draw(picture, side.Intersect(picture.Bounds()), ink, image.Point{}, draw.Src)
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&out, picture); err != nil {
		return nil, failure(browser.Unsupported, err, "the screenshot can't be written: %s", err)
	}
	return out.Bytes(), nil
}

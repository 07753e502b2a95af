package pwgo

import (
	"context"
	_ "embed" // for secrets.js
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/secret"
)

const (
	// stopTimeout bounds writing the trace and the archive of a session.
	stopTimeout = 15 * time.Second
	// hurriedStop is the same for a session that was cancelled or whose page
	// hangs: its browser context must be gone soon.
	hurriedStop = 1500 * time.Millisecond
)

// secretsBinding is what pages report the values of their password fields to.
const secretsBinding = "__cinnamonSecret"

// secrets.js watches password fields.
//
//go:embed secrets.js
var secretsScript string

// recorder records a session. A nil one records nothing.
type recorder struct {
	browser.Record

	folder  string // of the files; empty if there are none
	console *textLog
	network *textLog
	masks   *masks

	mu      sync.Mutex
	tracing bool
	har     bool
	hurried bool
	dropped map[browser.Recording]bool
	errs    []error
}

func newRecorder(o browser.Record, known *secret.Redactor) *recorder {
	if len(o.Kinds) == 0 {
		return nil
	}
	return &recorder{
		Record: o, console: &textLog{limit: o.LogBytes}, network: &textLog{limit: o.LogBytes}, masks: newMasks(known, o.Secrets),
		dropped: make(map[browser.Recording]bool),
	}
}

// prepare makes room for the files, before there is a browser context.
func (r *recorder) prepare(options *playwright.BrowserNewContextOptions, cfg Config) error {
	if r == nil {
		return nil
	}
	if r.Records(browser.Trace) || r.Records(browser.Video) || r.Records(browser.HAR) {
		if err := r.needFolder(); err != nil {
			return err
		}
	}
	if r.Records(browser.Video) {
		// Playwright does not even open a page if it can't record it.
		if err := cfg.canRecordVideo(); err != nil {
			r.fail("recording a video", err)
		} else {
			options.RecordVideo = &playwright.RecordVideo{Dir: new(filepath.Join(r.folder, "video"))}
		}
	}
	return nil
}

// needFolder makes the folder of the files unless it is there.
func (r *recorder) needFolder() (err error) {
	if r.folder != "" {
		return nil
	}
	if r.folder, err = os.MkdirTemp("", "cinnamon-session-*"); err != nil {
		return fmt.Errorf("making a folder for recordings: %w", err)
	}
	return nil
}

// start begins to record a browser context that has no page yet.
func (r *recorder) start(c playwright.BrowserContext) error {
	if r == nil {
		return nil
	}
	if r.Records(browser.Console) {
		c.OnConsole(r.noteConsole)
		c.OnWebError(r.noteError)
	}
	if r.Records(browser.Network) {
		c.OnResponse(r.noteResponse)
		c.OnRequestFailed(r.noteFailure)
	}
	// What is typed into a password field must be known to be masked.
	err := c.ExposeBinding(secretsBinding, func(_ *playwright.BindingSource, args ...any) any {
		if len(args) == 1 {
			if value, ok := args[0].(string); ok {
				r.masks.typed(value)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.AddInitScript(playwright.Script{Content: &secretsScript}); err != nil {
		return err
	}
	if r.Records(browser.Trace) {
		options := playwright.TracingStartOptions{Screenshots: new(true), Snapshots: new(true), Sources: new(false)}
		if r.Title != "" {
			options.Title = &r.Title
		}
		if err := c.Tracing().Start(options); err != nil {
			return err
		}
		r.tracing = true
	}
	if r.Records(browser.HAR) {
		err := c.Tracing().StartHar(r.path("archive.har"), playwright.TracingStartHarOptions{Content: playwright.HarContentPolicyOmit})
		if err != nil {
			return err
		}
		r.har = true
	}
	return nil
}

func (r *recorder) path(name string) string { return filepath.Join(r.folder, name) }

// during runs a step as a group of the trace, under the name that reports show.
func (r *recorder) during(s *run, do func() error) error {
	if r == nil {
		return do()
	}
	if s.secret {
		r.masks.add(s.step.Typed()...)
	}
	defer func() {
		if s.secret { // it may have turned out so
			r.masks.add(s.step.Typed()...)
		}
	}()
	if !r.Records(browser.Trace) {
		return do()
	}
	tracing := s.session.context.Tracing()
	if err := tracing.Group(s.step.Description()); err != nil {
		return err
	}
	err := do()
	if groupErr := tracing.GroupEnd(); groupErr != nil && !isClosed(groupErr) && !isTimeout(groupErr) {
		r.fail("ending a group of the trace", groupErr)
	}
	return err
}

// hurry says that there is little time to stop.
func (r *recorder) hurry() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hurried = true
}

// stop writes what was recorded, while the browser context is still there.
func (r *recorder) stop(c playwright.BrowserContext) {
	if r == nil {
		return
	}
	r.mu.Lock()
	tracing, har := r.tracing, r.har
	keepTrace, keepHAR := !r.dropped[browser.Trace], !r.dropped[browser.HAR]
	r.tracing, r.har = false, false
	limit := stopTimeout
	if r.hurried {
		limit = hurriedStop
	}
	r.mu.Unlock()
	until := time.Now().Add(limit)
	if har && keepHAR {
		if err := inTime(limit, c.Tracing().StopHar); err != nil {
			r.fail("writing the HTTP archive", err)
		}
	}
	if tracing {
		err := inTime(time.Until(until), func() error {
			if keepTrace {
				return c.Tracing().Stop(r.path("trace.zip"))
			}
			return c.Tracing().Stop()
		})
		if err != nil && keepTrace {
			r.fail("writing the trace", err)
			if isClosed(err) {
				_ = inTime(time.Until(until), func() error { return c.Tracing().Stop() }) // the browser died meanwhile
			}
		}
	}
}

// forget has the driver delete what it keeps of the trace of a browser that died.
func (r *recorder) forget(c playwright.BrowserContext) {
	if r == nil {
		return
	}
	r.mu.Lock()
	tracing := r.tracing
	r.tracing, r.har = false, false
	r.mu.Unlock()
	if tracing {
		_ = closeInTime(func() error { return c.Tracing().Stop() }) // a driver that is gone too has kept nothing
	}
}

func (r *recorder) fail(doing string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, fmt.Errorf("%s: %w", doing, err))
}

// Finish implements browser.Session.
func (s *session) Finish(ctx context.Context, keep ...browser.Recording) ([]browser.RecordedFile, error) {
	s.record.drop(keep)
	s.startClosing()
	select {
	case <-s.closed:
		files, err := s.record.files(keep)
		return files, s.redact(err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// drop notes what nobody will want.
func (r *recorder) drop(keep []browser.Recording) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, kind := range r.Kinds {
		r.dropped[kind] = !slices.Contains(keep, kind)
	}
}

// files returns the recordings, fit to be shown.
func (r *recorder) files(keep []browser.Recording) ([]browser.RecordedFile, error) {
	if r == nil {
		return nil, nil
	}
	var files []browser.RecordedFile
	for _, kind := range r.Kinds {
		if !slices.Contains(keep, kind) {
			continue
		}
		paths, err := r.finished(kind)
		if err != nil {
			r.fail("finishing the "+string(kind), err)
			continue
		}
		for _, path := range paths {
			files = append(files, browser.RecordedFile{Kind: kind, Path: path})
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return files, errors.Join(r.errs...)
}

// finished returns the files of a recording, without what they must not tell.
func (r *recorder) finished(kind browser.Recording) ([]string, error) {
	mask := r.masks.redactor()
	switch kind {
	case browser.Trace:
		return written(r.path("trace.zip"), func(path string) error { return maskTrace(path, mask) })
	case browser.HAR:
		return written(r.path("archive.har"), func(path string) error { return maskHAR(path, mask) })
	case browser.Video:
		return filepath.Glob(r.path("video/*.webm"))
	case browser.Console:
		return r.writeLog(kind, r.console, mask)
	case browser.Network:
		return r.writeLog(kind, r.network, mask)
	}
	return nil, nil
}

// written makes a file fit to be shown, if it was written.
func written(path string, fit func(path string) error) ([]string, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, nil //nolint:nilerr // why it is missing was noted before
	}
	if err := fit(path); err != nil {
		return nil, err
	}
	return []string{path}, nil
}

func (r *recorder) writeLog(kind browser.Recording, log *textLog, mask *secret.Redactor) ([]string, error) {
	text := log.text()
	if text == "" {
		return nil, nil
	}
	if err := r.needFolder(); err != nil {
		return nil, err
	}
	path := r.path(string(kind) + ".log")
	return []string{path}, os.WriteFile(path, []byte(mask.Redact(text)), 0o600)
}

// discard deletes the files.
func (r *recorder) discard() error {
	if r == nil || r.folder == "" {
		return nil
	}
	return os.RemoveAll(r.folder)
}

// DOM implements browser.Session.
func (s *session) DOM(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	t := s.current
	s.mu.Unlock()
	var html string
	err := s.call(ctx, func() (err error) {
		html, err = t.page.Content()
		return err
	})
	if err := s.explain(func() *tab { return t }, err); err != nil {
		return nil, s.redact(err)
	}
	masks := newMasks(s.redactor, s.options.Record.Secrets)
	if s.record != nil {
		masks = s.record.masks
	}
	return []byte(masks.redactor().Redact(html)), nil
}

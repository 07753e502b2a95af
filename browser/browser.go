package browser

import (
	"context"
	"time"

	"github.com/cinnamon-qa/cinnamon/secret"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// Viewport is the size of a page, in CSS pixels.
type Viewport struct{ Width, Height int }

// Options of a session.
type Options struct {
	Viewport Viewport
	// Headless browsers have no window. A browser with one needs a display.
	Headless bool
	// BaseURL is what relative addresses resolve against.
	BaseURL string
	// StepTimeout bounds each step that does not say for itself.
	StepTimeout time.Duration
	// Config is what the case asks for; Viewport and Headless above are what
	// count of those.
	Config testcase.Config
	// Variables are what steps may name in braces at the beginning.
	Variables map[string]string
	// State is what another session left behind, to begin with; nil for none.
	State State
	// Needs is what the steps make it worth to watch.
	Needs testcase.Needs
	// Secrets learns the secrets that steps are given, and the session keeps what it knows out of errors and recordings.
	// Sessions of one attempt share it; nil gives the session one of its own.
	Secrets *secret.Redactor
	// Record says what is recorded.
	Record Record
}

// State is what a session knows of the sites that it visited: cookies and
// local storage. Only the implementation that made it can read it. A session that
// begins with it keeps the secrets in it to itself.
type State any

// Opener opens sessions.
type Opener interface {
	// Open starts a session that shares no state with any other. It fails
	// with the Kind Unavailable if no browser can be started.
	Open(ctx context.Context, o Options) (Session, error)
}

// Session is one attempt in a fresh browser context. Its methods are called
// one at a time, Close also while another one runs. A method whose ctx ends
// returns the ctx's error within a second, and the session is of no more use.
type Session interface {
	Healer
	// Do runs one step. The page stays as the step left it, also after a
	// failure.
	Do(ctx context.Context, step testcase.Step) error
	// State returns what the session's browser knows of the sites that it
	// visited.
	State(ctx context.Context) (State, error)
	// Screenshot takes a PNG of what the last step's page shows.
	Screenshot(ctx context.Context) ([]byte, error)
	// DOM returns the HTML of what the last step's page shows, without the
	// values that recordings must not tell.
	DOM(ctx context.Context) ([]byte, error)
	// Finish ends the session and returns those of its recordings that are to
	// be kept: as much as there is, also of a session whose ctx ended. An error
	// comes with those that could be had.
	Finish(ctx context.Context, keep ...Recording) ([]RecordedFile, error)
	// Close ends the session and forgets its state and recordings. It takes seconds at most,
	// also with a browser that hangs, and may be called again.
	Close(ctx context.Context) error
}

package browser

import "slices"

// Recording is something that a session can record while it goes on.
type Recording string

// The recordings.
const (
	// Trace is a zip for Playwright's trace viewer.
	Trace Recording = "trace"
	// Video is a WebM file for each tab.
	Video Recording = "video"
	// HAR is the network's traffic as an HTTP archive, without bodies.
	HAR Recording = "har"
	// Console is what pages wrote to their console, and their uncaught errors, a line each.
	Console Recording = "console"
	// Network is a line for each response and failed request.
	Network Recording = "network"
)

// Record says what a session records. The zero value records nothing and costs nothing.
type Record struct {
	Kinds []Recording
	// Title names the session in its trace.
	Title string
	// Secrets are values that no recording may tell, besides those of confidential steps and of password fields.
	Secrets []string
	// LogBytes bounds the console's and the network's log: what comes later is counted only.
	LogBytes int
}

// Records reports whether a recording is asked for.
func (r Record) Records(kind Recording) bool { return slices.Contains(r.Kinds, kind) }

// RecordedFile is a recording in a local file.
type RecordedFile struct {
	Kind Recording
	// Path is good until the session is closed.
	Path string
}

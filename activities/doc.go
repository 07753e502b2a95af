// Package activities does the work that workflows order: it drives one attempt of a test in a browser and records what
// happened.
//
// One activity carries out a whole attempt, because a page can't move between processes. It claims the job, executes the
// steps, writes each one as it ends, and records the outcome, each in one transaction; a failing assertion is a verdict
// in its result, while an error means that the platform failed.
//
// It knows browsers and artifacts through small interfaces and imports no driver, no SQL and no Redis client.
package activities

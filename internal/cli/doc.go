// Package cli is the client side of `cinnamon run`: it reads test cases from files, starts them through the HTTP API,
// shows how they are doing and reports how they ended, as a table for people or as JSON for programs.
//
// The files are read and checked before anything is started. Every start carries an idempotency key, so that neither a
// retry nor, with a key given by the caller, a repeated CI job starts a test twice. An API that is away for a while is
// waited for. The first Ctrl-C (the end of the context) cancels the runs that this invocation started and waits a
// few seconds for their end; the second one (Options.Abort) leaves at once.
//
// It knows the product only through its HTTP API: of the product it imports testcase alone, so that a file is judged by
// the same rules on both sides.
package cli

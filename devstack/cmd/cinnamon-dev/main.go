// Command cinnamon-dev is the whole of Cinnamon on one machine, for trying it and for developing it: Postgres, Redis,
// Temporal with its Web UI, the API, a worker, and a shop to test.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run())
}

func run() int {
	// A reader of the output that went away must not end the process before it has cleaned up. The signal is received, not
	// ignored: the programs that are started would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, exit := newExit(context.Background(), os.Exit)
	defer exit.cleanUp()
	return execute(ctx, exit, os.Args[1:], os.Stdout, os.Stderr)
}

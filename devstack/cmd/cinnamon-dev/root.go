package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// console is where the program talks to people.
type console struct {
	stdout, stderr io.Writer
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, exit *exit, args []string, stdout, stderr io.Writer) int {
	root := newRoot(exit, console{stdout: stdout, stderr: stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if message := messageOf(err); message != "" {
		fmt.Fprintln(stderr, "cinnamon-dev: "+message)
	}
	return codeOf(err)
}

func newRoot(exit *exit, out console) *cobra.Command {
	root := &cobra.Command{
		Use:   "cinnamon-dev",
		Short: "The whole of Cinnamon on one machine",
		Long: `cinnamon-dev runs the whole of Cinnamon on one machine: Temporal and its Web UI (inside this process), a Redis and a
Postgres that are installed on the machine, the API, a worker with its browsers, and a web shop to test. Everything
listens on 127.0.0.1 alone, and Redis and Postgres ask for a password.

It is for trying Cinnamon and for developing it. In production run "cinnamon" against servers of your own.

Exit codes: 0 well, 1 a test of the demo failed, 2 wrong usage, 3 something is missing or failed, 130 interrupted.`,
		Example: `  cinnamon-dev demo                    see it run: start everything, run the bundled tests, clean up
  cinnamon-dev up                      serve until Ctrl-C, and keep the data for the next time
  cinnamon-dev up --ephemeral --ready-file stack.json
                                       for tests: free ports, a temporary folder, addresses as JSON`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	root.SetOut(out.stdout)
	root.SetErr(out.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newUp(exit, out), newDemo(exit, out))
	return root
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

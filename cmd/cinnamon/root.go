package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if message := messageOf(err); message != "" {
		fmt.Fprintln(stderr, "cinnamon: "+message)
	}
	return codeOf(err)
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "cinnamon",
		Short: "Run browser tests durably",
		Long: `Cinnamon runs a QA team's browser tests durably: Temporal executes, Postgres records, Redis shows.

People who test use "cinnamon run". The other commands start the parts of the system; "cinnamon-dev up" starts
all of them on one machine.

Exit codes: 0 passed, 1 a test failed, 2 wrong usage or input, 3 the platform failed, 130 interrupted.`,
		Example: `  cinnamon run checkout.json                          run one test case
  cinnamon run examples/cases/shop --priority high    run a folder of them
  cinnamon doctor                                     check what this machine lacks`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddGroup(&cobra.Group{ID: "test", Title: "For people who test:"}, &cobra.Group{ID: "system", Title: "Parts of the system:"})
	root.AddCommand(
		newRun(stdout, stderr),
		newCase(stdout),
		newSuite(stdout, stderr),
		newSchedule(stdout),
		newDeadLetters(stdout, stderr),
		newLocators(stdout, stderr),
		newQuarantine(stdout),
		newHold(stdout),
		newRelease(stdout),
		newCleanup(stdout, stderr),
		newRole("api", "Serve the HTTP API", apiHelp, serveAPI),
		newBridge(),
		newRole("worker", "Run tests: take jobs and drive browsers", workerHelp, serveWorker),
		newRole("codec-server", "Decrypt payloads for the Temporal Web UI", codecHelp, serveCodec),
		newWorkers(stdout),
		newMigrate(),
		newBrowser(),
		newDoctor(stdout),
		newHealth(stdout),
		newAlert(stdout),
		newConfig(stdout),
	)
	return root
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

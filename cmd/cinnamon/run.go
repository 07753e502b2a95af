package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
)

func newRun(stdout, stderr io.Writer) *cobra.Command {
	o, where := cli.Options{Stdout: stdout, Stderr: stderr}, cli.Group{}
	cmd := &cobra.Command{
		Use:     "run CASE.json…",
		Short:   "Run test cases and wait for their results",
		GroupID: "test",
		Long: `Runs test cases, shows how far each one is, and ends with a table of the results.

A test case is a JSON file in the format of Chrome DevTools' Recorder. A folder stands for all *.json files below it. All
files are checked before the first one runs. A folder with a file suite.json runs as one suite, as that file says, and so does
one with --parallel, --fail-fast or --only-failed: see "cinnamon suite --help". Interrupt once (Ctrl-C) to cancel the runs, twice to leave at once.

When none of a step's selectors finds its element, a run looks for it by what passing runs have seen of it. A test that passed with
such an element is "adapted", and what was taken is said at the end. --on-adapted says what that means: with fail the exit code is 4,
for pipelines that let nothing pass unseen; warn (the default) and pass count it as passed. --adaptive-mode off turns it off, and
suggest only says what would be taken. docs/adaptation.md has more.

Exit codes: 0 all passed, 1 a test failed (other than in quarantine) or was cancelled, 2 wrong usage or an invalid case, 3 the platform failed,
4 all passed, but some were adapted (with --on-adapted fail), 130 interrupted.

Environment: CINNAMON_API_URL (http://127.0.0.1:8080), CINNAMON_API_KEY, NO_COLOR.`,
		Example: `  cinnamon run login.json checkout.json
  cinnamon run examples/cases/shop --base-url https://staging.example.com
  cinnamon run suite/ --priority urgent --attempts 1 --timeout 2m
  cinnamon run suite/ --parallel 4 --fail-fast
  cinnamon run suite/ --only-failed
  cinnamon run suite/ --on-adapted fail
  cinnamon run suite/ --output json > results.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			where.Paths = args
			o.Groups = []cli.Group{where}
			return run(cmd, &o)
		},
	}
	runFlags(cmd, &o, &where)
	return cmd
}

// run runs tests and turns how they went into an exit code.
func run(cmd *cobra.Command, o *cli.Options) error {
	client := reach(&o.APIURL, &o.APIKey)
	progress := o.Stdout
	if o.Output == cli.OutputJSON {
		progress = o.Stderr
	}
	o.Terminal, o.NoColor = obs.IsTerminal(progress) && !client.DumbTerminal, client.NoColor
	abort, stop := secondInterrupt(cmd.Context())
	defer stop()
	o.Abort = abort
	return ended(cli.Run(cmd.Context(), *o))
}

// runFlags are the flags of everything that runs tests. where takes the site.
func runFlags(cmd *cobra.Command, o *cli.Options, where *cli.Group) {
	f := cmd.Flags()
	f.StringVar(&where.BaseURL, "base-url", "", "where relative addresses of the cases lead; replaces the files' baseUrl")
	f.StringVar(&where.Environment, "env", "", "the environment whose address in config.baseUrls counts, such as staging")
	apiFlag(cmd, &o.APIURL)
	f.StringVar(&o.Priority, "priority", "", "low, normal, high, urgent, or a number (higher is more urgent)")
	f.IntVar(&o.Attempts, "attempts", 0, "attempts of each test at the most (default: the API's)")
	f.DurationVar(&o.Timeout, "timeout", 0, "time that one attempt may take (default: 30s and 5s a step)")
	f.DurationVar(&o.QueueTimeout, "queue-timeout", 0, "time that a test may wait for a worker each time it is due (default: the API's)")
	f.IntVar(&o.Parallel, "parallel", 0, "tests at once at the most (default: as many as there are workers for)")
	f.BoolVar(&o.FailFast, "fail-fast", false, "stop at the first test that fails: cancel what runs, leave the rest out")
	f.StringVar(&o.OnlyFailed, "only-failed", "", "run only what did not pass in the newest suite run, or in the one of that id")
	f.Lookup("only-failed").NoOptDefVal = cli.Latest
	f.StringVar(&o.OnAdapted, "on-adapted", cli.AdaptedWarn, "what it means that a test passed with elements that were found again: pass, warn, or fail (exit code 4)")
	f.StringVar(&o.AdaptiveMode, "adaptive-mode", "", "what happens when an element is not found: heal, suggest or off (default: the suite's or the API's)")
	f.StringVar(&o.UserID, "user", "", "whose runs these are; users share the workers fairly")
	f.StringVar(&o.IdempotencyKey, "idempotency-key", "", "find the runs of an earlier invocation with this key instead of starting new ones")
	f.StringVarP(&o.Output, "output", "o", cli.OutputTable, "table, or json: one document on standard output")
	f.StringArrayVar(&o.Tags, "tag", nil, "a tag of the runs, by which they can be held (may be repeated): see cinnamon hold")
	f.BoolVar(&o.Detach, "detach", false, "start the runs, print their ids and leave")
}

// secondInterrupt returns a channel that closes when a signal comes after the one that ended ctx.
func secondInterrupt(ctx context.Context) (abort <-chan struct{}, stop func()) {
	closed := make(chan struct{})
	signals := make(chan os.Signal, 1)
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-ctx.Done():
		case <-watching.Done():
			return
		}
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(signals)
		select {
		case <-signals:
			close(closed)
		case <-watching.Done():
		}
	}()
	return closed, cancel
}

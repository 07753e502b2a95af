package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
)

func newDeadLetters(stdout, stderr io.Writer) *cobra.Command {
	o := cli.LettersOptions{Stdout: stdout, Stderr: stderr}
	cmd := &cobra.Command{
		Use:     "dead-letters",
		Short:   "List the runs that failed for good, and run them again",
		GroupID: "test",
		Long: `Lists the runs that failed for good, the newest first: their attempts ran out, or none would have helped. A letter goes
when its run is requeued, or its job is retried or removed by a client of the queue.

The class says what kind of failure it was:
  assertion    the page is not as the test expects it
  not-found    an element, frame or tab is not there
  timeout      a step or the attempt took too long
  navigation   a page did not load
  refused      the egress guard keeps pages from an address: see EGRESS_ALLOW of the workers
  script       the JavaScript of a step is wrong
  exhausted    the page took too much memory or too many tabs
  crashed      the browser died, more than once
  unsupported  the test asks for what the worker or its browser can't do
  invalid      the test case was deleted or is not valid
  expired      no worker took the run within its queue timeout
  stalled      too many workers died under the test
  platform     the system could not carry out the test; the test may be fine
  external     another consumer of the queue failed the job

Exit codes: 0 listed, 2 wrong usage, 3 the platform failed, 130 interrupted.

Environment: CINNAMON_API_URL (http://127.0.0.1:8080), CINNAMON_API_KEY, NO_COLOR.`,
		Example: `  cinnamon dead-letters --class not-found --since 24h
  cinnamon dead-letters --case checkout --output json | jq -r '.items[].testRunId'
  cinnamon dead-letters requeue --all --class platform`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reachLetters(&o, stdout)
			return ended(cli.Letters(cmd.Context(), o))
		},
	}
	letterFlags(cmd, &o)
	cmd.Flags().IntVar(&o.Limit, "limit", 50, "how many to list, 200 at the most")
	cmd.Flags().Int64Var(&o.After, "after", 0, "go on after the letter of this id")
	cmd.AddCommand(newRequeue(stdout, stderr))
	return cmd
}

func newRequeue(stdout, stderr io.Writer) *cobra.Command {
	o := cli.RequeueOptions{LettersOptions: cli.LettersOptions{Stdout: stdout, Stderr: stderr}}
	cmd := &cobra.Command{
		Use:   "requeue RUN…|--all",
		Short: "Run failed runs again, with all their attempts before them",
		Long: `Makes failed runs wait again, under their own ids, with all their attempts before them. A stored case is read anew when a
run starts, so repair it first; a case that came with its run stays as it was.

--all means all dead letters; --class, --case, --queue, --since and --until leave some of them out. How many there are is said
first. What fails again meanwhile is not requeued once more.

Exit codes: 0 all were requeued, 1 some were refused (each with its reason), 2 wrong usage, 3 the platform failed,
130 interrupted.

Environment: CINNAMON_API_URL (http://127.0.0.1:8080), CINNAMON_API_KEY, NO_COLOR.`,
		Args: cobra.ArbitraryArgs,
		Example: `  cinnamon dead-letters requeue 22f53fc9-6c1f-4f0e-9f25-8d3a1b7c0e11
  cinnamon dead-letters requeue --all --case checkout --since 2h
  cinnamon dead-letters requeue --all --class expired --output json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			reachLetters(&o.LettersOptions, stdout)
			o.Runs = args
			return ended(cli.Requeue(cmd.Context(), o))
		},
	}
	letterFlags(cmd, &o.LettersOptions)
	cmd.Flags().BoolVar(&o.All, "all", false, "all dead letters that the filters leave")
	return cmd
}

func letterFlags(cmd *cobra.Command, o *cli.LettersOptions) {
	f := cmd.Flags()
	f.StringVar(&o.Class, "class", "", "only failures of this class, such as timeout")
	f.StringVar(&o.Case, "case", "", "only those of the stored test case of this id")
	f.StringVar(&o.Queue, "queue", "", "only those of this queue")
	f.StringVar(&o.Since, "since", "", "only those that died since then: a time (2026-11-03T12:00:00Z), or how long ago (24h)")
	f.StringVar(&o.Until, "until", "", "only those that died before then")
	apiFlag(cmd, &o.APIURL)
	f.StringVarP(&o.Output, "output", "o", cli.OutputTable, "table, or json: one document on standard output")
}

// reachLetters says where the API is, and what the output is shown on.
func reachLetters(o *cli.LettersOptions, stdout io.Writer) {
	client := reach(&o.APIURL, &o.APIKey)
	o.Terminal, o.NoColor = obs.IsTerminal(stdout) && !client.DumbTerminal, client.NoColor
}

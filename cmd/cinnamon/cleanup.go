package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
)

func newCleanup(stdout, stderr io.Writer) *cobra.Command {
	o := cli.CleanupOptions{Stdout: stdout, Stderr: stderr}
	cmd := &cobra.Command{
		Use:     "cleanup",
		Short:   "Remove what is old or too much, or find out what that is",
		GroupID: "system",
		Long: `Has a worker remove what the settings don't keep: old runs with their steps and files, what queues keep in Redis, and what
processes that died left behind. It waits for the end and prints a report. The same happens by itself every night: see
CLEANUP_CRON. Runs that are held stay: see cinnamon hold.

Exit codes: 0 done, 2 wrong usage, 3 the platform failed, 130 interrupted (the clean-up goes on).

Environment: CINNAMON_API_URL (http://127.0.0.1:8080), CINNAMON_API_KEY.`,
		Example: `  cinnamon cleanup --dry-run
  cinnamon cleanup --older-than-days 14
  cinnamon cleanup --json | jq .report.total.bytes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("older-than-days") && o.OlderThanDays < 0 {
				return usageErrorf("--older-than-days is %g: it must be 0 or more", o.OlderThanDays)
			}
			client := reach(&o.APIURL, &o.APIKey)
			o.Terminal = obs.IsTerminal(stderr) && !client.DumbTerminal
			return ended(cli.Cleanup(cmd.Context(), o))
		},
	}
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "say what would go, and leave it there")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "one JSON document on standard output")
	cmd.Flags().Float64Var(&o.OlderThanDays, "older-than-days", -1, "keep runs, files and dead letters only for so many days, those of failed runs too")
	cmd.Flags().Lookup("older-than-days").DefValue = "as the settings say"
	apiFlag(cmd, &o.APIURL)
	return cmd
}

func newHold(stdout io.Writer) *cobra.Command {
	o := cli.HoldOptions{Stdout: stdout}
	cmd := &cobra.Command{
		Use:     "hold [RUN…]",
		Short:   "Keep runs from clean-ups, or list those that are kept",
		GroupID: "test",
		Long: `Keeps runs, with their steps and files, whatever their age, until they are released: those that are named, or all that have a
tag, now and later (cinnamon run --tag). Without a run and a tag it lists what is held.

Exit codes: 0 done, 2 wrong usage or no such run, 3 the platform failed.

Environment: CINNAMON_API_URL (http://127.0.0.1:8080), CINNAMON_API_KEY.`,
		Example: `  cinnamon hold 22f53fc9-6c1f-4f0e-9f25-8d3a1b7c0e11 --as lawsuit-42
  cinnamon hold --tag release-1.4 --as lawsuit-42
  cinnamon hold --as lawsuit-42
  cinnamon release 22f53fc9-6c1f-4f0e-9f25-8d3a1b7c0e11`,
		RunE: func(cmd *cobra.Command, args []string) error {
			reach(&o.APIURL, &o.APIKey)
			o.Runs = args
			return ended(cli.Hold(cmd.Context(), o))
		},
	}
	cmd.Flags().StringVar(&o.As, "as", "", "what for; in a list, only those held for this")
	cmd.Flags().StringVar(&o.Tag, "tag", "", "hold all runs with this tag")
	apiFlag(cmd, &o.APIURL)
	return cmd
}

func newRelease(stdout io.Writer) *cobra.Command {
	o := cli.HoldOptions{Stdout: stdout, Release: true}
	cmd := &cobra.Command{
		Use: "release [RUN…]", Short: "Let clean-ups take runs that were held", GroupID: "test",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && o.Tag == "" {
				return usageErrorf("name the runs, or a tag with --tag")
			}
			reach(&o.APIURL, &o.APIKey)
			o.Runs = args
			return ended(cli.Hold(cmd.Context(), o))
		},
	}
	cmd.Flags().StringVar(&o.Tag, "tag", "", "release a tag: its runs stay only if they are held otherwise")
	apiFlag(cmd, &o.APIURL)
	return cmd
}

package main

import (
	"cmp"
	"io"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

func newQuarantine(stdout io.Writer) *cobra.Command {
	cmd := &cobra.Command{
		Use: "quarantine", Short: "Let flaky cases run on without failing suites", GroupID: "test",
		Long: `A case in quarantine runs on, and all that its runs show is kept, but its failures fail no suite, stop none at its first failure, and don't make
"cinnamon run" end with 1. It leaves by itself when it has passed so many times in a row at the first attempt.

A case is named by its id, or by its file, whose runs are known by the title of the case.`,
		Example: `  cinnamon quarantine add checkout --reason "the payment sandbox times out, see PAY-12"
  cinnamon quarantine add cases/search.json --reason flaky --passes 20
  cinnamon quarantine list
  cinnamon quarantine remove checkout`,
	}
	cmd.AddCommand(newQuarantineAdd(stdout), newQuarantineRemove(stdout), newQuarantineList(stdout))
	return cmd
}

const quarantineExits = "\n\nExit codes: 0 done, 2 wrong usage or no such case, 3 the platform failed." + locatorsEnvironment

func newQuarantineAdd(stdout io.Writer) *cobra.Command {
	o := cli.QuarantineOptions{SuiteOptions: cli.SuiteOptions{Stdout: stdout}}
	cmd := &cobra.Command{
		Use: "add CASE…", Short: "Put cases in quarantine, or change why they are in it", Args: cobra.MinimumNArgs(1),
		Long: `Puts cases in quarantine. Runs whose attempt has begun count as they did. Of one that is in it already, the reason, the name and --passes
change; what it has passed stays.` + quarantineExits[:len(quarantineExits)-1] + ", USER.",
		RunE: func(cmd *cobra.Command, args []string) error {
			client := reach(&o.APIURL, &o.APIKey)
			if cmd.Flags().Changed("passes") && o.Passes < 1 {
				return usageErrorf("--passes is %d: it must be 1 or more", o.Passes)
			}
			o.Cases, o.By = args, cmp.Or(o.By, client.User)
			return ended(cli.Quarantine(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Reason, "reason", "", "why, for those who come later")
	f.StringVar(&o.By, "by", "", "who says so (default: USER)")
	f.IntVar(&o.Passes, "passes", 0, "how many passes in a row it takes to leave (default 10)")
	listFlags(cmd, &o.SuiteOptions)
	return cmd
}

func newQuarantineRemove(stdout io.Writer) *cobra.Command {
	o := cli.QuarantineOptions{SuiteOptions: cli.SuiteOptions{Stdout: stdout}, Remove: true}
	cmd := &cobra.Command{
		Use: "remove CASE…", Short: "Take cases out of quarantine: their failures count again", Args: cobra.MinimumNArgs(1), Long: "Takes cases out of quarantine." + quarantineExits,
		RunE: func(cmd *cobra.Command, args []string) error {
			reach(&o.APIURL, &o.APIKey)
			o.Cases = args
			return ended(cli.Quarantine(cmd.Context(), o))
		},
	}
	listFlags(cmd, &o.SuiteOptions)
	return cmd
}

func newQuarantineList(stdout io.Writer) *cobra.Command {
	o := cli.SuiteOptions{Stdout: stdout}
	cmd := &cobra.Command{
		Use: "list", Short: "List the cases in quarantine", Args: cobra.NoArgs,
		Long: `Lists the cases in quarantine: how many passes in a row they have of those that it takes, how many of their runs failed (or passed only when tried
again) since they are in it, who put them there and why.` + quarantineExits,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reach(&o.APIURL, &o.APIKey)
			return ended(cli.ListQuarantine(cmd.Context(), o))
		},
	}
	listFlags(cmd, &o)
	return cmd
}

package main

import (
	"cmp"
	"io"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

func newLocators(stdout, stderr io.Writer) *cobra.Command {
	cmd := &cobra.Command{
		Use: "locators", Short: "Decide about the locators that heals taught", GroupID: "test",
		Long: `When a page changed and a run found a step's element again, the way it did so is a learned locator: a proposal, until it has proved
itself or somebody decides.

  proposed  runs try it first, and count as adapted
  promoted  runs try it first, and count as completed
  rejected  neither it nor its element is taken again; only a roll back undoes that

A run that is under way keeps what it began with.`,
		Example: `  cinnamon locators list --status proposed
  cinnamon locators show 12
  cinnamon locators approve 12 13 --reason "the button was renamed"
  cinnamon locators reject 14 --expected proposed
  cinnamon locators rollback 14
  cinnamon locators patch checkout.json | git apply`,
	}
	cmd.AddCommand(newLocatorList(stdout), newLocatorShow(stdout), newLocatorPatch(stdout, stderr))
	for _, verb := range []*cobra.Command{
		{
			Use: "approve ID…", Short: "Take learned locators as what the steps mean: runs on them are no adaptation any more",
			Long: `Promotes learned locators. Others of the same step stay what they are. One that is promoted already stays so; one that was rejected is
refused: roll that back first.`,
		},
		{
			Use: "reject ID…", Short: "Never take learned locators again, nor the elements that they find",
			Long: `Rejects learned locators. A heal that comes to the same element again is refused, so the step fails until the case is corrected.`,
		},
		{
			Use: "rollback ID…", Short: "Undo the newest decisions about learned locators",
			Long: `Gives learned locators the status that they had before the newest decision, a person's or the learning workflow's. Used again it undoes the
decision before that one. It is the only way back for one that was rejected.`,
		},
	} {
		cmd.AddCommand(newLocatorVerb(verb, stdout, stderr))
	}
	return cmd
}

const locatorsEnvironment = "\n\nEnvironment: CINNAMON_API_URL (http://127.0.0.1:8080), CINNAMON_API_KEY."

func newLocatorList(stdout io.Writer) *cobra.Command {
	o := cli.LocatorOptions{SuiteOptions: cli.SuiteOptions{Stdout: stdout}}
	cmd := &cobra.Command{
		Use: "list", Short: "List learned locators, the newest first", Args: cobra.NoArgs,
		Long: `Lists what heals taught: which step of which case, what finds its element now and what did before, how many runs passed with it while it
was proposed, and who decided last ("learning" is the system itself).

Exit codes: 0 listed, 2 wrong usage, 3 the platform failed.` + locatorsEnvironment,
		Example: `  cinnamon locators list --case checkout --status proposed
  cinnamon locators list --json | jq -r '.items[].id'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reach(&o.APIURL, &o.APIKey)
			return ended(cli.ListLocators(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Case, "case", "", "only those of the test case of this id")
	f.StringVar(&o.Environment, "environment", "", "only those of this host, such as shop.example.com")
	f.StringVar(&o.Status, "status", "", "only those that are proposed, promoted or rejected")
	f.IntVar(&o.Limit, "limit", 50, "how many to list, 200 at the most")
	f.Int64Var(&o.After, "after", 0, "go on after the one of this id")
	listFlags(cmd, &o.SuiteOptions)
	return cmd
}

func newLocatorShow(stdout io.Writer) *cobra.Command {
	o := cli.LocatorOptions{SuiteOptions: cli.SuiteOptions{Stdout: stdout}}
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show a learned locator: its heal, screenshots, the runs that passed with it, who decided what", Args: cobra.ExactArgs(1),
		Long: `Shows what a learned locator can be judged by: the element and how sure the heal was, the runner-up, links to the page before and after
the step with the element framed, the newest runs that passed with it while it was proposed, and all decisions.

Exit codes: 0 shown, 2 there is no such locator, 3 the platform failed.` + locatorsEnvironment,
		RunE: func(cmd *cobra.Command, args []string) error {
			reach(&o.APIURL, &o.APIKey)
			return ended(cli.ShowLocator(cmd.Context(), o, args[0]))
		},
	}
	listFlags(cmd, &o.SuiteOptions)
	return cmd
}

func newLocatorVerb(cmd *cobra.Command, stdout, stderr io.Writer) *cobra.Command {
	o := cli.LocatorDecision{SuiteOptions: cli.SuiteOptions{Stdout: stdout}, Stderr: stderr, Verb: cmd.Name()}
	cmd.Args = cobra.MinimumNArgs(1)
	cmd.Long += `

Exit codes: 0 all are so now, 1 some were refused (each with its reason), 2 wrong usage or no such locator, 3 the platform failed.` +
		locatorsEnvironment[:len(locatorsEnvironment)-1] + ", USER."
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client := reach(&o.APIURL, &o.APIKey)
		o.IDs, o.By = args, cmp.Or(o.By, client.User)
		return ended(cli.DecideLocators(cmd.Context(), o))
	}
	f := cmd.Flags()
	f.StringVar(&o.By, "by", "", "who decides (default: USER)")
	f.StringVar(&o.Reason, "reason", "", "why, for those who come later")
	f.StringVar(&o.Expected, "expected", "", "refuse unless the status is this one: proposed, promoted or rejected")
	if o.Verb == "rollback" {
		f.StringVar(&o.Decision, "decision", "", "refuse unless the newest decision is the one of this id")
	}
	listFlags(cmd, &o.SuiteOptions)
	return cmd
}

func newLocatorPatch(stdout, stderr io.Writer) *cobra.Command {
	o := cli.PatchOptions{SuiteOptions: cli.SuiteOptions{Stdout: stdout}, Stderr: stderr}
	cmd := &cobra.Command{
		Use: "patch CASE.json", Short: "Print what was learned as a patch of a case's file", Args: cobra.ExactArgs(1),
		Long: `Prints a patch that puts the promoted locators of a case before the old selectors of their steps. Nothing else of the file changes, not even
its spaces. Apply it with "git apply" or "patch -p1" in the folder in which you ran this, or let --write do so.

Runs of a file are known by the title of its case, those of a stored case by its id: --case. A step that was changed since, or that is in
another case that this one runs, is left as it is; standard error says so.

Exit codes: 0 done, also if there is nothing to change, 2 wrong usage or file, 3 the platform failed.` + locatorsEnvironment,
		Example: `  cinnamon locators patch checkout.json | git apply
  cinnamon locators patch smoke/checkout.json --case smoke.checkout --write
  cinnamon locators patch checkout.json --proposed --json | jq '.steps'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			reach(&o.APIURL, &o.APIKey)
			o.File = args[0]
			return ended(cli.Patch(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Case, "case", "", "the id of the case whose runs learned (default: that of runs of this file)")
	f.StringVar(&o.Environment, "environment", "", "only what was learned on this host")
	f.BoolVar(&o.Proposed, "proposed", false, "take locators that nobody has decided about, too, after the promoted ones")
	f.BoolVar(&o.Write, "write", false, "change the file in place")
	listFlags(cmd, &o.SuiteOptions)
	return cmd
}

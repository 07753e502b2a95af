package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

func newSuite(stdout, stderr io.Writer) *cobra.Command {
	cmd := &cobra.Command{
		Use: "suite", Short: "Store, run and look at suites", GroupID: "test",
		Long: `A suite is a set of test cases that run together, under one config, as one suite run. There are two kinds:

A folder with a file suite.json is a suite: "cinnamon run FOLDER" runs it. The file holds any of title, parallel, failFast,
attempts, priority, and a config that counts for each case that does not say otherwise:

  {"title": "Smoke", "parallel": 4, "config": {"locale": "de-DE", "baseUrls": {"staging": "https://staging.example.com"}}}

A stored suite is kept by the API under an id: "cinnamon suite save ID FOLDER" stores one, "cinnamon suite run ID" runs it.

After a run that failed, add --only-failed to run again only what did not pass.`,
		Example: `  cinnamon run shop/                        run a folder
  cinnamon run shop/ --only-failed          run again what did not pass
  cinnamon suite save shop shop/            store it
  cinnamon suite run shop --env staging     run the stored one
  cinnamon suite runs shop                  how its runs went`,
	}
	cmd.AddCommand(newSuiteRun(stdout, stderr), newSuiteSave(stdout), newSuiteList(stdout), newSuiteRuns(stdout), newSuiteCancel(stdout), &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of suite.json, for editors", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := stdout.Write(testcase.SuiteSchema())
			return err
		},
	})
	return cmd
}

func newSuiteRun(stdout, stderr io.Writer) *cobra.Command {
	o := cli.Options{Stdout: stdout, Stderr: stderr}
	cmd := &cobra.Command{
		Use: "run ID", Short: "Run a stored suite and wait for its results",
		Long: `Runs a stored suite as one suite run, shows how far each test is, and ends with a table of the results. What the
flags say counts more than what the cases say, and that more than what the suite says. A folder is run with "cinnamon run".

--only-failed runs the cases that did not pass in the suite's newest run, --only-failed=SUITE_RUN those of that suite run,
which needs no ID. If all of them passed, nothing runs and the exit code is 0.

Exit codes: 0 all passed, 1 a test failed (other than in quarantine) or was cancelled, 2 wrong usage, or no such suite, 3 the platform failed,
4 all passed, but some were adapted (with --on-adapted fail; see "cinnamon run --help"), 130 interrupted.

Environment: CINNAMON_API_URL (http://127.0.0.1:8080), CINNAMON_API_KEY, NO_COLOR.`,
		Example: `  cinnamon suite run smoke
  cinnamon suite run smoke --env staging --priority urgent
  cinnamon suite run smoke --only-failed
  cinnamon suite run --only-failed=0f6b0e9c-1f0e-4e0e-9d3c-3c5a55c2a8f4 --output json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1:
				o.Suite = args[0]
			case o.OnlyFailed == "":
				return usageErrorf("name the stored suite to run; cinnamon suite list lists them, and cinnamon run FOLDER runs a folder")
			}
			return run(cmd, &o)
		},
	}
	runFlags(cmd, &o, &o.Target)
	return cmd
}

func newSuiteSave(stdout io.Writer) *cobra.Command {
	o := cli.SuiteOptions{Stdout: stdout}
	cmd := &cobra.Command{
		Use: "save ID FOLDER", Short: "Store a folder as a suite",
		Long: `Checks the cases of a folder and its suite.json, if there is one, and stores all of them: each case as ID.NAME, after
its file, and the suite as ID. Files that cases run become part of them. What was stored under these ids is replaced; cases
whose file is gone stay stored, and are no longer part of the suite.

Environment: CINNAMON_API_URL, CINNAMON_API_KEY.`,
		Example: `  cinnamon suite save shop examples/cases/shop`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			reach(&o.APIURL, &o.APIKey)
			return failed(cli.SaveSuite(cmd.Context(), o, args[0], args[1]))
		},
	}
	apiFlag(cmd, &o.APIURL)
	return cmd
}

func newSuiteList(stdout io.Writer) *cobra.Command {
	o := cli.SuiteOptions{Stdout: stdout}
	cmd := &cobra.Command{
		Use: "list", Short: "List the stored suites", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reach(&o.APIURL, &o.APIKey)
			return failed(cli.ListSuites(cmd.Context(), o))
		},
	}
	listFlags(cmd, &o)
	return cmd
}

func newSuiteRuns(stdout io.Writer) *cobra.Command {
	o := cli.SuiteOptions{Stdout: stdout}
	limit := 0
	cmd := &cobra.Command{
		Use: "runs [ID]", Short: "List the newest suite runs, of one stored suite or of all suites and folders",
		Example: `  cinnamon suite runs
  cinnamon suite runs smoke --limit 5 --json | jq -r '.suiteRuns[].status'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reach(&o.APIURL, &o.APIKey)
			return failed(cli.ListSuiteRuns(cmd.Context(), o, append(args, "")[0], limit))
		},
	}
	listFlags(cmd, &o)
	cmd.Flags().IntVar(&limit, "limit", 20, "how many, 200 at the most")
	return cmd
}

func newSuiteCancel(stdout io.Writer) *cobra.Command {
	o := cli.SuiteOptions{Stdout: stdout}
	cmd := &cobra.Command{
		Use: "cancel SUITE_RUN", Short: "End a suite run: cancel what runs, leave the rest out", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reach(&o.APIURL, &o.APIKey)
			return failed(cli.CancelSuiteRun(cmd.Context(), o, args[0]))
		},
	}
	apiFlag(cmd, &o.APIURL)
	return cmd
}

func listFlags(cmd *cobra.Command, o *cli.SuiteOptions) {
	apiFlag(cmd, &o.APIURL)
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON document")
}

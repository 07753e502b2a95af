package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

func newCase(stdout io.Writer) *cobra.Command {
	cmd := &cobra.Command{Use: "case", Short: "Check, store and export test cases", GroupID: "test"}
	cmd.AddCommand(newCaseLint(stdout), newCaseExport(stdout), newCaseSave(stdout), &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of test cases, for editors", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := stdout.Write(testcase.Schema())
			return err
		},
	})
	return cmd
}

func newCaseLint(stdout io.Writer) *cobra.Command {
	o := cli.LintOptions{Stdout: stdout}
	cmd := &cobra.Command{
		Use: "lint CASE.json…", Short: "Check test cases without running them",
		Long: `Says what is wrong with test cases: file, line, step, field, and what would be right. Fields that nobody reads, often
misspelt ones, and variables without a value are warnings. A folder stands for all *.json files below it; a suite.json among
them is checked as what it is.

Exit codes: 0 all can be run, 2 something is wrong.`,
		Example: `  cinnamon case lint suite/
  cinnamon case lint login.json --json | jq .findings`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o.Paths = args
			code, err := cli.Lint(o)
			return ended(code, err)
		},
	}
	cmd.Flags().BoolVar(&o.JSON, "json", false, "print one JSON document")
	cmd.Flags().BoolVar(&o.Strict, "strict", false, "exit with 2 on warnings, too")
	return cmd
}

func newCaseExport(stdout io.Writer) *cobra.Command {
	o := cli.CaseOptions{Stdout: stdout}
	cmd := &cobra.Command{
		Use: "export CASE.json|ID", Short: "Print a test case as Chrome DevTools' Recorder imports it",
		Long: `Prints a test case as it came, fields of other tools included: that of a file, or else the stored one of that id.

Environment: CINNAMON_API_URL, CINNAMON_API_KEY.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reach(&o.APIURL, &o.APIKey)
			return failed(cli.Export(cmd.Context(), o, args[0]))
		},
	}
	apiFlag(cmd, &o.APIURL)
	return cmd
}

func newCaseSave(stdout io.Writer) *cobra.Command {
	o := cli.CaseOptions{Stdout: stdout}
	cmd := &cobra.Command{
		Use: "save ID CASE.json", Short: "Store a test case, for runs by id and for runCase",
		Long: `Checks the test case of a file, puts the files that it runs into it, and stores it under an id.

Environment: CINNAMON_API_URL, CINNAMON_API_KEY.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			reach(&o.APIURL, &o.APIKey)
			return failed(cli.Save(cmd.Context(), o, args[0], args[1]))
		},
	}
	apiFlag(cmd, &o.APIURL)
	return cmd
}

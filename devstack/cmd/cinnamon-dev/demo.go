package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/devstack/stack"
	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

const demoHelp = `Starts the whole system in a temporary folder, runs the bundled test cases, and cleans up.

The cases under shop run against the bundled web shop, those under temporal-ui against the Temporal Web UI, which
shows the very runs that test it. The exit code is that of "cinnamon run": 0 when every test passed, 1 when one failed.`

func newDemo(exit *exit, out console) *cobra.Command {
	var (
		flags = stackFlags{ephemeral: true}
		cases string
	)
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start everything, run the bundled tests, and clean up",
		Long:  demoHelp,
		Example: `  cinnamon-dev demo
  cinnamon-dev demo --concurrency 4
  cinnamon-dev demo --cases ~/src/cinnamon/examples/cases`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			folder, err := findCases(cases)
			if err != nil {
				return usageError{err}
			}
			began := time.Now()
			s, err := flags.start(cmd, exit, out)
			if err != nil {
				return err
			}
			fmt.Fprintf(out.stderr, "Everything answers after %.1f s.\n\n", time.Since(began).Seconds())
			code, err := runSuite(cmd.Context(), s, folder, out)
			if err := stop(cmd.Context(), s); err != nil {
				fmt.Fprintln(out.stderr, "cinnamon-dev:", err)
			}
			if code == 0 && err == nil {
				return nil
			}
			return codeError{code: code, cause: err}
		},
	}
	cmd.Flags().StringVar(&cases, "cases", "", "folder with the cases (default: examples/cases here or in a folder above)")
	flags.registerShared(cmd)
	return cmd
}

// runSuite runs the cases in two groups: each against what it is written for. It ends early when a part of the stack does.
func runSuite(ctx context.Context, s *stack.Stack, cases string, out console) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case err := <-s.Failed():
			cancel(err)
		case <-ctx.Done():
		}
	}()
	e := s.Endpoints()
	o := cli.Options{
		APIURL: e.API, APIKey: e.APIKey,
		Stdout: out.stdout, Stderr: out.stderr, Terminal: isTerminal(out.stdout),
		NoColor: config.ClientFromEnvironment().NoColor,
	}
	for _, group := range []struct{ folder, baseURL string }{{"shop", e.Shop}, {"temporal-ui", e.TemporalUI}} {
		path := filepath.Join(cases, group.folder)
		if _, err := os.Stat(path); err == nil {
			o.Groups = append(o.Groups, cli.Group{Paths: []string{path}, BaseURL: group.baseURL})
		}
	}
	code, err := cli.Run(ctx, o)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errInterrupted) {
		return exitPlatform, cause
	}
	return code, err
}

// findCases returns the folder with the bundled cases: the one that was named, or the nearest one.
func findCases(named string) (string, error) {
	if named != "" {
		if info, err := os.Stat(named); err != nil || !info.IsDir() {
			return "", fmt.Errorf("--cases %s: there is no such folder", named)
		}
		return named, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the bundled cases: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		cases := filepath.Join(dir, "examples", "cases")
		if info, err := os.Stat(cases); err == nil && info.IsDir() {
			return cases, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("there is no folder examples/cases here or above: name it with --cases")
		}
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

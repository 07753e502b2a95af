package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/cinnamon-qa/cinnamon/starter"
)

const workersHelp = `Lists the builds of the workers that WORKER_DEPLOYMENT names, and says which of them takes new runs. Workers without
that setting have no versions. docs/deploy.md says how to upgrade with them.

Environment: WORKER_DEPLOYMENT, TEMPORAL_ADDRESS (localhost:7233), TEMPORAL_NAMESPACE.`

// withDeployment calls do with a connection to Temporal and the deployment that the settings name.
func withDeployment(cmd *cobra.Command, do func(ctx context.Context, c sdkclient.Client, deployment string) error) error {
	cfg, err := settingsOf(cmd)
	if err != nil {
		return err
	}
	if cfg.Worker.Deployment == "" {
		return usageErrorf("WORKER_DEPLOYMENT is not set: the workers have no versions")
	}
	client, err := starter.Dial(cfg.Temporal, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer client.Close()
	return do(cmd.Context(), client, cfg.Worker.Deployment)
}

func newWorkers(stdout io.Writer) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "workers", Short: "List the builds of versioned workers", Long: workersHelp, GroupID: "system", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withDeployment(cmd, func(ctx context.Context, c sdkclient.Client, deployment string) error {
				builds, err := starter.Builds(ctx, c, deployment)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(stdout, builds)
				}
				return printBuilds(stdout, builds)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(newPromote(stdout))
	return withSettings(cmd)
}

func printBuilds(w io.Writer, builds []starter.Build) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BUILD\tSTATE\tSINCE")
	for _, b := range builds {
		state := b.State
		if b.Percent > 0 {
			state = fmt.Sprintf("%s (%g %%)", state, b.Percent)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", b.ID, state, b.Since.Format(time.RFC3339))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("printing the builds: %w", err)
	}
	return nil
}

func newPromote(stdout io.Writer) *cobra.Command {
	var percent float32
	var within time.Duration
	var none bool
	cmd := &cobra.Command{
		Use: "promote BUILD", Short: "Give new runs to a build of the workers", Args: cobra.MaximumNArgs(1),
		Long: `Makes a build of the workers the one that takes new runs, or gives it some percent of them. It waits until workers of that
build are there. --none gives new runs back to workers without a version.`,
		Example: `  cinnamon workers promote 1.4.0 --percent 10
  cinnamon workers promote 1.4.0`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if percent <= 0 || percent > 100 {
				return usageErrorf("--percent is %g: it must be more than 0 and 100 at the most", percent)
			}
			if none != (len(args) == 0) {
				return usageErrorf("name a build, or say --none")
			}
			build := ""
			if !none {
				build = args[0]
			}
			return withDeployment(cmd, func(ctx context.Context, c sdkclient.Client, deployment string) error {
				ctx, cancel := context.WithTimeout(ctx, within)
				defer cancel()
				if err := starter.Promote(ctx, c, deployment, build, percent); err != nil {
					return fmt.Errorf("promoting build %q: %w", build, err)
				}
				if none {
					fmt.Fprintln(stdout, "workers without a version take new runs")
				} else {
					fmt.Fprintf(stdout, "build %s of %s takes %g %% of new runs\n", build, deployment, percent)
				}
				return nil
			})
		},
	}
	cmd.Flags().Float32Var(&percent, "percent", 100, "how many of the new runs it takes")
	cmd.Flags().BoolVar(&none, "none", false, "workers without a version take new runs")
	cmd.Flags().DurationVar(&within, "within", 2*time.Minute, "how long to wait for its workers")
	return cmd
}

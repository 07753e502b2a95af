package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/config"
)

const configHelp = `Prints every setting, its value and where that comes from; of secrets only that there is one. A wrong setting is said here as it is
at the start of a role: all of them at once.

Settings come from these, and each wins over those before it: the defaults, the file of --config (or CINNAMON_CONFIG), the environment,
and --set. The file holds NAME=value lines, as a .env file does. docs/configuration.md says what they mean.`

// withSettings gives a command the flags that settings may come from.
func withSettings(cmd *cobra.Command) *cobra.Command {
	cmd.PersistentFlags().String("config", "", "a file of NAME=value lines (default: the one that CINNAMON_CONFIG names)")
	cmd.PersistentFlags().StringArray("set", nil, "a setting, NAME=VALUE; wins over file and environment (may be repeated)")
	return cmd
}

// settingsOf reads the settings of a command that has these flags.
func settingsOf(cmd *cobra.Command) (config.Config, error) {
	cfg, _, err := readSettings(cmd)
	return cfg, err
}

func readSettings(cmd *cobra.Command) (config.Config, []config.Setting, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return config.Config{}, nil, fmt.Errorf("reading --config: %w", err)
	}
	set, err := cmd.Flags().GetStringArray("set")
	if err != nil {
		return config.Config{}, nil, fmt.Errorf("reading --set: %w", err)
	}
	cfg, list, err := config.OfProcess(file, set)
	if err != nil {
		return cfg, nil, usageError{err}
	}
	return cfg, list, nil
}

func newConfig(stdout io.Writer) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "config", Short: "Print all settings and where they come from", Long: configHelp, GroupID: "system", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return usageError{fmt.Errorf("--output is %q: it must be text or json", output)}
			}
			_, list, err := readSettings(cmd)
			if err != nil {
				return err
			}
			return printSettings(stdout, list, output == "json")
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return withSettings(cmd)
}

func printSettings(w io.Writer, list []config.Setting, asJSON bool) error {
	if asJSON {
		return writeJSON(w, list)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tVALUE\tFROM")
	for _, s := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Name, s.Value, s.From)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("printing the settings: %w", err)
	}
	return nil
}

// writeJSON writes one document that people can read.
func writeJSON(w io.Writer, document any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("writing the JSON document: %w", err)
	}
	return nil
}

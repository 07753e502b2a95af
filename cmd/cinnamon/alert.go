package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/alert"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

func newAlert(stdout io.Writer) *cobra.Command {
	cmd := &cobra.Command{
		Use: "alert", Short: "Look at the rules of alerts, and try whether alerts arrive", GroupID: "system",
		Long: `The API tells people when something is wrong, and when it is well again: docs/alerts.md.

Environment: ALERT_URLS, ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET, ALERT_RULES, ALERT_INTERVAL (15s), ALERT_COOLDOWN (1h).`,
	}
	cmd.AddCommand(newAlertRules(stdout), newAlertTest(stdout))
	return cmd
}

func alertTargets(cfg config.Config) ([]alert.Target, error) {
	targets, err := alert.Targets(alert.Config{
		URLs: cfg.Alert.Addresses(), WebhookURL: cfg.Alert.WebhookURL.Reveal(), WebhookSecret: cfg.Alert.WebhookSecret.Reveal(),
	})
	if err != nil {
		return nil, usageError{err}
	}
	return targets, nil
}

func newAlertTest(stdout io.Writer) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "test", Short: "Tell everybody who is told of alerts that this is a test", Args: cobra.NoArgs,
		Long: `Sends a test to every target now, and says of each whether it arrived. Exit code 0 if all did, 2 if there is none or an address is
wrong, 3 if one did not.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			targets, err := alertTargets(cfg)
			if err != nil {
				return err
			}
			if len(targets) == 0 {
				return usageErrorf("nobody is told of alerts: set ALERT_URLS or ALERT_WEBHOOK_URL")
			}
			results := alert.Test(cmd.Context(), targets)
			lost := 0
			for _, r := range results {
				text := "it arrived"
				if r.Error != "" {
					lost++
					text = r.Error
				}
				if !asJSON {
					fmt.Fprintf(stdout, "%-12s %s\n", r.Target, text)
				}
			}
			if asJSON {
				if err := writeJSON(stdout, map[string]any{"targets": results}); err != nil {
					return err
				}
			}
			if lost > 0 {
				return exitError{code: exitPlatform}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return withSettings(cmd)
}

// shownRule is a rule as it is printed.
type shownRule struct {
	alert.Rule
	Words string        `json:"words"`
	Now   []store.Alert `json:"now"`
}

func newAlertRules(stdout io.Writer) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "rules", Short: "List the rules, and what is wrong now", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			rules, err := alert.Parse(cfg.Alert.Rules)
			if err != nil {
				return usageError{fmt.Errorf("ALERT_RULES: %w", err)}
			}
			now, away := currentAlerts(cmd.Context(), cfg)
			list := make([]shownRule, len(rules))
			for i, r := range rules {
				list[i] = shownRule{Rule: r, Words: r.Words(), Now: []store.Alert{}}
				for _, a := range now {
					if a.Rule == r.Name && (a.State == store.AlertFiring || a.State == store.AlertClearing) {
						list[i].Now = append(list[i].Now, a)
					}
				}
			}
			if asJSON {
				return writeJSON(stdout, map[string]any{"rules": list})
			}
			return writeRules(stdout, list, away)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return withSettings(cmd)
}

// currentAlerts reads what is wrong now, if the database can be asked.
func currentAlerts(ctx context.Context, cfg config.Config) (now []store.Alert, away error) {
	if cfg.Database.URL == "" {
		return nil, errors.New("DATABASE_URL is not set")
	}
	asking, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	records, err := postgres.Open(asking, cfg.Database.URL.Reveal(), cfg.Database.MaxConns)
	if err != nil {
		return nil, err
	}
	defer records.Close()
	return records.Alerts(asking)
}

func writeRules(w io.Writer, list []shownRule, away error) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RULE\tFIRES WHEN\tNOW")
	for _, r := range list {
		now := "well"
		switch {
		case r.Off:
			now = "off"
		case away != nil:
			now = "not known"
		case len(r.Now) > 0:
			now = "firing since " + r.Now[0].Since.Local().Format("2006-01-02 15:04:05")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.Name, r.Words, now)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("printing the rules: %w", err)
	}
	return nil
}

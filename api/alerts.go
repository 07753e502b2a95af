package api

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/alert"
	"github.com/cinnamon-qa/cinnamon/internal/health"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// newAlerts makes what tells people that something is wrong; nil if nobody is to be told.
func newAlerts(cfg config.Config, records *postgres.Store, prober *health.Prober, redis *redisbridge.Probe, log *slog.Logger) (*alert.Engine, error) {
	rules, err := alert.Parse(cfg.Alert.Rules)
	if err != nil {
		return nil, fmt.Errorf("reading ALERT_RULES: %w", err)
	}
	targets, err := alert.Targets(alert.Config{
		URLs: cfg.Alert.Addresses(), WebhookURL: cfg.Alert.WebhookURL.Reveal(), WebhookSecret: cfg.Alert.WebhookSecret.Reveal(),
	})
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	return alert.New(alert.Options{
		Rules: rules, Targets: targets, Store: records, Interval: cfg.Alert.Interval, Cooldown: cfg.Alert.Cooldown, Up: prober.Up, Log: log,
		Uses: func(ctx context.Context) []alert.Use {
			return append(uses(ctx, cfg.Artifacts, redis), budgets(ctx, cfg.Cleanup, records)...)
		},
	}), nil
}

// uses says how full the Redis servers and the disk of the artifacts are, as far as that is known.
func uses(ctx context.Context, files config.Artifacts, redis *redisbridge.Probe) (list []alert.Use) {
	if nodes, err := redis.Examine(ctx); err == nil {
		for _, n := range nodes {
			if n.Limit > 0 {
				list = append(list, alert.Use{Of: "Redis' memory", Part: float64(n.Used) / float64(n.Limit)})
			}
		}
	}
	if files.Store != config.StoreS3 {
		if free, total, err := health.Space(files.Dir); err == nil && total > 0 {
			list = append(list, alert.Use{Of: "the artifacts' disk", Part: 1 - float64(free)/float64(total)})
		}
	}
	return list
}

// budgeted counts what clean-ups have budgets for.
type budgeted interface {
	CleanupUse(ctx context.Context) (runs, fileBytes int64, err error)
}

// budgets says how much of the budgets of clean-ups is used: what is beyond them goes at night, however young it is.
func budgets(ctx context.Context, c config.Cleanup, of budgeted) (list []alert.Use) {
	if c.MostRuns <= 0 && c.MostFileBytes <= 0 {
		return nil
	}
	runs, bytes, err := of.CleanupUse(ctx)
	if err != nil {
		return nil // Postgres is away: another rule says so
	}
	if c.MostRuns > 0 {
		list = append(list, alert.Use{Of: "the budget of runs (CLEANUP_MAX_RUNS)", Part: float64(runs) / float64(c.MostRuns)})
	}
	if c.MostFileBytes > 0 {
		list = append(list, alert.Use{Of: "the budget of files (CLEANUP_MAX_FILE_BYTES)", Part: float64(bytes) / float64(c.MostFileBytes)})
	}
	return list
}

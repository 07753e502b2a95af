package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/api"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/payload/codecserver"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
	"github.com/cinnamon-qa/cinnamon/worker"
)

const (
	apiHelp = `Serves the HTTP API: submit, show and cancel test runs, keep test cases.

Environment: DATABASE_URL, CINNAMON_API_KEY (what clients present), API_ADDR (127.0.0.1:8080), API_PUBLIC_URL,
TEMPORAL_ADDRESS (localhost:7233), TEMPORAL_NAMESPACE, TEMPORAL_UI_URL, REDIS_URL or REDIS_HOST/PORT/PASSWORD/DB,
QUEUE_MAX_ATTEMPTS (3), ARTIFACTS_STORE (folder), ARTIFACTS_DIR, S3_*, TRACE_VIEWER_DIR, LOG_LEVEL (info), LOG_FORMAT (auto), DEBUG.`
	bridgeHelp = `Keeps the queues in Redis and the runs in step, both ways.

To Redis: relays changes of jobs, promotes delayed jobs when they are due, and rebuilds the queues in a Redis that lost
its data. From Redis: takes over jobs that BullMQ's clients add, and carries out what they do to jobs: promote, retry,
remove, drain, change priority, delay or data, and so on. Several bridges may run.

Environment: DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, REDIS_URL or REDIS_HOST/PORT/PASSWORD/DB, REDIS_URL_<QUEUE>,
QUEUE_PREFIX (bull), QUEUE_PRIORITY_SCALE (cinnamon), QUEUE_REMOVE_ON_COMPLETE (100), QUEUE_REMOVE_ON_FAIL (50),
WORKER_HEARTBEAT_TIMEOUT (10s), LOG_LEVEL, LOG_FORMAT.`
	resyncHelp = `Shows all open jobs and the newest finished ones of every queue again in Redis, as Postgres has them, without telling
listeners anything. The bridge does that by itself when it notices that Redis lost data; this is for when you know better.
It changes nothing about runs, and may be used while bridges run.

Environment: as of the bridge.`
	workerHelp = `Takes jobs and drives browsers. Start as many as there is work for, on as many hosts as you like. On SIGTERM
it takes no more jobs and finishes the ones it runs, for as long as WORKER_STOP_TIMEOUT (60s).

Environment: DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, REDIS_URL, QUEUE_CONCURRENCY (2), BROWSER_POOL (1),
BROWSER_EXECUTABLE (found on the machine), EGRESS_MODE (public), EGRESS_ALLOW (what else pages may reach), ARTIFACTS_* (what is
kept, and where), S3_*, WORKER_NAME, LOG_LEVEL, LOG_FORMAT.`
	codecHelp = `Decrypts payloads for the Temporal Web UI and the temporal command: POST /decode. Point TEMPORAL_CODEC_ENDPOINT of the
Web UI, or --codec-endpoint, at it. It listens on the loopback interface; elsewhere it needs CODEC_TOKEN, which requests
present as the first element of the path (https://host/TOKEN) or as a bearer token.

Environment: TEMPORAL_PAYLOAD_KEYS or TEMPORAL_PAYLOAD_KEYS_FILE, TEMPORAL_NAMESPACE, TEMPORAL_UI_URL (whose pages may ask),
CODEC_ADDR (127.0.0.1:8234), CODEC_TOKEN, CODEC_ENCODE (false), LOG_LEVEL, LOG_FORMAT.`
)

// serve runs a role until ctx ends.
type serve func(ctx context.Context, cfg config.Config, log *slog.Logger) error

func newRole(name, short, long string, run serve) *cobra.Command {
	return withSettings(&cobra.Command{
		Use: name, Short: short, Long: long, GroupID: "system", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			return run(cmd.Context(), cfg, obs.Logger(cmd.ErrOrStderr(), cfg.Log))
		},
	})
}

func serveAPI(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	if cfg.API.TraceViewer == "" {
		cfg.API.TraceViewer = pwgo.TraceViewer(driverConfig(cfg))
	}
	return api.Run(ctx, cfg, log, func(string) {})
}

func serveBridge(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	return redisbridge.Run(ctx, cfg, log, func() {})
}

func newBridge() *cobra.Command {
	cmd := newRole("bridge", "Keep the bull:* queues in Redis and the runs in step", bridgeHelp, serveBridge)
	cmd.AddCommand(&cobra.Command{
		Use: "resync", Short: "Show all jobs in Redis again", Long: resyncHelp, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settingsOf(cmd)
			if err == nil {
				err = cfg.RequireDatabase()
			}
			if err != nil {
				return usageError{err}
			}
			return redisbridge.Resync(cmd.Context(), cfg, obs.Logger(cmd.ErrOrStderr(), cfg.Log), func(queueName string, jobs int) {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d jobs are shown in Redis.\n", queueName, jobs)
			})
		},
	})
	return cmd
}

func serveWorker(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	return worker.Run(ctx, cfg, log, func() {})
}

func serveCodec(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	return codecserver.Run(ctx, cfg, log, func(string) {})
}

func newMigrate() *cobra.Command {
	return withSettings(&cobra.Command{
		Use: "migrate", Short: "Bring the database's tables and Temporal's search attributes up to date", GroupID: "system",
		Long: `Creates or updates the tables in DATABASE_URL and registers the search attributes in the Temporal namespace. It may be
run again and again. Behind a transaction pooler, give it the direct address of the database.

Environment: DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settingsOf(cmd)
			if err == nil {
				err = cfg.RequireDatabase()
			}
			if err != nil {
				return usageError{err}
			}
			if err := postgres.Migrate(cmd.Context(), cfg.Database.URL.Reveal()); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The database is up to date.")
			if err := starter.RegisterSearchAttributes(cmd.Context(), cfg.Temporal); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Temporal's namespace %s knows the search attributes.\n", cfg.Temporal.Namespace)
			return nil
		},
	})
}

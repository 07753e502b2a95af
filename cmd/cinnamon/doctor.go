package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/artifact/backend"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// examination is one question of the doctor.
type examination struct {
	name string
	// advice says how to put right what is wrong.
	advice string
	ask    func(ctx context.Context, cfg config.Config) (finding string, err error)
}

func newDoctor(stdout io.Writer) *cobra.Command {
	return withSettings(&cobra.Command{
		Use: "doctor", Short: "Check everything that Cinnamon needs, and say how to put it right", GroupID: "system",
		Long: `Checks the configuration, the browser and its driver (by opening a page), Postgres, Temporal, the artifact store (by writing
a file) and Redis as the settings name them. Exit code 0 if all is well, 3 if something is not.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			if sick := examine(cmd.Context(), stdout, cfg); sick > 0 {
				return exitError{code: exitPlatform}
			}
			return nil
		},
	})
}

func examine(ctx context.Context, w io.Writer, cfg config.Config) (sick int) {
	examinations := []examination{
		{"driver", "run `cinnamon browser install`", askDriver},
		{"browser", "install Chromium (Debian: apt-get install chromium-headless-shell), or run `cinnamon browser install`, or set BROWSER_EXECUTABLE", askBrowser},
		{"postgres", "set DATABASE_URL to a database that runs, then run `cinnamon migrate`; `cinnamon-dev up` has one", askPostgres},
		{"temporal", "set TEMPORAL_ADDRESS to a server that runs, then run `cinnamon migrate`; `cinnamon-dev up` has one", askTemporal},
		{"artifacts", "set ARTIFACTS_DIR to a folder that this user may write to, or put ARTIFACTS_STORE and the S3_* settings right", askArtifacts},
		{"redis", "set REDIS_URL to a Redis that runs with maxmemory-policy noeviction; `cinnamon-dev up` has one", askRedis},
	}
	for _, e := range examinations {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		finding, err := e.ask(ctx, cfg)
		cancel()
		if err == nil {
			fmt.Fprintf(w, "ok       %-9s %s\n", e.name, finding)
			continue
		}
		sick++
		fmt.Fprintf(w, "problem  %-9s %s\n%19sTo put it right: %s.\n", e.name, firstLine(err.Error()), "", e.advice)
	}
	if sick == 0 {
		fmt.Fprintln(w, "All is well.")
	}
	return sick
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func askDriver(_ context.Context, cfg config.Config) (string, error) {
	found, err := pwgo.Locate(driverConfig(cfg))
	if found.Node == "" {
		return "", err
	}
	if !found.DriverInstalled {
		return "", fmt.Errorf("driver %s of Playwright is not installed in %s", found.DriverVersion, found.DriverDir)
	}
	return fmt.Sprintf("Playwright %s on Node.js %s", found.DriverVersion, found.NodeVersion), nil
}

// askBrowser opens a page, because a browser that is there need not start.
func askBrowser(ctx context.Context, cfg config.Config) (finding string, err error) {
	found, err := pwgo.Locate(driverConfig(cfg))
	if err != nil {
		return "", err
	}
	pool := pwgo.New(driverConfig(cfg))
	if err := pool.Start(ctx); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, pool.Close(context.WithoutCancel(ctx))) }()
	began := time.Now()
	session, err := pool.Open(ctx, browser.Options{Viewport: browser.Viewport{Width: 800, Height: 600}, Headless: true, StepTimeout: 5 * time.Second})
	if err != nil {
		return "", err
	}
	if err := session.Close(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s (%s), a page in %d ms", found.Browser, found.BrowserVersion, time.Since(began).Milliseconds()), nil
}

func askPostgres(ctx context.Context, cfg config.Config) (string, error) {
	if err := cfg.RequireDatabase(); err != nil {
		return "", err
	}
	records, err := postgres.Open(ctx, cfg.Database.URL.Reveal(), cfg.Database.MaxConns)
	if err != nil {
		return "", err
	}
	defer records.Close()
	if err := records.Ping(ctx); err != nil {
		return "", err
	}
	pending, err := postgres.PendingMigrations(ctx, cfg.Database.URL.Reveal())
	if err != nil {
		return "", err
	}
	if pending > 0 {
		return "", fmt.Errorf("%d migrations are missing", pending)
	}
	return "answers, tables are up to date", nil
}

func askTemporal(ctx context.Context, cfg config.Config) (string, error) {
	client, err := starter.Dial(cfg.Temporal, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	defer client.Close()
	if err := starter.Ping(ctx, client); err != nil {
		return "", err
	}
	missing, err := starter.MissingSearchAttributes(ctx, client, cfg.Temporal.Namespace)
	if err != nil {
		return "", err
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("namespace %s lacks the search attributes %s", cfg.Temporal.Namespace, strings.Join(missing, ", "))
	}
	return fmt.Sprintf("%s answers, namespace %s is prepared", cfg.Temporal.Address, cfg.Temporal.Namespace), nil
}

// askArtifacts writes a file and removes it: a store that can be listed need not take anything.
func askArtifacts(ctx context.Context, cfg config.Config) (finding string, err error) {
	files, err := backend.Open(cfg.Artifacts)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	trial := artifact.Object{RunID: "doctor", Name: fmt.Sprintf("trial-%d.txt", time.Now().UnixNano()), ContentType: "text/plain", MaxBytes: 64}
	file, err := files.Put(ctx, trial, strings.NewReader("written by cinnamon doctor"))
	if err != nil {
		return "", err
	}
	if err := files.Delete(ctx, file.Path); err != nil {
		return "", err
	}
	if cfg.Artifacts.Store == config.StoreS3 {
		return "bucket " + cfg.Artifacts.S3.Bucket + " takes files", nil
	}
	return cfg.Artifacts.Dir + " takes files", nil
}

func askRedis(ctx context.Context, cfg config.Config) (string, error) {
	probe, err := redisbridge.NewProbe(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	defer probe.Close() //nolint:errcheck // nothing is pending on it
	detail, err := probe.Probe(ctx)
	if err != nil {
		return "", err
	}
	if detail != "" {
		return "", errors.New(detail)
	}
	return "answers, keeps what it is given", nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/artifact/backend"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/egress"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/health"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

const (
	leastRetention = 24 * time.Hour
	// skewWarns and skewHurts are how far clocks may be apart: due times and leases are compared across machines.
	skewWarns = 2 * time.Second
	skewHurts = 30 * time.Second
	// Below these much space on a disk is little, and too little.
	littleSpace, tooLittleSpace = 2 << 30, 256 << 20
	// fullMemory is the part of its memory from which on a Redis is nearly full.
	fullMemory = 0.8
)

func askDriver(_ context.Context, cfg config.Config) (finding, error) {
	found, err := pwgo.Locate(driverConfig(cfg))
	if found.Node == "" {
		return finding{}, err
	}
	if !found.DriverInstalled {
		return finding{}, fmt.Errorf("driver %s of Playwright is not installed in %s", found.DriverVersion, found.DriverDir)
	}
	return finding{text: fmt.Sprintf("Playwright %s on Node.js %s", found.DriverVersion, found.NodeVersion)}, nil
}

// askBrowser opens a page, because a browser that is there need not start.
func askBrowser(ctx context.Context, cfg config.Config) (f finding, err error) {
	found, err := pwgo.Locate(driverConfig(cfg))
	if err != nil {
		return finding{}, err
	}
	pool := pwgo.New(driverConfig(cfg))
	if err := pool.Start(ctx); err != nil {
		return finding{}, err
	}
	defer func() { err = errors.Join(err, pool.Close(context.WithoutCancel(ctx))) }()
	began := time.Now()
	session, err := pool.Open(ctx, browser.Options{Viewport: browser.Viewport{Width: 800, Height: 600}, Headless: true, StepTimeout: 5 * time.Second})
	if err != nil {
		return finding{}, err
	}
	if err := session.Close(ctx); err != nil {
		return finding{}, err
	}
	return finding{text: fmt.Sprintf("%s (%s), a page in %d ms", found.Browser, found.BrowserVersion, time.Since(began).Milliseconds())}, nil
}

func askPostgres(ctx context.Context, cfg config.Config) (finding, error) {
	if err := cfg.RequireDatabase(); err != nil {
		return finding{}, err
	}
	records, err := postgres.Open(ctx, cfg.Database.URL.Reveal(), cfg.Database.MaxConns)
	if err != nil {
		return finding{}, err
	}
	defer records.Close()
	if err := records.Ping(ctx); err != nil {
		return finding{}, err
	}
	_, version, err := records.Server(ctx)
	if err != nil {
		return finding{}, err
	}
	pending, err := postgres.PendingMigrations(ctx, cfg.Database.URL.Reveal())
	if err != nil {
		return finding{}, err
	}
	if pending > 0 {
		return finding{}, &trouble{fmt.Sprintf("%d migrations are missing", pending), "run `cinnamon migrate`, before the new version starts"}
	}
	return finding{text: fmt.Sprintf("Postgres %s answers, tables are up to date", version)}, nil
}

func askTemporal(ctx context.Context, cfg config.Config) (finding, error) {
	client, err := starter.Dial(cfg.Temporal, slog.New(slog.DiscardHandler))
	if err != nil {
		return finding{}, err
	}
	defer client.Close()
	if err := starter.Ping(ctx, client); err != nil {
		return finding{}, err
	}
	cluster, err := starter.Examine(ctx, client, cfg.Temporal.Namespace)
	if fault.Of(err) == fault.NotFound {
		return finding{}, &trouble{err.Error(), fmt.Sprintf("create it (temporal operator namespace create --namespace %s --retention 72h), then run `cinnamon migrate`; or set TEMPORAL_NAMESPACE", cfg.Temporal.Namespace)}
	}
	if err != nil {
		return finding{}, err
	}
	missing, err := starter.MissingSearchAttributes(ctx, client, cfg.Temporal.Namespace)
	if err != nil {
		return finding{}, err
	}
	if len(missing) > 0 {
		return finding{}, &trouble{fmt.Sprintf("namespace %s lacks the search attributes %s", cfg.Temporal.Namespace, strings.Join(missing, ", ")), "run `cinnamon migrate`"}
	}
	f := finding{text: fmt.Sprintf("Temporal %s at %s answers, namespace %s is prepared", cluster.Version, cfg.Temporal.Address, cfg.Temporal.Namespace)}
	if cluster.Retention > 0 && cluster.Retention < leastRetention {
		f.warning = fmt.Sprintf("namespace %s keeps ended workflows for %s only: links to them lead nowhere afterwards", cfg.Temporal.Namespace, cluster.Retention)
		f.advice = fmt.Sprintf("temporal operator namespace update --namespace %s --retention 72h", cfg.Temporal.Namespace)
	}
	return f, nil
}

// askArtifacts writes a file and removes it: a store that can be listed need not take anything.
func askArtifacts(ctx context.Context, cfg config.Config) (f finding, err error) {
	files, err := backend.Open(cfg.Artifacts)
	if err != nil {
		return finding{}, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	trial := artifact.Object{RunID: "doctor", Name: fmt.Sprintf("trial-%d.txt", time.Now().UnixNano()), ContentType: "text/plain", MaxBytes: 64}
	file, err := files.Put(ctx, trial, strings.NewReader("written by cinnamon doctor"))
	if err != nil {
		return finding{}, err
	}
	if err := files.Delete(ctx, file.Path); err != nil {
		return finding{}, err
	}
	if cfg.Artifacts.Store == config.StoreS3 {
		return finding{text: "bucket " + cfg.Artifacts.S3.Bucket + " takes files"}, nil
	}
	return finding{text: cfg.Artifacts.Dir + " takes files"}, nil
}

// askEgress reads what pages may reach.
func askEgress(_ context.Context, cfg config.Config) (finding, error) {
	if cfg.Egress.Mode == config.EgressOff {
		return finding{
			warning: "pages under test reach everything that the worker reaches, a cloud's metadata included",
			advice:  "set EGRESS_MODE=public and name your staging sites in EGRESS_ALLOW: docs/egress.md",
		}, nil
	}
	if _, err := egress.NewPolicy(egress.Mode(cfg.Egress.Mode), cfg.Egress.Allow); err != nil {
		return finding{}, fmt.Errorf("reading EGRESS_ALLOW: %w", err)
	}
	reach := map[string]string{"public": "the public internet", "allowlist": "nothing else"}[cfg.Egress.Mode]
	if len(cfg.Egress.Allow) == 0 && cfg.Egress.Mode == "allowlist" {
		return finding{warning: "pages under test reach nothing: EGRESS_MODE is allowlist, and EGRESS_ALLOW is empty", advice: "name your sites in EGRESS_ALLOW"}, nil
	}
	return finding{text: fmt.Sprintf("pages reach what EGRESS_ALLOW names (%d entries), and %s", len(cfg.Egress.Allow), reach)}, nil
}

func askRedis(ctx context.Context, cfg config.Config) (finding, error) {
	probe, err := redisbridge.NewProbe(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return finding{}, err
	}
	defer probe.Close() //nolint:errcheck // nothing is pending on it
	detail, err := probe.Probe(ctx)
	if err != nil {
		return finding{}, err
	}
	if detail != "" {
		return finding{}, &trouble{detail, "set maxmemory-policy noeviction in redis.conf, or with CONFIG SET"}
	}
	nodes, err := probe.Examine(ctx)
	if err != nil {
		return finding{}, err
	}
	var texts []string
	f := finding{}
	for _, n := range nodes {
		if n.Version != "" && older(n.Version, 6, 2) {
			return finding{}, &trouble{"Redis " + n.Version + " is too old", "use Redis 6.2 or newer, or Valkey"}
		}
		text := fmt.Sprintf("Redis %s, %s used", n.Version, bytesOf(n.Used))
		if n.Limit > 0 {
			text += " of " + bytesOf(n.Limit)
			if float64(n.Used) > fullMemory*float64(n.Limit) {
				f.warning, f.advice = text+": nearly full, and then it refuses writes", "raise maxmemory, or keep fewer jobs (QUEUE_REMOVE_ON_COMPLETE, QUEUE_REMOVE_ON_FAIL)"
			}
		}
		if n.Policy == "" {
			f.warning, f.advice = text+"; its eviction policy may not be asked for", "make sure that it is noeviction"
		}
		texts = append(texts, text)
	}
	f.text = strings.Join(texts, "; ") + "; keeps what it is given"
	return f, nil
}

// older says that a version is before another one.
func older(version string, major, minor int) bool {
	var is, of int
	if n, _ := fmt.Sscanf(version, "%d.%d", &is, &of); n < 2 {
		return false // a provider's own way of counting
	}
	return is < major || (is == major && of < minor)
}

func bytesOf(n int64) string {
	const mib = 1 << 20
	if n >= 1024*mib {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1024*mib))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/mib)
}

// askDisk looks at the disks of the artifacts and of temporary files.
func askDisk(_ context.Context, cfg config.Config) (finding, error) {
	folders := map[string]string{"temporary files": os.TempDir()}
	if cfg.Artifacts.Store != config.StoreS3 {
		folders["artifacts"] = cfg.Artifacts.Dir
	}
	var texts []string
	f := finding{}
	for _, what := range slices.Sorted(maps.Keys(folders)) {
		free, _, err := health.Space(folders[what])
		if errors.Is(err, errors.ErrUnsupported) {
			return finding{text: "how much space there is can't be asked here"}, nil
		}
		if err != nil {
			return finding{}, err
		}
		text := fmt.Sprintf("%s free for %s in %s", bytesOf(int64(min(free, math.MaxInt64))), what, folders[what])
		switch {
		case free < tooLittleSpace:
			return finding{}, errors.New(text)
		case free < littleSpace:
			f.warning, f.advice = text, "make room: a run may leave "+bytesOf(int64(cfg.Artifacts.RunLimit))
		}
		texts = append(texts, text)
	}
	f.text = strings.Join(texts, ", ")
	return f, nil
}

// askClock compares this machine's clock with those of Postgres and Redis, which nobody need reach for it.
func askClock(ctx context.Context, cfg config.Config) (finding, error) {
	ahead := map[string]time.Duration{}
	if cfg.Database.URL != "" {
		if records, err := postgres.Open(ctx, cfg.Database.URL.Reveal(), cfg.Database.MaxConns); err == nil {
			defer records.Close()
			if err := records.Ping(ctx); err == nil {
				began := time.Now()
				if shows, _, err := records.Server(ctx); err == nil {
					ahead["Postgres"] = shows.Sub(began.Add(time.Since(began) / 2))
				}
			}
		}
	}
	if probe, err := redisbridge.NewProbe(cfg, slog.New(slog.DiscardHandler)); err == nil {
		defer probe.Close() //nolint:errcheck // nothing is pending on it
		if nodes, err := probe.Examine(ctx); err == nil {
			for _, n := range nodes {
				ahead["Redis"] = n.Ahead
			}
		}
	}
	if len(ahead) == 0 {
		return finding{warning: "neither Postgres nor Redis answers: nothing to compare the clock with", advice: "put these right first"}, nil
	}
	var texts []string
	f := finding{}
	for _, who := range slices.Sorted(maps.Keys(ahead)) {
		text := fmt.Sprintf("%s is %s from this machine", who, ahead[who].Round(time.Millisecond).Abs())
		switch {
		case ahead[who].Abs() > skewHurts:
			return finding{}, errors.New("the clock of " + text)
		case ahead[who].Abs() > skewWarns:
			f.warning, f.advice = "the clock of "+text, "let a time service set the clocks of all machines"
		}
		texts = append(texts, text)
	}
	f.text = "the clock of " + strings.Join(texts, ", of ")
	return f, nil
}

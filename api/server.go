package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/artifact/backend"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/health"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/internal/tracing"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

const drainWithin = 10 * time.Second

// Run serves the API until ctx ends, then answers what is under way. ready is called with the address once it listens.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger, ready func(addr string)) (err error) {
	if err := errors.Join(cfg.RequireDatabase(), cfg.RequireAPIKey()); err != nil {
		return err
	}
	records, err := postgres.Open(ctx, cfg.Database.URL.Reveal(), cfg.Database.MaxConns)
	if err != nil {
		return err
	}
	defer records.Close()
	files, err := backend.Open(cfg.Artifacts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	viewer, closeViewer, err := openViewer(cfg.API.TraceViewer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeViewer()) }()
	m := metrics.New("api", log)
	tracer, err := tracing.Start(ctx, tracing.Options{
		Endpoint: cfg.Tracing.Endpoint, Headers: cfg.Tracing.Headers.Reveal(), Service: cfg.Tracing.Service, Role: "api", Log: log,
	})
	if err != nil {
		return err
	}
	defer tracer.Close(ctx)
	followed, err := tracer.Temporal()
	if err != nil {
		return err
	}
	measured, err := m.Temporal()
	if err != nil {
		return err
	}
	submit, err := starter.Open(cfg, records, log, starter.WithMetrics(measured), starter.WithTracing(followed))
	if err != nil {
		return err
	}
	defer submit.Close()
	submit.Metrics = m.Sweep()
	redis, err := redisbridge.NewProbe(cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()

	prober := health.New(
		health.Check{Name: "postgres", Required: true, Probe: health.Ping(records.Ping)},
		health.Check{Name: "temporal", Required: true, Probe: health.Ping(func(ctx context.Context) error { return starter.Ping(ctx, submit.Temporal) })},
		health.Check{Name: "redis", Probe: redis.Probe},
		health.Check{Name: "artifacts", Probe: health.Ping(func(ctx context.Context) error { return artifact.Reachable(ctx, files) })},
	)
	m.Dependencies(ctx, prober.Up)
	if cfg.Metrics.Addr != "" {
		watched, err := health.Serve(ctx, health.Options{Addr: cfg.Metrics.Addr, Prober: prober, Metrics: m.Handler(), Log: log})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, watched.Close(ctx)) }()
	}
	alerts, err := newAlerts(cfg, records, prober, redis, log)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: Handler(Deps{
			Starter: submit, Schedules: submit, Store: records, Jobs: submit, Cleanups: records, Locators: records, Learned: records, Quarantine: records, Artifacts: files, Key: cfg.API.Key, PublicURL: cfg.API.PublicURL,
			Temporal: cfg.Temporal, TraceViewer: viewer, Services: prober, Metrics: m, Tracer: tracer, Log: log,
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.API.Addr)
	if err != nil {
		return fmt.Errorf("listening on API_ADDR %s: %w", cfg.API.Addr, err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	sweeping, stopSweeping := context.WithCancel(ctx)
	var sweeper sync.WaitGroup
	sweeper.Go(func() { submit.Sweep(sweeping) })
	if alerts != nil {
		sweeper.Go(func() { alerts.Run(sweeping) })
	}
	sweeper.Go(func() { submit.KeepSchedules(sweeping, cfg) })
	defer sweeper.Wait()
	defer stopSweeping()

	log.InfoContext(ctx, "api listens", "address", listener.Addr().String())
	ready(listener.Addr().String())
	select {
	case err := <-served:
		return fmt.Errorf("serving the API: %w", err)
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		return fmt.Errorf("answering the last requests: %w", err)
	}
	return nil
}

// openViewer opens the folder of the trace viewer, if there is one.
func openViewer(folder string) (files fs.FS, closeIt func() error, err error) {
	if folder == "" {
		return nil, func() error { return nil }, nil
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the trace viewer: %w", err)
	}
	return root.FS(), root.Close, nil
}

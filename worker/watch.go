package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	sdkclient "go.temporal.io/sdk/client"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/health"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// parts are what a worker depends on.
type parts struct {
	records  *postgres.Store
	files    artifact.Store
	browsers *pwgo.Pool
	temporal sdkclient.Client
}

// watched is what tells others how the worker is.
type watched struct {
	server *health.Server
	redis  *redisbridge.Probe
	// takes says that the worker takes jobs.
	takes atomic.Bool
}

// watch serves health and metrics.
func watch(ctx context.Context, cfg config.Config, log *slog.Logger, m *metrics.Registry, p parts) (*watched, error) {
	redis, err := redisbridge.NewProbe(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	w := &watched{redis: redis}
	prober := health.New(
		health.Check{Name: "postgres", Required: true, Probe: health.Ping(p.records.Ping)},
		health.Check{Name: "temporal", Required: true, Probe: health.Ping(func(ctx context.Context) error { return starter.Ping(ctx, p.temporal) })},
		health.Check{Name: "redis", Probe: redis.Probe},
		health.Check{Name: "artifacts", Required: true, Probe: health.Ping(func(ctx context.Context) error { return artifact.Reachable(ctx, p.files) })},
		health.Check{Name: "browser", Required: true, Probe: func(context.Context) (string, error) { return browserHealth(p.browsers) }},
		health.Check{Name: "jobs", Required: true, Probe: w.takesJobs},
	)
	m.Dependencies(ctx, prober.Up)
	m.Browsers(ctx, cfg.Queue.Concurrency, func() metrics.Browsers {
		s := p.browsers.Stats()
		return metrics.Browsers{Running: s.Running, Limit: s.Limit, Sessions: s.Sessions, Bytes: s.Bytes, Started: s.Started, Replaced: s.Replaced}
	})
	w.server, err = health.Serve(ctx, health.Options{Addr: cfg.Metrics.Addr, Default: config.WorkerMetricsAddr, Prober: prober, Metrics: m.Handler(), Log: log})
	if err != nil {
		return nil, errors.Join(err, redis.Close())
	}
	return w, nil
}

// browserHealth goes by the newest browser: none may run while nobody needs one.
func browserHealth(pool *pwgo.Pool) (string, error) {
	s := pool.Stats()
	if s.Trouble != nil {
		return "", fault.Wrap(fault.Unavailable, s.Trouble, "no browser starts; run `cinnamon doctor` where the worker runs")
	}
	return fmt.Sprintf("%d browsers with %d sessions", s.Running, s.Sessions), nil
}

func (w *watched) takesJobs(context.Context) (string, error) {
	if !w.takes.Load() {
		return "", fault.New(fault.Unavailable, "the worker starts, and takes no jobs yet")
	}
	return "", nil
}

func (w *watched) close(ctx context.Context) error {
	return errors.Join(w.server.Close(ctx), w.redis.Close())
}

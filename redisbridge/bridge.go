package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/health"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/internal/tracing"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// metricsKept is for how many minutes dashboards can draw how many jobs ended: two weeks.
const metricsKept = 14 * 24 * 60

// outbox is where changes of jobs wait for the relay.
type outbox interface {
	Relay(ctx context.Context, queueName string, limit int, apply func(context.Context, []store.OutboxRow, postgres.Advance) (map[int64]string, error)) (int, error)
	Position(ctx context.Context, queueName string) (int64, error)
	Hold(ctx context.Context, queueName string, do func(ctx context.Context, position int64) error) (bool, error)
	Listen(ctx context.Context, wake func()) error
	CanListen() bool
}

// jobs is what a Redis that lost data is rebuilt from.
type jobs interface {
	OpenJobs(ctx context.Context, queueName string, which store.Which, visit func([]queue.Job) error) error
	NewestFinished(ctx context.Context, queueName string, state queue.State, limit int, which store.Which) ([]queue.Job, error)
	FinishedAmong(ctx context.Context, queueName string, ids []string) ([]queue.Job, error)
	Schedulers(ctx context.Context, queueName string) ([]store.JobScheduler, error)
	OlderFinished(ctx context.Context, queueName string, state queue.State, newest int) ([]string, error)
	ForgetJobs(ctx context.Context, queueName string, ids []string) error
}

// Bridge projects the queues to Redis.
type Bridge struct {
	clients *clients
	store   interface {
		outbox
		jobs
	}
	keys    progressKeys
	metrics *metrics.Bridge
	keep    config.Queue
	log     *slog.Logger
}

// Run projects every queue until ctx ends. Several bridges may run at once: one of them works on a queue at a time.
// ready is called at once: a bridge also waits for services that are away.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger, ready func()) (err error) {
	b, records, done, err := open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer done()
	m := metrics.New("bridge", log)
	tracer, err := tracing.Start(ctx, tracing.Options{
		Endpoint: cfg.Tracing.Endpoint, Headers: cfg.Tracing.Headers.Reveal(), Service: cfg.Tracing.Service, Role: "bridge", Log: log,
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
	starts, err := starter.Open(cfg, records, log, starter.WithMetrics(measured), starter.WithTracing(followed))
	if err != nil {
		return err
	}
	defer starts.Close()
	asClients := map[string]*bullmq.Queue{}
	for _, def := range queue.All() {
		if asClients[def.Name], err = asClient(b.clients.of(def.Name), cfg.Queue.Prefix, def.Name); err != nil {
			return err
		}
	}
	b.register(ctx, m, records, asClients)
	probe := &Probe{clients: b.clients}
	prober := health.New(
		health.Check{Name: "postgres", Required: true, Probe: health.Ping(records.Ping)},
		health.Check{Name: "redis", Required: true, Probe: probe.Probe},
		health.Check{Name: "temporal", Required: true, Probe: health.Ping(func(ctx context.Context) error { return starter.Ping(ctx, starts.Temporal) })},
	)
	m.Dependencies(ctx, prober.Up)
	watched, err := health.Serve(ctx, health.Options{Addr: cfg.Metrics.Addr, Default: config.BridgeMetricsAddr, Prober: prober, Metrics: m.Handler(), Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, watched.Close(ctx)) }()
	group, ctx := errgroup.WithContext(ctx)
	relays := make([]*relay, 0, len(queue.All()))
	for _, def := range queue.All() {
		r := newRelay(b, def.Name)
		relays = append(relays, r)
		group.Go(func() error { r.run(ctx); return nil })
		group.Go(func() error { r.promote(ctx); return nil })
		group.Go(func() error { recoverStalled(ctx, asClients[def.Name], cfg.Queue.StalledInterval, r.log); return nil })
		in := &inlet{
			mirror: mirror{projector: r.projector, store: records, log: r.log}, metrics: b.metrics, def: def, workflows: starts, client: asClients[def.Name],
		}
		group.Go(func() error { in.run(ctx); return nil })
		log.InfoContext(ctx, obs.QueueCreated, "queue", def.Name, "prefix", cfg.Queue.Prefix)
	}
	if records.CanListen() {
		group.Go(func() error { b.listen(ctx, relays); return nil })
	}
	ready()
	if err := group.Wait(); err != nil {
		return fmt.Errorf("projecting the queues: %w", err)
	}
	return nil
}

// open connects to Postgres, and prepares the connections to Redis. done closes all of them.
func open(ctx context.Context, cfg config.Config, log *slog.Logger) (b *Bridge, records *postgres.Store, done func(), err error) {
	if err := cfg.RequireDatabase(); err != nil {
		return nil, nil, nil, err
	}
	if records, err = postgres.Open(ctx, cfg.Database.URL.Reveal(), cfg.Database.MaxConns); err != nil {
		return nil, nil, nil, err
	}
	connections, err := dial(cfg.Redis, log)
	if err != nil {
		records.Close()
		return nil, nil, nil, err
	}
	b = &Bridge{clients: connections, store: records, keys: newProgressKeys(), keep: cfg.Queue, log: log}
	return b, records, func() {
		_ = connections.Close() // nothing is pending on it any more
		records.Close()
	}, nil
}

// listen wakes the relays when a transaction has something for them. While it is down, they poll.
func (b *Bridge) listen(ctx context.Context, relays []*relay) {
	for ctx.Err() == nil {
		err := b.store.Listen(ctx, func() {
			for _, r := range relays {
				r.wakeUp()
			}
		})
		if ctx.Err() != nil {
			return
		}
		b.log.WarnContext(ctx, "listening for changes broke off; polling until it is back", "error", err)
		sleep(ctx, time.Second)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

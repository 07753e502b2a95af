package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	sdkactivity "go.temporal.io/sdk/activity"
	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/artifact/backend"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/cleanup"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/egress"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/internal/tracing"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/secret"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

// heartbeatThrottle lets heartbeats through often enough for a cancellation to arrive within a second.
const heartbeatThrottle = 400 * time.Millisecond

// Run works until ctx ends, then finishes the runs that it drives, as long as the stop timeout allows. ready is called
// once it takes runs.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger, ready func()) (err error) {
	if err := cfg.RequireDatabase(); err != nil {
		return err
	}
	if cfg.Worker.DebugAddr != "" {
		stop, err := obs.ServeDebug(ctx, cfg.Worker.DebugAddr)
		if err != nil {
			return err
		}
		defer stop()
	}
	records, err := postgres.Open(ctx, cfg.Database.URL.Reveal(), cfg.Database.MaxConns)
	if err != nil {
		return err
	}
	defer records.Close()

	m := metrics.New("worker", log)
	tracer, err := tracing.Start(ctx, tracing.Options{
		Endpoint: cfg.Tracing.Endpoint, Headers: cfg.Tracing.Headers.Reveal(), Service: cfg.Tracing.Service, Role: "worker", Log: log,
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
	files, err := backend.Open(cfg.Artifacts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()

	progress, err := redisbridge.NewPublisher(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer progress.Close()

	gate, err := redisbridge.NewClaims(cfg, records, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gate.Close()) }()

	redis, err := redisbridge.NewLeftovers(cfg, records, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()

	guard, err := newGuard(cfg.Egress, log)
	if err != nil {
		return err
	}
	browsers := pwgo.New(pwgo.Config{
		Executable: cfg.Browser.Executable, NodePath: cfg.Browser.NodePath, DriverDir: cfg.Browser.DriverDir,
		NoSandbox: !cfg.Browser.Sandbox, Browsers: cfg.Browser.Pool, RecycleAfter: cfg.Browser.MaxRuns, MaxMiB: cfg.Browser.MaxMiB,
		Secrets: secrets(cfg.Secrets), Egress: guard, Logger: log,
	})
	if err := browsers.Start(ctx); err != nil {
		return fmt.Errorf("starting the browsers: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, browsers.Close(closing))
	}()

	client, err := starter.Dial(cfg.Temporal, log, starter.WithMetrics(measured), starter.WithTracing(followed))
	if err != nil {
		return err
	}
	defer client.Close()
	watched, err := watch(ctx, cfg, log, m, parts{records: records, files: files, browsers: browsers, temporal: client})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, watched.close(ctx)) }()
	if err := awaitTemporal(ctx, client, cfg.Temporal.Address, log); err != nil {
		return err
	}

	submit, err := starter.With(cfg, records, client, log)
	if err != nil {
		return err
	}
	runs, learned := m.Runs(), m.Learning()
	fatal := make(chan error, len(queue.All()))
	var workers []sdkworker.Worker
	defer func() {
		for _, w := range workers {
			w.Stop()
		}
	}()
	for _, def := range queue.All() {
		w := newWorker(client, def, cfg, func(err error) { fatal <- err })
		workflows.Register(w)
		if def.TestRuns {
			register(w, activities.NewTestExecution(activities.Config{
				Store: records, Gate: gate, Browsers: browsers, Artifacts: files, Rules: cfg.Artifacts.Rules(),
				Progress: progress, Metrics: runs, Worker: cfg.Worker.Name, Log: obs.Named(log, obs.QueueLog(def.Name)),
			}))
			registerSuites(w, activities.NewSuiteExecution(records))
			registerSchedules(w, activities.NewScheduledRun(submit, records))
		} else {
			registerJobs(w, def, jobParts{
				cfg: cfg, records: records, files: files, scheduling: submit, learned: learned, places: []cleanup.Place{redis, newLeftovers()},
				jobs: activities.NewJobs(activities.JobsConfig{
					Store: records, Gate: gate, Progress: progress, Metrics: runs, Worker: cfg.Worker.Name, Log: obs.Named(log, obs.QueueLog(def.Name)),
				}),
			})
		}
		if err := w.Start(); err != nil {
			return fmt.Errorf("starting to take jobs from %s: %w", def.Name, err)
		}
		workers = append(workers, w)
		log.InfoContext(ctx, obs.WorkerStarted, "concurrency", concurrency(def, cfg), "queue", def.Name, "name", cfg.Worker.Name)
	}
	if cfg.Worker.Deployment != "" {
		log.InfoContext(ctx, "worker has a version: it takes new runs when `cinnamon workers promote` has said so",
			"deployment", cfg.Worker.Deployment, "build", cfg.Worker.BuildID, "versioning", cfg.Worker.Versioning)
	}
	watched.takes.Store(true)
	ready()
	select {
	case <-ctx.Done():
		log.InfoContext(ctx, "worker stops: it takes no more jobs and finishes those it runs", "within", cfg.Worker.StopTimeout)
		return nil
	case err := <-fatal:
		return fmt.Errorf("taking jobs: %w", err)
	}
}

// secrets finds the values of secrets where the settings say.
func secrets(cfg config.Secrets) secret.Resolver {
	values := secret.Values{}
	for name, value := range cfg.Values {
		values[name] = value.Reveal()
	}
	sources := secret.First{values}
	if cfg.Dir != "" {
		sources = append(sources, secret.Folder(cfg.Dir))
	}
	if program := strings.Fields(cfg.Command); len(program) > 0 {
		sources = append(sources, secret.Command(program))
	}
	return sources
}

func newWorker(client sdkclient.Client, def queue.Definition, cfg config.Config, onFatal func(error)) sdkworker.Worker {
	slots := concurrency(def, cfg)
	return sdkworker.New(client, def.Name, sdkworker.Options{
		Identity:                           cfg.Worker.Name,
		MaxConcurrentActivityExecutionSize: slots,
		WorkflowTaskPollerBehavior:         pollers(mostWorkflowPollers),
		ActivityTaskPollerBehavior:         pollers(slots),
		MaxHeartbeatThrottleInterval:       heartbeatThrottle,
		DefaultHeartbeatThrottleInterval:   heartbeatThrottle,
		WorkerStopTimeout:                  cfg.Worker.StopTimeout,
		DeploymentOptions:                  deployment(cfg.Worker),
		Interceptors:                       []interceptor.WorkerInterceptor{&failureInterceptor{}},
		OnFatalError:                       onFatal,
	})
}

// mostWorkflowPollers bounds how many polls for workflow tasks are open at once.
const mostWorkflowPollers = 16

// pollers are as many as Temporal asks for. None of them asks for a job before it has a slot to carry it out in, so their number changes nothing about
// who is next: what is urgent waits with the server, not here.
func pollers(most int) sdkworker.PollerBehavior {
	return sdkworker.NewPollerBehaviorAutoscaling(sdkworker.PollerBehaviorAutoscalingOptions{
		InitialNumberOfPollers: min(2, most), MinimumNumberOfPollers: 1, MaximumNumberOfPollers: most,
	})
}

// deployment says which version of the workers this one is; none, unless the settings say so.
func deployment(cfg config.Worker) sdkworker.DeploymentOptions {
	if cfg.Deployment == "" {
		return sdkworker.DeploymentOptions{}
	}
	behavior := workflows.AutoUpgrade
	if cfg.Versioning == config.Pinned {
		behavior = workflows.Pinned
	}
	return sdkworker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   sdkworker.WorkerDeploymentVersion{DeploymentName: cfg.Deployment, BuildID: cfg.BuildID},
		DefaultVersioningBehavior: behavior,
	}
}

// concurrency is how many jobs of a queue a worker carries out at once.
func concurrency(def queue.Definition, cfg config.Config) int {
	return cmp.Or(def.Concurrency, cfg.Queue.Concurrency)
}

// newGuard makes the egress guard; nil if there is to be none.
func newGuard(cfg config.Egress, log *slog.Logger) (*egress.Guard, error) {
	if cfg.Mode == config.EgressOff {
		log.Warn("no egress guard: pages reach everything that this worker reaches, a cloud's metadata included")
		return nil, nil //nolint:nilnil // pwgo takes nil for none
	}
	policy, err := egress.NewPolicy(egress.Mode(cfg.Mode), cfg.Allow)
	if err != nil {
		return nil, fmt.Errorf("reading EGRESS_ALLOW: %w", err)
	}
	return egress.NewGuard(policy, log), nil
}

// register registers activities under their methods' names.
func register(w sdkworker.ActivityRegistry, act *activities.TestExecution) {
	w.RegisterActivityWithOptions(act.ExecuteAttempt, sdkactivity.RegisterOptions{Name: "ExecuteAttempt"})
	w.RegisterActivityWithOptions(act.EndRun, sdkactivity.RegisterOptions{Name: "EndRun"})
}

func registerSuites(w sdkworker.ActivityRegistry, act *activities.SuiteExecution) {
	w.RegisterActivityWithOptions(act.NextOfSuite, sdkactivity.RegisterOptions{Name: "NextOfSuite"})
	w.RegisterActivityWithOptions(act.EndSuite, sdkactivity.RegisterOptions{Name: "EndSuite"})
}

func registerSchedules(w sdkworker.ActivityRegistry, act *activities.ScheduledRun) {
	w.RegisterActivityWithOptions(act.SubmitScheduled, sdkactivity.RegisterOptions{Name: "SubmitScheduled"})
	w.RegisterActivityWithOptions(act.ScheduledState, sdkactivity.RegisterOptions{Name: "ScheduledState"})
	w.RegisterActivityWithOptions(act.CancelScheduled, sdkactivity.RegisterOptions{Name: "CancelScheduled"})
}

// awaitTemporal waits until the Temporal server answers: it may start after its workers.
func awaitTemporal(ctx context.Context, client sdkclient.Client, address string, log *slog.Logger) error {
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := client.CheckHealth(try, &sdkclient.CheckHealthRequest{})
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for Temporal: %w", ctx.Err())
		}
		log.WarnContext(ctx, "waiting for Temporal", "address", address, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// failureInterceptor makes sure that Temporal sees the type of every error that an activity returns.
type failureInterceptor struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (*failureInterceptor) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &failureActivity{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type failureActivity struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity converts the error last, so that it is the outermost one.
func (f *failureActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	result, err := f.Next.ExecuteActivity(ctx, in)
	return result, activities.Failure(err)
}

package bullmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Handler does one job. What it returns becomes the job's return value, as JSON; an error fails the attempt, and the
// job's options say whether and when there is another one. See [Unrecoverable], [RetryAt], [GiveBack] and [RateLimit]
// for errors that mean more, and [Attempt] for what can be told of a job while it runs.
//
// The context ends when the job is no longer this worker's (its cause is a [*JobError]), or when the worker stops and the
// time to finish is over. Values of Run's context are there. A panic is a failure.
type Handler func(ctx context.Context, a *Attempt) (any, error)

// Limiter bounds how many jobs the workers of a queue start in a window of time. They share one count.
type Limiter struct {
	Max      int           // so many jobs
	Duration time.Duration // in a window of this length
}

// WorkerOptions set up a [Worker]. A zero field stands for BullMQ's own default.
type WorkerOptions struct {
	// Prefix is what the keys begin with; empty: [DefaultPrefix].
	Prefix string
	// Name is shown as the one who did a job (processedBy), and where clients list workers.
	Name string
	// Concurrency is how many jobs run at once; 0: one.
	Concurrency int
	// Limiter bounds how fast jobs start; nil: not at all. A limit that clients set for the whole queue comes first.
	Limiter *Limiter

	// LockDuration is how long a job stays this worker's without a sign of life; 0: 30 s. Four times in that time the
	// worker gives one.
	LockDuration time.Duration
	// StalledInterval is how often jobs of dead workers are looked for; 0: 30 s. Negative: that is left to others.
	StalledInterval time.Duration
	// MaxStalls is how often a job may stall before it fails; 0: once. Negative: never.
	MaxStalls int
	// DrainDelay is how long an idle worker waits to be woken before it looks for itself; 0: 5 s.
	DrainDelay time.Duration
	// ShutdownTimeout is how long jobs that run may take to finish when the worker stops; 0: 30 s. Negative: no time.
	// Then their contexts end, and jobs whose handlers return an error go back to the queue, which counts for nothing.
	ShutdownTimeout time.Duration

	// RemoveOnComplete and RemoveOnFail say which finished jobs stay, if the jobs' own options don't; nil: all.
	RemoveOnComplete *Keep
	RemoveOnFail     *Keep
	// MetricsMinutes is for how many minutes it is kept how many jobs ended in each; 0: no metrics.
	MetricsMinutes int

	// Backoff says how long a failed attempt delays the next one, for types that BullMQ doesn't know. Negative: there is
	// no next one. Without it such a job fails at once.
	Backoff func(f Failure) time.Duration
	// OnError hears what goes wrong beside the jobs themselves: Redis is away, or a [*JobError] says what is wrong with one
	// job. It is called by several goroutines and must not block.
	OnError func(err error)
}

// Failure is an attempt that failed and may be repeated.
type Failure struct {
	Job     Job
	Attempt int     // the number of the attempt that failed, from 1
	Backoff Backoff // what the job's options say
	Err     error
}

// Worker takes jobs from a queue and does them, beside any number of others, be they of this package or BullMQ's own.
type Worker struct {
	handler Handler
	options WorkerOptions
	queue   string
	keys    Keys
	prefix  string
	scripts workerScripts
	connect func() (commands, blocking redis.UniversalClient)

	armer    *armer
	commands redis.UniversalClient // carries what must not be sent twice
	blocking redis.UniversalClient // waits, under the name that lists of workers show
	token    string
	tokens   atomic.Int64
	started  atomic.Bool

	slots   chan struct{} // one per job that may run
	running sync.WaitGroup
	mutex   sync.Mutex
	held    map[string]*Attempt // by job id
}

type workerScripts struct{ claim, finish, release, renew, stall, report, log script }

// NewWorker returns a worker on a queue; [Worker.Run] starts it. It opens connections of its own, with the client's
// options; the client must be a *redis.Client or a *redis.ClusterClient and stays the caller's.
func NewWorker(rdb redis.UniversalClient, queue string, handler Handler, options WorkerOptions) (*Worker, error) {
	options = withDefaults(options)
	w := &Worker{
		handler: handler, options: options, queue: queue, prefix: options.Prefix, keys: NewKeys(options.Prefix, queue),
		token: newToken(), slots: make(chan struct{}, options.Concurrency), held: map[string]*Attempt{},
		scripts: workerScripts{
			claim: loadScript("claim-10.lua"), finish: loadScript("finish-18.lua"), release: loadScript("release-13.lua"),
			renew: loadScript("renew-1.lua"), stall: loadScript("stall-9.lua"), report: loadScript("report-4.lua"),
			log: loadScript("log-2.lua"),
		},
	}
	problem := ""
	switch {
	case queue == "" || strings.Contains(queue, ":"):
		problem = "a queue's name must not be empty or hold a colon"
	case handler == nil:
		problem = "it has no handler"
	case strings.ContainsFunc(options.Name+options.Prefix, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		problem = "its name and prefix must not hold spaces"
	case options.Limiter != nil && (options.Limiter.Max < 1 || options.Limiter.Duration < time.Millisecond):
		problem = "its limiter lets nothing through"
	case options.LockDuration < 4*time.Millisecond:
		problem = "its locks expire at once"
	}
	if problem != "" {
		return nil, fmt.Errorf("making a worker of queue %q: %s", queue, problem)
	}
	switch client := rdb.(type) {
	case *redis.Client:
		w.connect = func() (commands, blocking redis.UniversalClient) {
			return redis.NewClient(w.forCommands(*client.Options())), redis.NewClient(w.forBlocking(*client.Options()))
		}
	case *redis.ClusterClient:
		w.connect = func() (commands, blocking redis.UniversalClient) {
			return w.onCluster(client.Options(), false), w.onCluster(client.Options(), true)
		}
	default:
		return nil, fmt.Errorf("making a worker of queue %q: a %T can't be connected again", queue, rdb)
	}
	return w, nil
}

func withDefaults(o WorkerOptions) WorkerOptions {
	o.Prefix = cmp.Or(o.Prefix, DefaultPrefix)
	o.Concurrency = max(o.Concurrency, 1)
	o.LockDuration = cmp.Or(o.LockDuration, 30*time.Second)
	o.StalledInterval = cmp.Or(o.StalledInterval, 30*time.Second)
	o.MaxStalls = max(cmp.Or(o.MaxStalls, 1), 0)
	o.DrainDelay = max(cmp.Or(o.DrainDelay, 5*time.Second), 10*time.Millisecond)
	o.ShutdownTimeout = max(cmp.Or(o.ShutdownTimeout, 30*time.Second), 0)
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	return o
}

// Run takes and does jobs until the context ends. Then it takes no more, and returns when those that run are done or
// given back: after the shutdown timeout and what handlers need to notice it. It returns nil, unless the worker ran
// before. Redis may go away and come back meanwhile.
func (w *Worker) Run(ctx context.Context) error {
	if w.started.Swap(true) {
		return errors.New("running a worker: it ran before")
	}
	w.commands, w.blocking = w.connect()
	w.armer = newArmer(w.commands, w.keys)
	defer w.commands.Close() //nolint:errcheck // nothing is pending on it

	beyond, stop := context.WithCancelCause(context.WithoutCancel(ctx)) // ends when jobs may run no longer
	defer stop(nil)
	wake := context.AfterFunc(ctx, func() { _ = w.blocking.Close() })
	defer wake()

	var helpers sync.WaitGroup
	helped, dismiss := context.WithCancel(beyond)
	helpers.Go(func() { w.renewLocks(helped) })
	if w.options.StalledInterval > 0 {
		w.lookForStalled(ctx) // before anything else, so that the oldest jobs come first
		helpers.Go(func() { w.checkStalled(ctx) })
	}
	w.fetch(ctx, beyond)

	deadline := time.AfterFunc(w.options.ShutdownTimeout, func() { stop(errStopping) })
	w.running.Wait()
	deadline.Stop()
	dismiss()
	helpers.Wait()
	_ = w.blocking.Close()
	return nil
}

// fetch looks for jobs whenever one more may run.
func (w *Worker) fetch(ctx, beyond context.Context) {
	c := claim{token: w.nextToken()}
	pause := backoffPause{}
	for ctx.Err() == nil {
		select {
		case w.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		found, err := w.take(ctx, beyond, c)
		switch {
		case err != nil:
			<-w.slots
			// Whether Redis took a job before it went away shows when the same token asks again.
			c.again = true
			if ctx.Err() == nil {
				w.report(fmt.Errorf("taking a job from %s: %w", w.queue, err))
			}
			pause.sleep(ctx)
		case found.status == claimTaken:
			pause, c = backoffPause{}, claim{token: w.nextToken()}
			w.running.Go(func() { w.work(ctx, beyond, found) })
		default:
			<-w.slots
			pause, c.again = backoffPause{}, false
			w.await(ctx, found)
		}
	}
	if c.again {
		w.reclaim(beyond, c)
	}
}

// work does a job, and the ones that Redis hands out when it takes the ends of those before.
func (w *Worker) work(ctx, beyond context.Context, found claimed) {
	defer func() { <-w.slots }()
	for found.status == claimTaken {
		found = w.do(ctx, beyond, found)
	}
}

func (w *Worker) report(err error) { w.options.OnError(err) }

func (w *Worker) nextToken() string { return w.token + ":" + decimal(w.tokens.Add(1)) }

// backoffPause waits longer each time, up to a second.
type backoffPause struct{ next time.Duration }

func (p *backoffPause) sleep(ctx context.Context) {
	p.next = min(max(2*p.next, 20*time.Millisecond), time.Second)
	sleep(ctx, p.next/2+rand.N(p.next/2)) //nolint:gosec // chance keeps workers apart, no more
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Command bench compares the bridge with BullMQ in Node, on one real redis-server that it starts itself: how many jobs
// a second go through a whole life, what a job costs in round trips and bytes, how soon a listener hears of progress,
// and whether a backlog makes jobs dearer. The sides take turns, and after each turn the same check makes sure that
// nothing was left out. Run it with `make bench/bridge`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/internal/pgserver"
	"github.com/cinnamon-qa/cinnamon/internal/process"
	"github.com/cinnamon-qa/cinnamon/internal/redisserver"
)

const prefix = "bench"

// bench is what the comparisons share.
type bench struct {
	out     io.Writer
	log     *slog.Logger
	url     string
	rdb     *redis.Client
	modules string
	node    *node
	folder  string
	user    *process.User
	jobs    int
	rounds  int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // a program makes its context
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	modules := flags.String("modules", "e2e/bullmq/node_modules", "the folder of the npm libraries")
	jobs := flags.Int("jobs", 6000, "jobs in a round")
	alone := flags.Bool("alone", false, "only let the bridge take jobs through whole lives, to profile it")
	rounds := flags.Int("rounds", 5, "rounds of each side")
	if err := flags.Parse(args); err != nil {
		return err //nolint:wrapcheck // flag says it all
	}
	folder, err := os.MkdirTemp("", "cinnamon-bench-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer os.RemoveAll(folder)                      //nolint:errcheck // nothing else can be done
	if err := os.Chmod(folder, 0o711); err != nil { //nolint:gosec // servers run as another user
		return fmt.Errorf("opening the folder: %w", err)
	}
	user, err := process.ServiceUser("postgres", "redis", "nobody")
	if err != nil {
		return err
	}
	path, ok := redisserver.Program().Find()
	if !ok {
		return process.Missing(redisserver.Program())
	}
	server, err := redisserver.Start(ctx, redisserver.Options{
		Path: path, Dir: filepath.Join(folder, "redis"), Password: "for-the-bench", User: user,
		LogFile: filepath.Join(folder, "redis.log"), Throwaway: true,
	})
	if err != nil {
		return err
	}
	defer server.Kill()
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		return fmt.Errorf("reading the server's address: %w", err)
	}
	b := &bench{
		out: out, log: slog.New(slog.DiscardHandler), url: server.URL(), rdb: redis.NewClient(options),
		folder: folder, user: user, modules: *modules, jobs: *jobs, rounds: *rounds,
	}
	defer b.rdb.Close() //nolint:errcheck // nothing is pending on it any more
	if b.node, err = startNode(ctx, *modules, b.url); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.node.stop()) }()
	if *alone {
		return b.profile(ctx)
	}
	return b.compare(ctx)
}

func (b *bench) compare(ctx context.Context) error {
	b.say("%s, %d cores, Redis %s, BullMQ 6.7.0 in Node", runtime.GOARCH, runtime.NumCPU(), b.redisVersion(ctx))
	ratio, err := b.lifecycle(ctx)
	if err != nil {
		return fmt.Errorf("comparing whole lives: %w", err)
	}
	if err := b.backlogs(ctx); err != nil {
		return fmt.Errorf("measuring behind a backlog: %w", err)
	}
	if err := b.outbox(ctx); err != nil {
		return fmt.Errorf("measuring the whole relay: %w", err)
	}
	latency, err := b.latency(ctx)
	if err != nil {
		return fmt.Errorf("comparing the delay of progress: %w", err)
	}
	b.say("bridge.lifecycle_ratio: %.2f", ratio)
	b.say("bridge.latency_p99_ratio: %.2f", latency)
	return nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.out, format+"\n", args...) }

func (b *bench) redisVersion(ctx context.Context) string {
	return b.info(ctx, "server")["redis_version"]
}

// database starts a Postgres.
func (b *bench) database(ctx context.Context) (*pgserver.Server, error) {
	path, ok := pgserver.Program().Find()
	if !ok {
		return nil, process.Missing(pgserver.Program())
	}
	return pgserver.Start(ctx, pgserver.Options{
		Path: path, Dir: filepath.Join(b.folder, "postgres"), Password: "for-the-bench", User: b.user,
		LogFile: filepath.Join(b.folder, "postgres.log"), Throwaway: true,
	})
}

// spread is the median of some figures, and the lowest and the highest.
func spread(figures []float64) (median, lowest, highest float64) {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1]
}

// percentile returns the figure that this share of all is not above.
func percentile(figures []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/devstack/stack"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/internal/process"
)

// stackFlags say what stack to start.
type stackFlags struct {
	ephemeral   bool
	dataDir     string
	concurrency int
	without     []string
	verbose     bool
	options     stack.Options

	folder *stack.Folder
}

func (f *stackFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.dataDir, "data-dir", defaultDataDir(), "folder to keep everything in")
	fs.BoolVar(&f.ephemeral, "ephemeral", false, "keep nothing: temporary folder, free ports, ends with its parent process")
	fs.StringSliceVar(&f.without, "without", nil, "leave out a part: worker, api, bridge or shop (may be repeated)")
	f.registerShared(cmd)
	f.options.Ports = stack.DefaultPorts()
	for _, p := range []struct {
		flag, of string
		port     *int
	}{
		{"api-port", "the API", &f.options.Ports.API},
		{"temporal-port", "Temporal", &f.options.Ports.Temporal},
		{"temporal-ui-port", "the Temporal Web UI", &f.options.Ports.TemporalUI},
		{"codec-port", "what decrypts payloads for the Web UI, if TEMPORAL_PAYLOAD_KEYS is set,", &f.options.Ports.Codec},
		{"shop-port", "the shop", &f.options.Ports.Shop},
		{"redis-port", "Redis", &f.options.Ports.Redis},
		{"postgres-port", "Postgres", &f.options.Ports.Postgres},
	} {
		fs.IntVar(p.port, p.flag, *p.port, fmt.Sprintf("port of %s; 0 picks a free one", p.of))
	}
	fs.StringVar(&f.options.DatabaseURL, "database-url", "", "use this Postgres instead of starting one")
	fs.StringVar(&f.options.RedisURL, "redis-url", "", "use this Redis instead of starting one")
	fs.StringVar(&f.options.TemporalAddress, "temporal-address", "", "use the Temporal server at this host:port instead of starting one")
}

func (f *stackFlags) registerShared(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.concurrency, "concurrency", 0, "tests that run at the same time (default: QUEUE_CONCURRENCY, or 2)")
	cmd.Flags().BoolVar(&f.verbose, "verbose", false, "show the product's log here too")
}

// start brings the stack up. What it needs on disk is given back at the program's exit.
func (f *stackFlags) start(cmd *cobra.Command, exit *exit, out console) (*stack.Stack, error) {
	o, err := f.complete(cmd)
	if err != nil {
		return nil, err
	}
	if f.ephemeral {
		exit.followParent(cmd.Context())
		f.folder, err = stack.TemporaryFolder()
	} else {
		f.folder, err = stack.OpenFolder(f.dataDir)
	}
	if err != nil {
		return nil, err
	}
	exit.onExit(func() {
		if err := f.folder.Close(); err != nil {
			fmt.Fprintln(out.stderr, "cinnamon-dev:", err)
		}
	})
	o.Folder = f.folder
	if o.Log, err = f.logger(o.Config, exit, out.stderr); err != nil {
		return nil, err
	}
	lines := &progress{out: out.stderr}
	o.Progress = lines.say
	s, err := stack.Start(cmd.Context(), o)
	if cause := context.Cause(cmd.Context()); err != nil && errors.Is(cause, errInterrupted) {
		return nil, cause
	}
	return s, err
}

// complete checks the flags and makes the options of them.
func (f *stackFlags) complete(cmd *cobra.Command) (stack.Options, error) {
	o := f.options
	settings, err := config.FromEnvironment()
	if err != nil {
		return o, usageError{err}
	}
	if o.Without, err = stack.ParseParts(f.without); err != nil {
		return o, usageError{fmt.Errorf("--without: %w", err)}
	}
	if cmd.Flags().Changed("concurrency") {
		settings.Queue.Concurrency = f.concurrency
	}
	if settings.Metrics.Addr != config.MetricsOff {
		settings.Metrics.Addr = "" // several roles are here, each with an address of its own
	}
	if f.ephemeral {
		if settings.Metrics.Addr == "" {
			settings.Metrics.Addr = "127.0.0.1:0"
		}
		if cmd.Flags().Changed("data-dir") {
			return o, usageError{errors.New("--ephemeral keeps nothing, so --data-dir has no meaning with it")}
		}
		o.Ports = f.changedPorts(cmd)
	}
	if err := settings.Validate(); err != nil {
		return o, usageError{err}
	}
	o.Config = settings
	return o, nil
}

// changedPorts keeps the ports that were asked for; the others are free ones.
func (f *stackFlags) changedPorts(cmd *cobra.Command) stack.Ports {
	keep := func(flag string, port int) int {
		if cmd.Flags().Changed(flag) {
			return port
		}
		return 0
	}
	p := f.options.Ports
	return stack.Ports{
		API: keep("api-port", p.API), Temporal: keep("temporal-port", p.Temporal),
		TemporalUI: keep("temporal-ui-port", p.TemporalUI), Codec: keep("codec-port", p.Codec), Shop: keep("shop-port", p.Shop),
		Redis: keep("redis-port", p.Redis), Postgres: keep("postgres-port", p.Postgres),
	}
}

// logger writes the product's log to a file in the data folder, and to the terminal as well when that is asked for.
func (f *stackFlags) logger(settings config.Config, exit *exit, terminal io.Writer) (*slog.Logger, error) {
	file, err := process.OpenLog(f.folder.LogFile("cinnamon"))
	if err != nil {
		return nil, err
	}
	exit.onExit(func() {
		if err := file.Close(); err != nil {
			fmt.Fprintln(terminal, "cinnamon-dev: closing the log:", err)
		}
	})
	var out io.Writer = file
	if f.verbose {
		out = io.MultiWriter(file, terminal)
	}
	if settings.Log.Format == config.LogAuto {
		settings.Log.Format = config.LogText // people read it, in the file too
	}
	return obs.Logger(out, settings.Log), nil
}

// defaultDataDir is where data of programs belongs on this system. A folder in root's home could not be reached by the
// users that Postgres and Redis run as.
func defaultDataDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) { //nolint:forbidigo // no setting of the product
		return filepath.Join(dir, "cinnamon")
	}
	home, err := os.UserHomeDir()
	if os.Geteuid() == 0 || err != nil {
		return "/var/lib/cinnamon"
	}
	return filepath.Join(home, ".local", "share", "cinnamon")
}

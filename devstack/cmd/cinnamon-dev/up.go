package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/devstack/stack"
)

const upHelp = `Starts the whole system and serves until it is interrupted (Ctrl-C; twice leaves at once).

Everything is kept in the data folder: the records, the queues, the workflows and the API key. The next "up" goes on
where this one stopped. One "up" at a time may use a folder. Postgres and Redis do not run as root: when you are root
they run as the users postgres and redis, or nobody, who must be able to reach the data folder.

With --ephemeral nothing is kept: everything is in memory or in a temporary folder, servers listen on free ports, and
the stack ends by itself when the process that started it is gone. --ready-file says where everything answers:

  {"api": "http://127.0.0.1:41297", "temporal": "127.0.0.1:34113", "temporal_ui": "http://…", "redis": "redis://…",
   "database": "postgres://…", "shop": "http://…", "api_key": "…"}

The file appears, complete, once everything answers, and disappears when the stack stops.

The product's settings, such as QUEUE_MAX_ATTEMPTS, BROWSER_EXECUTABLE or LOG_LEVEL, are read from the environment;
addresses and keys are not, but for TEMPORAL_PAYLOAD_KEYS: with it Temporal stores what runs say encrypted, and the Web UI
shows it by way of "codec" in the file above.`

func newUp(exit *exit, out console) *cobra.Command {
	var (
		flags     stackFlags
		readyFile string
	)
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start everything and serve until interrupted",
		Long:  upHelp,
		Example: `  cinnamon-dev up
  cinnamon-dev up --api-port 8081 --data-dir /tmp/second
  cinnamon-dev up --database-url postgres://me@db.example.com/cinnamon --concurrency 4
  cinnamon-dev up --ephemeral --ready-file stack.json --without worker`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			began := time.Now()
			s, err := flags.start(cmd, exit, out)
			if err != nil {
				return err
			}
			if readyFile != "" {
				exit.onExit(func() { removeFile(out, readyFile) })
				if err := s.Endpoints().WriteReadyFile(readyFile); err != nil {
					return errors.Join(err, stop(cmd.Context(), s))
				}
			}
			printStack(out.stdout, s.Endpoints(), flags.folder, time.Since(began))
			return serve(cmd.Context(), s, out)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&readyFile, "ready-file", "", "write where everything answers to this file, as JSON, once it does")
	return cmd
}

// serve waits for the end: an interrupt, or a part that ends by itself.
func serve(ctx context.Context, s *stack.Stack, out console) error {
	select {
	case <-ctx.Done():
		fmt.Fprintln(out.stderr, "\nStopping …")
		return stop(ctx, s)
	case err := <-s.Failed():
		return errors.Join(err, stop(ctx, s))
	}
}

// stop takes the stack down in order, also when the context has ended.
func stop(ctx context.Context, s *stack.Stack) error {
	return s.Stop(context.WithoutCancel(ctx))
}

func removeFile(out console, path string) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(out.stderr, "cinnamon-dev: removing the ready file:", err)
	}
}

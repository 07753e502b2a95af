package stack

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cinnamon-qa/cinnamon/devstack/temporalserver"
	"github.com/cinnamon-qa/cinnamon/internal/pgserver"
	"github.com/cinnamon-qa/cinnamon/internal/process"
	"github.com/cinnamon-qa/cinnamon/internal/redisserver"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// programs are the paths of what must be started.
type programs struct{ postgres, redis string }

func (o *Options) findPrograms() (programs, error) {
	var found programs
	var missing []process.Program
	look := func(program process.Program, path *string) {
		var ok bool
		if *path, ok = program.Find(); !ok {
			missing = append(missing, program)
		}
	}
	if o.RedisURL == "" {
		look(redisserver.Program(), &found.redis)
	}
	if o.DatabaseURL == "" {
		look(pgserver.Program(), &found.postgres)
	}
	if len(missing) > 0 {
		return programs{}, process.Missing(missing...)
	}
	return found, nil
}

// checkPorts finds a taken port before anything is started. Servers of a predecessor that was killed get a moment to go.
func (o *Options) checkPorts(ctx context.Context) error {
	patience := time.Duration(0)
	if o.Folder.unclean {
		patience = 5 * time.Second
	}
	for _, p := range []struct {
		port     int
		used     bool
		of, flag string
	}{
		{o.Ports.API, o.with(PartAPI), "the API", "--api-port"},
		{o.Ports.Temporal, o.TemporalAddress == "", "Temporal", "--temporal-port"},
		{o.Ports.TemporalUI, true, "the Temporal Web UI", "--temporal-ui-port"},
		{o.Ports.Codec, o.Config.Temporal.PayloadKeys != "", "the codec server", "--codec-port"},
		{o.Ports.Shop, o.with(PartShop), "the shop", "--shop-port"},
		{o.Ports.Redis, o.RedisURL == "", "Redis", "--redis-port"},
		{o.Ports.Postgres, o.DatabaseURL == "", "Postgres", "--postgres-port"},
	} {
		if p.port == 0 || !p.used {
			continue
		}
		if err := process.CheckPort(ctx, p.port, p.of, p.flag, patience); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) startPostgres(ctx context.Context, path, password string) error {
	began := time.Now()
	s.endpoints.Database = s.options.DatabaseURL
	if s.options.DatabaseURL == "" {
		user, err := process.ServiceUser("postgres", "nobody")
		if err != nil {
			return err
		}
		s.postgres, err = pgserver.Start(ctx, pgserver.Options{
			Path: path, Dir: s.options.Folder.path("postgres"), Port: s.options.Ports.Postgres, Password: password,
			User: user, LogFile: s.options.Folder.LogFile("postgres"), Throwaway: s.options.Folder.temporary,
		})
		if err != nil {
			return err
		}
		s.endpoints.Database = s.postgres.URL()
	}
	if err := postgres.Migrate(ctx, s.endpoints.Database); err != nil {
		return err
	}
	s.up("Postgres", began)
	return nil
}

func (s *Stack) startRedis(ctx context.Context, path, password string) error {
	began := time.Now()
	s.endpoints.Redis = s.options.RedisURL
	if s.options.RedisURL == "" {
		user, err := process.ServiceUser("redis", "nobody")
		if err != nil {
			return err
		}
		s.redis, err = redisserver.Start(ctx, redisserver.Options{
			Path: path, Dir: s.options.Folder.path("redis"), Port: s.options.Ports.Redis, Password: password,
			User: user, LogFile: s.options.Folder.LogFile("redis"), Throwaway: s.options.Folder.temporary,
		})
		if err != nil {
			return err
		}
		s.endpoints.Redis = s.redis.URL()
	}
	s.up("Redis", began)
	return nil
}

func (s *Stack) startTemporal(ctx context.Context) error {
	began := time.Now()
	logFile, err := process.OpenLog(s.options.Folder.LogFile("temporal"))
	if err != nil {
		return err
	}
	// The file stays open: parts of the server may have something to say after it stopped.
	log := slog.New(slog.NewTextHandler(logFile, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s.endpoints.Temporal = s.options.TemporalAddress
	if s.options.TemporalAddress == "" {
		options := temporalserver.Options{File: s.options.Folder.path("temporal.db"), Port: s.options.Ports.Temporal, Log: log}
		if s.options.Folder.temporary {
			options.File = ""
		}
		if s.temporal, err = temporalserver.Start(ctx, options); err != nil {
			return err
		}
		s.endpoints.Temporal = s.temporal.Address()
		s.options.Config.Temporal.Namespace = temporalserver.Namespace
	}
	ui := temporalserver.UIOptions{Address: s.endpoints.Temporal, Port: s.options.Ports.TemporalUI, Log: log}
	if s.options.Config.Temporal.PayloadKeys != "" {
		ui.Codec = func(uiURL string) (string, error) { return s.startCodec(ctx, uiURL) }
	}
	if s.ui, err = temporalserver.StartUI(ctx, ui); err != nil {
		return err
	}
	s.endpoints.TemporalUI = s.ui.URL()
	settings := s.options.Config.Temporal
	settings.Address = s.endpoints.Temporal
	if err := starter.RegisterSearchAttributes(ctx, settings); err != nil {
		return err
	}
	s.up("Temporal", began)
	return nil
}

func (s *Stack) stopPostgres(ctx context.Context) error {
	if s.postgres == nil {
		return nil
	}
	return s.postgres.Stop(ctx)
}

func (s *Stack) stopRedis(ctx context.Context) error {
	if s.redis == nil {
		return nil
	}
	return s.redis.Stop(ctx)
}

func (s *Stack) stopTemporal(ctx context.Context) error {
	if s.temporal == nil {
		return nil
	}
	return s.temporal.Stop(ctx)
}

func (s *Stack) stopUI() error {
	if s.ui == nil {
		return nil
	}
	return s.ui.Stop()
}

func (s *Stack) up(what string, began time.Time) {
	s.options.Progress(fmt.Sprintf("  %-9s up in %.1f s", what, time.Since(began).Seconds()))
}

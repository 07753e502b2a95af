package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/devstack/temporalserver"
	"github.com/cinnamon-qa/cinnamon/internal/pgserver"
	"github.com/cinnamon-qa/cinnamon/internal/redisserver"
)

const (
	answerTimeout = 30 * time.Second
	// drainTime is how long runs may go on when everything stops.
	drainTime = 4 * time.Second
)

// Stack is the running system.
type Stack struct {
	options   Options
	endpoints Endpoints

	postgres *pgserver.Server
	redis    *redisserver.Server
	temporal *temporalserver.Server
	ui       *temporalserver.UI
	shop     *role
	bridge   *role
	api      *role
	worker   *role
	codec    *role

	stopping chan struct{}
	failed   chan error
}

// Start starts everything and returns when everything answers. When it can't, or ctx ends, it stops what was started.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{options: o, stopping: make(chan struct{}), failed: make(chan error, 1)}
	if err := s.start(ctx); err != nil {
		if stopErr := s.Stop(context.WithoutCancel(ctx)); stopErr != nil {
			o.Log.Warn("stopping what was started", "error", stopErr)
		}
		return nil, err
	}
	s.watch()
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	programs, err := s.options.findPrograms()
	if err != nil {
		return err
	}
	if err := s.options.checkPorts(ctx); err != nil {
		return err
	}
	secrets, err := s.options.Folder.credentials()
	if err != nil {
		return err
	}
	s.endpoints.APIKey = secrets.APIKey
	s.options.Progress("Starting Cinnamon in " + s.options.Folder.Dir() + " …")

	servers, serversCtx := errgroup.WithContext(ctx)
	servers.Go(func() error { return s.startPostgres(serversCtx, programs.postgres, secrets.PostgresPassword) })
	servers.Go(func() error { return s.startRedis(serversCtx, programs.redis, secrets.RedisPassword) })
	servers.Go(func() error { return s.startTemporal(serversCtx) })
	servers.Go(func() error { return s.startShop(serversCtx) })
	servers.Go(s.checkBrowser)
	if err := servers.Wait(); err != nil {
		return err
	}

	settings := s.options.settings(s.endpoints)
	roles, rolesCtx := errgroup.WithContext(ctx)
	roles.Go(func() error { return s.startBridge(rolesCtx, settings) })
	roles.Go(func() error { return s.startWorker(rolesCtx, settings) })
	roles.Go(func() error { return s.startAPI(rolesCtx, settings) })
	if err := roles.Wait(); err != nil {
		return err
	}
	return s.awaitAnswers(ctx)
}

// Endpoints is where everything answers.
func (s *Stack) Endpoints() Endpoints { return s.endpoints }

// Failed receives an error when a part ends by itself.
func (s *Stack) Failed() <-chan error { return s.failed }

// part is what watch needs to know about a server or a role.
type part interface {
	Done() <-chan struct{}
	Err() error
}

func (s *Stack) watch() {
	var parts []part
	if s.postgres != nil {
		parts = append(parts, s.postgres)
	}
	if s.redis != nil {
		parts = append(parts, s.redis)
	}
	for _, r := range []*role{s.shop, s.bridge, s.worker, s.api, s.codec} {
		if r != nil {
			parts = append(parts, r)
		}
	}
	for _, p := range parts {
		go func() {
			select {
			case <-p.Done():
			case <-s.stopping:
				return
			}
			select {
			case s.failed <- p.Err():
			default: // another one was first
			}
		}()
	}
}

// Stop stops everything, those who ask before those who are asked. It takes at most 15 seconds: each part has its share,
// after which it is killed or left to end with the process.
func (s *Stack) Stop(ctx context.Context) error {
	close(s.stopping)
	steps := []struct {
		share time.Duration
		stop  func(context.Context) error
	}{
		{2 * time.Second, s.api.stop},
		{drainTime + time.Second, s.worker.stop},
		{time.Second, s.bridge.stop},
		{time.Second, s.shop.stop},
		{time.Second, func(context.Context) error { return s.stopUI() }},
		{time.Second, s.codec.stop},
		{2 * time.Second, s.stopTemporal},
		{time.Second, s.stopRedis},
		{2 * time.Second, s.stopPostgres},
	}
	var problems []error
	for _, step := range steps {
		bounded, cancel := context.WithTimeout(ctx, step.share)
		problems = append(problems, step.stop(bounded))
		cancel()
	}
	return errors.Join(problems...)
}

// awaitAnswers asks everything that speaks HTTP whether it answers. Postgres, Redis and Temporal have answered already.
func (s *Stack) awaitAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	pages := []string{s.endpoints.TemporalUI + "/healthz"}
	if s.api != nil {
		pages = append(pages, s.endpoints.API+"/readyz")
	}
	if s.shop != nil {
		pages = append(pages, s.endpoints.Shop+"/")
	}
	for _, page := range pages {
		for {
			err := askFor(ctx, page)
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("waiting for an answer: %w", err)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

func askFor(ctx context.Context, page string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
	if err != nil {
		return fmt.Errorf("asking for %s: %w", page, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return fmt.Errorf("asking for %s: %w", page, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking for %s: %s", page, response.Status)
	}
	return nil
}

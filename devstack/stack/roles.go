package stack

import (
	"context"
	"fmt"
	"time"

	"github.com/cinnamon-qa/cinnamon/api"
	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/process"
	"github.com/cinnamon-qa/cinnamon/payload/codecserver"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/testsite"
	"github.com/cinnamon-qa/cinnamon/worker"
)

func (s *Stack) startShop(ctx context.Context) (err error) {
	if !s.options.with(PartShop) {
		return nil
	}
	began := time.Now()
	var url string
	s.shop, err = startRole(ctx, "shop", func(ctx context.Context, ready func()) error {
		return testsite.Serve(ctx, process.Loopback(s.options.Ports.Shop), testsite.Options{}, func(addr string) {
			url = "http://" + addr
			ready()
		})
	})
	if err != nil {
		return err
	}
	s.endpoints.Shop = url
	s.up("Shop", began)
	return nil
}

// startCodec starts what decrypts payloads for the Web UI at the address, and returns where it answers.
func (s *Stack) startCodec(ctx context.Context, uiURL string) (endpoint string, err error) {
	settings := s.options.Config
	settings.Temporal.UIURL = uiURL
	settings.Codec.Addr, settings.Codec.Token = process.Loopback(s.options.Ports.Codec), ""
	s.codec, err = startRole(ctx, "codec server", func(ctx context.Context, ready func()) error {
		return codecserver.Run(ctx, settings, s.options.Log.With("role", "codec-server"), func(addr string) {
			endpoint = "http://" + addr
			ready()
		})
	})
	if err != nil {
		return "", err
	}
	s.endpoints.Codec = endpoint
	return endpoint, nil
}

func (s *Stack) startBridge(ctx context.Context, settings config.Config) (err error) {
	if !s.options.with(PartBridge) {
		return nil
	}
	began := time.Now()
	s.bridge, err = startRole(ctx, "bridge", func(ctx context.Context, ready func()) error {
		return redisbridge.Run(ctx, settings, s.options.Log.With("role", "bridge"), ready)
	})
	if err != nil {
		return err
	}
	s.up("Bridge", began)
	return nil
}

// checkBrowser says early, and with the command that helps, what the worker would miss.
func (s *Stack) checkBrowser() error {
	if !s.options.with(PartWorker) {
		return nil
	}
	c := s.options.Config.Browser
	found, err := pwgo.Locate(pwgo.Config{Executable: c.Executable, NodePath: c.NodePath, DriverDir: c.DriverDir})
	switch {
	case err == nil:
		return nil
	case found.Node == "" && c.NodePath == "":
		return process.Missing(process.Program{
			Names: []string{"node"}, Packages: map[string]string{"apt": "nodejs", "dnf": "nodejs", "brew": "node"},
		})
	default:
		return fmt.Errorf("the worker can't drive a browser: %w: run cinnamon browser install", err)
	}
}

func (s *Stack) startWorker(ctx context.Context, settings config.Config) (err error) {
	if !s.options.with(PartWorker) {
		return nil
	}
	began := time.Now()
	s.worker, err = startRole(ctx, "worker", func(ctx context.Context, ready func()) error {
		return worker.Run(ctx, settings, s.options.Log.With("role", "worker"), ready)
	})
	if err != nil {
		return err
	}
	s.up("Worker", began)
	return nil
}

func (s *Stack) startAPI(ctx context.Context, settings config.Config) (err error) {
	if !s.options.with(PartAPI) {
		return nil
	}
	began := time.Now()
	if settings.API.TraceViewer == "" {
		settings.API.TraceViewer = pwgo.TraceViewer(pwgo.Config{DriverDir: settings.Browser.DriverDir})
	}
	settings.API.Addr = process.Loopback(s.options.Ports.API)
	var url string
	s.api, err = startRole(ctx, "API", func(ctx context.Context, ready func()) error {
		return api.Run(ctx, settings, s.options.Log.With("role", "api"), func(addr string) {
			url = "http://" + addr
			ready()
		})
	})
	if err != nil {
		return err
	}
	s.endpoints.API = url
	s.up("API", began)
	return nil
}

package codecserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/cinnamon-qa/cinnamon/config"
)

const drainWithin = 10 * time.Second

// Run serves the endpoint until ctx ends, then answers what is under way. ready is called with the address once it listens.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger, ready func(addr string)) error {
	if err := cfg.RequirePayloadKeys(); err != nil {
		return err
	}
	if cfg.Codec.Token == "" {
		host, _, err := net.SplitHostPort(cfg.Codec.Addr)
		if err != nil || !isLoopback(host) {
			return fmt.Errorf("CODEC_ADDR is %q: off the loopback interface CODEC_TOKEN is needed; make one with: openssl rand -hex 24", cfg.Codec.Addr)
		}
	}
	codec, err := cfg.Temporal.Codec()
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: Handler(Options{
			Codec: codec, Origin: origin(cfg.Temporal.UIURL), Token: cfg.Codec.Token.Reveal(), Encode: cfg.Codec.Encode,
		}),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Codec.Addr)
	if err != nil {
		return fmt.Errorf("listening on CODEC_ADDR %s: %w", cfg.Codec.Addr, err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	log.InfoContext(ctx, "codec server listens", "address", listener.Addr().String(), "web_ui", origin(cfg.Temporal.UIURL), "keys", codec.KeyIDs())
	ready(listener.Addr().String())
	select {
	case err := <-served:
		return fmt.Errorf("serving payloads: %w", err)
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	if err := server.Shutdown(draining); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answering the last requests: %w", err)
	}
	return nil
}

// origin is what browsers call a page's site; empty if the address is none.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

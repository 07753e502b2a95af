package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/csrf"
	"github.com/temporalio/ui-server/v2/server/route"
	"github.com/temporalio/ui-server/v2/ui"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

// UI is a running Temporal Web UI.
type UI struct {
	server *http.Server
	url    string
}

// URL is the address to open in a browser.
func (u *UI) URL() string { return u.url }

// UIOptions of a Web UI.
type UIOptions struct {
	// Address is the Temporal server's.
	Address string
	// Port to listen on; 0 is a free one.
	Port int
	// Codec starts what decrypts payloads for the pages at that address, and returns where it answers; nil if nothing does.
	Codec func(ui string) (endpoint string, err error)
	Log   *slog.Logger
}

// StartUI serves the Web UI of a Temporal server.
//
// The routes are put together here, because the UI's own server picks no free port and ends the whole process when it
// can't listen.
func StartUI(ctx context.Context, o UIOptions) (*UI, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", process.Loopback(o.Port))
	if err != nil {
		return nil, fmt.Errorf("starting the Temporal Web UI: %w", err)
	}
	u := &UI{url: "http://" + listener.Addr().String()}
	if err := u.prepare(o); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the Temporal Web UI: %w", err), listener.Close())
	}
	go func() {
		if err := u.server.Serve(listener); err != nil {
			o.Log.Debug("temporal web ui ended", "error", err)
		}
	}()
	return u, nil
}

func (u *UI) prepare(o UIOptions) (err error) {
	endpoint := ""
	if o.Codec != nil {
		if endpoint, err = o.Codec(u.url); err != nil {
			return err
		}
	}
	handler, err := uiHandler(&uiconfig.Config{
		TemporalGRPCAddress: o.Address,
		EnableUI:            true,
		DefaultNamespace:    Namespace,
		DisableNewsFetch:    true,
		HideLogs:            true,
		CORS:                uiconfig.CORS{CookieInsecure: true}, // loopback has no TLS
		Codec:               uiconfig.Codec{Endpoint: endpoint},
	})
	if err != nil {
		return err
	}
	u.server = &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return nil
}

func uiHandler(settings *uiconfig.Config) (http.Handler, error) {
	provider, err := uiconfig.NewConfigProviderWithRefresh(settings)
	if err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	assets, err := ui.Assets()
	if err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	pages, err := fs.Sub(assets, "local")
	if err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	e := echo.New()
	e.Use(middleware.Recover(), middleware.Gzip(), middleware.Secure())
	e.Use(csrf.EnsureTokenCookie(false), middleware.CSRFWithConfig(csrf.MiddlewareConfig(provider, false)))
	route.SetHealthRoute(e)
	if err := route.SetAPIRoutes(e, provider, nil); err != nil {
		return nil, fmt.Errorf("routing the interface: %w", err)
	}
	if err := route.SetUIRoutes(e, "", pages); err != nil {
		return nil, fmt.Errorf("routing the pages: %w", err)
	}
	route.SetRenderRoute(e, "")
	return e, nil
}

// Stop ends the Web UI and its open connections.
func (u *UI) Stop() error {
	if err := u.server.Close(); err != nil {
		return fmt.Errorf("stopping the Temporal Web UI: %w", err)
	}
	return nil
}

package temporalserver

import (
	"context"
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

// StartUI serves the Web UI of the Temporal server at the address. Port 0 is a free one.
//
// The routes are put together here, because the UI's own server picks no free port and ends the whole process when it
// can't listen.
func StartUI(ctx context.Context, address string, port int, log *slog.Logger) (*UI, error) {
	handler, err := uiHandler(&uiconfig.Config{
		TemporalGRPCAddress: address,
		EnableUI:            true,
		DefaultNamespace:    Namespace,
		DisableNewsFetch:    true,
		HideLogs:            true,
		CORS:                uiconfig.CORS{CookieInsecure: true}, // loopback has no TLS
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the Temporal Web UI: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", process.Loopback(port))
	if err != nil {
		return nil, fmt.Errorf("starting the Temporal Web UI: %w", err)
	}
	u := &UI{
		server: &http.Server{
			Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		},
		url: "http://" + listener.Addr().String(),
	}
	go func() {
		if err := u.server.Serve(listener); err != nil {
			log.Debug("temporal web ui ended", "error", err)
		}
	}()
	return u, nil
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

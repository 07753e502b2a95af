package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/health"
)

const healthHelp = `Asks a role that runs on this machine whether it is ready, and prints what it says; with --live only whether it lives. Exit code 0 if so,
3 if not: made for the HEALTHCHECK of containers.

The role says which address is asked: METRICS_ADDR, else that of the role (api: API_ADDR). Without a role it is METRICS_ADDR, else API_ADDR.`

const healthWithin = 4 * time.Second

func newHealth(stdout io.Writer) *cobra.Command {
	var live bool
	cmd := &cobra.Command{
		Use: "health [api|worker|bridge]", Short: "Ask whether a role that runs here is ready", Long: healthHelp, GroupID: "system",
		Args: cobra.MaximumNArgs(1), ValidArgs: []string{"api", "worker", "bridge"},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			role := ""
			if len(args) > 0 {
				role = args[0]
			}
			address, err := healthAddress(cfg, role)
			if err != nil {
				return usageError{err}
			}
			path := "/readyz"
			if live {
				path = "/livez"
			}
			return askHealth(cmd.Context(), stdout, "http://"+address+path)
		},
	}
	cmd.Flags().BoolVar(&live, "live", false, "ask only whether the process lives")
	return withSettings(cmd)
}

// healthAddress is where a role of this machine answers.
func healthAddress(cfg config.Config, role string) (string, error) {
	address := map[string]string{"": cfg.API.Addr, "api": cfg.API.Addr, "worker": config.WorkerMetricsAddr, "bridge": config.BridgeMetricsAddr}[role]
	switch {
	case address == "":
		return "", fmt.Errorf("there is no role %q: it must be api, worker or bridge", role)
	case cfg.Metrics.Addr == config.MetricsOff && role != "api" && role != "":
		return "", fmt.Errorf("METRICS_ADDR is off: the %s can't be asked", role)
	case cfg.Metrics.Addr != "" && cfg.Metrics.Addr != config.MetricsOff:
		address = cfg.Metrics.Addr
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("reading the address %s: %w", address, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() { // it listens everywhere
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

func askHealth(ctx context.Context, stdout io.Writer, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("asking %s: %w", url, err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("nobody answers: %w", err)
	}
	defer answer.Body.Close()
	var found health.Readiness
	if err := json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&found); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", url, err)
	}
	words := []string{found.Status}
	for _, name := range slices.Sorted(maps.Keys(found.Checks)) {
		words = append(words, name+"="+found.Checks[name])
	}
	fmt.Fprintln(stdout, strings.Join(words, " "))
	if answer.StatusCode != http.StatusOK {
		return exitError{code: exitPlatform}
	}
	return nil
}

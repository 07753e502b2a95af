package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	main "github.com/cinnamon-qa/cinnamon/cmd/cinnamon"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/health"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
)

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = main.Execute(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestConfigPrintsSettingsWithTheirSources(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cinnamon.env")
	require.NoError(t, os.WriteFile(file, []byte("DATABASE_URL=postgres://u:hunter2@db/x\nQUEUE_CONCURRENCY=7\n"), 0o600))
	code, out, errs := run(t, "config", "--config", file, "--set", "QUEUE_PREFIX={bull}", "--output", "json")
	require.Zero(t, code, errs)
	require.NotContains(t, out, "hunter2")
	var list []config.Setting
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	for _, want := range []config.Setting{
		{Name: "DATABASE_URL", Value: "***", From: file},
		{Name: "QUEUE_CONCURRENCY", Value: "7", From: file},
		{Name: "QUEUE_PREFIX", Value: "{bull}", From: "command line"},
		{Name: "QUEUE_BACKOFF_DELAY", Value: "2s", From: "default"},
	} {
		require.Contains(t, list, want)
	}
	code, out, _ = run(t, "config", "--config", file)
	require.Zero(t, code)
	require.Regexp(t, `(?m)^QUEUE_CONCURRENCY +7 +`+file+`$`, out)
}

func TestWrongSettingsStopEveryCommandThatReadsThem(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"config", "api", "worker", "bridge", "migrate", "doctor", "health"} {
		code, _, errs := run(t, command, "--set", "QUEUE_CONCURENCY=2", "--set", "LOG_FORMAT=xml")
		require.Equal(t, 2, code, command)
		require.Contains(t, errs, "did you mean QUEUE_CONCURRENCY?", command)
		require.Contains(t, errs, "LOG_FORMAT", command)
	}
}

func TestHealthAsksTheRoleThatRunsHere(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	check := health.Check{Name: "postgres", Required: true, Probe: func(context.Context) (string, error) {
		if down.Load() {
			return "", errors.New("it is away")
		}
		return "", nil
	}}
	answers := func() string {
		server := httptest.NewServer(health.Handler(health.New(check), metrics.New("worker", slog.New(slog.DiscardHandler)).Handler()))
		t.Cleanup(server.Close)
		return "METRICS_ADDR=" + server.Listener.Addr().String()
	}
	code, out, _ := run(t, "health", "worker", "--set", answers())
	require.Zero(t, code)
	require.Equal(t, "ready postgres=up\n", out)

	down.Store(true)
	at := answers() // its own prober: what the other one found would still hold
	code, out, _ = run(t, "health", "--set", at)
	require.Equal(t, 3, code)
	require.Equal(t, "not ready postgres=down\n", out)
	code, out, _ = run(t, "health", "--live", "--set", at)
	require.Zero(t, code)
	require.Equal(t, "ok\n", out)

	code, _, errs := run(t, "health", "api", "--set", "API_ADDR=127.0.0.1:1")
	require.Equal(t, 3, code)
	require.Contains(t, errs, "nobody answers")
	code, _, errs = run(t, "health", "bridge", "--set", "METRICS_ADDR=off")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "METRICS_ADDR is off")
	code, _, errs = run(t, "health", "clerk")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "no role")
}

package config_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
)

func TestDocumentedDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Load(nil)
	require.NoError(t, err)
	require.Equal(t, "redis://localhost:6379/0", c.Redis.URL.Reveal())
	require.Equal(t, config.Queue{
		Prefix: "bull", Concurrency: 2, MaxAttempts: 3, RemoveOnComplete: 100, RemoveOnFail: 50, BackoffDelay: 2 * time.Second, StalledInterval: 30 * time.Second,
		PriorityScale: "cinnamon", Claim: "preferred",
	}, c.Queue)
	require.Equal(t, "127.0.0.1:8080", c.API.Addr, "loopback unless told otherwise")
	require.True(t, c.Browser.Sandbox)
	require.Equal(t, config.Egress{Mode: "public"}, c.Egress)
	require.NotEmpty(t, c.Worker.Name)
	require.NotEmpty(t, c.Artifacts.Dir)
}

func TestRedisAddressIsMadeOfTheDocumentedVariables(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"REDIS_HOST=queue.internal", "REDIS_PORT=6380", "REDIS_PASSWORD=p@ss/word", "REDIS_DB=3"})
	require.NoError(t, err)
	require.Equal(t, "redis://:p%40ss%2Fword@queue.internal:6380/3", c.Redis.URL.Reveal())

	c, err = config.Load([]string{"REDIS_URL=rediss://elsewhere:7000/1", "REDIS_HOST=ignored"})
	require.NoError(t, err)
	require.Equal(t, "rediss://elsewhere:7000/1", c.Redis.URL.Reveal())
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{
		"QUEUE_CONCURRENCY=0", "QUEUE_PREFIX=a:b", "LOG_LEVEL=chatty", "LOG_FORMAT=xml", "API_ADDR=8080",
		"DATABASE_URL=mysql://localhost/x", "REDIS_URL=http://localhost", "WORKER_HEARTBEAT_TIMEOUT=1s", "EGRESS_MODE=open", "BROWSER_MAX_RUNS=0", "BROWSER_MAX_MIB=10", "WORKER_DEBUG_ADDR=0.0.0.0:6060",
	})
	for _, name := range []string{
		"QUEUE_CONCURRENCY", "QUEUE_PREFIX", "LOG_LEVEL", "LOG_FORMAT", "API_ADDR", "DATABASE_URL", "REDIS_URL", "WORKER_HEARTBEAT_TIMEOUT", "EGRESS_MODE", "BROWSER_MAX_RUNS", "BROWSER_MAX_MIB", "WORKER_DEBUG_ADDR",
	} {
		require.ErrorContains(t, err, name)
	}
	_, err = config.Load([]string{"QUEUE_CONCURRENCY=two"})
	require.Error(t, err)
}

func TestWhatRolesNeed(t *testing.T) {
	t.Parallel()
	c, err := config.Load(nil)
	require.NoError(t, err)
	require.ErrorContains(t, c.RequireDatabase(), "DATABASE_URL")
	require.ErrorContains(t, c.RequireAPIKey(), "CINNAMON_API_KEY")
	c, err = config.Load([]string{"DATABASE_URL=postgres://localhost/x", "CINNAMON_API_KEY=0123456789abcdef"})
	require.NoError(t, err)
	require.NoError(t, c.RequireDatabase())
	require.NoError(t, c.RequireAPIKey())
}

func TestSecretsOfCasesComeFromTheEnvironment(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"CINNAMON_SECRET_PASSWORD=paprika", "CINNAMON_SECRET_=x", "CINNAMON_SECRETS_DIR=/run/secrets", "CINNAMON_SECRETS_COMMAND=vault read -field"})
	require.NoError(t, err)
	require.Equal(t, config.Secrets{
		Values: map[string]config.Secret{"PASSWORD": "paprika"}, Dir: "/run/secrets", Command: "vault read -field",
	}, c.Secrets)
	require.NotContains(t, fmt.Sprintf("%+v %#v", c, c), "paprika")
}

func TestSecretsDoNotShowThemselves(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"CINNAMON_API_KEY=hunter2-hunter2-hunter2", "DATABASE_URL=postgres://u:hunter2@localhost/x", "REDIS_URL=redis://:hunter2@localhost"})
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("started", "key", c.API.Key, "database", c.Database.URL, "redis", c.Redis.URL)
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %s", c, c.API, c.API.Key), log.String()} {
		require.NotContains(t, text, "hunter2")
	}
}

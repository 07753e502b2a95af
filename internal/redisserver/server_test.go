package redisserver_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/process"
	"github.com/cinnamon-qa/cinnamon/internal/redisserver"
	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

func options(t *testing.T) redisserver.Options {
	t.Helper()
	path, ok := redisserver.Program().Find()
	require.True(t, ok, process.Missing(redisserver.Program()))
	user, err := process.ServiceUser("redis", "nobody")
	require.NoError(t, err)
	dir := testkit.Folder(t)
	return redisserver.Options{
		Path: path, Dir: filepath.Join(dir, "redis"), Password: "a secret", User: user,
		LogFile: filepath.Join(dir, "redis.log"),
	}
}

func start(t *testing.T, o redisserver.Options) (*redisserver.Server, *redis.Client) {
	t.Helper()
	server, err := redisserver.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, server.StopWithin(context.WithoutCancel(t.Context()), 20*time.Second))
	})
	address, err := redis.ParseURL(server.URL())
	require.NoError(t, err)
	client := redis.NewClient(address)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return server, client
}

func TestServerKeepsItsData(t *testing.T) {
	t.Parallel()
	o := options(t)
	server, client := start(t, o)
	require.Equal(t, map[string]string{"maxmemory-policy": "noeviction"}, client.ConfigGet(t.Context(), "maxmemory-policy").Val())
	require.NoError(t, client.Set(t.Context(), "kept", "yes", 0).Err())

	require.NoError(t, server.StopWithin(t.Context(), 20*time.Second))
	_, client = start(t, o)
	require.Equal(t, "yes", client.Get(t.Context(), "kept").Val())
}

func TestServerAsksForThePassword(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Throwaway = true
	_, client := start(t, o)
	require.Equal(t, map[string]string{"appendonly": "no"}, client.ConfigGet(t.Context(), "appendonly").Val())

	stranger := redis.NewClient(&redis.Options{Addr: client.Options().Addr})
	t.Cleanup(func() { require.NoError(t, stranger.Close()) })
	require.ErrorContains(t, stranger.Ping(t.Context()).Err(), "NOAUTH")
}

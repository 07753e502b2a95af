package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/queue"
)

func TestRedisAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]config.RedisServer{
		"redis://localhost": {Kind: config.RedisSingle, Addresses: []string{"localhost:6379"}},
		"redis://:secret@queue.internal:6380/3": {
			Kind: config.RedisSingle, Addresses: []string{"queue.internal:6380"}, Password: "secret", DB: 3,
		},
		"rediss://cinnamon:p%40ss%2Fword@[::1]:7000": {
			Kind: config.RedisSingle, Addresses: []string{"[::1]:7000"}, Username: "cinnamon", Password: "p@ss/word", TLS: true,
		},
		"rediss://[2001:db8::1]": {Kind: config.RedisSingle, Addresses: []string{"[2001:db8::1]:6379"}, TLS: true},
		"redis://localhost?db=2": {Kind: config.RedisSingle, Addresses: []string{"localhost:6379"}, DB: 2},
		"unix:///run/redis.sock": {Kind: config.RedisSingle, Socket: "/run/redis.sock"},
		"unix://cinnamon:secret@/run/redis.sock?db=1": {
			Kind: config.RedisSingle, Socket: "/run/redis.sock", Username: "cinnamon", Password: "secret", DB: 1,
		},
		"redis-sentinel://u:p@s1,s2:26380/mymaster/4": {
			Kind: config.RedisSentinel, Addresses: []string{"s1:26379", "s2:26380"}, Master: "mymaster", Username: "u", Password: "p", DB: 4,
		},
		"rediss-sentinel://s1/mymaster": {Kind: config.RedisSentinel, Addresses: []string{"s1:26379"}, Master: "mymaster", TLS: true},
		"redis-cluster://n1,n2:7001,[::1]:7002": {
			Kind: config.RedisCluster, Addresses: []string{"n1:6379", "n2:7001", "[::1]:7002"},
		},
		"rediss-cluster://:p@n1/0": {Kind: config.RedisCluster, Addresses: []string{"n1:6379"}, Password: "p", TLS: true},
	} {
		server, err := config.ParseRedisURL(config.Secret(address))
		require.NoError(t, err, address)
		require.Equal(t, want, server, address)
	}
}

func TestWrongRedisAddressesSayWhatToDoAndShowNothing(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"localhost:6379":                             "must begin with redis://",
		"http://u:hunter2@localhost":                 "must begin with redis://",
		"redis://u:hunter2@localhost:port":           "port",
		"redis://u:hunter2@":                         "no host",
		"redis://u:hunter2@::1:6379":                 "in brackets",
		"redis://u:hunter2@a,b":                      "redis-sentinel://",
		"redis://u:hunter2@a/one":                    "database is no number",
		"redis://u:hunter2@a/-1":                     "database is no number",
		"redis://u:hunter2@a/1/2":                    "more in its path",
		"redis://u:hunter2@a?pool_size=4":            "only ?db=",
		"rediss://u:hunter2@a?skip_verify=true":      "REDIS_TLS_CA",
		"redis://u:hun#ter2@a":                       "%23",
		"redis://u:hun/ter2@a":                       "percent-encoded",
		"redis://u:hunter2%@a":                       "%25",
		"redis-sentinel://u:hunter2@a:26379":         "name under which the Sentinels know the master",
		"redis-cluster://u:hunter2@a,b/3":            "only the database 0",
		"redis-cluster://u:hunter2@a?db=0":           "only ?db=",
		"unix://u:hunter2@":                          "whole path",
		"unix://run/hunter2":                         "whole path",
		"redis-cluster://u:hunter2@a:6379,b:notport": "port",
	} {
		_, err := config.ParseRedisURL(config.Secret(address))
		require.ErrorContains(t, err, want, address)
		for _, secret := range []string{"hunter2", "hun", "ter2"} {
			require.NotContains(t, err.Error(), secret, address)
		}
	}
}

func TestRedisIsFoundBySeparateVariables(t *testing.T) {
	t.Parallel()
	for want, variables := range map[string]string{
		"redis://localhost:6379/0":                   "",
		"redis://cinnamon:p%40ss@localhost:6379/0":   "REDIS_USERNAME=cinnamon REDIS_PASSWORD=p@ss",
		"rediss://queue:6380/2":                      "REDIS_HOST=queue REDIS_PORT=6380 REDIS_DB=2 REDIS_TLS=true",
		"redis://[::1]:6379/0":                       "REDIS_HOST=::1",
		"redis-sentinel://:p@s1:26379,s2/mymaster/1": "REDIS_SENTINELS=s1:26379,s2 REDIS_SENTINEL_MASTER=mymaster REDIS_PASSWORD=p REDIS_DB=1",
		"rediss-sentinel://s1/mymaster/0":            "REDIS_SENTINELS=s1 REDIS_SENTINEL_MASTER=mymaster REDIS_TLS=true",
		"redis-cluster://:p@n1:7000,n2:7001/0":       "REDIS_CLUSTER_NODES=n1:7000,n2:7001 REDIS_PASSWORD=p QUEUE_PREFIX={bull}",
	} {
		c, err := config.Load(strings.Fields(variables))
		require.NoError(t, err, variables)
		require.Equal(t, want, c.Redis.URL.Reveal(), variables)
	}
	c, err := config.Load([]string{"REDIS_SENTINELS=s1, s2", "REDIS_SENTINEL_MASTER=m", "REDIS_SENTINEL_USERNAME=u", "REDIS_SENTINEL_PASSWORD=p"})
	require.NoError(t, err)
	server, variable, err := c.Redis.OfQueue(queue.TestExecution)
	require.NoError(t, err)
	require.Equal(t, "REDIS_URL", variable)
	require.Equal(t, config.RedisServer{
		Kind: config.RedisSentinel, Addresses: []string{"s1:26379", "s2:26379"}, Master: "m", SentinelUsername: "u", SentinelPassword: "p",
	}, server)
}

func TestAQueueMayLiveOnARedisOfItsOwn(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{
		"REDIS_URL=redis://shared", "REDIS_URL_TEST_EXECUTION=redis://own/1", "REDIS_URL_CLEANUP=", "REDIS_URL_ADAPTATION_LEARNING=redis://own/2",
	})
	require.NoError(t, err)
	for name, want := range map[string]config.RedisServer{
		"test-execution":      {Kind: config.RedisSingle, Addresses: []string{"own:6379"}, DB: 1},
		"adaptation-learning": {Kind: config.RedisSingle, Addresses: []string{"own:6379"}, DB: 2},
		"cleanup":             {Kind: config.RedisSingle, Addresses: []string{"shared:6379"}},
	} {
		server, _, err := c.Redis.OfQueue(name)
		require.NoError(t, err)
		require.Equal(t, want, server, name)
	}
	for _, def := range queue.All() {
		_, err := config.Load([]string{config.QueueRedisVariable(def.Name) + "=redis://own"})
		require.NoError(t, err, "every queue has a variable")
	}
	_, err = config.Load([]string{"REDIS_URL_TEST_EXECUTOIN=redis://own", "REDIS_URL_CLEANUP=redis://:hunter2@a:b"})
	require.ErrorContains(t, err, "REDIS_URL_TEST_EXECUTOIN names no queue")
	require.ErrorContains(t, err, "REDIS_URL_ADAPTATION_LEARNING, REDIS_URL_CLEANUP, REDIS_URL_TEST_EXECUTION")
	require.ErrorContains(t, err, "REDIS_URL_CLEANUP: it has a port")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestRedisSettingsThatContradictEachOther(t *testing.T) {
	t.Parallel()
	for variables, want := range map[string]string{
		"REDIS_URL=redis://a REDIS_SENTINELS=b REDIS_SENTINEL_MASTER=m":   "keep one of them",
		"REDIS_URL=redis://a REDIS_CLUSTER_NODES=b":                       "keep one of them",
		"REDIS_SENTINELS=a REDIS_SENTINEL_MASTER=m REDIS_CLUSTER_NODES=b": "keep one of them",
		"REDIS_SENTINELS=a":                                                     "REDIS_SENTINEL_MASTER is not set",
		"REDIS_SENTINEL_MASTER=m":                                               "without REDIS_SENTINELS",
		"REDIS_URL=redis://a REDIS_TLS=true":                                    "rediss://",
		"REDIS_CLUSTER_NODES=a":                                                 "QUEUE_PREFIX={bull}",
		"REDIS_CLUSTER_NODES=a REDIS_DB=2 QUEUE_PREFIX={bull}":                  "REDIS_DB at 0",
		"REDIS_URL_CLEANUP=redis-cluster://a":                                   "REDIS_URL_CLEANUP is a Redis Cluster",
		"REDIS_URL=redis-cluster://a QUEUE_PREFIX={}bull":                       "braces",
		"REDIS_URL=redis://a REDIS_TLS_CA=/none":                                "no Redis is reached by TLS",
		"REDIS_URL=rediss://a REDIS_TLS_CA=/none":                               "REDIS_TLS_CA: reading the certificates",
		"REDIS_URL=rediss://a REDIS_TLS_CA=redis_test.go":                       "holds no PEM certificate",
		"REDIS_URL=rediss://a REDIS_TLS_CERT=/none":                             "belong together",
		"REDIS_URL=rediss://a REDIS_TLS_CERT=/none REDIS_TLS_KEY=redis_test.go": "reading our own certificate",
	} {
		_, err := config.Load(strings.Fields(variables))
		require.ErrorContains(t, err, want, variables)
	}
	_, err := config.Load([]string{"REDIS_CLUSTER_NODES=a", "REDIS_URL_CLEANUP=redis-cluster://b", "REDIS_URL_X=y"})
	require.Equal(t, 1, strings.Count(err.Error(), "QUEUE_PREFIX is"), "once is enough")
	require.ErrorContains(t, err, "REDIS_URL_X", "beside it")
}

func TestRedisSecretsDoNotShowThemselves(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{
		"REDIS_SENTINELS=a", "REDIS_SENTINEL_MASTER=m", "REDIS_PASSWORD=hunter2", "REDIS_SENTINEL_PASSWORD=hunter2",
		"REDIS_URL_CLEANUP=redis://:hunter2@b",
	})
	require.NoError(t, err)
	server, _, err := c.Redis.OfQueue("cleanup")
	require.NoError(t, err)
	asJSON, err := json.Marshal(c)
	require.NoError(t, err)
	for _, text := range []string{
		string(asJSON), fmt.Sprintf("%v %+v %#v", c, c, c), fmt.Sprintf("%v %+v %#v", server, server, server),
	} {
		require.NotContains(t, text, "hunter2")
	}
}

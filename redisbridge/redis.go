package redisbridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/queue"
)

const (
	dialWithin   = time.Second
	answerWithin = 3 * time.Second
)

// clients are the connections to Redis. Queues that live at the same address share one.
type clients struct {
	all    []redis.UniversalClient
	queues map[string]redis.UniversalClient
}

// dial prepares connections to the Redis of every queue. None is made before it is used.
func dial(cfg config.Redis, log *slog.Logger) (*clients, error) {
	redis.SetLogger(silence{}) // what it would say is in the errors that callers log
	c := &clients{queues: map[string]redis.UniversalClient{}}
	var servers []config.RedisServer
	for _, def := range queue.All() {
		server, variable, err := cfg.OfQueue(def.Name)
		if err != nil {
			return nil, fmt.Errorf("reading where queue %s lives: %w", def.Name, err)
		}
		n := slices.IndexFunc(servers, server.Same)
		if n < 0 {
			rdb, err := connections(server, cfg.TLS, log)
			if err != nil {
				return nil, fmt.Errorf("preparing TLS for %s: %w", variable, err)
			}
			n = len(servers)
			servers, c.all = append(servers, server), append(c.all, rdb)
		}
		c.queues[def.Name] = c.all[n]
	}
	return c, nil
}

// of returns the connections to the Redis that a queue lives on.
func (c *clients) of(queueName string) redis.UniversalClient { return c.queues[queueName] }

// on returns the names of the queues that live on a Redis.
func (c *clients) on(rdb redis.UniversalClient) []string {
	var names []string
	for _, def := range queue.All() {
		if c.queues[def.Name] == rdb {
			names = append(names, def.Name)
		}
	}
	return names
}

// Close releases all connections.
func (c *clients) Close() error {
	problems := make([]error, len(c.all))
	for i, rdb := range c.all {
		problems[i] = rdb.Close()
	}
	return errors.Join(problems...)
}

// connections prepares connections to one Redis. Timeouts are short and nothing is repeated: callers have better to do
// than to wait for a Redis that is away.
func connections(server config.RedisServer, settings config.RedisTLS, log *slog.Logger) (redis.UniversalClient, error) {
	var secure *tls.Config
	if server.TLS {
		var err error
		if secure, err = settings.Client(); err != nil {
			return nil, err
		}
	}
	switch server.Kind {
	case config.RedisSentinel:
		rdb := redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: server.Master, SentinelAddrs: server.Addresses,
			SentinelUsername: server.SentinelUsername, SentinelPassword: server.SentinelPassword.Reveal(),
			Username: server.Username, Password: server.Password.Reveal(), DB: server.DB, TLSConfig: secure,
			DialTimeout: dialWithin, ReadTimeout: answerWithin, WriteTimeout: answerWithin,
			MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		})
		rdb.AddHook(newHook(log, "the master "+server.Master))
		return rdb, nil
	case config.RedisCluster:
		// Redirections are followed: they are how a cluster answers while it changes.
		rdb := redis.NewClusterClient(&redis.ClusterOptions{
			Addrs:    server.Addresses,
			Username: server.Username, Password: server.Password.Reveal(), TLSConfig: secure,
			DialTimeout: dialWithin, ReadTimeout: answerWithin, WriteTimeout: answerWithin,
			MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		})
		rdb.OnNewNode(func(node *redis.Client) { node.AddHook(newHook(log, "")) })
		return rdb, nil
	case config.RedisSingle:
	}
	options := &redis.Options{
		Username: server.Username, Password: server.Password.Reveal(), DB: server.DB, TLSConfig: secure,
		DialTimeout: dialWithin, ReadTimeout: answerWithin, WriteTimeout: answerWithin,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
	}
	if options.Network, options.Addr = "unix", server.Socket; server.Socket == "" {
		options.Network, options.Addr = "tcp", server.Addresses[0]
	}
	rdb := redis.NewClient(options)
	rdb.AddHook(newHook(log, ""))
	return rdb, nil
}

// silence keeps go-redis from writing to standard error.
type silence struct{}

// Printf implements go-redis's logger.
func (silence) Printf(context.Context, string, ...any) {}

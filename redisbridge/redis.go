package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
)

// clients are the connections to Redis. Queues that live at the same address share one.
type clients struct {
	all    []redis.UniversalClient
	queues map[string]redis.UniversalClient
}

// dial prepares connections to the Redis of every queue. None is made before it is used.
func dial(cfg config.Redis) (*clients, error) {
	redis.SetLogger(silence{}) // what it would say is in the errors that callers log
	rdb, err := dialOne(cfg)
	if err != nil {
		return nil, err
	}
	c := &clients{all: []redis.UniversalClient{rdb}, queues: map[string]redis.UniversalClient{}}
	for _, def := range queue.All() {
		c.queues[def.Name] = rdb
	}
	return c, nil
}

// of returns the connections to the Redis that a queue lives on.
func (c *clients) of(queueName string) redis.UniversalClient { return c.queues[queueName] }

// Close releases all connections.
func (c *clients) Close() error {
	problems := make([]error, len(c.all))
	for i, rdb := range c.all {
		problems[i] = rdb.Close()
	}
	return errors.Join(problems...)
}

// dialOne prepares connections to one Redis. Timeouts are short and nothing is repeated: callers have better to do than
// to wait for a Redis that is away.
func dialOne(cfg config.Redis) (redis.UniversalClient, error) {
	options, err := redis.ParseURL(cfg.URL.Reveal())
	if err != nil {
		return nil, errors.New("reading REDIS_URL: it is not a valid address")
	}
	options.DialTimeout = time.Second
	options.ReadTimeout = 3 * time.Second
	options.WriteTimeout = 3 * time.Second
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.ContextTimeoutEnabled = true
	return redis.NewClient(options), nil
}

// silence keeps go-redis from writing to standard error.
type silence struct{}

// Printf implements go-redis's logger.
func (silence) Printf(context.Context, string, ...any) {}

// Probe looks after Redis for health checks.
type Probe struct {
	clients *clients
}

// NewProbe prepares a probe of the configured Redis.
func NewProbe(cfg config.Config) (*Probe, error) {
	c, err := dial(cfg.Redis)
	if err != nil {
		return nil, err
	}
	return &Probe{clients: c}, nil
}

// Close releases the connection.
func (p *Probe) Close() error { return p.clients.Close() }

// Probe checks that Redis answers. The detail names an eviction policy under which queues lose jobs.
func (p *Probe) Probe(ctx context.Context) (detail string, err error) {
	rdb := p.clients.all[0]
	if err := rdb.Ping(ctx).Err(); err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "Redis does not answer; runs go on, the bull:* keys will catch up")
	}
	policy, err := rdb.ConfigGet(ctx, "maxmemory-policy").Result()
	if err != nil {
		return "", nil //nolint:nilerr // managed Redis often forbids CONFIG; it answers, and that is the question
	}
	if found := policy["maxmemory-policy"]; found != "" && found != "noeviction" {
		return fmt.Sprintf("maxmemory-policy is %s: it evicts queue keys; set it to noeviction", found), nil
	}
	return "", nil
}

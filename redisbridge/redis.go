package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// dial prepares connections to Redis. Timeouts are short and nothing is repeated: callers have better to do than to wait
// for a Redis that is away.
func dial(cfg config.Redis) (*redis.Client, error) {
	options, err := redis.ParseURL(cfg.URL.Reveal())
	if err != nil {
		return nil, errors.New("reading REDIS_URL: it is not a valid address")
	}
	redis.SetLogger(silence{}) // what it would say is in the errors that callers log
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
	rdb *redis.Client
}

// NewProbe prepares a probe of the configured Redis.
func NewProbe(cfg config.Config) (*Probe, error) {
	rdb, err := dial(cfg.Redis)
	if err != nil {
		return nil, err
	}
	return &Probe{rdb: rdb}, nil
}

// Close releases the connection.
func (p *Probe) Close() error { return p.rdb.Close() }

// Probe checks that Redis answers. The detail names an eviction policy under which queues lose jobs.
func (p *Probe) Probe(ctx context.Context) (detail string, err error) {
	if err := p.rdb.Ping(ctx).Err(); err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "Redis does not answer; runs go on, the bull:* keys will catch up")
	}
	policy, err := p.rdb.ConfigGet(ctx, "maxmemory-policy").Result()
	if err != nil {
		return "", nil //nolint:nilerr // managed Redis often forbids CONFIG; it answers, and that is the question
	}
	if found := policy["maxmemory-policy"]; found != "" && found != "noeviction" {
		return fmt.Sprintf("maxmemory-policy is %s: it evicts queue keys; set it to noeviction", found), nil
	}
	return "", nil
}

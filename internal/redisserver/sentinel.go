package redisserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Sentinel says what a Sentinel watches.
type Sentinel struct {
	// Name is what clients call the master.
	Name   string
	Master *Server
	// Quorum is how many Sentinels must miss the master.
	Quorum int
	// Down is for how long.
	Down time.Duration
}

func (s *Sentinel) configuration() []string {
	password := s.Master.options.Password
	return []string{
		fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d %d", s.Name, s.Master.port, s.Quorum),
		fmt.Sprintf("sentinel auth-pass %s %q", s.Name, password),
		fmt.Sprintf("sentinel down-after-milliseconds %s %d", s.Name, s.Down.Milliseconds()),
		fmt.Sprintf("sentinel failover-timeout %s 5000", s.Name),
		fmt.Sprintf("sentinel sentinel-pass %q", password),
	}
}

// AwaitWatched waits until Sentinels know each other and the master's replicas, so that they can replace it.
func AwaitWatched(ctx context.Context, sentinels []*Server, replicas int) error {
	for _, server := range sentinels {
		name := server.options.Sentinel.Name
		client := redis.NewSentinelClient(&redis.Options{
			Addr: fmt.Sprintf("127.0.0.1:%d", server.port), Password: server.options.Password, MaxRetries: -1,
		})
		err := server.AwaitReady(ctx, server.options.LogFile, func(ctx context.Context) error {
			others, err := client.Sentinels(ctx, name).Result()
			if err != nil {
				return err
			}
			known, err := client.Replicas(ctx, name).Result()
			if err != nil {
				return err
			}
			if len(others) < len(sentinels)-1 || len(known) < replicas {
				return fmt.Errorf("it knows %d other Sentinels and %d replicas", len(others), len(known))
			}
			return client.CkQuorum(ctx, name).Err()
		})
		if err := errors.Join(err, client.Close()); err != nil {
			return fmt.Errorf("waiting for the Sentinels to know each other: %w", err)
		}
	}
	return nil
}

// AwaitReplica waits until a replica follows its master.
func AwaitReplica(ctx context.Context, replica *Server) error {
	client, err := replica.client()
	if err != nil {
		return err
	}
	defer client.Close() //nolint:errcheck // nothing is pending on it any more
	return replica.AwaitReady(ctx, replica.options.LogFile, func(ctx context.Context) error {
		return has(ctx, client, "replication", "master_link_status:up")
	})
}

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/internal/process"
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

// MasterOf asks a Sentinel where the master is, host:port.
func MasterOf(ctx context.Context, sentinel *Server) (string, error) {
	client := sentinel.asSentinel()
	defer client.Close() //nolint:errcheck // nothing is pending on it any more
	at, err := client.GetMasterAddrByName(ctx, sentinel.options.Sentinel.Name).Result()
	if err != nil {
		return "", fmt.Errorf("asking a Sentinel: %w", err)
	}
	return net.JoinHostPort(at[0], at[1]), nil
}

func (s *Server) asSentinel() *redis.SentinelClient {
	return redis.NewSentinelClient(&redis.Options{Addr: process.Loopback(s.port), Password: s.options.Password, MaxRetries: -1})
}

// AwaitWatched waits until Sentinels know each other and the master's replicas, so that they can replace it.
func AwaitWatched(ctx context.Context, sentinels []*Server, replicas int) error {
	for _, server := range sentinels {
		name := server.options.Sentinel.Name
		client := server.asSentinel()
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

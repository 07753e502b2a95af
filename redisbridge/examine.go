package redisbridge

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// Node is how one Redis server is.
type Node struct {
	// Queues are those whose keys it holds.
	Queues  []string
	Version string
	// Policy is its eviction policy, empty if it may not be asked.
	Policy string
	// Used and Limit are bytes of memory; no limit is 0.
	Used, Limit int64
	// Ahead is how far its clock is before ours.
	Ahead time.Duration
}

// Examine asks every Redis, of a cluster every master, how it is.
func (p *Probe) Examine(ctx context.Context) ([]Node, error) {
	var nodes []Node
	var mutex sync.Mutex
	for _, rdb := range p.clients.all {
		ask := func(ctx context.Context, node *redis.Client) error {
			found, err := examine(ctx, node)
			if err != nil {
				return err
			}
			found.Queues = p.clients.on(rdb)
			mutex.Lock()
			defer mutex.Unlock()
			nodes = append(nodes, found)
			return nil
		}
		var err error
		switch client := rdb.(type) {
		case *redis.ClusterClient:
			err = client.ForEachMaster(ctx, ask)
		case *redis.Client:
			err = ask(ctx, client)
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, explain(err), "the Redis of %s can't be examined", strings.Join(p.clients.on(rdb), ", "))
		}
	}
	return nodes, nil
}

func examine(ctx context.Context, node *redis.Client) (Node, error) {
	began := time.Now()
	shows, err := node.Time(ctx).Result()
	if err != nil {
		return Node{}, fmt.Errorf("asking for its clock: %w", err)
	}
	n := Node{Policy: evictionPolicy(ctx, node), Ahead: shows.Sub(began.Add(time.Since(began) / 2))}
	info, err := node.Info(ctx).Result()
	if err != nil {
		return n, nil //nolint:nilerr // managed ones forbid it: the rest is known
	}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "redis_version":
			n.Version = value
		case "used_memory":
			n.Used, _ = strconv.ParseInt(value, 10, 64)
		case "maxmemory":
			n.Limit, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return n, nil
}

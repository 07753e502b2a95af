package redisserver

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

const slots = 16384

// Join makes one cluster of masters, each started with Cluster, and shares out the slots.
func Join(ctx context.Context, masters []*Server) error {
	clients := make([]*redis.Client, 0, len(masters))
	defer func() {
		for _, client := range clients {
			client.Close() //nolint:errcheck,gosec // nothing is pending on it any more
		}
	}()
	for _, server := range masters {
		client, err := server.client()
		if err != nil {
			return err
		}
		clients = append(clients, client)
	}
	for i, client := range clients {
		first, last := i*slots/len(masters), (i+1)*slots/len(masters)-1
		if err := client.ClusterAddSlotsRange(ctx, first, last).Err(); err != nil {
			return fmt.Errorf("giving slots to a node: %w", err)
		}
		if err := client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			return fmt.Errorf("numbering a node: %w", err)
		}
		if err := clients[0].Do(ctx, "CLUSTER", "MEET", "127.0.0.1", masters[i].port, masters[i].bus).Err(); err != nil {
			return fmt.Errorf("introducing a node: %w", err)
		}
	}
	for i, server := range masters {
		err := server.AwaitReady(ctx, server.options.LogFile, func(ctx context.Context) error {
			info, err := clients[i].ClusterInfo(ctx).Result()
			if err != nil {
				return err
			}
			for _, want := range []string{"cluster_state:ok", fmt.Sprintf("cluster_size:%d", len(masters)), "cluster_slots_ok:16384"} {
				if !strings.Contains(info, want) {
					return fmt.Errorf("it has not come to %s", want)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("waiting for the cluster: %w", err)
		}
	}
	return nil
}

// has returns an error while a section of INFO lacks a line.
func has(ctx context.Context, client *redis.Client, section, line string) error {
	info, err := client.Info(ctx, section).Result()
	if err != nil {
		return err
	}
	if !strings.Contains(info, line) {
		return fmt.Errorf("it has not come to %s", line)
	}
	return nil
}

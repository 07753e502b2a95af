package redisbridge

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/config"
)

// presentEvery is how often the connections that show clients a worker are looked after.
const presentEvery = time.Second

// attend keeps one connection per queue under the name by which clients know a worker (getWorkers, Bull Board's panel),
// until the publisher is closed. While Redis is away it waits.
func (p *Publisher) attend(ctx context.Context, cfg config.Config, queues []string) {
	for _, queueName := range queues {
		name := workerName(cfg.Queue.Prefix, queueName, cfg.Worker.Name)
		p.present.Go(func() {
			timer := time.NewTicker(presentEvery)
			defer timer.Stop()
			for !p.stopping() {
				_ = p.bePresent(ctx, name, queueName, timer.C) // who publishes says that Redis is away
				select {
				case <-timer.C:
				case <-p.stop:
					return
				}
			}
		})
	}
}

// bePresent holds a connection of that name until it breaks, or the publisher is closed.
func (p *Publisher) bePresent(ctx context.Context, name, queueName string, again <-chan time.Time) error {
	client, err := nodeOf(ctx, p.rdb, queueName)
	if err != nil {
		return err
	}
	conn := client.Conn()
	defer conn.Close() //nolint:errcheck // it is given up
	if err := introduce(ctx, conn, name); err != nil {
		return fmt.Errorf("naming a connection: %w", err)
	}
	for {
		select {
		case <-again:
		case <-p.stop:
			return nil
		}
		// The name again, too: the connection may be a new one under the hood.
		if err := introduce(ctx, conn, name); err != nil {
			return fmt.Errorf("keeping a connection: %w", err)
		}
	}
}

// introduce gives a connection its name. It doesn't wait long for a Redis that hangs: whoever stops waits for it.
func introduce(ctx context.Context, conn *redis.Conn, name string) error {
	ctx, cancel := context.WithTimeout(ctx, presentEvery)
	defer cancel()
	return conn.ClientSetName(ctx, name).Err() //nolint:wrapcheck // the caller says what for
}

// nodeOf is a client of one server: in a cluster, of one that clients of the queue talk to.
func nodeOf(ctx context.Context, rdb redis.UniversalClient, queueName string) (*redis.Client, error) {
	switch rdb := rdb.(type) {
	case *redis.Client:
		return rdb, nil
	case *redis.ClusterClient:
		client, err := rdb.MasterForKey(ctx, queueName)
		if err != nil {
			return nil, fmt.Errorf("finding a node of the cluster: %w", err)
		}
		return client, nil
	default:
		return nil, fmt.Errorf("a connection to %T can't be named", rdb)
	}
}

// workerName is the name of a worker's connection, without what a name must not hold.
func workerName(prefix, queueName, worker string) string {
	worker = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, worker)
	return prefix + ":" + base64.StdEncoding.EncodeToString([]byte(queueName)) + ":w:" + worker
}

package testkit

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/redisserver"
)

// RedisCluster is a real Redis Cluster of three masters, each on a free loopback port, behind a password. It ends with
// the test.
type RedisCluster struct {
	nodes []*redisserver.Server
}

// NewRedisCluster starts a cluster and waits until it takes keys.
func NewRedisCluster(tb testing.TB) *RedisCluster {
	tb.Helper()
	c := new(RedisCluster)
	at, err := newPlace("cluster")
	require(tb, err)
	tb.Cleanup(func() { stopAll(at, c.nodes) })
	ctx, cancel := context.WithTimeout(tb.Context(), startMany)
	defer cancel()
	for i := range 3 {
		options, err := redisOptions(at, fmt.Sprintf("node-%d", i))
		require(tb, err)
		options.Cluster = true
		node, err := redisserver.Start(ctx, options)
		require(tb, err)
		c.nodes = append(c.nodes, node)
	}
	require(tb, redisserver.Join(ctx, c.nodes))
	return c
}

// URL returns the cluster's address, with the password.
func (c *RedisCluster) URL() string {
	return "redis-cluster://" + url.UserPassword("", redisPassword).String() + "@" + strings.Join(hostsOf(c.nodes), ",")
}

// Nodes returns the addresses of the single nodes, with the password.
func (c *RedisCluster) Nodes() []string {
	urls := make([]string, len(c.nodes))
	for i, node := range c.nodes {
		urls[i] = node.URL()
	}
	return urls
}

// RedisSentinel is a master and a replica, which three real Sentinels watch, all behind the same password. They end with
// the test.
type RedisSentinel struct {
	master, replica *redisserver.Server
	sentinels       []*redisserver.Server
}

const (
	startMany    = time.Minute
	masterName   = "mymaster"
	sentinelDown = 500 * time.Millisecond
)

// NewRedisSentinel starts them and waits until the Sentinels could replace the master. The Sentinels know further users,
// each as an ACL rule.
func NewRedisSentinel(tb testing.TB, users ...string) *RedisSentinel {
	tb.Helper()
	s := new(RedisSentinel)
	at, err := newPlace("sentinel")
	require(tb, err)
	var all []*redisserver.Server
	tb.Cleanup(func() { stopAll(at, all) })
	ctx, cancel := context.WithTimeout(tb.Context(), startMany)
	defer cancel()
	run := func(name string, change func(*redisserver.Options)) *redisserver.Server {
		options, err := redisOptions(at, name)
		require(tb, err)
		change(&options)
		server, err := redisserver.Start(ctx, options)
		require(tb, err)
		all = append(all, server)
		return server
	}
	s.master = run("master", func(*redisserver.Options) {})
	s.replica = run("replica", func(o *redisserver.Options) { o.ReplicaOf = s.master })
	require(tb, redisserver.AwaitReplica(ctx, s.replica))
	for i := range 3 {
		s.sentinels = append(s.sentinels, run(fmt.Sprintf("sentinel-%d", i), func(o *redisserver.Options) {
			o.Users = users
			o.Sentinel = &redisserver.Sentinel{Name: masterName, Master: s.master, Quorum: 2, Down: sentinelDown}
		}))
	}
	require(tb, redisserver.AwaitWatched(ctx, s.sentinels, 1))
	return s
}

// Hosts returns where the Sentinels are, each as host:port.
func (s *RedisSentinel) Hosts() []string { return hostsOf(s.sentinels) }

// Name is what the Sentinels call the master.
func (s *RedisSentinel) Name() string { return masterName }

// Password is the one of all of them.
func (s *RedisSentinel) Password() string { return redisPassword }

// Master says where the master is, host:port, by what the Sentinels know.
func (s *RedisSentinel) Master(tb testing.TB) string {
	tb.Helper()
	at, err := redisserver.MasterOf(tb.Context(), s.sentinels[len(s.sentinels)-1])
	require(tb, err)
	return at
}

// KillMaster takes the master away, and a Sentinel with it. The replica will take over.
func (s *RedisSentinel) KillMaster(tb testing.TB) {
	tb.Helper()
	master := s.Master(tb)
	for _, server := range []*redisserver.Server{s.master, s.replica} {
		if master == fmt.Sprintf("127.0.0.1:%d", server.Port()) {
			server.Kill()
		}
	}
	s.sentinels[0].Kill()
}

func hostsOf(servers []*redisserver.Server) []string {
	hosts := make([]string, len(servers))
	for i, server := range servers {
		hosts[i] = fmt.Sprintf("127.0.0.1:%d", server.Port())
	}
	return hosts
}

func stopAll(at place, servers []*redisserver.Server) {
	for _, server := range servers {
		server.Kill()
	}
	at.remove()
}

package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/internal/obs"
)

// hook writes the log of connections and, where DEBUG=ioredis:* asks for it, of commands: their names and keys. Values and
// passwords never get there.
type hook struct {
	log *slog.Logger // of the product
	// commands is where each command is written.
	commands *slog.Logger
	// address is shown of connections whose own is found out, by Sentinels.
	address string
	// announced is set while the first connection is known to all.
	announced atomic.Bool
}

var _ redis.Hook = (*hook)(nil)

func newHook(log *slog.Logger, address string) *hook {
	return &hook{log: log, commands: obs.Named(log, obs.RedisCommands), address: address}
}

// DialHook implements redis.Hook.
func (h *hook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := next(ctx, network, address)
		if h.address != "" {
			address = h.address
		}
		switch {
		case err != nil:
			h.announced.Store(false)
			h.commands.Log(ctx, obs.LevelTrace, "no connection to {address}", "address", address, "error", err)
		case h.announced.CompareAndSwap(false, true):
			h.log.InfoContext(ctx, obs.RedisConnected, "address", address)
		default:
			h.commands.Log(ctx, obs.LevelTrace, "another connection to {address}", "address", address)
		}
		return conn, err //nolint:wrapcheck // go-redis wants its own errors back
	}
}

// ProcessHook implements redis.Hook.
func (h *hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !h.commands.Enabled(ctx, obs.LevelTrace) {
			return next(ctx, cmd)
		}
		began := time.Now()
		err := next(ctx, cmd)
		h.write(ctx, cmd, time.Since(began), 1)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (h *hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if !h.commands.Enabled(ctx, obs.LevelTrace) {
			return next(ctx, cmds)
		}
		began := time.Now()
		err := next(ctx, cmds)
		took := time.Since(began)
		for _, cmd := range cmds {
			h.write(ctx, cmd, took, len(cmds))
		}
		return err
	}
}

func (h *hook) write(ctx context.Context, cmd redis.Cmder, took time.Duration, together int) {
	attrs := []any{"command", strings.ToUpper(cmd.Name()), "took", took.Round(time.Microsecond).String()}
	if keys := keysOf(cmd.Args()); len(keys) > 0 {
		attrs = append(attrs, "keys", strings.Join(keys, " "))
	}
	if together > 1 {
		attrs = append(attrs, "pipelined", together)
	}
	if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
		attrs = append(attrs, "failed", failureCode(err))
	}
	h.commands.Log(ctx, obs.LevelTrace, "Redis command {command}", attrs...)
}

// failureCode is the first word of what Redis answers: the rest may quote arguments.
func failureCode(err error) string {
	if _, ok := errors.AsType[redis.Error](err); ok {
		code, _, _ := strings.Cut(err.Error(), " ")
		return code
	}
	return "no answer"
}

const (
	mostKeys    = 20
	longestKey  = 200
	countBefore = 2 // of EVAL: the script comes first
)

// keysOf returns the keys in a command's arguments. Of a command that is not known here there are none: it might be a password.
func keysOf(args []any) []string {
	if len(args) < 2 {
		return nil
	}
	var keys []any
	switch name := strings.ToLower(fmt.Sprint(args[0])); name {
	case "eval", "evalsha", "eval_ro", "evalsha_ro":
		keys = counted(args)
	case "del", "unlink", "exists", "mget", "touch", "watch":
		keys = args[1:]
	case "xread", "xreadgroup":
		keys = streams(args)
	default:
		if firstIsKey(name) {
			keys = args[1:2]
		}
	}
	names := make([]string, 0, min(len(keys), mostKeys))
	for _, key := range keys[:min(len(keys), mostKeys)] {
		text := fmt.Sprint(key)
		names = append(names, text[:min(len(text), longestKey)])
	}
	return names
}

// counted are the keys of a script.
func counted(args []any) []any {
	if len(args) <= countBefore {
		return nil
	}
	var count int
	if _, err := fmt.Sscan(fmt.Sprint(args[countBefore]), &count); err != nil || count < 0 {
		return nil
	}
	first := countBefore + 1
	return args[first:min(first+count, len(args))]
}

// streams are the keys of XREAD: the first half of what follows the word STREAMS.
func streams(args []any) []any {
	for i, arg := range args {
		if word, ok := arg.(string); ok && strings.EqualFold(word, "streams") {
			rest := args[i+1:]
			return rest[:len(rest)/2]
		}
	}
	return nil
}

// firstIsKey says whether the first argument of a command is a key, or a channel, and nothing else.
func firstIsKey(name string) bool {
	switch name {
	case "get", "set", "setex", "setnx", "psetex", "getdel", "incr", "incrby", "decr", "expire", "pexpire", "ttl", "pttl", "persist", "type", "strlen",
		"hget", "hset", "hsetnx", "hmget", "hmset", "hgetall", "hdel", "hexists", "hincrby", "hkeys", "hlen", "hvals", "hscan",
		"lpush", "rpush", "lpop", "rpop", "llen", "lrange", "lrem", "ltrim", "lindex", "lpos", "linsert", "lset", "rpoplpush", "lmove", "blmove",
		"sadd", "srem", "smembers", "sismember", "scard", "sscan",
		"zadd", "zrem", "zcard", "zcount", "zrange", "zrangebyscore", "zrevrange", "zrevrangebyscore", "zscore", "zrank", "zscan", "zremrangebyscore",
		"zremrangebyrank", "zpopmin", "bzpopmin", "zrangestore",
		"xadd", "xrange", "xrevrange", "xlen", "xtrim", "xdel", "publish", "subscribe", "psubscribe", "unsubscribe", "dump", "object":
		return true
	default:
		return false
	}
}

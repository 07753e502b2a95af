package bullmq

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by their SHA-1
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua lua/include/*.lua
var luaFiles embed.FS

// script is one Lua command. Its file is named <name>-<number of keys>.lua.
type script struct {
	source string
	sha    string
	keys   int
}

// loadScript reads a command, puts the snippets that it includes in place and drops whole-line comments.
// The files are part of the program, so a wrong one is a bug that every start shows.
func loadScript(file string) script {
	number := strings.TrimSuffix(file[strings.LastIndex(file, "-")+1:], ".lua")
	keys, err := strconv.Atoi(number)
	if err != nil {
		panic(fmt.Sprintf("script %s has no number of keys in its name", file))
	}
	var out strings.Builder
	appendLua(&out, path.Join("lua", file))
	sum := sha1.Sum([]byte(out.String())) //nolint:gosec // see above
	return script{source: out.String(), sha: hex.EncodeToString(sum[:]), keys: keys}
}

func appendLua(out *strings.Builder, file string) {
	text, err := luaFiles.ReadFile(file)
	if err != nil {
		panic(fmt.Sprintf("reading script: %v", err))
	}
	for line := range strings.Lines(string(text)) {
		trimmed := strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(trimmed, "-- include "); ok {
			appendLua(out, path.Join("lua", "include", name+".lua"))
			continue
		}
		if trimmed != "" && !strings.HasPrefix(trimmed, "--") {
			out.WriteString(trimmed + "\n")
		}
	}
}

// call is one run of a script.
type call struct {
	keys []string
	args []any
}

// runAll runs a script once per call, in order, in one round trip. The first run carries the source, so that a Redis
// that doesn't know the script yet can't refuse the first calls and accept the later ones.
func (s script) runAll(ctx context.Context, rdb redis.UniversalClient, calls []call) ([]*redis.Cmd, error) {
	replies := make([]*redis.Cmd, len(calls))
	pipe := rdb.Pipeline()
	for i, c := range calls {
		if len(c.keys) != s.keys {
			return nil, fmt.Errorf("script takes %d keys, not %d", s.keys, len(c.keys))
		}
		if i == 0 {
			replies[i] = pipe.Eval(ctx, s.source, c.keys, c.args...)
			continue
		}
		replies[i] = pipe.EvalSha(ctx, s.sha, c.keys, c.args...)
	}
	_, err := pipe.Exec(ctx)
	for _, reply := range replies {
		if reply.Err() != nil && !refusal(reply.Err()) {
			return nil, reply.Err()
		}
	}
	if err != nil && !refusal(err) {
		return nil, err
	}
	return replies, nil
}

// ofRedis are what errors say, of a script's commands too, that concern Redis as a whole and pass: rights that are
// missing, a version that is too old, a role or a state in which it takes no writes, a cluster.
var ofRedis = []string{ //nolint:gochecknoglobals // a constant list
	"The user executing the script", "Unknown Redis command", "Script attempted to access",
	"-READONLY", "-OOM", "-MISCONF", "-NOREPLICAS", "-MASTERDOWN", "-CLUSTERDOWN", "-LOADING", "-BUSY",
}

// refusal tells an error that this one call will always meet (a key of another type, a fault of the script) from one
// that concerns Redis as a whole and passes.
func refusal(err error) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	text := reply.Error()
	if strings.HasPrefix(text, "WRONGTYPE") {
		return true
	}
	for _, words := range ofRedis {
		if strings.Contains(text, words) {
			return false
		}
	}
	return strings.HasPrefix(text, "ERR ") && (strings.Contains(text, "WRONGTYPE") || strings.Contains(text, "user_script"))
}

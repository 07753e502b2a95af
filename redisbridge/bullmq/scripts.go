package bullmq

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by their SHA-1
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
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

// itemsAtOnce bounds how many items one run of a script works on, and with it for how long others wait for Redis.
const itemsAtOnce = 64

// reply is what a script says of one item: a small number, or the error that this item alone met.
type reply struct {
	code int64
	err  error
}

// runInRuns runs a script on any number of items, each of so many arguments, that follow the arguments of the call. It
// takes one round trip, and as many runs as keep each of them short. The items are worked on in their order: if there
// are several runs the first one carries the source (see runAll), a single one is repeated with it if need be.
func (s script) runInRuns(ctx context.Context, rdb redis.UniversalClient, c call, items []any, width int) ([]reply, error) {
	if len(items) == 0 {
		return nil, nil
	}
	calls := make([]call, 0, len(items)/(itemsAtOnce*width)+1)
	for part := range slices.Chunk(items, itemsAtOnce*width) {
		args := make([]any, 0, len(c.args)+len(part))
		calls = append(calls, call{keys: c.keys, args: append(append(args, c.args...), part...)})
	}
	runs, err := s.run(ctx, rdb, calls)
	if err != nil {
		return nil, err
	}
	replies := make([]reply, 0, len(items)/width)
	for i, run := range runs {
		part, err := s.read(run, (len(calls[i].args)-len(c.args))/width)
		if err != nil {
			return nil, err
		}
		replies = append(replies, part...)
	}
	return replies, nil
}

// run is runAll, but for a single call, which carries the source only if Redis asks for it.
func (s script) run(ctx context.Context, rdb redis.UniversalClient, calls []call) ([]*redis.Cmd, error) {
	if len(calls) > 1 {
		return s.runAll(ctx, rdb, calls)
	}
	cmd := rdb.EvalSha(ctx, s.sha, calls[0].keys, calls[0].args...)
	switch err := cmd.Err(); {
	case redis.HasErrorPrefix(err, "NOSCRIPT"):
		return s.runAll(ctx, rdb, calls)
	case err != nil && !refusal(err):
		return nil, err
	}
	return []*redis.Cmd{cmd}, nil
}

// read reads the replies of one run to n items. A run that failed as a whole failed for each of them.
func (s script) read(run *redis.Cmd, n int) ([]reply, error) {
	replies := make([]reply, n)
	if err := run.Err(); err != nil {
		for i := range replies {
			replies[i].err = err
		}
		return replies, nil
	}
	values, err := run.Slice()
	if err != nil || len(values) != n {
		return nil, fmt.Errorf("a script answered %d of %d items: %w", len(values), n, err)
	}
	for i, value := range values {
		switch value := value.(type) {
		case int64:
			replies[i].code = value
		case error:
			if !refusal(value) {
				return nil, value
			}
			replies[i].err = value
		}
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

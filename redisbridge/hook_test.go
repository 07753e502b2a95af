package redisbridge_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
)

// DEBUG=ioredis:* shows every command with its keys, and nothing of what it writes.
func TestCommandsAreLoggedWithoutValues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	write := func(debug string) string {
		b.log = new(logged)
		log := obs.Logger(b.log, config.Log{Level: "info", Format: config.LogText, Debug: debug})
		p, err := redisbridge.NewPublisher(t.Context(), b.cfg, log)
		require.NoError(t, err)
		p.Publish(b.def.Name, "job-"+debug, "run-"+debug, 1, []byte(`{"message":"paprika"}`))
		b.await(patience, "the progress to be written", func() bool { return b.rdb.Exists(t.Context(), progressOf("run-"+debug)).Val() == 1 })
		p.Close()
		return b.log.String()
	}
	address, err := url.Parse(b.cfg.Redis.URL.Reveal())
	require.NoError(t, err)
	password, _ := address.User.Password()
	require.NotEmpty(t, password)

	quiet := write("bull*")
	require.Equal(t, 1, strings.Count(quiet, "INFO: Redis connected to "+address.Host), quiet)
	require.NotContains(t, quiet, "Redis command")

	said := write("ioredis:*")
	for _, pattern := range []string{`DEBUG: Redis command EVAL(SHA)? took=\S+ keys=progress:run-ioredis:\*`, `EVALSHA took=\S+ keys="` + b.keys.Events(), `CLIENT took=`} {
		require.True(t, regexp.MustCompile(pattern).MatchString(said), pattern)
	}
	for _, secret := range []string{"paprika", password} {
		require.False(t, strings.Contains(said, secret), "a secret is in the log") //nolint:testifylint // not to print it
	}
}

func TestKeysOfCommands(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"get k":                               "k",
		"SET k secret":                        "k",
		"auth user secret":                    "",
		"hello 3 auth user secret":            "",
		"config set requirepass secret":       "",
		"somethingnew secret":                 "",
		"del a b":                             "a b",
		"evalsha 0123 2 a b secret":           "a b",
		"eval script 0 secret":                "",
		"eval script x secret":                "",
		"eval script 9 a":                     "a",
		"xread block 5 streams a b 0-0 0-0":   "a b",
		"publish channel secret":              "channel",
		"client setname bull:x":               "",
		"ping":                                "",
		"xadd stream maxlen 5 * field secret": "stream",
	} {
		var args []any
		for word := range strings.FieldsSeq(command) {
			args = append(args, word)
		}
		require.Equal(t, want, strings.Join(redisbridge.KeysOf(args), " "), command)
	}
	long := redisbridge.KeysOf([]any{"get", strings.Repeat("x", 1000)})
	require.Len(t, long[0], 200)
}

// A connection that comes again after Redis was away is said again.
func TestConnectionIsSaidOnceUntilItIsLost(t *testing.T) {
	t.Parallel()
	b, own := setupAlone(t)
	log := obs.Logger(b.log, config.Log{Level: "info", Format: config.LogText})
	probe, err := redisbridge.NewProbe(b.cfg, log)
	require.NoError(t, err)
	defer probe.Close() //nolint:errcheck // a test
	connected := func() int { return b.log.count("Redis connected to ") }
	for range 3 {
		_, err := probe.Probe(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, 1, connected())
	own.Kill(t)
	b.await(patience, "the probe to notice", func() bool { _, err := probe.Probe(t.Context()); return err != nil })
	own.Restart(t)
	b.await(patience, "the probe to reach it again", func() bool { _, err := probe.Probe(t.Context()); return err == nil })
	require.Equal(t, 2, connected())
}

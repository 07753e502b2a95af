package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cinnamon.env")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestSourcesWinInTheirOrder(t *testing.T) {
	t.Parallel()
	path := file(t, "# ours\nQUEUE_CONCURRENCY=3\nQUEUE_MAX_ATTEMPTS=4\nQUEUE_REMOVE_ON_FAIL=7\nREDIS_PASSWORD='p#4$x'\nEGRESS_ALLOW=\"a.corp, b.corp\"\n")
	c, list, err := config.Read(config.Sources{
		Environ: []string{"CINNAMON_CONFIG=" + path, "QUEUE_MAX_ATTEMPTS=5", "QUEUE_REMOVE_ON_COMPLETE=8", "QUEUE_REMOVE_ON_FAIL=", "CINNAMON_SECRET_LOGIN=paprika"},
		Set:     []string{"QUEUE_REMOVE_ON_COMPLETE=9"},
	})
	require.NoError(t, err)
	require.Equal(t, []int{3, 5, 9, 7}, []int{c.Queue.Concurrency, c.Queue.MaxAttempts, c.Queue.RemoveOnComplete, c.Queue.RemoveOnFail})
	require.Equal(t, "p#4$x", c.Redis.Password.Reveal())
	from := map[string]config.Setting{}
	for _, s := range list {
		from[s.Name] = s
	}
	require.Equal(t, config.Setting{Name: "QUEUE_CONCURRENCY", Value: "3", From: path}, from["QUEUE_CONCURRENCY"])
	require.Equal(t, config.Setting{Name: "QUEUE_MAX_ATTEMPTS", Value: "5", From: "environment"}, from["QUEUE_MAX_ATTEMPTS"])
	require.Equal(t, config.Setting{Name: "QUEUE_REMOVE_ON_COMPLETE", Value: "9", From: "command line"}, from["QUEUE_REMOVE_ON_COMPLETE"])
	require.Equal(t, config.Setting{Name: "QUEUE_PREFIX", Value: "bull", From: "default"}, from["QUEUE_PREFIX"])
	require.Equal(t, config.Setting{Name: "REDIS_PASSWORD", Value: "***", From: path}, from["REDIS_PASSWORD"])
	require.Equal(t, config.Setting{Name: "CINNAMON_SECRET_LOGIN", Value: "***", From: "environment"}, from["CINNAMON_SECRET_LOGIN"])
}

func TestMistakesAreNamedAllAtOnce(t *testing.T) {
	t.Parallel()
	path := file(t, "QUEUE_CONCURENCY=3\nPOSTGRES_PASSWORD=hunter2\n")
	_, _, err := config.Read(config.Sources{File: path, Set: []string{"nonsense", "REDIS_BD=1"}, Environ: []string{
		"CINNAMON_API_KYE=hunter2", "QUEUE_SIZE=3", "REDIS_PASWORD=hunter2", "BROWSER_SANDBOX=maybe", "QUEUE_BACKOFF_DELAY=2", "QUEUE_MAX_ATTEMPTS=three",
		"ARTIFACTS_RUN_LIMIT=much", "LOG_LEVEL=loud",
	}})
	for _, want := range []string{
		path + ": QUEUE_CONCURENCY is no setting: did you mean QUEUE_CONCURRENCY?",
		path + ": POSTGRES_PASSWORD is no setting",
		"CINNAMON_API_KYE is no setting: did you mean CINNAMON_API_KEY?",
		"QUEUE_SIZE is no setting; `cinnamon config` lists all of them",
		"REDIS_PASWORD is no setting: did you mean REDIS_PASSWORD?",
		"command line: REDIS_BD is no setting: did you mean REDIS_DB?",
		"--set nonsense: it must be NAME=VALUE",
		`BROWSER_SANDBOX is "maybe": it must be true or false`,
		`QUEUE_BACKOFF_DELAY is "2": it must be a time, such as 500ms, 10s or 2m`,
		`QUEUE_MAX_ATTEMPTS is "three": it must be a whole number`,
		`ARTIFACTS_RUN_LIMIT: "much" is not a size such as 500000 or 64MiB`,
		`LOG_LEVEL: "loud" is no level`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "hunter2")
}

// What belongs to other programs is left alone.
func TestNamesOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{
		"PATH=/bin", "REDIS_SERVICE_HOST=10.0.0.1", "REDIS_PORT_6379_TCP_ADDR=10.0.0.1", "QUEUE_SERVICE_PORT=1", "API_VERSION=2", "TEMPORAL_CLI_ADDRESS=x",
		"BROWSER=firefox", "LOG_DIRECTORY=/var/log", "CINNAMON_BIN=/x", "CINNAMON_API_URL=http://127.0.0.1", "CINNAMON_SECRET_A=b",
	})
	require.NoError(t, err)
}

func TestFileThatIsNoneSaysSoWithoutItsContent(t *testing.T) {
	t.Parallel()
	_, _, err := config.Read(config.Sources{File: file(t, "hunter2 is\nno setting")})
	require.ErrorContains(t, err, "it must hold NAME=value lines")
	require.NotContains(t, err.Error(), "hunter2")
	_, _, err = config.Read(config.Sources{File: filepath.Join(t.TempDir(), "none")})
	require.ErrorContains(t, err, "reading the file of settings")
}

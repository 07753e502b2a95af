package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
)

// documented are the variables of the architecture document, with their defaults, and what docs/configuration.md says of each.
var documented = []struct{ name, def, meaning string }{
	{"REDIS_HOST", "localhost", "where Redis is"},
	{"REDIS_PORT", "6379", "where Redis is"},
	{"REDIS_PASSWORD", "", "how to get in"},
	{"REDIS_DB", "0", "which database"},
	{"QUEUE_CONCURRENCY", "2", "runs at the same time"},
	{"QUEUE_MAX_ATTEMPTS", "3", "attempts"},
	{"QUEUE_REMOVE_ON_COMPLETE", "100", "completed jobs kept"},
	{"QUEUE_REMOVE_ON_FAIL", "50", "failed jobs kept"},
	{"DEBUG", "", "`bull*` the queues, `ioredis:*` every command to Redis, `*` everything"},
	{"LOG_LEVEL", "info", "error, warn, info or debug, or their numbers 0 to 3"},
}

// settings are what `cinnamon config` prints where nothing is set.
func settings(t *testing.T) map[string]string {
	t.Helper()
	_, list, err := config.Read(config.Sources{})
	require.NoError(t, err)
	found := map[string]string{}
	for _, s := range list {
		require.Equal(t, "default", s.From, s.Name)
		found[s.Name] = s.Value
	}
	return found
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../" + name)
	require.NoError(t, err)
	return string(text)
}

// rows are the rows of docs/configuration.md's table: default and meaning by each of the names that a row has.
func rows(t *testing.T) map[string][2]string {
	t.Helper()
	found := map[string][2]string{}
	names := regexp.MustCompile("`([A-Z0-9_<>]+)`")
	for line := range strings.Lines(document(t, "docs/configuration.md")) {
		cells := strings.SplitN(line, "|", 5)
		if len(cells) < 5 || !strings.HasPrefix(line, "| `") {
			continue
		}
		in := names.FindAllStringSubmatch(cells[1], -1)
		all := strings.TrimSpace(cells[2])
		defaults := strings.Split(all, ", ")
		for i, name := range in {
			def := all
			if len(defaults) == len(in) {
				def = defaults[i]
			}
			found[name[1]] = [2]string{def, cells[4]}
		}
	}
	return found
}

func TestDocumentedVariablesMeanWhatTheyDid(t *testing.T) {
	t.Parallel()
	printed, said := settings(t), rows(t)
	for _, d := range documented {
		value, known := printed[d.name]
		require.True(t, known, d.name)
		require.Equal(t, d.def, value, d.name)
		row := said[d.name]
		if d.def == "" {
			require.Equal(t, "none", row[0], d.name)
		} else {
			require.Equal(t, d.def, row[0], d.name)
		}
		require.Contains(t, row[1], d.meaning, d.name)
	}
}

// What docs/configuration.md has a row for is a setting, and the other way round.
func TestTableOfSettingsIsWhole(t *testing.T) {
	t.Parallel()
	printed, said := settings(t), rows(t)
	for name, value := range printed {
		row, there := said[name]
		if strings.HasPrefix(name, "REDIS_URL_") {
			row, there = said["REDIS_URL_<QUEUE>"]
		}
		require.True(t, there, "docs/configuration.md has no row for %s", name)
		if value != "" && value != "0" && value != "0s" {
			require.Equal(t, value, row[0], name)
		}
	}
	others := map[string]bool{ // that no role reads as a setting
		"CINNAMON_CONFIG": true, "CINNAMON_API_URL": true, "CINNAMON_SECRET_<NAME>": true, "REDIS_URL_<QUEUE>": true,
	}
	for name := range said {
		_, known := printed[name]
		require.True(t, known || others[name], "docs/configuration.md has a row for %s, which is no setting", name)
	}
}

// ofCompose says what docker-compose.yml decides itself, or takes from variables of its own.
var ofCompose = regexp.MustCompile(`^(DATABASE_URL|REDIS_.*|TEMPORAL_ADDRESS|API_ADDR|METRICS_ADDR|ARTIFACTS_DIR|BROWSER_EXECUTABLE|BROWSER_SANDBOX|PLAYWRIGHT_.*|` +
	`TRACE_VIEWER_DIR|WORKER_NAME|WORKER_DEBUG_ADDR|CODEC_.*|CINNAMON_SECRETS_DIR|TEMPORAL_PAYLOAD_KEYS_FILE|S3_SECRET_ACCESS_KEY|TEMPORAL_UI_URL|API_PUBLIC_URL)$`)

// .env.example has every setting with its default, and docker-compose.yml passes on what it has.
func TestExampleHasAllSettings(t *testing.T) {
	t.Parallel()
	printed := settings(t)
	example := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^#?([A-Z0-9_]+)=(.*)$`).FindAllStringSubmatch(document(t, ".env.example"), -1) {
		require.NotContains(t, example, found[1], "it is there twice")
		example[found[1]] = found[2]
	}
	compose := document(t, "docker-compose.yml")
	for name, value := range printed {
		said, there := example[name]
		require.True(t, there, ".env.example does not name %s: add it there with its default, and to docker-compose.yml", name)
		require.Equal(t, value, said, name)
		if !ofCompose.MatchString(name) {
			require.Regexp(t, `(?m)^ +`+name+`: \$\{`+name+`:[-?]`, compose, "docker-compose.yml does not pass %s on", name)
		}
	}
	for name := range example {
		_, known := printed[name]
		require.True(t, known || name == "POSTGRES_PASSWORD" || name == "MINIO_PASSWORD", ".env.example names %s, which is no setting", name)
	}
}

// A variable that docker-compose passes on without a value changes nothing.
func TestEmptyVariablesAreDefaults(t *testing.T) {
	t.Parallel()
	var empty []string
	for name := range settings(t) {
		empty = append(empty, name+"=")
	}
	bare, err := config.Load(nil)
	require.NoError(t, err)
	same, err := config.Load(empty)
	require.NoError(t, err)
	require.Equal(t, bare, same)
}

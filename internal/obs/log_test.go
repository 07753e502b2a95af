package obs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
)

func text(level, debug string) (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	return obs.Logger(&out, config.Log{Level: level, Format: config.LogText, Debug: debug}), &out
}

// said is what was written, without the times.
func said(out *bytes.Buffer) []string {
	var found []string
	for line := range strings.Lines(out.String()) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "] ")
		found = append(found, rest)
	}
	return found
}

// The documented sample output, word for word.
func TestDocumentedLines(t *testing.T) {
	t.Parallel()
	log, out := text("debug", "")
	log.Info(obs.RedisConnected, "address", "localhost:6379")
	log.Info(obs.QueueCreated, "queue", "test-execution")
	log.Info(obs.WorkerStarted, "concurrency", 2)
	job := log.With("job_id", "test-123")
	job.Debug(obs.JobAdded)
	job.Info(obs.JobStarted)
	job.Debug(obs.JobProgress, "percentage", 25)
	job.Info(obs.JobCompleted)
	require.Equal(t, []string{
		"INFO: Redis connected to localhost:6379",
		"INFO: Queue 'test-execution' created",
		"INFO: Worker started with concurrency 2",
		"DEBUG: Job test-123 added to queue",
		"INFO: Job test-123 started processing",
		"DEBUG: Job test-123 progress: 25%",
		"INFO: Job test-123 completed successfully",
	}, said(out))
	for line := range strings.Lines(out.String()) {
		stamp, _, _ := strings.Cut(strings.TrimPrefix(line, "["), "]")
		at, err := time.ParseInLocation("2006-01-02 15:04:05", stamp, time.Local)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), at, time.Minute)
	}
}

func TestAttributesFollowTheMessage(t *testing.T) {
	t.Parallel()
	log, out := text("info", "")
	log.With("queue", "cleanup").Warn("changes wait", "error", errors.New("it's away: \n gone"), "rows", 3, "workflow_id", "for machines")
	log.With("role", "api").WithGroup("request").With("method", "GET").Info("Job {job_id} {", "path", "/x")
	log.Info("a message\nof two lines {what}", "what", "and\r\nmore")
	require.Equal(t, []string{
		`WARN: changes wait queue=cleanup error="it's away: \n gone" rows=3`,
		`INFO: Job {job_id} { role=api request.method=GET request.path=/x`,
		`INFO: a message of two lines and  more`,
	}, said(out))
}

func TestLevels(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]string{
		"error": "ERROR", "warn": "ERROR WARN", "INFO": "ERROR WARN INFO", "debug": "ERROR WARN INFO DEBUG",
		"0": "ERROR", "1": "ERROR WARN", "2": "ERROR WARN INFO", "3": "ERROR WARN INFO DEBUG", // the documented numbers
	} {
		log, out := text(level, "")
		log.Error("x")
		log.Warn("x")
		log.Info("x")
		log.Debug("x")
		log.Log(t.Context(), obs.LevelTrace, "only for DEBUG=")
		got := strings.ReplaceAll(strings.Join(said(out), " "), ": x", "")
		require.Equal(t, want, got, level)
	}
}

func TestDebugSwitches(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":                        "",
		"bull*":                   "bull:test-execution",
		"bull:*":                  "bull:test-execution",
		"bull":                    "",
		"ioredis:*":               "ioredis:redis",
		"*":                       "bull:test-execution ioredis:redis other",
		"*,-ioredis:*":            "bull:test-execution other",
		"-bull*  ioredis:* bull*": "ioredis:redis",
		"bull*,ioredis:redis":     "bull:test-execution ioredis:redis",
		"*:test-*tion":            "bull:test-execution",
		"*:*is":                   "ioredis:redis",
		"true":                    "",
	} {
		log, out := text("info", pattern)
		for _, name := range []string{obs.QueueLog("test-execution"), obs.RedisCommands} {
			obs.Named(log, name).With("a", "b").Log(t.Context(), obs.LevelTrace, "{name}", "name", name)
		}
		log.Debug("other")
		got := strings.ReplaceAll(strings.ReplaceAll(strings.Join(said(out), " "), "DEBUG: ", ""), " a=b", "")
		require.Equal(t, want, got, "DEBUG=%s", pattern)
	}
}

func TestJSONHasEverything(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := obs.Logger(&out, config.Log{Level: "info", Format: "auto", Debug: "bull*"}) // no terminal: JSON
	obs.Named(log, "bull:x").With("job_id", "j1", "workflow_id", "test-execution/j1").Debug(obs.JobProgress, "percentage", 25)
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.NotEmpty(t, line["time"])
	delete(line, "time")
	require.Equal(t, map[string]any{
		"level": "DEBUG", "msg": "Job j1 progress: 25%", "job_id": "j1", "workflow_id": "test-execution/j1", "percentage": 25.0,
	}, line)
}

func TestSecretsDoNotReachTheLog(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{"REDIS_URL=redis://:hunter2@localhost", "CINNAMON_API_KEY=hunter2-hunter2-hunter2", "DATABASE_URL=postgres://u:hunter2@h/d", "CINNAMON_SECRET_X=hunter2"})
	require.NoError(t, err)
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := obs.Logger(&out, config.Log{Level: "debug", Format: format, Debug: "*"})
		log.Info("Redis at {url}", "url", cfg.Redis.URL, "key", cfg.API.Key, "database", cfg.Database.URL, "secrets", cfg.Secrets, "all", cfg)
		require.Contains(t, out.String(), "Redis at ***")
		require.NotContains(t, out.String(), "hunter2")
	}
}

// A logger of somebody else's can't be named, and goes on as it is.
func TestNamedLeavesOtherLoggersAlone(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	obs.Named(slog.New(slog.NewTextHandler(&out, nil)), "bull:x").Info("x")
	require.Contains(t, out.String(), "msg=x")
}

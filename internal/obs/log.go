package obs

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/cinnamon-qa/cinnamon/config"
)

// LevelTrace is for what is written only where the variable DEBUG asks for it, such as every command to Redis. It is shown as
// DEBUG: to people there are four levels.
const LevelTrace = slog.LevelDebug - 4

// Messages of the documented log. What is in braces is filled in from the attribute of that name; in the text format the
// attribute is then not repeated.
const (
	RedisConnected = "Redis connected to {address}"
	QueueCreated   = "Queue '{queue}' created"
	WorkerStarted  = "Worker started with concurrency {concurrency}"
	JobAdded       = "Job {job_id} added to queue"
	JobStarted     = "Job {job_id} started processing"
	JobProgress    = "Job {job_id} progress: {percentage}%"
	JobCompleted   = "Job {job_id} completed successfully"
	JobFailed      = "Job {job_id} failed"
	JobCancelled   = "Job {job_id} cancelled"
	JobRetried     = "Job {job_id} failed and will be tried again"
)

// Names of what logs, for the variable DEBUG.
const (
	// RedisCommands names the log of commands to Redis, as the client library of Node names it.
	RedisCommands = "ioredis:redis"
	// everything that has no name of its own
	unnamed = "cinnamon"
)

// QueueLog names the log of a queue.
func QueueLog(queueName string) string { return "bull:" + queueName }

// Logger writes to w as the settings say: lines for people, or one JSON object a line for machines.
func Logger(w io.Writer, cfg config.Log) *slog.Logger {
	level, err := config.ParseLevel(cfg.Level)
	if err != nil {
		level = slog.LevelInfo // a validated configuration has a valid level
	}
	s := settings{level: level, debug: ParseDebug(cfg.Debug)}
	if cfg.Format == config.LogText || cfg.Format != config.LogJSON && IsTerminal(w) {
		return slog.New(newTextHandler(w, s))
	}
	return slog.New(newJSONHandler(w, s))
}

// IsTerminal says whether what is written there is read by a person at once.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Named returns the logger of a part of the product that the variable DEBUG can name, for example bull:test-execution. A
// logger that [Logger] did not make is returned as it is.
func Named(log *slog.Logger, name string) *slog.Logger {
	if h, ok := log.Handler().(interface {
		named(name string) slog.Handler
	}); ok {
		return slog.New(h.named(name))
	}
	return log
}

// settings are what decides whether a record is written.
type settings struct {
	level slog.Level
	debug Debug
	// loud says that DEBUG names the logger.
	loud bool
}

func (s settings) enabled(_ context.Context, level slog.Level) bool {
	return level >= s.level || s.loud && level >= LevelTrace
}

// of returns the settings of a logger of that name.
func (s settings) of(name string) settings {
	s.loud = s.debug.Matches(name)
	return s
}

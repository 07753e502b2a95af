package config

import (
	"fmt"
	"log/slog"
	"strings"
)

// The formats of the log.
const (
	LogAuto = "auto" // text on a terminal, JSON elsewhere
	LogText = "text"
	LogJSON = "json"
)

// Log says what is logged, and how.
type Log struct {
	// Level is the least that is logged: see [ParseLevel].
	Level  string `env:"LOG_LEVEL" envDefault:"info"`
	Format string `env:"LOG_FORMAT" envDefault:"auto"`
	// Debug names what is logged in all detail, as the npm package debug reads it: bull*, ioredis:*, * …
	Debug string `env:"DEBUG"`
}

// ParseLevel reads a level by its name, error, warn, info or debug, or by its documented number, from 0 to 3.
func ParseLevel(text string) (slog.Level, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "error", "0":
		return slog.LevelError, nil
	case "warn", "1":
		return slog.LevelWarn, nil
	case "info", "2":
		return slog.LevelInfo, nil
	case "debug", "3":
		return slog.LevelDebug, nil
	default:
		return 0, fmt.Errorf("%q is no level: it must be error, warn, info or debug (or 0, 1, 2, 3)", text)
	}
}

func (l *Log) validate(bad func(format string, args ...any)) {
	if _, err := ParseLevel(l.Level); err != nil {
		bad("LOG_LEVEL: %w", err)
	}
	if l.Format != LogAuto && l.Format != LogText && l.Format != LogJSON {
		bad("LOG_FORMAT is %q: it must be auto, text or json", l.Format)
	}
}

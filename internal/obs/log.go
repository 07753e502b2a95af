package obs

import (
	"io"
	"log/slog"

	"github.com/cinnamon-qa/cinnamon/config"
)

// Logger writes to w at the configured level, as text or as one JSON object a line.
func Logger(w io.Writer, cfg config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo // a validated configuration has a valid level
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

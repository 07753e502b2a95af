package temporalserver

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger passes the server's log on to slog.
type logger struct {
	out  *slog.Logger
	tags []tag.Tag
}

var (
	_ log.Logger     = logger{}
	_ log.WithLogger = logger{}
)

func (l logger) With(tags ...tag.Tag) log.Logger {
	return logger{out: l.out, tags: append(slices.Clip(l.tags), tags...)}
}

func (l logger) Debug(msg string, tags ...tag.Tag)  { l.write(slog.LevelDebug, msg, tags) }
func (l logger) Info(msg string, tags ...tag.Tag)   { l.write(slog.LevelInfo, msg, tags) }
func (l logger) Warn(msg string, tags ...tag.Tag)   { l.write(slog.LevelWarn, msg, tags) }
func (l logger) Error(msg string, tags ...tag.Tag)  { l.write(slog.LevelError, msg, tags) }
func (l logger) DPanic(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

func (l logger) Panic(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	panic(msg)
}

// Fatal must not return, and must not end the process either while a server is being started: catchFatal makes an error
// of it.
func (l logger) Fatal(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	panic(fatal{message: msg, tags: tags})
}

func (l logger) write(level slog.Level, msg string, tags []tag.Tag) {
	ctx := context.Background() //nolint:forbidigo // the server's loggers know no context
	if !l.out.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, len(l.tags)+len(tags))
	for _, set := range [][]tag.Tag{l.tags, tags} {
		for _, t := range set {
			attrs = append(attrs, slog.Any(t.Key(), t.Value()))
		}
	}
	l.out.LogAttrs(ctx, level, msg, attrs...) //nolint:sloglint // the message is the server's
}

// fatal is what the server calls its end of the world, for example a port that is in use.
type fatal struct {
	message string
	tags    []tag.Tag
}

func (f fatal) Error() string {
	var text strings.Builder
	text.WriteString(f.message)
	for _, t := range f.tags {
		fmt.Fprintf(&text, ", %s: %v", t.Key(), t.Value())
	}
	return text.String()
}

// catchFatal turns a Fatal of the server's start into an error.
func catchFatal(do func() error) (err error) {
	defer func() {
		switch problem := recover().(type) {
		case nil:
		case fatal:
			err = problem
		default:
			panic(problem)
		}
	}()
	return do()
}

package obs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/cinnamon-qa/cinnamon/internal/tracing"
)

// timeLayout is that of the documented lines.
const timeLayout = "2006-01-02 15:04:05"

// machineKeys are attributes that lines for people do without.
var machineKeys = []string{"workflow_id", "workflow_run_id", "trace_id", "span_id"} //nolint:gochecknoglobals // a constant table

// frame is what both handlers have in common: who wants what, and the attributes that messages are filled in from.
type frame struct {
	settings

	attrs []slog.Attr // of the logger, while no group is open
	group bool        // a group is open
}

// Enabled implements slog.Handler.
func (f *frame) Enabled(ctx context.Context, level slog.Level) bool { return f.enabled(ctx, level) }

func (f *frame) with(attrs []slog.Attr) frame {
	n := *f
	if !f.group {
		n.attrs = append(slices.Clip(f.attrs), attrs...)
	}
	return n
}

// fill returns the message with what is in braces replaced, and which attributes that took.
func (f *frame) fill(r slog.Record) (message string, used map[string]bool) {
	if !strings.Contains(r.Message, "{") {
		return r.Message, nil
	}
	values := map[string]string{}
	take := func(a slog.Attr) bool {
		values[a.Key] = a.Value.Resolve().String()
		return true
	}
	for _, a := range f.attrs {
		take(a)
	}
	r.Attrs(take)
	used = map[string]bool{}
	var out strings.Builder
	rest := r.Message
	for {
		before, after, opened := strings.Cut(rest, "{")
		key, tail, closed := strings.Cut(after, "}")
		value, known := values[key]
		if !opened || !closed || !known {
			out.WriteString(rest)
			return out.String(), used
		}
		out.WriteString(before)
		out.WriteString(value)
		used[key] = true
		rest = tail
	}
}

// levelName is one of the documented four.
func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "ERROR"
	case level >= slog.LevelWarn:
		return "WARN"
	case level >= slog.LevelInfo:
		return "INFO"
	default:
		return "DEBUG"
	}
}

// textHandler writes the documented lines: [2025-01-08 13:30:00] INFO: message key=value.
type textHandler struct {
	frame

	out *lines
	// rest writes the attributes.
	rest slog.Handler
	// groups are the calls of WithGroup and WithAttrs after the first group was opened, for rest.
	opened []func(slog.Handler) slog.Handler
}

// lines is where lines go, each whole.
type lines struct {
	mu  sync.Mutex
	w   io.Writer
	buf bytes.Buffer
}

func newTextHandler(w io.Writer, s settings) *textHandler {
	out := &lines{w: w}
	rest := slog.NewTextHandler(&out.buf, &slog.HandlerOptions{
		Level: slog.Level(-100), // Enabled decides
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{} // they are in front
			}
			return a
		},
	})
	return &textHandler{frame: frame{settings: s.of(unnamed)}, out: out, rest: rest}
}

// Handle implements slog.Handler.
func (h *textHandler) Handle(ctx context.Context, r slog.Record) error {
	message, used := h.fill(r)
	left := slog.NewRecord(time.Time{}, r.Level, "", 0)
	keep := func(a slog.Attr) bool {
		if !used[a.Key] && !slices.Contains(machineKeys, a.Key) {
			left.AddAttrs(a)
		}
		return true
	}
	rest := h.rest
	if h.group { // what a group holds is no part of the message
		r.Attrs(func(a slog.Attr) bool { left.AddAttrs(a); return true })
		outside := slices.DeleteFunc(slices.Clone(h.attrs), func(a slog.Attr) bool { return used[a.Key] || slices.Contains(machineKeys, a.Key) })
		rest = rest.WithAttrs(outside)
		for _, open := range h.opened {
			rest = open(rest)
		}
	} else {
		for _, a := range h.attrs {
			keep(a)
		}
		r.Attrs(keep)
	}
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.buf.Reset()
	h.out.buf.WriteString("[" + r.Time.Format(timeLayout) + "] " + levelName(r.Level) + ": " + oneLine(message) + " ")
	if err := rest.Handle(ctx, left); err != nil {
		return err //nolint:wrapcheck // slog drops it
	}
	line := append(bytes.TrimRight(h.out.buf.Bytes(), " \n"), '\n')
	_, err := h.out.w.Write(line)
	return err //nolint:wrapcheck // slog drops it
}

// oneLine keeps what a message was filled in with from making lines of its own.
func oneLine(message string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, message)
}

// WithAttrs implements slog.Handler.
func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	n.frame = h.with(attrs)
	if h.group {
		n.opened = append(slices.Clip(h.opened), func(rest slog.Handler) slog.Handler { return rest.WithAttrs(attrs) })
	}
	return &n
}

// WithGroup implements slog.Handler.
func (h *textHandler) WithGroup(name string) slog.Handler {
	n := *h
	n.group = true
	n.opened = append(slices.Clip(h.opened), func(rest slog.Handler) slog.Handler { return rest.WithGroup(name) })
	return &n
}

func (h *textHandler) named(name string) slog.Handler {
	n := *h
	n.settings = h.of(name)
	return &n
}

// jsonHandler writes one object a line, with every attribute.
type jsonHandler struct {
	frame

	next slog.Handler
}

func newJSONHandler(w io.Writer, s settings) *jsonHandler {
	return &jsonHandler{frame: frame{settings: s.of(unnamed)}, next: slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: slog.Level(-100), // Enabled decides
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if level, ok := a.Value.Any().(slog.Level); ok && len(groups) == 0 && a.Key == slog.LevelKey {
				a.Value = slog.StringValue(levelName(level))
			}
			return a
		},
	})}
}

// Handle implements slog.Handler.
func (h *jsonHandler) Handle(ctx context.Context, r slog.Record) error {
	r = r.Clone()
	r.Message, _ = h.fill(r)
	if traceID, spanID := tracing.IDs(ctx); traceID != "" {
		r.AddAttrs(slog.String("trace_id", traceID), slog.String("span_id", spanID))
	}
	return h.next.Handle(ctx, r) //nolint:wrapcheck // slog drops it
}

// WithAttrs implements slog.Handler.
func (h *jsonHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	n.frame, n.next = h.with(attrs), h.next.WithAttrs(attrs)
	return &n
}

// WithGroup implements slog.Handler.
func (h *jsonHandler) WithGroup(name string) slog.Handler {
	n := *h
	n.group, n.next = true, h.next.WithGroup(name)
	return &n
}

func (h *jsonHandler) named(name string) slog.Handler {
	n := *h
	n.settings = h.of(name)
	return &n
}

package pwgo

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

const (
	defaultLogBytes = 1 << 20
	// maxLine is how much of one message a log keeps.
	maxLine = 8 << 10
)

// textLog keeps lines until they are too many. Its methods do not wait for the
// browser: events call them.
type textLog struct {
	limit int // bytes; 1 MiB if zero

	mu      sync.Mutex
	lines   strings.Builder
	skipped int
}

func (l *textLog) add(format string, args ...any) {
	line := time.Now().UTC().Format("2006-01-02T15:04:05.000Z ") + strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	limit := l.limit
	if limit <= 0 {
		limit = defaultLogBytes
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.skipped > 0 || l.lines.Len()+len(line) >= limit {
		l.skipped++
		return
	}
	l.lines.WriteString(line)
	l.lines.WriteByte('\n')
}

// text returns the lines, and says how many did not fit.
func (l *textLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.skipped > 0 {
		return fmt.Sprintf("%s… %d more lines were not kept\n", l.lines.String(), l.skipped)
	}
	return l.lines.String()
}

func (r *recorder) noteConsole(m playwright.ConsoleMessage) {
	place := ""
	if at := m.Location(); at != nil && at.URL != "" {
		place = fmt.Sprintf(" (%s:%d:%d)", testcase.HidePassword(at.URL), at.LineNumber+1, at.ColumnNumber+1)
	}
	r.console.add("%s %s%s", m.Type(), m.Text(), place)
}

func (r *recorder) noteError(e playwright.WebError) {
	r.console.add("uncaught %s", e.Error())
}

func (r *recorder) noteResponse(answer playwright.Response) {
	request := answer.Request()
	r.network.add("%d %s %s %s", answer.Status(), request.Method(), testcase.HidePassword(answer.URL()), request.ResourceType())
}

func (r *recorder) noteFailure(request playwright.Request) {
	reason := "failed"
	if err := request.Failure(); err != nil {
		reason = err.Error()
	}
	r.network.add("--- %s %s %s %s", request.Method(), testcase.HidePassword(request.URL()), request.ResourceType(), reason)
}

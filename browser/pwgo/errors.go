package pwgo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// maxMessage is how much of a message of the browser reaches a person.
const maxMessage = 500

func failure(kind browser.Kind, cause error, format string, args ...any) error {
	return &browser.Error{Kind: kind, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// isClosed reports whether a call failed because what it was for is gone.
func isClosed(err error) bool {
	text := saidByPlaywright(err)
	return errors.Is(err, playwright.ErrTargetClosed) || isDriverGone(err) ||
		strings.Contains(text, "has been closed") || strings.Contains(text, "Page crashed")
}

// saidByPlaywright is the part of an error in which no page and no case has its words: the first line, unless it is that
// of an assertion.
func saidByPlaywright(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	if strings.Contains(line, " expected ") {
		return ""
	}
	return line
}

// isDriverGone reports whether a call failed because the driver is gone.
// playwright-go has no error of its own for that.
func isDriverGone(err error) bool {
	text := saidByPlaywright(err)
	return strings.Contains(text, "Connection closed") || strings.Contains(text, "transport closed") ||
		strings.Contains(text, "could not read protocol") || strings.Contains(text, "could not send message")
}

// onPage says on which page a step failed: what follows the path of its address, and who asks for it, is nobody's business.
func onPage(t *tab, err error) error {
	e, ok := errors.AsType[*browser.Error](err)
	if !ok || error(e) != err || t == nil { //nolint:errorlint // one that is wrapped stays as it is
		return err
	}
	u, problem := url.Parse(t.page.URL())
	if problem != nil || u.Host == "" {
		return err
	}
	more := *e
	more.Page = u.Scheme + "://" + u.Host + u.EscapedPath()
	return &more
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func isTimeout(err error) bool { return errors.Is(err, playwright.ErrTimeout) }

// usefulLine returns the line of Playwright's message that says something, and
// never its log of calls.
func usefulLine(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*playwright.Error](err); ok {
		text = e.Message
	}
	text, _, _ = strings.Cut(text, "Call log:")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" {
			return clip(strings.TrimPrefix(line, "Error: "))
		}
	}
	return "no reason given"
}

func clip(s string) string {
	s = strings.TrimSpace(s)
	if r := []rune(s); len(r) > maxMessage {
		return string(r[:maxMessage-1]) + "…"
	}
	return s
}

// waited says how long a step waited.
func waited(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("waited %dms", d.Milliseconds())
	}
	return "waited " + strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + "s"
}

// anyOf lists the selectors of a step.
func anyOf(selectors []testcase.Selector) string {
	names := make([]string, 0, len(selectors))
	for _, s := range selectors {
		names = append(names, s.String())
	}
	return clip(strings.Join(names, ", "))
}

var logReason = regexp.MustCompile(`(<.*> (?:from <.*> subtree )?intercepts pointer events)|element is (not [a-z]+|outside of the viewport)|(did not find some options)|(option being selected is not enabled)`)

// covered begins what obstacle says of an element that something lies over.
const covered = "it is covered: "

// obstacle says what kept an action from its element, read from the log of
// calls; "" if the log does not say.
func obstacle(err error) string {
	matches := logReason.FindAllStringSubmatch(err.Error(), -1)
	if len(matches) == 0 {
		return ""
	}
	last := matches[len(matches)-1]
	switch {
	case last[1] != "":
		return covered + clip(last[1])
	case last[3] != "":
		return "it has no such option"
	case last[4] != "":
		return "that option is disabled"
	}
	switch last[2] {
	case "not enabled":
		return "it is disabled"
	case "not editable":
		return "it is read-only"
	case "not stable":
		return "it keeps moving"
	}
	return "it is " + last[2]
}

var netError = regexp.MustCompile(`net::(ERR_[A-Z0-9_]+)`)

// netReason puts the browser's word for what went wrong on the network into
// plain ones.
func netReason(err error) string {
	m := netError.FindStringSubmatch(err.Error())
	if m == nil {
		return usefulLine(err)
	}
	return netWords(m[1])
}

func netWords(code string) string {
	words := map[string]string{
		"ERR_CONNECTION_REFUSED":             "the connection was refused; is the site running?",
		"ERR_CONNECTION_RESET":               "the connection was reset",
		"ERR_CONNECTION_CLOSED":              "the connection was closed",
		"ERR_CONNECTION_TIMED_OUT":           "the connection timed out",
		"ERR_NAME_NOT_RESOLVED":              "the host's name is not known",
		"ERR_ADDRESS_UNREACHABLE":            "the host cannot be reached",
		"ERR_INTERNET_DISCONNECTED":          "this machine is offline",
		"ERR_EMPTY_RESPONSE":                 "the server sent nothing",
		"ERR_ABORTED":                        "it was aborted (is it a download?)",
		"ERR_CERT_AUTHORITY_INVALID":         "its certificate is not trusted",
		"ERR_CERT_DATE_INVALID":              "its certificate has expired",
		"ERR_CERT_COMMON_NAME_INVALID":       "its certificate is for another host",
		"ERR_SSL_PROTOCOL_ERROR":             "it does not speak HTTPS",
		"ERR_TOO_MANY_REDIRECTS":             "it redirects without end",
		"ERR_INVALID_URL":                    "the address is not valid",
		"ERR_UNSAFE_PORT":                    "browsers do not open that port",
		"ERR_BLOCKED_BY_CLIENT":              "it was blocked",
		"ERR_HTTP_RESPONSE_CODE_FAILURE":     "the server answered with an error",
		"ERR_PROXY_CONNECTION_FAILED":        "the proxy cannot be reached",
		"ERR_TUNNEL_CONNECTION_FAILED":       "the proxy refused the connection",
		"ERR_NETWORK_CHANGED":                "the network changed meanwhile",
		"ERR_ADDRESS_INVALID":                "the address is not valid",
		"ERR_SSL_VERSION_OR_CIPHER_MISMATCH": "it offers no encryption that browsers accept",
	}
	if text, ok := words[code]; ok {
		return text + " (net::" + code + ")"
	}
	return "net::" + code
}

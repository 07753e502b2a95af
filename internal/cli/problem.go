package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// apiError is what went wrong in a call, in words, and how to take it.
type apiError struct {
	status  int // of the answer; 0 if there was none
	message string
	kind    errorKind
	cause   error
}

type errorKind int

const (
	kindNone        errorKind = iota // not an error of a call
	kindUnavailable                  // trying again helps
	kindServer                       // a defect of the API
	kindInput                        // the request can never work
	kindAccess                       // the key is wrong
	kindForeign                      // what answers is no Cinnamon API
)

func (e *apiError) Error() string { return e.message }

// Unwrap returns the cause.
func (e *apiError) Unwrap() error { return e.cause }

func (c *client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err // the address is in the message already
	}
	reason := err.Error()
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() {
		reason = "no answer within " + humane(requestTimeout)
	}
	return &apiError{kind: kindUnavailable, cause: err, message: fmt.Sprintf("the API at %s can't be reached (%s)", c.baseURL, reason)}
}

func (c *client) notOurs(what string) error {
	return &apiError{kind: kindForeign, message: fmt.Sprintf(
		"what answers at %s is not the Cinnamon API (%s): check CINNAMON_API_URL", c.baseURL, what)}
}

// refusal turns an answer that is an error into words.
func (c *client) refusal(res *http.Response, data []byte) error {
	var p apiProblem
	ours := json.Unmarshal(data, &p) == nil && (p.Code != "" || p.Title != "" || p.Detail != "")
	status := res.StatusCode
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &apiError{status: status, kind: kindAccess, message: "the API refused the key: " +
			"set CINNAMON_API_KEY to the key that the API at " + c.baseURL + " was started with"}
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests ||
		status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return &apiError{status: status, kind: kindUnavailable, message: fmt.Sprintf("the API at %s is not available (%s)", c.baseURL, p.words(status))}
	case status >= http.StatusInternalServerError:
		return &apiError{status: status, kind: kindServer, message: fmt.Sprintf("the API at %s had an error (%s)", c.baseURL, p.words(status))}
	case !ours:
		return c.notOurs(fmt.Sprintf("it says %d %s", status, http.StatusText(status)))
	default:
		return &apiError{status: status, kind: kindInput, message: "the API refused it: " + p.words(status)}
	}
}

// words says what an error of the API is about, with the fields that are wrong.
func (p apiProblem) words(status int) string {
	var fields []string
	for _, e := range p.Errors {
		switch {
		case e.Field == "" || strings.HasPrefix(e.Message, e.Field):
			fields = append(fields, e.Message)
		default:
			fields = append(fields, e.Field+": "+e.Message)
		}
	}
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if text == "" {
		text = fmt.Sprintf("%d %s", status, http.StatusText(status))
	}
	for _, field := range fields {
		if !strings.Contains(text, field) {
			text += "; " + field
		}
	}
	return clean(text)
}

// isMissing says that what a call asked for is not there.
func isMissing(err error) bool { return refusedAs(err, http.StatusNotFound) }

// refusedAs says that the API refused a call with that status.
func refusedAs(err error, status int) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && e.kind == kindInput && e.status == status
}

// kindOf returns how to take an error of a call.
func kindOf(err error) errorKind {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e.kind
	}
	return kindNone
}

package api

import (
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// problem is the body of an error (RFC 9457).
type problem struct {
	Type     string        `json:"type"`
	Title    string        `json:"title"`
	Status   int           `json:"status"`
	Detail   string        `json:"detail,omitempty"`
	Instance string        `json:"instance,omitempty"`
	Code     fault.Code    `json:"code"`
	Errors   []fault.Field `json:"errors,omitempty"`
}

// status maps the code of an error to HTTP: the only place that does.
func status(code fault.Code) int {
	switch code {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
}

// fail answers with an error. Clients see its message when it was made for them; the whole chain goes to the log.
func fail(c *gin.Context, log *slog.Logger, err error) {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		log.ErrorContext(c.Request.Context(), "a request failed", "method", c.Request.Method, "path", c.Request.URL.Path, "error", err)
	}
	answer(c, p)
}

// problemOf is what clients see of an error.
func problemOf(err error) problem {
	code := fault.Of(err)
	p := problem{Status: status(code), Code: code}
	switch message, fields := public(err); {
	case code == fault.Internal || message == "":
		p.Detail = "something went wrong on our side; the server's log says what"
	default:
		p.Detail, p.Errors = message, fields
	}
	return p
}

func answer(c *gin.Context, p problem) {
	p.Type, p.Instance = "about:blank", c.Request.URL.Path
	p.Title = http.StatusText(p.Status)
	if p.Status == http.StatusServiceUnavailable {
		c.Header("Retry-After", "2")
	}
	c.Header("Content-Type", "application/problem+json")
	c.AbortWithStatusJSON(p.Status, p)
}

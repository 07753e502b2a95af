package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/starter"
)

// maxBody bounds a request: a test case of the largest size and what surrounds it.
const maxBody = 1<<20 + 64<<10

// public returns what a client may read of an error.
func public(err error) (message string, fields []fault.Field) {
	if coded, ok := errors.AsType[*fault.Error](err); ok {
		return coded.Message, coded.Fields
	}
	return "", nil
}

// maxSuiteBody bounds a request that brings many test cases.
const maxSuiteBody = 32 << 20

// body reads a JSON body, bounded.
func body(c *gin.Context) ([]byte, *problem) { return bodyUpTo(c, maxBody) }

func bodyUpTo(c *gin.Context, most int64) ([]byte, *problem) {
	if kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || kind != "application/json" {
		return nil, &problem{
			Status: http.StatusUnsupportedMediaType, Code: fault.Invalid,
			Detail: "send JSON with the header Content-Type: application/json",
		}
	}
	data, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, most))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Code: fault.Invalid, Detail: fmt.Sprintf("the body is larger than %d MiB", most>>20)}
	}
	if err != nil {
		return nil, &problem{Status: http.StatusBadRequest, Code: fault.Invalid, Detail: "the body could not be read"}
	}
	if !utf8.Valid(data) {
		return nil, &problem{Status: http.StatusBadRequest, Code: fault.Invalid, Detail: "the body is not valid UTF-8"}
	}
	return data, nil
}

// idRule is starter.ValidID in words. Anything else is the name of nothing, and the database need not be asked.
const idRule = "it must be 1 to 128 letters, digits, dots, dashes or underscores"

// pathID lets pass who names something in the path that may exist.
func (h *handlers) pathID(c *gin.Context) {
	if id := c.Param("id"); !starter.ValidID(id) {
		fail(c, h.Log, fault.New(fault.NotFound, "there is nothing with the id %q", id))
	}
}

// queryID says what is wrong with an id in the query.
func queryID(field, id string) error {
	if !starter.ValidID(id) {
		return fault.InvalidField(field, idRule)
	}
	return nil
}

const idempotencyHeader = "Idempotency-Key"

// idempotencyKey returns the request's key, "" if it has none.
func idempotencyKey(c *gin.Context) (string, error) {
	keys := c.Request.Header.Values(idempotencyHeader)
	if len(keys) == 0 {
		return "", nil
	}
	if key := keys[0]; len(keys) == 1 && key != "" && len(key) <= starter.MaxIdempotencyKey && !strings.ContainsFunc(key, unprintable) {
		return key, nil
	}
	return "", fault.InvalidField(idempotencyHeader, "it must be one key of 1 to %d printable ASCII characters", starter.MaxIdempotencyKey)
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }

// decode reads a JSON body into target and names the field that doesn't fit.
func decode(c *gin.Context, target any) *problem { return decodeUpTo(c, target, maxBody, false) }

// decodeUpTo is decode for bodies up to that size; one that is optional may be left out, with its Content-Type.
func decodeUpTo(c *gin.Context, target any, most int64, optional bool) *problem {
	if optional && c.Request.ContentLength == 0 {
		return nil
	}
	data, p := bodyUpTo(c, most)
	if p != nil {
		return p
	}
	return decodeJSON(data, target)
}

// decodeJSON reads a JSON document into target and names the field that doesn't fit.
func decodeJSON(data []byte, target any) *problem {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(target)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something after the JSON document")
		}
	}
	if err == nil {
		return nil
	}
	p := &problem{Status: http.StatusBadRequest, Code: fault.Invalid, Detail: "the body is not valid: " + err.Error()}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		p.Status, p.Detail = http.StatusUnprocessableEntity, wrong.Field+": it must not be a "+wrong.Value
		p.Errors = []fault.Field{{Field: wrong.Field, Message: "it must not be a " + wrong.Value}}
	} else if coded, ok := errors.AsType[*fault.Error](err); ok {
		p.Status, p.Detail, p.Errors = http.StatusUnprocessableEntity, coded.Message, coded.Fields
	} else if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		field = strings.Trim(field, `"`)
		p.Status, p.Detail = http.StatusUnprocessableEntity, field+": there is no such field"
		p.Errors = []fault.Field{{Field: field, Message: "there is no such field"}}
	}
	return p
}

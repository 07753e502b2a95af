package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// ReadObject reads an object that somebody sent, or nothing at all, and says in words for them what is wrong with it. what names it, example is
// one that is right, fields says which it may have: any other one is an error, because a misspelt field must not mean what is meant without it.
func ReadObject(data json.RawMessage, into any, what, example, fields string) error {
	text := bytes.TrimSpace(data)
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	if text[0] != '{' {
		return New(Invalid, "%s must be an object, such as %s", what, example)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return New(Invalid, "%s can't be understood: %s must be a %s, not a %s", what, wrong.Field, wrong.Type, wrong.Value)
		}
		return New(Invalid, "%s can't be understood: %s; it may have %s", what, err, fields)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return New(Invalid, "%s can't be understood: something follows the object", what)
	}
	return nil
}

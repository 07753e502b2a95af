package testcase

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// presence says whether a field may be left out.
type presence bool

const (
	optional presence = false
	required presence = true
)

// object reads the fields of a JSON object, and reports those that are wrong
// to its parser.
type object struct {
	parser *parser
	fields map[string]json.RawMessage
	// prefix is the object's own path, with a dot at its end.
	prefix string
	// label is what people call the object inside its step: "parameters.".
	label  string
	step   int
	action string
	// depth is how many runCase steps the object is inside of.
	depth int
	// asked are the fields that were looked at.
	asked map[string]bool
}

func newObject(p *parser, fields map[string]json.RawMessage) object {
	return object{parser: p, fields: fields, asked: map[string]bool{}}
}

// decodeObject decodes one JSON object; false if raw is something else.
func decodeObject(raw []byte) (map[string]json.RawMessage, bool) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return nil, false
	}
	return fields, true
}

// at is the object inside the field name of o.
func (o object) at(name string, fields map[string]json.RawMessage) object {
	o.fields, o.asked = fields, map[string]bool{}
	o.prefix += name + "."
	o.label += name + "."
	return o
}

func (o object) problem(field, message string) {
	path, name := strings.TrimSuffix(o.prefix, "."), strings.TrimSuffix(o.label, ".")
	if field != "" {
		path, name = o.prefix+field, o.label+field
	}
	o.parser.add(Problem{Path: path, Step: o.step, Action: o.action, Field: name, Message: message})
}

// raw returns the field's JSON; false, and a problem if it is required, when
// it is not there or null.
func (o object) raw(name string, need presence, what string) (json.RawMessage, bool) {
	raw, ok := o.fields[name]
	o.asked[name] = true
	if ok && !bytes.Equal(raw, []byte("null")) {
		return raw, true
	}
	if need == required {
		o.problem(name, "is missing: give "+what)
	}
	return nil, false
}

// text reads a string of at most limit characters; a required one is not
// empty.
func (o object) text(name string, need presence, limit int) string {
	raw, ok := o.raw(name, need, "a text")
	if !ok {
		return ""
	}
	s, ok := o.asText(name, raw, limit)
	if ok && need == required && strings.TrimSpace(s) == "" {
		o.problem(name, "is empty: give a text")
	}
	return s
}

// value reads a required string that may be empty.
func (o object) value(name string, limit int) string {
	raw, ok := o.raw(name, required, "a text, which may be empty")
	if !ok {
		return ""
	}
	s, _ := o.asText(name, raw, limit)
	return s
}

func (o object) asText(name string, raw json.RawMessage, limit int) (string, bool) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		o.problem(name, "must be a text in quotes")
		return "", false
	}
	if n := utf8.RuneCountInString(s); n > limit {
		o.problem(name, fmt.Sprintf("has %d characters: at most %d are allowed", n, limit))
		return "", false
	}
	return s, true
}

// choice reads one of some words. The usual one is what a missing field means;
// it may be "", which a file can't ask for.
func (o object) choice(name, usual string, others ...string) string {
	raw, ok := o.raw(name, optional, "")
	if !ok {
		return usual
	}
	s, ok := o.asText(name, raw, maxName)
	if !ok {
		return usual
	}
	words := others
	if usual != "" {
		words = append([]string{usual}, others...)
	}
	if slices.Contains(words, s) {
		return s
	}
	o.problem(name, fmt.Sprintf("is %q: use one of %s", s, strings.Join(words, ", ")))
	return usual
}

// number reads a number between low and high; nil if it is not there.
func (o object) number(name string, need presence, low, high float64) *float64 {
	raw, ok := o.raw(name, need, "a number")
	if !ok {
		return nil
	}
	var f float64
	if err := json.Unmarshal(raw, &f); err != nil {
		o.problem(name, "must be a number")
		return nil
	}
	if f < low || f > high {
		o.problem(name, fmt.Sprintf("is %v: use a number between %.0f and %.0f", f, low, high))
		return nil
	}
	return &f
}

// integer reads a whole number; 0 if it is not there.
func (o object) integer(name string, need presence, low, high int) int {
	f := o.number(name, need, float64(low), float64(high))
	if f == nil {
		return 0
	}
	if *f != math.Trunc(*f) {
		o.problem(name, fmt.Sprintf("is %v: use a whole number", *f))
		return 0
	}
	return int(*f)
}

// flag reads true or false; nil if it is not there.
func (o object) flag(name string) *bool {
	raw, ok := o.raw(name, optional, "")
	if !ok {
		return nil
	}
	var b bool
	if err := json.Unmarshal(raw, &b); err != nil {
		o.problem(name, "must be true or false")
		return nil
	}
	return &b
}

func (o object) flagOr(name string, otherwise bool) bool {
	if b := o.flag(name); b != nil {
		return *b
	}
	return otherwise
}

// absent reports whether a field is not there or null.
func (o object) absent(name string) bool {
	_, there := o.raw(name, optional, "")
	return !there
}

// list reads the elements of a list; false if there is no usable one.
func (o object) list(name string, need presence, what string, limit int) ([]json.RawMessage, bool) {
	raw, ok := o.raw(name, need, what)
	if !ok {
		return nil, false
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		o.problem(name, "must be "+what)
		return nil, false
	}
	if len(elements) > limit {
		o.problem(name, fmt.Sprintf("has %d entries: at most %d are allowed", len(elements), limit))
		return nil, false
	}
	return elements, true
}

// inner reads an object; false if there is no usable one.
func (o object) inner(name string, need presence, what string) (object, bool) {
	raw, ok := o.raw(name, need, what)
	if !ok {
		return object{}, false
	}
	fields, ok := decodeObject(raw)
	if !ok {
		o.problem(name, "must be a JSON object")
		return object{}, false
	}
	return o.at(name, fields), true
}

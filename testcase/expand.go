package testcase

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// secretScope is what the names of secrets begin with: {{secret.NAME}}.
const secretScope = "secret"

var (
	variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	// reference is the use of a variable or a secret; with a backslash before
	// it, it is just text.
	reference = regexp.MustCompile(`\\?\{\{\s*(secret\.)?([A-Za-z][A-Za-z0-9_]*)\s*\}\}`)
)

// Lookup returns what a name stands for. secret says that it is that of a
// secret, which was written {{secret.NAME}}.
type Lookup func(name string, secret bool) (string, error)

// expander replaces references, and keeps the first error.
type expander struct {
	lookup Lookup
	err    error
	// escape is what happens to a value before it is put in.
	escape func(string) string
}

func (e *expander) text(s string) string {
	if !strings.Contains(s, "{{") {
		return s
	}
	return reference.ReplaceAllStringFunc(s, func(found string) string {
		if rest, ok := strings.CutPrefix(found, `\`); ok {
			return rest
		}
		m := reference.FindStringSubmatch(found)
		value, err := e.lookup(m[2], m[1] != "")
		if err != nil && e.err == nil {
			e.err = err
		}
		if e.escape != nil {
			return e.escape(value)
		}
		return value
	})
}

func (e *expander) texts(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	result := make(map[string]string, len(m))
	for name, value := range m {
		result[name] = e.text(value)
	}
	return result
}

func (e *expander) list(values []string) []string {
	if values == nil {
		return nil
	}
	result := make([]string, len(values))
	for i, v := range values {
		result[i] = e.text(v)
	}
	return result
}

func (e *expander) selectors(list []Selector) []Selector {
	if list == nil {
		return nil
	}
	result := make([]Selector, len(list))
	for i, s := range list {
		result[i] = e.list(s)
	}
	return result
}

func (e *expander) properties(v any) any {
	switch v := v.(type) {
	case string:
		return e.text(v)
	case map[string]any:
		result := make(map[string]any, len(v))
		for k, inner := range v {
			result[k] = e.properties(inner)
		}
		return result
	case []any:
		result := make([]any, len(v))
		for i, inner := range v {
			result[i] = e.properties(inner)
		}
		return result
	}
	return v
}

// literal is a value as JavaScript writes it.
func literal(value string) string {
	text, err := json.Marshal(value)
	if err != nil {
		return `""`
	}
	return string(text)
}

// escaped is text, with another escape for the values.
func (e *expander) escaped(s string, escape func(string) string) string {
	inner := &expander{lookup: e.lookup, escape: escape}
	s = inner.text(s)
	if e.err == nil {
		e.err = inner.err
	}
	return s
}

// pattern is a regular expression, which matches values as they are.
func (e *expander) pattern(s string) string { return e.escaped(s, regexp.QuoteMeta) }

// script is JavaScript, in which values are strings.
func (e *expander) script(s string) string { return e.escaped(s, literal) }

// Expand returns the step with the values of the variables and secrets that it
// names. In an expression a reference becomes a JavaScript string, in a
// regular expression it matches its value literally.
func (s Step) Expand(lookup Lookup) (Step, error) {
	e := &expander{lookup: lookup}
	s.Target = e.text(s.Target)
	s.URL, s.Value, s.Key = e.text(s.URL), e.text(s.Value), e.text(s.Key)
	s.Expression = e.script(s.Expression)
	s.Selectors = e.selectors(s.Selectors)
	s.Attributes = e.texts(s.Attributes)
	if properties, ok := e.properties(s.Properties).(map[string]any); ok {
		s.Properties = properties
	}
	p := &s.Parameters
	if p.Match == MatchRegexp {
		p.Expected = e.pattern(p.Expected)
	} else {
		p.Expected = e.text(p.Expected)
	}
	p.Attribute, p.Text = e.text(p.Attribute), e.text(p.Text)
	p.Values, p.To, p.Items = e.list(p.Values), e.selectors(p.To), e.texts(p.Items)
	files := make([]File, len(p.Files))
	for i, f := range p.Files {
		f.Name = e.text(f.Name)
		if !strings.Contains(string(f.Content), "\x00") {
			f.Content = []byte(e.text(string(f.Content)))
		}
		files[i] = f
	}
	p.Files = files
	p.Request.URL, p.Request.Body, p.Request.Headers = e.text(p.Request.URL), e.body(p.Request), e.texts(p.Request.Headers)
	p.Cookie = e.cookie(p.Cookie)
	p.Extract.Expression, p.Extract.Pattern = e.script(p.Extract.Expression), e.pattern(p.Extract.Pattern)
	p.Extract.Path = e.text(p.Extract.Path)
	if e.err != nil {
		return s, e.err
	}
	return s, nil
}

// body puts values into the body of a request: inside of JSON as JSON has them.
func (e *expander) body(r Request) string {
	if !json.Valid([]byte(r.Body)) {
		return e.text(r.Body)
	}
	return e.escaped(r.Body, func(value string) string {
		text := literal(value)
		return text[1 : len(text)-1]
	})
}

func (e *expander) cookie(c Cookie) Cookie {
	c.Name, c.Value, c.URL, c.Domain, c.Path = e.text(c.Name), e.text(c.Value), e.text(c.URL), e.text(c.Domain), e.text(c.Path)
	return c
}

// Expand returns the config with the values of the variables and secrets that
// it names.
func (c Config) Expand(lookup Lookup) (Config, error) {
	e := &expander{lookup: lookup}
	c.Device, c.Locale, c.Timezone = e.text(c.Device), e.text(c.Locale), e.text(c.Timezone)
	c.HTTPUsername, c.HTTPPassword = e.text(c.HTTPUsername), e.text(c.HTTPPassword)
	c.ExtraHeaders = e.texts(c.ExtraHeaders)
	if c.StorageState != nil {
		state := *c.StorageState
		state.Cookies, state.Origins = nil, nil
		for _, cookie := range c.StorageState.Cookies {
			state.Cookies = append(state.Cookies, e.cookie(cookie))
		}
		for _, o := range c.StorageState.Origins {
			state.Origins = append(state.Origins, OriginStorage{Origin: e.text(o.Origin), Items: e.texts(o.Items)})
		}
		c.StorageState = &state
	}
	if e.err != nil {
		return c, e.err
	}
	return c, nil
}

// checkReferences notes names that nothing gives a value.
func (c *Case) checkReferences() []Problem {
	known := map[string]bool{}
	know := func(values map[string]string) {
		for name := range values {
			known[name] = true
		}
	}
	know(c.Variables)
	for _, row := range c.Rows {
		know(row.Values)
	}
	var notes []Problem
	for i, s := range c.Steps {
		// The lookup never fails.
		_, _ = s.Expand(func(name string, secret bool) (string, error) {
			if !secret && !known[name] {
				known[name] = true
				notes = append(notes, Problem{
					Path: fmt.Sprintf("steps[%d]", i), Step: i + 1, Action: s.Action(),
					Message: fmt.Sprintf("uses {{%s}}, which nothing before it gives a value", name),
				})
			}
			return "", nil
		})
		known[s.Parameters.Extract.Variable] = true
		if s.Action() != CustomRunCase {
			continue
		}
		know(s.Parameters.Items)
		sub := s.Parameters.SubCase.Case
		if sub == nil {
			return notes // what another file or a stored case keeps is not known here
		}
		know(sub.Variables)
		for _, inner := range sub.Steps {
			known[inner.Parameters.Extract.Variable] = true
		}
	}
	return notes
}

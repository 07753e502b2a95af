package testcase

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// The bounds of a case. They are far above what people write and record, and
// keep a case small enough for every store and queue that it passes through.
const (
	MaxBytes = 1 << 20
	MaxSteps = 500

	maxTitle        = 500
	maxURL          = 8 << 10
	maxValue        = 100_000
	maxExpression   = 64 << 10
	maxName         = 100
	maxSelectorPart = 4 << 10
	maxParts        = 20
	maxFrameDepth   = 10
	maxFrameIndex   = 999
	maxTimeout      = 10 * 60 * 1000
	maxViewport     = 8192
	maxPixels       = 10_000_000
	maxDuration     = 60_000
	maxCount        = 100_000
	maxConditions   = 50
	maxEvents       = 20
	maxFiles        = 10
	maxProblems     = 50
	maxScaleFactor  = 10
	maxRate         = 1e12
	maxOptions      = 100
	maxTypingDelay  = 1000
	maxCookie       = 4096
	maxRows         = 100
	maxRetries      = 19
	maxStored       = 200
	maxStateAge     = 24 * 60 * 60 * 1000

	// MaxVariable is how many characters a variable holds.
	MaxVariable = 8 << 10
	// MaxAlternatives is how many selectors a step may have.
	MaxAlternatives = 20
	// MaxDepth is how deep cases may be nested by runCase.
	MaxDepth = 5
)

// Parse reads a case from the JSON of Chrome DevTools Recorder or from the
// shorter form that people write by hand. If anything is wrong with it, the
// error is an *InvalidError that lists every problem.
func Parse(data []byte) (*Case, error) {
	c, _, err := parse(data)
	return c, err
}

// Lint is Parse for people who write cases: beside the problems it notes what
// is none, but may be a mistake, such as fields that nobody reads and variables
// that have no value.
func Lint(data []byte) (*Case, []Problem, error) {
	c, notes, err := parse(data)
	if err != nil {
		return nil, nil, err
	}
	notes = append(notes, c.checkReferences()...)
	place(data, notes)
	return c, notes, nil
}

func parse(data []byte) (*Case, []Problem, error) {
	if len(data) > MaxBytes {
		return nil, nil, invalid(fmt.Sprintf("the file has %d bytes: at most %d are allowed", len(data), MaxBytes))
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, nil, invalid(syntaxProblem(data, err))
	}
	var raw bytes.Buffer
	if err := json.Compact(&raw, whole); err != nil {
		return nil, nil, invalid(syntaxProblem(data, err))
	}
	p := &parser{}
	fields, ok := decodeObject(raw.Bytes())
	if !ok {
		return nil, nil, invalid("the file must be a JSON object with a title and steps")
	}
	c := p.parseCase(newObject(p, fields))
	if n := c.Size(); n > MaxSteps {
		p.add(Problem{Path: "steps", Field: "steps", Message: fmt.Sprintf("come to %d with rows of data and sub-cases: at most %d are allowed", n, MaxSteps)})
	}
	if p.omitted > 0 || len(p.problems) > 0 {
		place(data, p.problems)
		return nil, nil, &InvalidError{Problems: p.problems, Omitted: p.omitted}
	}
	c.raw = raw.Bytes()
	return c, p.notes, nil
}

func invalid(message string) error {
	return &InvalidError{Problems: []Problem{{Message: message}}}
}

// syntaxProblem says where data stops being JSON.
func syntaxProblem(data []byte, err error) string {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok || len(data) == 0 {
		return "the file is not valid JSON: " + err.Error()
	}
	before := data[:max(0, min(int(syntax.Offset)-1, len(data)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("the file is not valid JSON at line %d, column %d: %s", line, column, syntax.Error())
}

// parser collects problems.
type parser struct {
	problems []Problem
	omitted  int
	// notes are about what is no problem, but may be a mistake.
	notes []Problem
}

func (p *parser) add(problem Problem) {
	if len(p.problems) == maxProblems {
		p.omitted++
		return
	}
	p.problems = append(p.problems, problem)
}

func (p *parser) parseCase(o object) *Case {
	c := &Case{
		Title:     o.text("title", required, maxTitle),
		Timeout:   o.integer("timeout", optional, 1, maxTimeout),
		BaseURL:   o.text("baseUrl", optional, maxURL),
		Variables: o.variables("variables"),
		Rows:      o.rows(),
		Config:    o.config(),
	}
	o.text("selectorAttribute", optional, maxName) // what Recorder was told to prefer
	o.raw("$schema", optional, "")
	if c.BaseURL != "" {
		if problem := checkBaseURL(c.BaseURL); problem != "" {
			o.problem("baseUrl", problem)
		}
	}
	steps, ok := o.list("steps", required, "a list of steps", MaxSteps)
	if ok && len(steps) == 0 {
		o.problem("steps", "is empty: give at least one step")
	}
	for i, raw := range steps {
		s := o.at(fmt.Sprintf("steps[%d]", i), nil)
		if o.depth == 0 {
			s.step, s.label = i+1, ""
		}
		if s.fields, ok = decodeObject(raw); !ok {
			s.problem("", "must be a JSON object with a type")
			continue
		}
		c.Steps = append(c.Steps, s.parseStep())
	}
	o.noteUnknown()
	return c
}

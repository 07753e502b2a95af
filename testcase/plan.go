package testcase

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Part is what one browser session runs.
type Part struct {
	// Name says which row of data it is, "" if there is but one.
	Name string
	// Variables are what the row and the case give values to.
	Variables map[string]string
	Steps     []Step
}

// LoadFunc returns the definition of a stored case, and whether there is one.
type LoadFunc func(ctx context.Context, id string) (definition []byte, found bool, err error)

// Size is the number of steps that a run has, as far as that is known without
// loading other cases.
func (c *Case) Size() int {
	steps := 0
	for _, s := range c.Steps {
		steps++
		if s.Parameters.SubCase.Case != nil {
			steps += s.Parameters.SubCase.Case.Size()
		}
	}
	return steps * max(len(c.Rows), 1)
}

// Plan returns the steps of all rows and sub-cases, in order. It fails with an
// *InvalidError if they can't be run, and with load's error if that fails. A
// sub-case's own data rows and config are not used.
func (c *Case) Plan(ctx context.Context, load LoadFunc) ([]Part, error) {
	p := &planner{ctx: ctx, load: load, loaded: map[string]*Case{}}
	steps, err := p.steps(c, nil)
	if err != nil {
		return nil, err
	}
	if n := len(steps) * max(len(c.Rows), 1); n > MaxSteps || c.Size() > MaxSteps {
		return nil, invalid(fmt.Sprintf("the case has %d steps with its rows and sub-cases: at most %d are allowed", n, MaxSteps))
	}
	if len(c.Rows) == 0 {
		return []Part{{Variables: maps.Clone(c.Variables), Steps: steps}}, nil
	}
	parts := make([]Part, 0, len(c.Rows))
	for i, row := range c.Rows {
		variables := map[string]string{}
		maps.Copy(variables, c.Variables)
		maps.Copy(variables, row.Values)
		part := Part{Name: fmt.Sprintf("row %d", i+1), Variables: variables}
		for _, s := range steps {
			s.Within = append([]string{part.Name}, s.Within...)
			part.Steps = append(part.Steps, s)
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// NamesFile returns the first file that the case or one inside of it runs.
func (c *Case) NamesFile() (string, bool) {
	subs := make([]SubCase, 0, len(c.Steps)+1)
	if state := c.Config.StorageState; state != nil && state.Login != nil {
		subs = append(subs, *state.Login)
	}
	for _, s := range c.Steps {
		subs = append(subs, s.Parameters.SubCase)
	}
	for _, sub := range subs {
		if sub.File != "" {
			return sub.File, true
		}
		if sub.Case == nil {
			continue
		}
		if name, ok := sub.Case.NamesFile(); ok {
			return name, true
		}
	}
	return "", false
}

type planner struct {
	ctx    context.Context //nolint:containedctx // lives as long as one call of Plan
	load   LoadFunc
	loaded map[string]*Case
	count  int
}

// steps returns a case's steps with those of its sub-cases. within are the
// titles of the cases that it is inside of.
func (p *planner) steps(c *Case, within []string) ([]Step, error) {
	var steps []Step
	for i, s := range c.Steps {
		p.count++
		if p.count > MaxSteps {
			return nil, invalid(fmt.Sprintf("the case has more than %d steps with its sub-cases", MaxSteps))
		}
		if s.Timeout == 0 && len(within) > 0 {
			s.Timeout = c.Timeout
		}
		s.Within = within
		steps = append(steps, s)
		if s.Action() != CustomRunCase {
			continue
		}
		sub, err := p.find(s, i, len(within))
		if err != nil {
			return nil, err
		}
		// What the sub-case gives values to counts unless the step does.
		variables := map[string]string{}
		maps.Copy(variables, sub.Variables)
		maps.Copy(variables, s.Parameters.Items)
		steps[len(steps)-1].Parameters.Items = variables
		inner, err := p.steps(sub, append(slices.Clip(within), sub.Title))
		if err != nil {
			return nil, err
		}
		steps = append(steps, inner...)
	}
	return steps, nil
}

func (p *planner) find(s Step, index, depth int) (*Case, error) {
	problem := func(message string) error {
		return &InvalidError{Problems: []Problem{{
			Path: fmt.Sprintf("steps[%d].parameters", index), Step: index + 1, Action: s.Action(), Field: "parameters", Message: message,
		}}}
	}
	sub := s.Parameters.SubCase
	switch {
	case depth >= MaxDepth:
		return nil, problem(fmt.Sprintf("lead to cases nested more than %d deep; do they run each other?", MaxDepth))
	case sub.Case != nil:
		return sub.Case, nil
	case sub.ID == "":
		return nil, problem(fmt.Sprintf("name the file %q, which only the command line can read: store the case and give its id", sub.File))
	}
	if c, ok := p.loaded[sub.ID]; ok {
		return c, nil
	}
	definition, found, err := p.load(p.ctx, sub.ID)
	if err != nil {
		return nil, fmt.Errorf("loading test case %s: %w", sub.ID, err)
	}
	if !found {
		return nil, problem(fmt.Sprintf("name the test case %q, which does not exist", sub.ID))
	}
	c, err := Parse(definition)
	if err != nil {
		return nil, problem(fmt.Sprintf("name the test case %q, which is not valid: %s", sub.ID, err))
	}
	p.loaded[sub.ID] = c
	return c, nil
}

// Needs is what the steps of a part make it worth to watch in a browser.
type Needs struct{ Downloads, Responses bool }

// NeedsOf returns the needs of some steps.
func NeedsOf(steps []Step) Needs {
	var n Needs
	for _, s := range steps {
		switch s.Action() {
		case CustomDownload:
			n.Downloads = true
		case CustomWaitForResponse:
			n.Responses = true
		}
	}
	return n
}

package casepatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// mostAdded is how many selectors a step gets at the most: those that are tried first should be few.
const mostAdded = 5

// Better is what finds the element of a step.
type Better struct {
	// Step and Hash name the step as it was when that was found out.
	Step int
	Hash string
	// Selectors are alternatives, as in a case.
	Selectors [][]string
}

// Changed is a step whose selectors changed.
type Changed struct {
	Step  int        `json:"stepNumber"`
	Title string     `json:"step"`
	Added [][]string `json:"added"`
}

// Left is a step that stays as it is although something better is known of it.
type Left struct {
	Step   int    `json:"stepNumber"`
	Reason string `json:"reason"`
}

// Result is what became of a case.
type Result struct {
	// Text is the case with its better selectors first, the old ones after them.
	Text  []byte
	Steps []Changed
	Left  []Left

	before []byte
}

// Make puts better selectors into the text of a case, the first ones of better first. whole is the case with the files that it runs in it, as it
// was run; load finds the stored cases that it runs.
func Make(ctx context.Context, text []byte, whole *testcase.Case, load testcase.LoadFunc, better []Better) (Result, error) {
	r := Result{Text: text, Steps: []Changed{}, Left: []Left{}, before: text}
	own, err := testcase.Parse(text)
	if err != nil {
		return r, fmt.Errorf("reading the case: %w", err)
	}
	parts, err := whole.Plan(ctx, load)
	if err != nil {
		return r, fmt.Errorf("numbering the steps of the case: %w", err)
	}
	n := numbering{ctx: ctx, load: load}
	if err := n.add(own, whole, ""); err != nil {
		return r, err
	}
	spans := spansOf(text)
	var edits []edit
	for _, number := range stepsOf(better, len(n.places), len(parts)) {
		selectors, reason := n.added(number, len(parts), better)
		if reason == "" && len(selectors) == 0 {
			reason = fmt.Sprintf("step %d has all of them already, or no room for more", number)
		}
		if reason != "" {
			r.Left = append(r.Left, Left{Step: number, Reason: reason})
			continue
		}
		p := n.places[number-1]
		e, ok := insert(text, spans, p.path, selectors)
		if !ok {
			r.Left = append(r.Left, Left{Step: number, Reason: fmt.Sprintf("step %d is not where it should be in the text", number)})
			continue
		}
		edits = append(edits, e...)
		r.Steps = append(r.Steps, Changed{Step: number, Title: p.step.Description(), Added: selectors})
	}
	r.Text = apply(text, edits)
	err = r.check(own)
	return r, err
}

// stepsOf are the numbers of the steps that something is known of, each once: those of later rows of data are the same steps again.
func stepsOf(better []Better, steps, rows int) []int {
	var numbers []int
	for _, b := range better {
		number := b.Step
		if steps > 0 && number > steps && number <= steps*rows {
			number = (number-1)%steps + 1
		}
		if !slices.Contains(numbers, number) {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// place is where a step is.
type place struct {
	step testcase.Step
	path string // in the text; "" if it is in another one
	of   string // the title of the case that it is in
}

// numbering counts steps as runs do.
type numbering struct {
	ctx    context.Context //nolint:containedctx // lives as long as one call of Make
	load   testcase.LoadFunc
	places []place
}

// add counts the steps of a case and of those that it runs. own is the case as it is in the text, nil if it is not there.
func (n *numbering) add(own, whole *testcase.Case, prefix string) error {
	for i, step := range whole.Steps {
		p := place{step: step, of: whole.Title}
		var mine *testcase.Case
		path := fmt.Sprintf("%ssteps[%d]", prefix, i)
		if own != nil && i < len(own.Steps) {
			p.path, mine = path, own.Steps[i].Parameters.SubCase.Case
		}
		n.places = append(n.places, p)
		if step.Action() != testcase.CustomRunCase {
			continue
		}
		inner := step.Parameters.SubCase.Case
		if inner == nil {
			var err error
			if inner, err = n.stored(step.Parameters.SubCase.ID); err != nil {
				return err
			}
		}
		if err := n.add(mine, inner, path+".parameters.case."); err != nil {
			return err
		}
	}
	return nil
}

func (n *numbering) stored(id string) (*testcase.Case, error) {
	definition, found, err := n.load(n.ctx, id)
	if err != nil {
		return nil, fmt.Errorf("loading test case %s: %w", id, err)
	}
	if !found {
		return nil, fmt.Errorf("there is no test case %q", id)
	}
	c, err := testcase.Parse(definition)
	if err != nil {
		return nil, fmt.Errorf("reading test case %s: %w", id, err)
	}
	return c, nil
}

// added are the selectors that a step is to get, or why it gets none.
func (n *numbering) added(number, rows int, better []Better) (selectors [][]string, reason string) {
	if number > len(n.places) {
		return nil, fmt.Sprintf("the case has no step %d any more", number)
	}
	p := n.places[number-1]
	old := p.step.Selectors
	known := false
	for _, b := range better {
		same := b.Step == number || b.Step <= len(n.places)*rows && (b.Step-1)%len(n.places)+1 == number
		if !same || b.Hash != p.step.TargetHash() {
			continue
		}
		known = true
		for _, s := range b.Selectors {
			there := slices.ContainsFunc(old, func(o testcase.Selector) bool { return slices.Equal(o, s) }) ||
				slices.ContainsFunc(selectors, func(o []string) bool { return slices.Equal(o, s) })
			if !there && len(selectors) < mostAdded && len(old)+len(selectors) < testcase.MaxAlternatives {
				selectors = append(selectors, s)
			}
		}
	}
	switch {
	case !known:
		return nil, fmt.Sprintf("step %d was changed since, or is another one now", number)
	case p.path == "":
		return nil, fmt.Sprintf("step %d is one of the case %q, which this one runs: it is not in this text", number, p.of)
	}
	return selectors, ""
}

// check makes sure that the text is the case that it was, but for the selectors that were added.
func (r *Result) check(before *testcase.Case) error {
	after, err := testcase.Parse(r.Text)
	if err != nil {
		return fmt.Errorf("reading the case with its better selectors: %w", err)
	}
	added := 0
	for _, s := range r.Steps {
		added += len(s.Added)
	}
	was, err := shape(before.JSON())
	if err != nil {
		return err
	}
	is, err := shape(after.JSON())
	if err != nil {
		return err
	}
	if is.selectors-was.selectors != added || !bytes.Equal(is.rest, was.rest) {
		return errors.New("writing the better selectors: something else of the case would have changed")
	}
	return nil
}

// shaped is a case without selectors, and how many it had.
type shaped struct {
	selectors int
	rest      []byte
}

func shape(text []byte) (shaped, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return shaped{}, fmt.Errorf("reading a case: %w", err)
	}
	var s shaped
	s.strip(doc)
	var err error
	if s.rest, err = json.Marshal(doc); err != nil {
		return s, fmt.Errorf("comparing cases: %w", err)
	}
	return s, nil
}

func (s *shaped) strip(v any) {
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			s.strip(inner)
		}
	case map[string]any:
		for name, inner := range v {
			list, isList := inner.([]any)
			_, isText := inner.(string)
			switch {
			case name == "selectors" && isList:
				s.selectors += len(list)
				delete(v, name)
			case (name == "selectors" || name == "selector") && isText:
				s.selectors++
				delete(v, name)
			default:
				s.strip(inner)
			}
		}
	}
}

package testcase

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a case.
type Problem struct {
	// Path is where: "steps[3].selectors".
	Path string
	// Step is the number of the step as people count, from 1; 0 if the
	// problem is not in a step.
	Step int
	// Action is what that step does, if it says.
	Action string
	// Field is the field of the step or of the case.
	Field string
	// Message says what is wrong and what would be right.
	Message string
	// Line is the line of the file that it is in, from 1; 0 if that is not
	// known.
	Line int
}

// String says where and what: "step 3 (click): selectors is missing: …".
func (p Problem) String() string {
	where := ""
	switch {
	case p.Step > 0 && p.Action != "":
		where = fmt.Sprintf("step %d (%s): ", p.Step, p.Action)
	case p.Step > 0:
		where = fmt.Sprintf("step %d: ", p.Step)
	}
	if p.Field == "" {
		return where + p.Message
	}
	return where + p.Field + " " + p.Message
}

// InvalidError lists everything that is wrong with a case.
type InvalidError struct {
	Problems []Problem
	// Omitted counts the problems beyond the ones listed.
	Omitted int
}

// Error lists the problems, one a line.
func (e *InvalidError) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	if e.Omitted > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", e.Omitted))
	}
	return strings.Join(lines, "\n")
}

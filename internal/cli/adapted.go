package cli

import (
	"fmt"
	"io"
	"slices"
)

// successful are the adaptations of the newest attempt that any step passed with.
func successful(list []apiAdaptation) []apiAdaptation {
	newest := 0
	for _, a := range list {
		newest = max(newest, a.Attempt)
	}
	return slices.DeleteFunc(list, func(a apiAdaptation) bool { return !a.Successful || a.Attempt != newest })
}

// adaptedTests counts the tests that passed, but not as their cases say.
func adaptedTests(tests []test) int {
	n := 0
	for i := range tests {
		if tests[i].run.Status == statusAdapted {
			n++
		}
	}
	return n
}

// writeAdapted says of each test that passed what was adapted.
func writeAdapted(out io.Writer, tests []test, c *client, policy string, colors palette) {
	n := adaptedTests(tests)
	if n == 0 {
		return
	}
	for i := range tests {
		t := &tests[i]
		if t.run.Status != statusAdapted {
			continue
		}
		fmt.Fprintf(out, "\n%s %s\n", colors.yellow("~"), colors.bold(clean(t.title)))
		for _, a := range t.adaptations {
			line := fmt.Sprintf("step %d: %s", a.StepNumber, clean(a.Reason))
			if a.NewLocator != "" {
				line = fmt.Sprintf("step %d: %s in place of %s", a.StepNumber, clean(a.NewLocator), clean(a.OldLocator))
			}
			fmt.Fprintf(out, "  %s  %s\n", colors.dim("adapted"), line)
			if a.NewLocator != "" {
				fmt.Fprintf(out, "           %s\n", colors.dim(clean(a.Reason)))
			}
			if a.Screenshots.Before != "" {
				fmt.Fprintf(out, "           %s\n", c.link(a.Screenshots.Before))
			}
		}
		fmt.Fprintf(out, "  %s      %s\n", colors.dim("run"), c.linksOf(t).Self)
	}
	switch policy {
	case AdaptedFail:
		fmt.Fprintf(out, "\n%s\n", colors.red(fmt.Sprintf("%s passed only because elements were found again (--on-adapted fail)", count(n, "test"))))
	case AdaptedWarn:
		fmt.Fprintf(out, "\n%s\n", colors.yellow(fmt.Sprintf("Warning: %s passed only because elements were found again. Look at what was taken, and correct the case.", count(n, "test"))))
	}
}

package cli

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// report writes the end of an invocation.
type report struct {
	options *Options
	client  *client
	began   time.Time
}

// write writes the report and passes on the exit code and the error, for the caller to print.
func (r report) write(tests []test, code int, failure error) (int, error) {
	elapsed := time.Since(r.began)
	if r.options.Output == OutputJSON {
		if err := writeDocument(r.options.Stdout, tests, r.client, elapsed, code, failure); err != nil {
			return ExitPlatform, errors.Join(failure, err)
		}
		return code, failure
	}
	if !anyStarted(tests) {
		return code, failure // the error says it all
	}
	r.writeText(r.options.Stdout, tests, elapsed, code)
	return code, failure
}

func (r report) writeText(out io.Writer, tests []test, elapsed time.Duration, code int) {
	colors := r.options.colors()
	if r.options.Detach {
		writeStarted(out, tests, r.client)
		return
	}
	width := r.options.Width
	if r.options.Terminal && width == 0 {
		width, _ = terminalSize(out)
	}
	if !r.options.Terminal {
		fmt.Fprintln(out) // between the lines of progress and the table
	}
	writeTable(out, tests, width, colors)
	writeFailures(out, tests, r.client, code == ExitInterrupted, colors)
	writeAdapted(out, tests, r.client, r.options.OnAdapted, colors)
	line := summaryLine(tallyOf(tests), elapsed, colors)
	if code == ExitInterrupted {
		line += colors.yellow(", interrupted")
	}
	fmt.Fprintln(out, "\n"+line)
	r.writeSuites(out, tests, colors)
}

// writeSuites names the suite runs, and says how to run again what failed.
func (r report) writeSuites(out io.Writer, tests []test, colors palette) {
	passed := map[string]bool{}
	var ids []string
	for i := range tests {
		id := tests[i].suiteRun
		if id == "" {
			continue
		}
		if _, known := passed[id]; !known {
			ids, passed[id] = append(ids, id), true
		}
		s := tests[i].state()
		passed[id] = passed[id] && (s.passed() || s == stateQuarantined)
	}
	for _, id := range ids {
		fmt.Fprintf(out, "%s %s\n", colors.dim("suite run"), clean(id))
	}
	for _, id := range ids {
		switch {
		case passed[id]:
			continue
		case !r.options.isolated():
			fmt.Fprintln(out, colors.dim("To run again only what did not pass, add --only-failed."))
		case r.options.Suite != "":
			fmt.Fprintln(out, colors.dim("To run again only what did not pass: cinnamon suite run "+clean(r.options.Suite)+" --only-failed"))
		default:
			fmt.Fprintln(out, colors.dim("To run again only what did not pass: cinnamon suite run --only-failed="+clean(id)))
		}
		return
	}
}

func anyStarted(tests []test) bool {
	for i := range tests {
		if tests[i].id != "" {
			return true
		}
	}
	return false
}

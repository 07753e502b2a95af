package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The values of Options.Output.
const (
	OutputTable = "table"
	OutputJSON  = "json"
)

// The values of Options.OnAdapted.
const (
	AdaptedPass = "pass"
	AdaptedWarn = "warn"
	AdaptedFail = "fail"
)

// Latest stands for the newest suite run.
const Latest = "latest"

// Options says what to run and how to show it.
type Options struct {
	APIURL, APIKey string
	// Groups run one after the other; the runs of a group are started together. With Detach nothing is waited for, so
	// all groups start at once.
	Groups []Group
	// Suite is the stored suite that is run, if there are no groups; with neither, what failed in the suite run OnlyFailed
	// is run again. Target says where.
	Suite  string
	Target Group

	Stdout, Stderr io.Writer
	// Terminal says that progress goes to a terminal: live bars instead of plain lines, and colours.
	Terminal bool
	// NoColor turns colours off on a terminal too (the variable NO_COLOR).
	NoColor bool
	// Width is the number of columns. 0 means the terminal's own, or no limit where there is none.
	Width int
	// Output is OutputTable (the default), or OutputJSON: one JSON document on Stdout at the end, progress on Stderr.
	Output string

	// Priority is low, normal, high, urgent or a number; Attempts and Timeout (of one attempt) replace the API's
	// defaults where they are not zero.
	Priority string
	Attempts int
	Timeout  time.Duration
	// QueueTimeout is how long a run may wait for a worker each time it is due; 0 leaves that to the API.
	QueueTimeout time.Duration
	UserID       string
	// IdempotencyKey makes a repeated invocation find the runs of the first one instead of starting them again. Each
	// file has a key of its own, derived from this one.
	IdempotencyKey string
	// Parallel is how many tests of a group run at once, FailFast ends a group with its first test that fails. With either
	// of them a group is one suite run, which starts the tests that take longest first.
	Parallel int
	FailFast bool
	// OnlyFailed leaves what did not pass in an earlier suite run: the one of that id, or Latest for the newest one of the
	// same folder or stored suite.
	OnlyFailed string
	// OnAdapted says what a test means that passed, but not as its case says: AdaptedWarn (the default) and AdaptedPass count it as
	// passed, the former with a warning; with AdaptedFail the exit code is ExitAdapted.
	OnAdapted string
	// AdaptiveMode is off, suggest or heal: what happens when an element is not found; empty leaves that to the suite and the API.
	AdaptiveMode string
	// Tags put the runs beside others: runs are held by them.
	Tags []string
	// Detach starts the runs, prints their ids and does not wait.
	Detach bool

	// Abort, when closed, ends a wait for cancelled runs at once: the second Ctrl-C. It may be nil.
	Abort <-chan struct{}
}

// Group is a set of test cases that run together.
type Group struct {
	// Paths are files, or folders with *.json files at any depth.
	Paths []string
	// BaseURL is where the cases' relative addresses lead; empty means what the files say.
	BaseURL string
	// Environment names one of the addresses that the cases have for their site.
	Environment string

	suite *suiteFolder // what the suite file of their folder says; nil if there is none
}

// completeEnds fills in and checks where a command writes and what it asks: its output and the API's address.
func completeEnds(output, apiURL *string, bad func(format string, args ...any)) {
	if *output == "" {
		*output = OutputTable
	}
	if *output != OutputTable && *output != OutputJSON {
		bad("the output is %q: it must be %s or %s", *output, OutputTable, OutputJSON)
	}
	if !webAddress(*apiURL) {
		bad("the API's address is %q: set CINNAMON_API_URL to an http:// or https:// address", *apiURL)
	}
	*apiURL = strings.TrimRight(*apiURL, "/")
}

// complete fills in defaults and reports everything that is wrong.
func (o *Options) complete() error {
	var problems []string
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	completeEnds(&o.Output, &o.APIURL, bad)
	if _, err := strconv.Atoi(o.Priority); err != nil && o.Priority != "" &&
		!slices.Contains([]string{"low", "normal", "high", "urgent"}, o.Priority) {
		bad("the priority is %q: it must be low, normal, high, urgent or a number", o.Priority)
	}
	if o.Attempts < 0 {
		bad("the number of attempts is %d: it must be 1 or more", o.Attempts)
	}
	if o.Timeout < 0 || (o.Timeout > 0 && o.Timeout < time.Millisecond) {
		bad("the timeout is %s: it must be 1ms or more", o.Timeout)
	}
	if o.QueueTimeout < 0 || (o.QueueTimeout > 0 && o.QueueTimeout < time.Second) {
		bad("the queue timeout is %s: it must be 1s or more", o.QueueTimeout)
	}
	if o.OnAdapted == "" {
		o.OnAdapted = AdaptedWarn
	}
	if !slices.Contains([]string{AdaptedPass, AdaptedWarn, AdaptedFail}, o.OnAdapted) {
		bad("what to do about adapted tests is %q: it must be pass, warn or fail", o.OnAdapted)
	}
	if !slices.Contains([]string{"", "off", "suggest", "heal"}, o.AdaptiveMode) {
		bad("the adaptive mode is %q: it must be off, suggest or heal", o.AdaptiveMode)
	}
	if o.Parallel < 0 {
		bad("the number of parallel tests is %d: it must be 1 or more, or 0 for as many as there are workers for", o.Parallel)
	}
	paths := 0
	for _, group := range o.Groups {
		paths += len(group.Paths)
		if group.BaseURL != "" && !webAddress(group.BaseURL) {
			bad("the base URL is %q: it must be an http:// or https:// address", group.BaseURL)
		}
	}
	if o.Target.BaseURL != "" && !webAddress(o.Target.BaseURL) {
		bad("the base URL is %q: it must be an http:// or https:// address", o.Target.BaseURL)
	}
	if len(o.Groups) == 0 && o.Suite == "" && o.OnlyFailed == Latest {
		bad("it is not said of which suite the newest run is meant: name the suite, or its run with --only-failed=SUITE_RUN")
	}
	if paths == 0 && !o.isolated() {
		bad("no test case is named: give files, or folders with *.json files")
	}
	if len(problems) > 0 {
		return usageError("%s", strings.Join(problems, "\n"))
	}
	return nil
}

// priority returns the priority as the API reads it: a number or a word, nil for the API's default.
func (o *Options) priority() json.RawMessage {
	if o.Priority == "" {
		return nil
	}
	if n, err := strconv.Atoi(o.Priority); err == nil {
		return json.RawMessage(strconv.Itoa(n))
	}
	return json.RawMessage(strconv.Quote(o.Priority))
}

// suite says whether the tests of a group are one suite run.
func (o *Options) suite(g Group) bool {
	return g.suite != nil || o.Parallel > 0 || o.FailFast || o.OnlyFailed != ""
}

// colors returns the colours of the output.
func (o *Options) colors() palette { return palette{on: o.Terminal && !o.NoColor} }

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

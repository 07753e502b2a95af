package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RequeueOptions says which failed runs are to be run again.
type RequeueOptions struct {
	LettersOptions

	// Runs are named one by one; All means all dead letters that the filters leave.
	Runs []string
	All  bool
}

// requeued is what the API, or the command, says of a requeue.
type requeued struct {
	Requeued int            `json:"requeued"`
	Refused  int            `json:"refused"`
	Items    []requeuedItem `json:"items"`
	After    int64          `json:"after,omitempty"`
}

type requeuedItem struct {
	TestRunID string `json:"testRunId"`
	Requeued  bool   `json:"requeued"`
	Code      string `json:"code,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// requeuedAtOnce is how many runs one request takes: few enough to show progress.
const requeuedAtOnce = 50

// Requeue runs failed runs again, and returns an exit code: ExitFailed if some were refused.
func Requeue(ctx context.Context, o RequeueOptions) (int, error) {
	filter, err := o.filter(time.Now())
	filtered := len(filter) > 0
	switch {
	case err != nil:
	case o.All && len(o.Runs) > 0:
		err = usageError("give either the ids of runs or --all, not both")
	case !o.All && len(o.Runs) == 0:
		err = usageError("say what to requeue: the ids of runs, or --all, with --class, --case or --since if you like")
	case !o.All && filtered:
		err = usageError("the filters go with --all: give either them or the ids of runs")
	}
	if err != nil {
		return exitCodeOf(err), err
	}
	c := newClient(o.APIURL, o.APIKey)
	defer c.close()
	r := requeuer{o: &o, client: c, done: requeued{Items: []requeuedItem{}}}
	if o.All {
		err = r.all(ctx, filter)
	} else {
		err = r.named(ctx)
	}
	r.endProgress()
	return r.report(ctx, err)
}

type requeuer struct {
	o      *RequeueOptions
	client *client
	total  int
	done   requeued
	shown  bool // a line of progress is on the terminal
}

// named requeues the runs that were named.
func (r *requeuer) named(ctx context.Context) error {
	r.total = len(r.o.Runs)
	r.begin("")
	for ids := range slices.Chunk(r.o.Runs, requeuedAtOnce) {
		if _, err := r.ask(ctx, map[string]any{"ids": ids}); err != nil {
			return err
		}
	}
	return nil
}

// all requeues the dead letters that were there at the beginning: what fails again meanwhile is left.
func (r *requeuer) all(ctx context.Context, filter map[string]string) error {
	page, err := r.client.letters(ctx, filter, 0, 1)
	if err != nil {
		return err
	}
	if r.total = page.Total; r.total == 0 {
		return nil
	}
	r.begin(words(filter))
	after := page.Items[0].ID + 1
	for after > 0 {
		body := map[string]any{"limit": requeuedAtOnce, "after": after}
		for name, value := range filter {
			body[name] = value
		}
		if after, err = r.ask(ctx, body); err != nil {
			return err
		}
	}
	return nil
}

// words says which letters a filter leaves.
func words(filter map[string]string) string {
	var parts []string
	for _, name := range []string{"queue", "class", "testCaseId", "since", "until"} {
		if value := filter[name]; value != "" {
			parts = append(parts, name+" "+clean(value))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func (r *requeuer) ask(ctx context.Context, body map[string]any) (after int64, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, fmt.Errorf("encoding the request: %w", err)
	}
	var answer requeued
	if err := r.client.call(ctx, http.MethodPost, "/api/dead-letters/requeue", text, "", &answer); err != nil {
		return 0, err
	}
	r.done.Requeued += answer.Requeued
	r.done.Refused += answer.Refused
	r.done.Items = append(r.done.Items, answer.Items...)
	r.progress()
	return answer.After, nil
}

// begin says how many there are, before anything is done to them.
func (r *requeuer) begin(which string) {
	fmt.Fprintf(r.o.Stderr, "Requeueing %s%s\n", count(r.total, "failed run"), which)
}

// progress shows how far it is: on one line of a terminal, else on a line for each request.
func (r *requeuer) progress() {
	done := len(r.done.Items)
	if done >= r.total && !r.shown {
		return // the report says it
	}
	line := fmt.Sprintf("%d of %d", done, r.total)
	if r.o.Terminal {
		fmt.Fprint(r.o.Stderr, newLine+line)
		r.shown = true
		return
	}
	fmt.Fprintln(r.o.Stderr, line)
}

func (r *requeuer) endProgress() {
	if r.shown {
		fmt.Fprint(r.o.Stderr, newLine)
	}
}

// report tells what was done and what was not, and why.
func (r *requeuer) report(ctx context.Context, failure error) (int, error) {
	code, err := ExitPassed, error(nil)
	switch {
	case failure != nil:
		code, err = reached(ctx, failure)
	case r.done.Refused > 0:
		code = ExitFailed
	}
	if r.o.Output == OutputJSON {
		if wrong := writeJSON(r.o.Stdout, r.done); wrong != nil {
			return ExitPlatform, wrong
		}
		return code, err
	}
	colors := palette{on: r.o.Terminal && !r.o.NoColor}
	for _, item := range r.done.Items {
		if !item.Requeued {
			fmt.Fprintf(r.o.Stdout, "%s %s: %s\n", colors.red("✗"), clean(item.TestRunID), clean(item.Reason))
		}
	}
	switch {
	case r.total == 0 && failure == nil:
		fmt.Fprintln(r.o.Stdout, "No dead letters: there is nothing to requeue.")
	case len(r.done.Items) > 0:
		line := colors.green(strconv.Itoa(r.done.Requeued) + " requeued")
		if r.done.Refused > 0 {
			line += ", " + colors.red(strconv.Itoa(r.done.Refused)+" refused")
		}
		if left := r.total - len(r.done.Items); left > 0 && failure != nil {
			line += fmt.Sprintf(", %d not tried", left)
		}
		fmt.Fprintln(r.o.Stdout, line)
	}
	return code, err
}

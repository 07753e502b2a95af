package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// LettersOptions says which dead letters are meant and how to show them.
type LettersOptions struct {
	APIURL, APIKey string
	Stdout, Stderr io.Writer
	// Terminal says that Stdout is a terminal: its width counts, and colours are used unless NoColor says otherwise.
	Terminal, NoColor bool
	// Width is the number of columns. 0 means the terminal's own, or no limit where there is none.
	Width int
	// Output is OutputTable (the default) or OutputJSON.
	Output string

	// Queue, Class and Case leave the letters of one queue, of one class of reasons, of one test case.
	Queue, Class, Case string
	// Since and Until bound when they died: a time (2026-11-03T12:00:00Z), or how long ago (24h).
	Since, Until string
	// Limit is how many are listed, After the id of the letter to go on after.
	Limit int
	After int64
}

// apiLetter is a dead letter as the API shows it.
type apiLetter struct {
	ID           int64     `json:"id"`
	Queue        string    `json:"queue"`
	JobID        string    `json:"jobId"`
	TestRunID    string    `json:"testRunId"`
	TestCaseID   string    `json:"testCaseId"`
	SuiteRunID   string    `json:"suiteRunId,omitempty"`
	Title        string    `json:"title"`
	Class        string    `json:"class"`
	Reason       string    `json:"reason"`
	AttemptsMade int       `json:"attemptsMade"`
	DiedAt       time.Time `json:"diedAt"`
}

// letterPage is a page of a list of them.
type letterPage struct {
	Items []apiLetter `json:"items"`
	Total int         `json:"total"` // of all pages
}

// filter is what the API is asked for.
func (o *LettersOptions) filter(now time.Time) (map[string]string, error) {
	var problems []string
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	completeEnds(&o.Output, &o.APIURL, bad)
	f := map[string]string{"queue": o.Queue, "class": o.Class, "testCaseId": o.Case}
	for name, text := range map[string]string{"since": o.Since, "until": o.Until} {
		at, err := moment(text, now)
		if err != nil {
			bad("--%s is %q: it must be a time such as 2026-11-03T12:00:00Z, or how long ago, such as 24h", name, text)
			continue
		}
		f[name] = at
	}
	if len(problems) > 0 {
		return nil, usageError("%s", strings.Join(problems, "\n"))
	}
	for name, value := range f {
		if value == "" {
			delete(f, name)
		}
	}
	return f, nil
}

// moment reads a time, or how long ago one was.
func moment(text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago).UTC().Format(time.RFC3339), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	return at.UTC().Format(time.RFC3339), err
}

// Letters lists dead letters, the newest first, and returns an exit code.
func Letters(ctx context.Context, o LettersOptions) (int, error) {
	filter, err := o.filter(time.Now())
	if err != nil {
		return exitCodeOf(err), err
	}
	c := newClient(o.APIURL, o.APIKey)
	defer c.close()
	page, err := c.letters(ctx, filter, o.After, o.Limit)
	if err != nil {
		return reached(ctx, err)
	}
	if o.Output == OutputJSON {
		if err := writeJSON(o.Stdout, page); err != nil {
			return exitCodeOf(err), err
		}
		return ExitPassed, nil
	}
	o.writeLetters(page)
	return ExitPassed, nil
}

func (c *client) letters(ctx context.Context, filter map[string]string, after int64, limit int) (letterPage, error) {
	query := url.Values{}
	for name, value := range filter {
		query.Set(name, value)
	}
	if after > 0 {
		query.Set("after", strconv.FormatInt(after, 10))
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	page := letterPage{Items: []apiLetter{}}
	err := c.call(ctx, http.MethodGet, "/api/dead-letters?"+query.Encode(), nil, "", &page)
	return page, err
}

// reached gives the error of a call its exit code, and an interrupt its own.
func reached(ctx context.Context, err error) (int, error) {
	switch {
	case ctx.Err() != nil:
		return ExitInterrupted, nil //nolint:nilerr // whoever interrupts knows why
	case kindOf(err) == kindInput:
		return ExitUsage, err
	case kindOf(err) == kindUnavailable:
		return ExitPlatform, platformError("%s%s", err, startHint)
	}
	return ExitPlatform, err
}

func writeJSON(out io.Writer, document any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(document); err != nil {
		return platformError("the document can't be written: %s", err)
	}
	return nil
}

const (
	ageWidth   = len("59m ago")
	classWidth = len("unsupported")
	runWidth   = 36 // of the ids that the API makes
	leastTitle = 12
	mostTitle  = 40
	// leastReason is the room below which a reason is no use.
	leastReason = 32
)

// writeLetters writes a line for each letter: what failed, why, and how to name it.
func (o *LettersOptions) writeLetters(page letterPage) {
	colors := palette{on: o.Terminal && !o.NoColor}
	if len(page.Items) == 0 {
		fmt.Fprintln(o.Stdout, "No dead letters: no job that failed for good is waiting for you.")
		return
	}
	width := o.Width
	if o.Terminal && width == 0 {
		width, _ = terminalSize(o.Stdout)
	}
	title, run := leastTitle, 0
	for _, l := range page.Items {
		title = min(max(title, textWidth(clean(l.Title))), mostTitle)
		run = max(run, textWidth(clean(l.TestRunID)))
	}
	run = min(run, runWidth)
	fixed := run + classWidth + len("TRIES") + ageWidth + 5*len(columnGap)
	below := width > 0 && width-fixed-title < leastReason // the reason has a line of its own where there is no room for it
	if below {
		title = min(title, max(width-fixed+len(columnGap), leastTitle))
	}
	line := func(id, name, class, tries, age, why string) {
		cells := []string{fit(id, run), fit(name, title), class, fitRight(tries, len("TRIES")), fitRight(age, ageWidth)}
		switch {
		case below && why != "":
			cells[len(cells)-1] += "\n" + colors.dim(truncate("  "+why, width))
		case width > 0:
			cells = append(cells, truncate(why, width-fixed-title))
		default:
			cells = append(cells, why)
		}
		fmt.Fprintln(o.Stdout, strings.TrimRight(strings.Join(cells, columnGap), " "))
	}
	heading := "REASON"
	if below {
		heading = ""
	}
	line("RUN", "CASE", fit("CLASS", classWidth), "TRIES", "DIED", heading)
	for _, l := range page.Items {
		line(clean(l.TestRunID), clean(l.Title), colors.red(fit(l.Class, classWidth)), strconv.Itoa(l.AttemptsMade),
			age(time.Since(l.DiedAt)), clean(l.Reason))
	}
	shown := count(len(page.Items), "dead letter")
	if page.Total > len(page.Items) {
		shown = fmt.Sprintf("%d of %s; more: --after %d", len(page.Items), count(page.Total, "dead letter"), page.Items[len(page.Items)-1].ID)
	}
	fmt.Fprintf(o.Stdout, "\n%s. Run them again: cinnamon dead-letters requeue RUN… (or --all)\n", shown)
}

// age says how long ago something was, roughly.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", max(int(d.Seconds()), 0))
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd ago", int(d.Hours()/24))
	}
}

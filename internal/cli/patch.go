package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/cinnamon-qa/cinnamon/internal/casepatch"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// PatchOptions says which file is to get which learned locators.
type PatchOptions struct {
	SuiteOptions

	Stderr io.Writer
	// File is the case, Case the id that its runs have; empty: that of runs of the file.
	File, Case string
	// Environment leaves out what was learned on other hosts; Proposed takes locators that are not promoted yet, too.
	Environment string
	Proposed    bool
	// Write changes the file instead of printing a patch.
	Write bool
}

// patchDocument is what JSON asks for.
type patchDocument struct {
	File       string              `json:"file"`
	TestCaseID string              `json:"testCaseId"`
	Patch      string              `json:"patch"`
	Written    bool                `json:"written"`
	Steps      []casepatch.Changed `json:"steps"`
	Left       []casepatch.Left    `json:"left"`
}

// Patch prints what learned locators would change in the file of a case, or changes it, and returns an exit code.
func Patch(ctx context.Context, o PatchOptions) (int, error) {
	info, err := os.Stat(o.File)
	if err != nil {
		return ExitUsage, usageError("%s: %s", o.File, plain(err))
	}
	if info.IsDir() {
		return ExitUsage, usageError("%s is a folder: give the file of a case", o.File)
	}
	text, err := readBounded(o.File)
	if err != nil {
		return ExitUsage, usageError("%s: %s", o.File, err)
	}
	whole, wrong := read(o.File)
	if len(wrong) > 0 {
		err := invalidFiles(wrong, 1)
		return exitCodeOf(err), err
	}
	if o.Case == "" {
		o.Case = testcase.InlineID(whole.Title)
	}
	c := o.client()
	defer c.close()
	better, err := o.better(ctx, c)
	if err != nil {
		return reached(ctx, err)
	}
	result, err := casepatch.Make(ctx, text, whole, c.stored, better)
	if err != nil {
		if kindOf(err) != kindNone {
			return reached(ctx, err)
		}
		return ExitUsage, usageError("%s: %s", o.File, err)
	}
	doc := patchDocument{File: o.File, TestCaseID: o.Case, Patch: result.Diff(o.File), Steps: result.Steps, Left: result.Left}
	if o.Write && doc.Patch != "" {
		if err := os.WriteFile(o.File, result.Text, info.Mode().Perm()); err != nil {
			return ExitPlatform, platformError("%s can't be written: %s", o.File, plain(err))
		}
		doc.Written = true
	}
	if err := o.report(doc, len(better)); err != nil {
		return ExitPlatform, err
	}
	return ExitPassed, nil
}

// better are the learned locators of the case: promoted ones first, then the newest.
func (o *PatchOptions) better(ctx context.Context, c *client) ([]casepatch.Better, error) {
	statuses := []string{"promoted"}
	if o.Proposed {
		statuses = append(statuses, "proposed")
	}
	var better []casepatch.Better
	for _, status := range statuses {
		of := LocatorOptions{Case: o.Case, Environment: o.Environment, Status: status, Limit: 200}
		for {
			page, list, err := c.locators(ctx, of)
			if err != nil {
				return nil, err
			}
			for _, l := range list {
				better = append(better, casepatch.Better{Step: l.StepNumber, Hash: l.StepHash, Selectors: l.Selectors})
			}
			if len(page.Items) < of.Limit {
				break
			}
			of.After = list[len(list)-1].ID
		}
	}
	return better, nil
}

// stored finds a stored case that the file runs.
func (c *client) stored(ctx context.Context, id string) (definition []byte, found bool, err error) {
	var answer struct {
		Case json.RawMessage `json:"case"`
	}
	err = c.call(ctx, http.MethodGet, "/api/test-cases/"+url.PathEscape(id), nil, "", &answer)
	if isMissing(err) {
		return nil, false, nil
	}
	return answer.Case, err == nil, err
}

// report prints the patch on standard output, and what people should know beside it on standard error.
func (o *PatchOptions) report(doc patchDocument, known int) error {
	if o.JSON {
		return writeJSON(o.Stdout, doc)
	}
	say := func(format string, args ...any) { fmt.Fprintf(o.Stderr, format+"\n", args...) }
	for _, left := range doc.Left {
		say("%s: left as it is: %s", clean(doc.File), clean(left.Reason))
	}
	switch {
	case known == 0 && o.Proposed:
		say("Nothing was learned of %s: --case ID names another one.", clean(doc.TestCaseID))
	case known == 0:
		say("Nothing of %s is promoted: --proposed takes what is not decided yet, too, and --case ID names another one.", clean(doc.TestCaseID))
	case doc.Written:
		say("%s has better selectors for %s.", clean(doc.File), count(len(doc.Steps), "step"))
	}
	if o.Write {
		return nil
	}
	_, err := io.WriteString(o.Stdout, doc.Patch)
	if err != nil {
		return errors.Join(errors.New("writing the patch"), err)
	}
	return nil
}

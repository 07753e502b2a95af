package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// LintOptions says which cases to check and how to tell.
type LintOptions struct {
	// Paths are files, or folders with *.json files at any depth.
	Paths  []string
	Stdout io.Writer
	// JSON asks for one JSON document instead of lines.
	JSON bool
	// Strict makes warnings count as problems.
	Strict bool
}

// finding is one thing to say about a file.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Step    int    `json:"step,omitempty"`
	Action  string `json:"action,omitempty"`
	Field   string `json:"field,omitempty"`
	Path    string `json:"path,omitempty"`
	Level   string `json:"level"` // error or warning
	Message string `json:"message"`
}

// The levels of findings.
const (
	levelError   = "error"
	levelWarning = "warning"
)

// Lint checks cases without running them, and returns an exit code: ExitPassed if all can be run, else ExitUsage.
func Lint(o LintOptions) (int, error) {
	findings, files := []finding{}, 0
	for _, path := range o.Paths {
		suiteFiles, err := findSuites(path)
		for _, name := range suiteFiles {
			files++
			_, wrong := lintSuite(name)
			findings = append(findings, wrong...)
		}
		var names []string
		if err == nil && filepath.Base(path) != testcase.SuiteFile {
			names, err = find(path)
		}
		if err != nil {
			findings = append(findings, finding{File: path, Level: levelError, Message: err.Error()})
			files++
		}
		for _, name := range names {
			files++
			findings = append(findings, lint(name)...)
		}
	}
	errorCount := 0
	for _, f := range findings {
		if f.Level == levelError || o.Strict {
			errorCount++
		}
	}
	if err := o.show(findings, files); err != nil {
		return ExitPlatform, err
	}
	if errorCount > 0 {
		return ExitUsage, nil
	}
	return ExitPassed, nil
}

func (o LintOptions) show(findings []finding, files int) error {
	if o.JSON {
		e := json.NewEncoder(o.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"files": files, "findings": findings})
	}
	var b bytes.Buffer
	for _, f := range findings {
		b.WriteString(clean(f.File))
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
		}
		problem := testcase.Problem{Step: f.Step, Action: f.Action, Field: f.Field, Message: f.Message}
		fmt.Fprintf(&b, ": %s: %s\n", f.Level, clean(problem.String()))
	}
	if len(findings) == 0 {
		fmt.Fprintf(&b, "%s checked, nothing to say.\n", count(files, "file"))
	}
	_, err := o.Stdout.Write(b.Bytes())
	return err
}

// lint checks one file.
func lint(name string) []finding {
	data, err := readBounded(name)
	if err != nil {
		return []finding{{File: name, Level: levelError, Message: err.Error()}}
	}
	c, notes, err := testcase.Lint(data)
	if invalid, ok := errors.AsType[*testcase.InvalidError](err); ok {
		list := findingsOf(name, levelError, invalid.Problems)
		if invalid.Omitted > 0 {
			list = append(list, finding{File: name, Level: levelError, Message: fmt.Sprintf("and %d more", invalid.Omitted)})
		}
		return list
	}
	if err != nil {
		return []finding{{File: name, Level: levelError, Message: err.Error()}}
	}
	list := findingsOf(name, levelWarning, notes)
	if _, err := inline(name, c, 0); err != nil {
		list = append(list, finding{File: name, Level: levelError, Message: err.Error()})
	}
	return list
}

func findingsOf(name, level string, problems []testcase.Problem) []finding {
	list := make([]finding, 0, len(problems))
	for _, p := range problems {
		list = append(list, finding{
			File: name, Line: p.Line, Step: p.Step, Action: p.Action, Field: p.Field, Path: p.Path, Level: level, Message: p.Message,
		})
	}
	return list
}

// CaseOptions says which API keeps stored cases.
type CaseOptions struct {
	APIURL, APIKey string
	Stdout         io.Writer
}

// Export writes a case as Recorder's JSON: a file's, or else the stored one of that id. Nothing of it is changed but the space
// between its parts.
func Export(ctx context.Context, o CaseOptions, what string) error {
	text, err := caseText(ctx, o, what)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return platformError("%s can't be written: %s", what, err)
	}
	b.WriteByte('\n')
	_, err = o.Stdout.Write(b.Bytes())
	return err
}

func caseText(ctx context.Context, o CaseOptions, what string) ([]byte, error) {
	if info, err := os.Stat(what); err == nil && !info.IsDir() {
		data, err := readBounded(what)
		if err != nil {
			return nil, usageError("%s: %s", what, err)
		}
		c, err := testcase.Parse(data)
		if err != nil {
			return nil, usageError("%s is not valid:\n%s", what, err)
		}
		return c.JSON(), nil
	}
	client := newClient(o.APIURL, o.APIKey)
	defer client.close()
	var answer struct {
		Case json.RawMessage `json:"case"`
	}
	if err := client.call(ctx, http.MethodGet, "/api/test-cases/"+url.PathEscape(what), nil, "", &answer); err != nil {
		return nil, coded(what, err)
	}
	return answer.Case, nil
}

// Save stores the case of a file under an id, with the files that it runs.
func Save(ctx context.Context, o CaseOptions, id, file string) error {
	c, wrong := read(file)
	if len(wrong) > 0 {
		return invalidFiles(wrong, 1)
	}
	client := newClient(o.APIURL, o.APIKey)
	defer client.close()
	if err := client.call(ctx, http.MethodPut, "/api/test-cases/"+url.PathEscape(id), c.JSON(), "", nil); err != nil {
		return coded(id, err)
	}
	_, err := fmt.Fprintf(o.Stdout, "%s is stored as %s.\n", clean(title(c, file)), clean(id))
	return err
}

// coded gives the error of a call its exit code.
func coded(id string, err error) error {
	if kindOf(err) == kindInput {
		return usageError("%s: %s", id, err)
	}
	return platformError("%s: %s", id, err)
}

// CodeOf returns the exit code that an error of this package asks for.
func CodeOf(err error) int { return exitCodeOf(err) }

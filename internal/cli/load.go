package cli

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// problem is one thing that is wrong with a file.
type problem struct {
	File    string `json:"file"`
	Step    int    `json:"step,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"` // says where and what
}

// load reads and checks the files of all groups. What it returns is ready to be started, in order; or else the error
// lists every problem of every file.
func load(ctx context.Context, o *Options) ([]test, error) {
	prefix := o.IdempotencyKey
	if prefix == "" {
		prefix = rand.Text()
	}
	var tests []test
	var problems []problem
	o.Groups, problems = suites(o.Groups)
	files, seen := distinct(problems), map[string]int{}
	for g, group := range o.Groups {
		for _, path := range group.Paths {
			names, err := find(path)
			if err != nil {
				problems = append(problems, problem{File: path, Message: err.Error()})
				files++
			}
			for _, name := range names {
				files++
				c, wrong := read(name)
				if len(wrong) > 0 {
					problems = append(problems, wrong...)
					continue
				}
				body, err := json.Marshal(request(o, group, c))
				if err != nil {
					return nil, fmt.Errorf("encoding %s: %w", name, err)
				}
				identity := fmt.Sprintf("%d\n%s\n%s", g, group.BaseURL, filepath.ToSlash(filepath.Clean(name)))
				seen[identity]++
				tests = append(tests, test{
					group: g, file: name, title: title(c, name), baseURL: group.BaseURL, steps: descriptions(ctx, c),
					body: body, key: deriveKey(prefix, identity, seen[identity]),
				})
			}
		}
	}
	if len(problems) > 0 {
		return nil, invalidFiles(problems, files)
	}
	return tests, nil
}

// find returns the cases that a path stands for: itself, or the folder's *.json at any depth, sorted. Hidden files and
// folders are left out, and suite files.
func find(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, plain(err)
	}
	if !info.IsDir() {
		if filepath.Base(path) == testcase.SuiteFile {
			return nil, errors.New("this file is no test case, it says how those of its folder run: name the folder")
		}
		return []string{path}, nil
	}
	names, err := walk(path, func(name string) bool {
		return name != testcase.SuiteFile && strings.EqualFold(filepath.Ext(name), ".json")
	})
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("there is no *.json file of a test case in this folder")
	}
	return names, nil
}

// walk returns the files at any depth of a folder whose names are wanted, sorted, but hidden ones.
func walk(path string, wanted func(name string) bool) ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(path), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && wanted(entry.Name()):
			names = append(names, filepath.Join(path, filepath.FromSlash(name)))
		}
		return nil
	})
	if err != nil {
		return nil, plain(err)
	}
	slices.Sort(names)
	return names, nil
}

// read reads and checks one case.
func read(name string) (*testcase.Case, []problem) {
	data, err := readBounded(name)
	if err != nil {
		return nil, []problem{{File: name, Message: err.Error()}}
	}
	c, err := testcase.Parse(data)
	if invalid, ok := errors.AsType[*testcase.InvalidError](err); ok {
		var problems []problem
		for _, p := range invalid.Problems {
			problems = append(problems, problem{File: name, Step: p.Step, Field: p.Field, Message: p.String()})
		}
		if invalid.Omitted > 0 {
			problems = append(problems, problem{File: name, Message: fmt.Sprintf("and %d more", invalid.Omitted)})
		}
		return nil, problems
	}
	if err == nil {
		c, err = inline(name, c, 0)
	}
	if err != nil {
		return nil, []problem{{File: name, Message: err.Error()}}
	}
	return c, nil
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, plain(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, testcase.MaxBytes+1))
	if err != nil {
		return nil, plain(err)
	}
	if len(data) > testcase.MaxBytes {
		return nil, fmt.Errorf("the file is larger than the %d bytes that a case may have", testcase.MaxBytes)
	}
	return data, nil
}

// plain takes the path out of an error of the file system: it is shown beside it already.
func plain(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("no such file or folder")
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

func request(o *Options, group Group, c *testcase.Case) startRequest {
	r := startRequest{Case: c.JSON(), UserID: o.UserID, Priority: o.priority(), Attempts: o.Attempts}
	r.Config = configOf(o, group)
	return r
}

func configOf(o *Options, group Group) *runConfig {
	config := runConfig{runSettings{
		Timeout: o.Timeout.Milliseconds(), QueueTimeout: o.QueueTimeout.Milliseconds(), BaseURL: group.BaseURL, Environment: group.Environment,
		AdaptiveMode: o.AdaptiveMode,
	}, o.Tags}
	if config.runSettings == (runSettings{}) && len(o.Tags) == 0 {
		return nil
	}
	return &config
}

func descriptions(ctx context.Context, c *testcase.Case) []string {
	steps := c.Steps
	// Stored cases that it runs are known to the worker alone.
	none := func(context.Context, string) ([]byte, bool, error) { return nil, false, nil }
	if parts, err := c.Plan(ctx, none); err == nil {
		steps = nil
		for _, part := range parts {
			steps = append(steps, part.Steps...)
		}
	}
	words := make([]string, len(steps))
	for i, step := range steps {
		words[i] = step.Description()
	}
	return words
}

func title(c *testcase.Case, name string) string {
	if strings.TrimSpace(c.Title) != "" {
		return c.Title
	}
	return strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
}

// deriveKey gives each start its own idempotency key. nth tells apart a file that is named more than once.
func deriveKey(prefix, identity string, nth int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d", identity, nth))
	return prefix + "-" + hex.EncodeToString(sum[:8])
}

// distinct counts the files that have problems.
func distinct(problems []problem) int {
	files := map[string]bool{}
	for _, p := range problems {
		files[p.File] = true
	}
	return len(files)
}

// invalidFiles lists the problems below the files that have them.
func invalidFiles(problems []problem, files int) *exitError {
	return notUsable("nothing was started", problems, files)
}

func notUsable(therefore string, problems []problem, files int) *exitError {
	var list strings.Builder
	wrong, last := 0, ""
	for _, p := range problems {
		if p.File != last {
			wrong, last = wrong+1, p.File
			list.WriteString("\n  " + clean(p.File))
		}
		list.WriteString("\n    " + clean(p.Message))
	}
	err := usageError("%s: %s can't be used%s", therefore, ofAll(wrong, files, "file"), list.String())
	err.problems = problems
	return err
}

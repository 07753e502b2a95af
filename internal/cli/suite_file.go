package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// suiteFolder is a folder with a suite file.
type suiteFolder struct {
	dir string
	*testcase.Suite
}

// folderOf returns the folder that a path is, or is in.
func folderOf(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Clean(path)
	}
	return filepath.Dir(path)
}

// suiteFileOf returns the suite file that counts for a path, "" if there is none: that of its folder, and of no other.
func suiteFileOf(path string) string {
	name := filepath.Join(folderOf(path), testcase.SuiteFile)
	if info, err := os.Stat(name); err != nil || info.IsDir() {
		return ""
	}
	return name
}

// suites makes a group of its own of each folder with a suite file, behind the paths that are in none. What is wrong with
// such a file comes as problems.
func suites(groups []Group) (split []Group, problems []problem) {
	read := map[string]bool{}
	for _, group := range groups {
		var files []string
		byFile := map[string][]string{}
		for _, path := range group.Paths {
			file := suiteFileOf(path)
			if !slices.Contains(files, file) {
				files = append(files, file)
			}
			byFile[file] = append(byFile[file], path)
		}
		slices.SortStableFunc(files, func(a, b string) int { return min(len(a), 1) - min(len(b), 1) })
		for _, file := range files {
			one := group
			one.Paths = byFile[file]
			if file != "" {
				suite, wrong := readSuite(file)
				if !read[file] {
					problems, read[file] = append(problems, wrong...), true
				}
				one.suite = &suiteFolder{dir: filepath.Dir(file), Suite: suite}
			}
			split = append(split, one)
		}
	}
	return split, problems
}

// readSuite reads and checks a suite file.
func readSuite(name string) (*testcase.Suite, []problem) {
	suite, findings := lintSuite(name)
	var problems []problem
	for _, f := range findings {
		if f.Level == levelError {
			said := testcase.Problem{Field: f.Field, Message: f.Message}
			problems = append(problems, problem{File: name, Field: f.Field, Message: said.String()})
		}
	}
	return suite, problems
}

// lintSuite checks a suite file. The suite is nil if it can't be used; else the files that it names are in it.
func lintSuite(name string) (*testcase.Suite, []finding) {
	wrong := func(field, message string) []finding {
		return []finding{{File: name, Level: levelError, Field: field, Path: field, Message: message}}
	}
	data, err := readBounded(name)
	if err != nil {
		return nil, wrong("", err.Error())
	}
	suite, notes, err := testcase.ParseSuite(data)
	if invalid, ok := errors.AsType[*testcase.InvalidError](err); ok {
		return nil, findingsOf(name, levelError, invalid.Problems)
	}
	if err != nil {
		return nil, wrong("", err.Error())
	}
	list := findingsOf(name, levelWarning, notes)
	var policies map[artifact.Kind]artifact.Policy
	if raw := suite.Config.OfRuns()["artifacts"]; raw != nil && json.Unmarshal(raw, &policies) == nil {
		for _, kind := range slices.Sorted(maps.Keys(policies)) {
			if said := artifact.CheckPolicy(kind, policies[kind]); said != "" {
				list = append(list, wrong("config.artifacts."+string(kind), said)...)
			}
		}
	}
	if suite.Config, err = inlineSuite(filepath.Dir(name), suite.Config); err != nil {
		list = append(list, wrong("config.storageState.login.file", err.Error())...)
	}
	if slices.ContainsFunc(list, func(f finding) bool { return f.Level == levelError }) {
		return nil, list
	}
	return suite, list
}

// inlineSuite puts the file of a suite's login case into its config.
func inlineSuite(folder string, c *testcase.SuiteConfig) (*testcase.SuiteConfig, error) {
	if _, names := c.NamesFile(); !names {
		return c, nil
	}
	config, err := decoded(c.JSON())
	if err != nil {
		return nil, err
	}
	if err := inlineAll(folder, map[string]any{"config": config}, 0); err != nil {
		return nil, err
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encoding the config: %w", err)
	}
	whole, err := testcase.ParseSuiteConfig(text)
	if err != nil {
		return nil, fmt.Errorf("with the case that logs in the config is not valid: %w", err)
	}
	return whole, nil
}

// findSuites returns the suite files that a path stands for: itself, or those of the folder at any depth.
func findSuites(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, plain(err)
	}
	if !info.IsDir() {
		if filepath.Base(path) == testcase.SuiteFile {
			return []string{path}, nil
		}
		return nil, nil
	}
	return walk(path, func(name string) bool { return name == testcase.SuiteFile })
}

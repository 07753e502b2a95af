package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/joho/godotenv"
)

// Sources are where settings come from. Each wins over those before it: defaults, the file, the environment, what the command
// line sets.
type Sources struct {
	// File holds NAME=value lines; empty means the one that CINNAMON_CONFIG names, if it does.
	File string
	// Environ are NAME=value pairs.
	Environ []string
	// Set are NAME=value pairs of the command line.
	Set []string
}

// Setting is one setting, and where it comes from.
type Setting struct {
	Name string `json:"name"`
	// Value is what was set, or the default; of secrets only that there is one.
	Value string `json:"value"`
	// From is default, environment, command line, or the file's path.
	From string `json:"from"`
}

// Where settings come from, beside a file.
const (
	fromDefault     = "default"
	fromEnvironment = "environment"
	fromCommandLine = "command line"
)

// Read reads all settings, and lists them. Everything that is wrong is reported at once.
func Read(s Sources) (Config, []Setting, error) {
	known := variables()
	values, from, problems := s.merge(known)
	counted := sized(values)
	problems = append(problems, s.wrongValues(counted, known)...)
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Environment: counted}); err != nil {
		return Config{}, nil, errors.Join(append(problems, fmt.Errorf("reading the settings: %w", err))...)
	}
	if err := errors.Join(append(problems, c.finish(values))...); err != nil {
		return Config{}, nil, err
	}
	return c, list(known, values, from), nil
}

// merge lays the sources over each other.
func (s Sources) merge(known []variable) (values, from map[string]string, problems []error) {
	values, from = map[string]string{}, map[string]string{}
	environ := env.ToMap(s.Environ)
	add := func(pairs map[string]string, source string, ours bool) {
		for _, name := range slices.Sorted(maps.Keys(pairs)) {
			if err := unknown(name, known, ours); err != nil {
				if source != fromEnvironment {
					err = fmt.Errorf("%s: %w", source, err)
				}
				problems = append(problems, err)
			}
			if pairs[name] == "" && values[name] != "" && source == fromEnvironment {
				continue // a container's empty variable says nothing
			}
			values[name], from[name] = pairs[name], source
		}
	}
	file := s.File
	if file == "" {
		file = environ[fileVariable]
	}
	if file != "" {
		pairs, err := readFile(file)
		if err != nil {
			problems = append(problems, err)
		}
		add(pairs, file, true)
	}
	add(environ, fromEnvironment, false)
	set := map[string]string{}
	for _, pair := range s.Set {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			problems = append(problems, fmt.Errorf("--set %s: it must be NAME=VALUE", name))
			continue
		}
		set[name] = value
	}
	add(set, fromCommandLine, true)
	return values, from, problems
}

// readFile reads a file as programs read .env: NAME=value lines, comments after #, values in quotes if need be.
func readFile(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the file of settings: %w", err)
	}
	pairs, err := godotenv.UnmarshalBytes(text)
	if err != nil { // its words quote the line, which may hold a password
		return nil, fmt.Errorf("reading the file of settings %s: it must hold NAME=value lines; put values with spaces or # in quotes", path)
	}
	return pairs, nil
}

// wrongValues names the variables that can't be read, and takes them out, so that what else is wrong shows.
func (s Sources) wrongValues(values map[string]string, known []variable) (problems []error) {
	if env.ParseWithOptions(&Config{}, env.Options{Environment: values}) == nil {
		return nil
	}
	for _, v := range known {
		value := values[v.name]
		if value == "" {
			continue
		}
		err := env.ParseWithOptions(&Config{}, env.Options{Environment: map[string]string{v.name: value}})
		if err == nil {
			continue
		}
		delete(values, v.name)
		if v.wants != "" {
			problems = append(problems, fmt.Errorf("%s is %q: it must be %s", v.name, value, v.wants))
			continue
		}
		problems = append(problems, fmt.Errorf("%s: %w", v.name, cause(err)))
	}
	return problems
}

// cause is what a type's own reader says.
func cause(err error) error {
	if many, ok := errors.AsType[env.AggregateError](err); ok && len(many.Errors) == 1 {
		err = many.Errors[0]
	}
	if wrong, ok := errors.AsType[env.ParseError](err); ok {
		return wrong.Err
	}
	return err
}

// list lists all settings; secrets of cases by their names only.
func list(known []variable, values, from map[string]string) []Setting {
	var settings []Setting
	for _, v := range known {
		value, set := values[v.name]
		source := from[v.name]
		if !set {
			value, source = v.def, fromDefault
		}
		if v.secret {
			value = Secret(value).String()
		}
		settings = append(settings, Setting{Name: v.name, Value: value, From: source})
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if rest, ok := strings.CutPrefix(name, secretPrefix); ok && rest != "" {
			settings = append(settings, Setting{Name: name, Value: Secret(values[name]).String(), From: from[name]})
		}
	}
	return settings
}

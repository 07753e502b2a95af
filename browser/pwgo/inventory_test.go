package pwgo_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// exercised notes what has been carried out in a real browser, and passed.
var exercised inventory

// inventory is a set of names: of types of steps, of their fields, of the values that these can have, of kinds of selectors,
// and of what a case asks of its browser.
type inventory struct {
	mu    sync.Mutex
	names map[string]bool
}

func (v *inventory) add(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.names == nil {
		v.names = map[string]bool{}
	}
	v.names[name] = true
}

// elsewhere are the names that no test of this package can exercise, and where that is done.
var elsewhere = map[string]string{
	"config.browser=firefox":              "TestOtherBrowsers, where it is installed",
	"config.browser=webkit":               "TestOtherBrowsers, where it is installed",
	"config.headless":                     "TestWindowNeedsADisplay; a window needs one",
	"config.viewport":                     "starter: TestConfigOfTheCase",
	"config.viewport.width":               "as above",
	"config.viewport.height":              "as above",
	"config.baseUrls":                     "starter: TestConfigOfTheCase",
	"config.timeout":                      "starter: TestConfigOfTheCase",
	"config.retries":                      "starter: TestConfigOfTheCase",
	"config.storageState.maxAge":          "activities: TestLogInOnce",
	"config.storageState.login":           "activities: TestLogInOnce; what it leaves, TestStateIsHandedOn",
	"config.storageState.login.id":        "as above",
	"config.storageState.login.file":      "the command line, which puts the case in its place",
	"config.storageState.login.case":      "as above",
	"config.storageState.login.variables": "as above",
	"custom.runCase.file":                 "the command line, which puts the case in its place",
}

// step notes a step as it stands in a file.
func (v *inventory) step(text []byte) {
	var fields map[string]any
	if json.Unmarshal(text, &fields) != nil {
		return
	}
	kind, _ := fields["type"].(string)
	prefix := "step." + kind
	v.add(prefix)
	for name, value := range fields {
		switch name {
		case "type", "name", "parameters":
		case "target", "frame", "timeout", "assertedEvents":
			v.walk("step."+name, value)
		default:
			v.walk(prefix+"."+name, value)
		}
	}
	name, _ := fields["name"].(string)
	if kind != testcase.TypeCustomStep {
		return
	}
	v.add("custom." + name)
	parameters, _ := fields["parameters"].(map[string]any)
	for key, value := range parameters {
		v.walk("custom."+name+"."+key, value)
	}
}

// config notes what a case asks of its browser.
func (v *inventory) config(text []byte) {
	var fields map[string]any
	if json.Unmarshal(text, &fields) == nil {
		for name, value := range fields {
			v.walk("config."+name, value)
		}
	}
}

func (v *inventory) walk(name string, value any) {
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch last {
	case "selector", "selectors", "to":
		v.selectors(value)
		if last == "selector" { // the short form
			v.add("selector")
			name += "s"
		}
		v.add(name)
		return
	}
	v.add(name)
	switch value := value.(type) {
	case string:
		v.add(name + "=" + value)
	case []any:
		for _, entry := range value {
			v.walk(name, entry)
		}
	case map[string]any:
		if last == "case" {
			return
		}
		for key, inner := range value {
			v.walk(name+"."+key, inner)
		}
	}
}

// selectors notes of which kinds they are.
func (v *inventory) selectors(value any) {
	list, several := value.([]any)
	if !several {
		list = []any{value}
	}
	if len(list) > 1 {
		v.add("selector: alternatives")
	}
	for _, entry := range list {
		parts, nested := entry.([]any)
		if !nested {
			parts = []any{entry}
		}
		for _, part := range parts {
			text, _ := part.(string)
			kind, _, prefixed := strings.Cut(text, "/")
			if !prefixed || !slices.Contains(selectorKinds(), kind) {
				kind = "css"
			}
			v.add("selector: " + kind)
			if len(parts) > 1 {
				v.add("selector: " + kind + " in a shadow root")
			}
		}
	}
}

func selectorKinds() []string { return []string{"css", "aria", "text", "xpath", "pierce"} }

// documented lists what the schema of cases has.
func documented() ([]string, error) {
	var schema struct {
		Defs map[string]map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(testcase.Schema(), &schema); err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	found := map[string]bool{"selector": true, "selector: alternatives": true}
	for _, kind := range selectorKinds() {
		found["selector: "+kind] = true
		if kind != "pierce" { // it leads through them by itself
			found["selector: "+kind+" in a shadow root"] = true
		}
	}
	var walk func(name string, node map[string]any)
	walk = func(name string, node map[string]any) {
		if reference, ok := node["$ref"].(string); ok {
			switch to := strings.TrimPrefix(reference, "#/$defs/"); {
			case to == "hasSelectors" || to == "maySelect":
				found[name+".selectors"] = true
			case to == "case" || strings.HasPrefix(to, "step.") || strings.HasPrefix(to, "custom."):
			default:
				walk(name, schema.Defs[to])
			}
		}
		for _, several := range []string{"anyOf", "oneOf", "allOf"} {
			list, _ := node[several].([]any)
			for _, entry := range list {
				if entry, ok := entry.(map[string]any); ok {
					walk(name, entry)
				}
			}
		}
		for _, inner := range []string{"then", "items"} {
			if inner, ok := node[inner].(map[string]any); ok {
				walk(name, inner)
			}
		}
		properties, _ := node["properties"].(map[string]any)
		for key, property := range properties {
			property, ok := property.(map[string]any)
			if !ok || property["const"] != nil || property["type"] == "null" {
				continue
			}
			if key == "type" && name == "step" || key == "name" && name == "step.customStep" || key == "parameters" {
				continue
			}
			found[name+"."+key] = true
			walk(name+"."+key, property)
		}
		values, _ := node["enum"].([]any)
		for _, value := range values {
			if text, ok := value.(string); ok {
				found[name+"="+text] = true
			}
		}
	}
	for name, node := range schema.Defs {
		switch {
		case strings.HasPrefix(name, "step."), strings.HasPrefix(name, "custom."):
			found[name] = true
			walk(name, node)
		case name == "step", name == "config":
			walk(name, node)
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// unexercised lists what is documented and was not carried out by any test, if all tests have run.
func unexercised() ([]string, error) {
	if flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" || shared.pool == nil {
		return nil, nil
	}
	names, err := documented()
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, name := range names {
		if !exercised.names[name] && elsewhere[name] == "" {
			missing = append(missing, name)
		}
	}
	for name := range elsewhere {
		if !slices.Contains(names, name) {
			missing = append(missing, name+" (which the schema has not)")
		}
	}
	return missing, nil
}

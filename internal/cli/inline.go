package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// inline puts the files that a case runs into it: whoever else runs it has no files.
func inline(name string, c *testcase.Case, depth int) (*testcase.Case, error) {
	if _, names := c.NamesFile(); !names {
		return c, nil
	}
	if depth > testcase.MaxDepth {
		return nil, fmt.Errorf("cases are nested more than %d deep: do they run each other?", testcase.MaxDepth)
	}
	doc, err := decoded(c.JSON())
	if err != nil {
		return nil, err
	}
	if err := inlineAll(filepath.Dir(name), doc, depth); err != nil {
		return nil, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", name, err)
	}
	whole, err := testcase.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("with the cases that it runs it is not valid: %w", err)
	}
	return whole, nil
}

// inlineAll looks for the places of files in a case, and in the cases inside of it.
func inlineAll(folder string, doc map[string]any, depth int) error {
	var places []map[string]any
	if config, ok := doc["config"].(map[string]any); ok {
		if state, ok := config["storageState"].(map[string]any); ok {
			places = append(places, asObject(state["login"]))
		}
	}
	steps, _ := doc["steps"].([]any)
	for _, s := range steps {
		if step := asObject(s); step["name"] == testcase.CustomRunCase {
			places = append(places, asObject(step["parameters"]))
		}
	}
	for _, place := range places {
		if inner := asObject(place["case"]); inner != nil {
			if err := inlineAll(folder, inner, depth); err != nil {
				return err
			}
		}
		file, ok := place["file"].(string)
		if !ok || file == "" {
			continue
		}
		inner, err := caseIn(filepath.Join(folder, filepath.FromSlash(file)), depth+1)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		delete(place, "file")
		place["case"] = inner
	}
	return nil
}

func caseIn(name string, depth int) (map[string]any, error) {
	data, err := readBounded(name)
	if err != nil {
		return nil, err
	}
	c, err := testcase.Parse(data)
	if err != nil {
		return nil, err
	}
	if c, err = inline(name, c, depth); err != nil {
		return nil, err
	}
	return decoded(c.JSON())
}

func asObject(v any) map[string]any {
	object, _ := v.(map[string]any)
	return object
}

// decoded reads a JSON object without changing its numbers.
func decoded(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("reading a case: %w", err)
	}
	if doc == nil {
		return nil, errors.New("the case is empty")
	}
	return doc, nil
}

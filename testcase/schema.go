package testcase

import (
	_ "embed" // for the schemas
	"encoding/json"
	"maps"
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of cases. It takes what Parse
// takes; Parse refuses a little more, which a schema can't say: regular
// expressions and time zones that are none, and what is too large in all.
func Schema() []byte { return slices.Clone(schema) }

//go:embed suite_schema.json
var suiteSchema []byte

// SuiteSchema returns the JSON Schema of suite files. It takes what ParseSuite takes. The definitions that it shares with
// that of cases are part of it.
func SuiteSchema() []byte {
	shared, _ := decodeObject(schema)
	definitions, _ := decodeObject(shared["$defs"])
	whole, _ := decodeObject(suiteSchema)
	own, _ := decodeObject(whole["$defs"])
	maps.Copy(definitions, own)
	var err error
	if whole["$defs"], err = json.Marshal(definitions); err != nil {
		return nil // a test sees that it is never so
	}
	text, err := json.MarshalIndent(whole, "", " ")
	if err != nil {
		return nil
	}
	return append(text, '\n')
}

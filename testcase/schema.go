package testcase

import (
	_ "embed" // for schema.json
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of cases. It takes what Parse
// takes; Parse refuses a little more, which a schema can't say: regular
// expressions and time zones that are none, and what is too large in all.
func Schema() []byte { return slices.Clone(schema) }

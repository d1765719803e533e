package scenarios

import "encoding/json"

// JSONSchema returns the JSON Schema (draft 2020-12) of scenario files, for editors.
// It is made of the tables that the loader reads by, so it knows the same keys. It
// says less than the loader: nothing about expressions and what refers to what.
func JSONSchema() []byte {
	s := scenarioTable().schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "sandtable scenario, version 1"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("scenarios: the schema is no JSON: " + err.Error()) // a table holds something else
	}
	return append(out, '\n')
}

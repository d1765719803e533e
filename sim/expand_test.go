package sim_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
)

// TestExpandSchema: the loader and the engine must take the same value for the same
// schema, and refuse the same ones.
func TestExpandSchema(t *testing.T) {
	type dict = map[string]any
	integer := dict{"type": "integer"}
	object := func(props dict, required ...any) dict {
		return dict{"type": "object", "properties": props, "required": required, "additionalProperties": false}
	}
	for name, c := range map[string]struct{ in, want any }{
		"short":                      {dict{"n": integer}, object(dict{"n": integer}, "n")},
		"sorted":                     {dict{"b": integer, "a": integer}, object(dict{"b": integer, "a": integer}, "a", "b")},
		"a property called type":     {dict{"type": dict{"enum": []any{"C", "D"}}}, object(dict{"type": dict{"enum": []any{"C", "D"}}}, "type")},
		"a property called not":      {dict{"not": integer}, object(dict{"not": integer}, "not")},
		"a property called $defs":    {dict{"$defs": integer}, object(dict{"$defs": integer}, "$defs")},
		"whole by type":              {dict{"type": "object"}, dict{"type": "object"}},
		"whole by properties":        {dict{"properties": dict{"n": integer}}, dict{"type": "object", "properties": dict{"n": integer}}},
		"whole by minProperties":     {dict{"minProperties": int64(1)}, dict{"type": "object", "minProperties": int64(1)}},
		"whole by a false":           {dict{"additionalProperties": false}, dict{"type": "object", "additionalProperties": false}},
		"list":                       {[]any{dict{"a": integer}, dict{"b": integer}}, dict{"type": "object", "anyOf": []any{object(dict{"a": integer}, "a"), object(dict{"b": integer}, "b")}}},
		"text":                       {"object", nil},
		"empty list":                 {[]any{}, nil},
		"list of texts":              {[]any{"C", "D"}, nil},
		"an action is an object":     {dict{"type": "integer"}, nil},
		"a list of no object":        {[]any{dict{"type": "array"}}, nil},
		"a property with a text":     {dict{"a": "integer"}, nil},
		"a slip":                     {dict{"requird": []any{"n"}}, nil},
		"outside reference":          {dict{"$ref": "https://example.org/x"}, nil},
		"a schema that is no schema": {dict{"required": "n"}, nil},
	} {
		loader, err1 := scenarios.ExpandSchema(c.in)
		compiled, err2 := sim.CompileSchema(c.in)
		if c.want == nil {
			if err1 == nil || err2 == nil {
				t.Errorf("%s: the loader says %v, the engine %v; want errors", name, err1, err2)
			}
			continue
		}
		if err1 != nil || err2 != nil {
			t.Errorf("%s: the loader says %v, the engine %v", name, err1, err2)
			continue
		}
		if diff := cmp.Diff(c.want, loader); diff != "" {
			t.Errorf("%s, loader: %s", name, diff)
		}
		if diff := cmp.Diff(c.want, compiled.Value()); diff != "" {
			t.Errorf("%s, engine: %s", name, diff)
		}
	}
}

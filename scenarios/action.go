package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ExpandSchema writes out the short forms of an action's schema and checks that the
// result is a JSON Schema (draft 2020-12) of an object. A dict of dicts stands for an
// object with these properties, all required, no others; a list for any one of these;
// nil stays nil. A dict is taken for a whole schema once one of its values is no dict,
// or it has a key `properties`. References lead nowhere but into the schema itself.
func ExpandSchema(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	out, err := expandSchema(v)
	if err != nil {
		return nil, fmt.Errorf("action: %w", err)
	}
	if err := checkRefs(out); err != nil {
		return nil, fmt.Errorf("action: %w", err)
	}
	if err := checkKeywords(out, ""); err != nil {
		return nil, fmt.Errorf("action: %w", err)
	}
	if _, err := compileSchema(out); err != nil {
		return nil, fmt.Errorf("action: not a JSON Schema: %s", deepest(err))
	}
	return out, nil
}

func compileSchema(full any) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	if err := c.AddResource(schemaURL, numbersAsFloats(full)); err != nil {
		return nil, err
	}
	return c.Compile(schemaURL)
}

const schemaURL = "mem:///action.json"

type noLoader struct{}

// Load refuses: a schema is whole.
func (noLoader) Load(url string) (any, error) {
	return nil, errors.New("references lead only into the schema itself")
}

// deepest finds in a validator's report, a line per step inwards, the first line that
// goes furthest: the others only say that something inside them failed.
func deepest(err error) string {
	best, depth := "", -1
	for line := range strings.Lines(err.Error()) {
		at, what, ok := strings.Cut(strings.TrimSpace(line), "': ")
		_, at, _ = strings.Cut(at, "at '")
		if d := strings.Count(at, "/"); ok && d > depth && !strings.HasSuffix(what, "failed") {
			best, depth = strings.TrimPrefix(at+": "+what, ": "), d
		}
	}
	if best == "" {
		return strings.Join(strings.Fields(err.Error()), " ")
	}
	return best
}

func expandSchema(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		return expandList(v)
	case map[string]any:
		if short(v) {
			return expandShort(v), nil
		}
		return wholeSchema(v)
	}
	return nil, fmt.Errorf("want a schema: a mapping or a list of mappings, got %s", show(v))
}

func expandList(list []any) (any, error) {
	if len(list) == 0 {
		return nil, errors.New("an empty list of alternatives allows nothing")
	}
	out := make([]any, len(list))
	for i, item := range list {
		var err error
		if out[i], err = expandSchema(item); err != nil {
			return nil, fmt.Errorf("alternative %d: %w", i+1, err)
		}
	}
	// Not oneOf, which would refuse an action that fits two of them.
	return map[string]any{"type": "object", "anyOf": out}, nil
}

func short(dict map[string]any) bool {
	if _, whole := dict["properties"]; whole {
		return false
	}
	for _, v := range dict {
		if _, ok := v.(map[string]any); !ok {
			return false
		}
	}
	return true
}

func expandShort(dict map[string]any) any {
	return map[string]any{
		"type": "object", "properties": dict, "required": anys(sortedKeys(dict)), "additionalProperties": false,
	}
}

// wholeSchema checks the keywords, since JSON Schema ignores those it does not know:
// a slip would allow everything.
func wholeSchema(dict map[string]any) (any, error) {
	known := keywords()
	for _, key := range sortedKeys(dict) {
		if slices.Contains(known, key) || strings.HasPrefix(key, "x-") {
			continue
		}
		if hint := meant(key, known); hint != "" {
			return nil, fmt.Errorf("%q is no keyword of JSON Schema%s", key, hint)
		}
		return nil, fmt.Errorf("%s: want the property's schema, like {type: integer}, got %s", key, show(dict[key]))
	}
	if t, ok := dict["type"]; ok && t != "object" {
		return nil, fmt.Errorf("type: an action is an object, got %s", show(t))
	}
	out := map[string]any{"type": "object"}
	for key, v := range dict {
		out[key] = v
	}
	return out, nil
}

func checkRefs(v any) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := checkRefs(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			ref, ok := v[key].(string)
			if ok && (key == "$ref" || key == "$dynamicRef") && !strings.HasPrefix(ref, "#") {
				return fmt.Errorf("%s %s: references lead only into the schema itself", key, show(ref))
			}
			if err := checkRefs(v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// numbersAsFloats copies a value for the validator, which knows int64 not at all.
func numbersAsFloats(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = numbersAsFloats(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = numbersAsFloats(item)
		}
		return out
	}
	return v
}

// actionSchemas is what `action` may be; its value is the expanded schema.
func actionSchemas() spec[any] {
	return spec[any]{ExpandSchema, schema{"type": []any{"object", "array", "null"}}}
}

package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ExpandSchema writes the short forms out: a dict of dicts is an object with these
// properties, all required, no others; a list is any one of these. A dict is a whole
// schema once one of its values is no dict, or it has a key `properties`: the rule of
// the scenario format's loader, which checks keywords besides.
func ExpandSchema(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		return expandList(v)
	case map[string]any:
		if isShort(v) {
			return expandDict(v), nil
		}
		return expandWhole(v)
	}
	return nil, fmt.Errorf("action schema: want a JSON Schema, a dict of properties or a list of these, got %s", valueKind(v))
}

func expandList(list []any) (any, error) {
	if len(list) == 0 {
		return nil, errors.New("action schema: an empty list allows no action")
	}
	choices := make([]any, len(list))
	for i, item := range list {
		full, err := ExpandSchema(item)
		if err != nil {
			return nil, err
		}
		choices[i] = full
	}
	// Not oneOf, which would refuse an action that fits two of them.
	return map[string]any{"type": "object", "anyOf": choices}, nil
}

func isShort(d map[string]any) bool {
	if _, whole := d["properties"]; whole {
		return false
	}
	for _, v := range d {
		if _, ok := v.(map[string]any); !ok {
			return false
		}
	}
	return true
}

func expandDict(d map[string]any) any {
	required := make([]any, 0, len(d))
	for _, name := range sortedKeys(d) {
		required = append(required, name)
	}
	return map[string]any{
		"type": "object", "properties": d, "required": required, "additionalProperties": false,
	}
}

// expandWhole makes sure that a whole schema is one of an object, and that it says
// something: JSON Schema ignores words that it does not know, so a slip would allow
// everything.
func expandWhole(d map[string]any) (any, error) {
	words := keywords()
	for _, key := range sortedKeys(d) {
		if !slices.Contains(words, key) && !strings.HasPrefix(key, "x-") {
			return nil, fmt.Errorf("action schema: %q is neither a keyword of JSON Schema nor, as %s, a property's schema", key, valueKind(d[key]))
		}
	}
	if t, ok := d["type"]; ok {
		if t != "object" {
			return nil, fmt.Errorf("action schema: type: an action is an object, got %v", t)
		}
		return d, nil
	}
	out := maps.Clone(d)
	out["type"] = "object"
	return out, nil
}

// keywords are those of draft 2020-12 that can stand in a schema of an object.
func keywords() []string {
	return strings.Fields(`$schema $id $anchor $ref $dynamicRef $dynamicAnchor $defs $comment $vocabulary definitions
		allOf anyOf oneOf not if then else dependentSchemas dependentRequired
		properties patternProperties additionalProperties propertyNames unevaluatedProperties
		type enum const required minProperties maxProperties
		title description default deprecated readOnly writeOnly examples`)
}

package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// keywords are those of draft 2020-12 that can stand in a schema of an object.
func keywords() []string {
	return []string{"$schema", "$id", "$anchor", "$ref", "$dynamicRef", "$dynamicAnchor", "$defs", "$comment", "$vocabulary", "definitions",
		"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependentRequired",
		"properties", "patternProperties", "additionalProperties", "propertyNames", "unevaluatedProperties",
		"type", "enum", "const", "required", "minProperties", "maxProperties",
		"title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples"}
}

// valueKeywords are those that can stand in a schema of any value.
func valueKeywords() []string {
	return append(keywords(), "items", "prefixItems", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems", "unevaluatedItems",
		"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
		"minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType", "contentSchema")
}

// checkKeywords refuses words that JSON Schema does not know, at any depth: it would
// pass over them, so that a slip like minimun allowed everything.
func checkKeywords(v any, at string) error {
	dict, ok := v.(map[string]any)
	if !ok {
		return nil // true, false, or a fault that the compiler finds
	}
	known := valueKeywords()
	for _, key := range sortedKeys(dict) {
		if !slices.Contains(known, key) && !strings.HasPrefix(key, "x-") {
			return fmt.Errorf("%s: %q is no keyword of JSON Schema%s", at, key, meant(key, known))
		}
		if err := checkInside(key, dict[key], at+"/"+key); err != nil {
			return err
		}
	}
	return nil
}

// checkInside checks the schemas that a keyword holds: one, a list, or one a name.
func checkInside(key string, v any, at string) error {
	switch key {
	case "not", "if", "then", "else", "additionalProperties", "propertyNames", "unevaluatedProperties", "items", "contains", "unevaluatedItems", "contentSchema":
		return checkKeywords(v, at)
	case "allOf", "anyOf", "oneOf", "prefixItems":
		list, _ := v.([]any)
		for i, item := range list {
			if err := checkKeywords(item, at+"/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
	case "properties", "patternProperties", "dependentSchemas", "$defs", "definitions":
		dict, _ := v.(map[string]any)
		for _, name := range sortedKeys(dict) {
			if err := checkKeywords(dict[name], at+"/"+name); err != nil {
				return err
			}
		}
	}
	return nil
}

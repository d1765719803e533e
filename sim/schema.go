package sim

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Schema is a compiled action schema. It is safe for concurrent use.
type Schema struct {
	value    any
	compiled *jsonschema.Schema
	known    known
}

// CompileSchema compiles a JSON Schema of an object, or one of the short forms: a dict
// of dicts (these properties, all required, no others), a list (one of these).
func CompileSchema(v any) (*Schema, error) {
	full, err := ExpandSchema(v)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	if err := c.AddResource("action.json", schemaDoc(full)); err != nil {
		return nil, fmt.Errorf("action schema: %w", err)
	}
	compiled, err := c.Compile("action.json")
	if err != nil {
		return nil, fmt.Errorf("action schema: %w", err)
	}
	return &Schema{value: full, compiled: compiled}, nil
}

// noLoader refuses to follow references out of the schema: an action schema may not
// make the harness read files or the network.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("reference to %s: an action schema may only refer to itself", url)
}

// Value returns the schema in full form, a JSON value.
func (s *Schema) Value() any { return s.value }

// Validate returns nil or a *[Failure] of category ILLEGAL that says, for the agent,
// what is wrong and where.
func (s *Schema) Validate(action any) error {
	var buf [64]byte
	key, plain := plainKey(buf[:0], action)
	if plain && s.known.has(key) {
		return nil
	}
	err := s.compiled.Validate(action)
	if err == nil {
		if plain {
			s.known.add(string(key))
		}
		return nil
	}
	return &Failure{Category: Illegal, Text: explain(err)}
}

// explain turns a validation error into one line: each leaf with its place.
func explain(err error) string {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return err.Error()
	}
	var parts []string
	printer := message.NewPrinter(language.English)
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			parts = append(parts, place(e)+e.ErrorKind.LocalizedString(printer))
		}
		for _, c := range e.Causes {
			walk(c)
		}
	}
	walk(v)
	const most = 5
	if len(parts) > most {
		parts = append(parts[:most], fmt.Sprintf("and %d more", len(parts)-most))
	}
	return strings.Join(parts, "; ")
}

func place(e *jsonschema.ValidationError) string {
	if _, missing := e.ErrorKind.(*kind.Required); len(e.InstanceLocation) == 0 || missing && len(e.InstanceLocation) == 0 {
		return ""
	}
	return strings.Join(e.InstanceLocation, ".") + ": "
}

// ExpandSchema writes the short forms out. What is a schema already is returned as it
// is; a schema is recognised by a keyword with a value that a property could not have.
func ExpandSchema(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		return expandList(v)
	case map[string]any:
		if isSchema(v) {
			return v, nil
		}
		return expandDict(v)
	}
	return nil, fmt.Errorf("action schema: want a JSON Schema, a dict of properties or a list of these, got %T", v)
}

func expandList(list []any) (any, error) {
	if len(list) == 0 {
		return nil, errors.New("action schema: an empty list allows no action")
	}
	any_ := make([]any, len(list))
	for i, item := range list {
		full, err := ExpandSchema(item)
		if err != nil {
			return nil, err
		}
		any_[i] = full
	}
	return map[string]any{"anyOf": any_}, nil
}

func expandDict(d map[string]any) (any, error) {
	required := make([]any, 0, len(d))
	for _, name := range sortedKeys(d) {
		if _, ok := d[name].(map[string]any); !ok {
			return nil, fmt.Errorf("action schema: property %q: want a schema, got %s", name, valueKind(d[name]))
		}
		required = append(required, name)
	}
	return map[string]any{
		"type": "object", "properties": d, "required": required, "additionalProperties": false,
	}, nil
}

// isSchema: `type` is a string or list in a schema and would be a dict as a property;
// the other keywords below hold lists or strings, save `properties` and `$defs`, which
// are taken as keywords.
func isSchema(d map[string]any) bool {
	for _, k := range []string{"type", "oneOf", "anyOf", "allOf", "enum", "required", "$ref", "const"} {
		if v, ok := d[k]; ok {
			if _, dict := v.(map[string]any); !dict {
				return true
			}
		}
	}
	_, props := d["properties"]
	_, defs := d["$defs"]
	return props || defs
}

// schemaDoc gives the compiler the number types it knows.
func schemaDoc(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = schemaDoc(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = schemaDoc(x)
		}
		return out
	}
	return v
}

// schemas caches compiled schemas of one run: a constant schema is found by identity,
// a computed one by its canonical JSON. Used by the run's goroutine alone.
type schemas struct {
	byMap  map[uintptr]*Schema
	byText map[string]*Schema
	keep   []any // what byMap points at must stay reachable, else an address could be reused
}

const maxCachedSchemas = 4096

func (s *schemas) compile(v any) (*Schema, error) {
	if m, ok := v.(map[string]any); ok {
		if hit, ok := s.byMap[reflect.ValueOf(m).Pointer()]; ok {
			return hit, nil
		}
	}
	text, err := expr.Canonical(v)
	if err != nil {
		return nil, fmt.Errorf("action schema: %w", err)
	}
	hit, ok := s.byText[string(text)]
	if !ok {
		if hit, err = CompileSchema(v); err != nil {
			return nil, err
		}
	}
	s.remember(v, string(text), hit)
	return hit, nil
}

func (s *schemas) remember(v any, text string, hit *Schema) {
	if s.byText == nil || len(s.keep) >= maxCachedSchemas {
		s.byMap, s.byText, s.keep = map[uintptr]*Schema{}, map[string]*Schema{}, nil
	}
	s.byText[text] = hit
	if m, ok := v.(map[string]any); ok {
		s.byMap[reflect.ValueOf(m).Pointer()] = hit
		s.keep = append(s.keep, v)
	}
}

package sim

import (
	"errors"
	"fmt"
	"slices"
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
	text     []byte
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
	if err := c.AddResource("action.json", full); err != nil {
		return nil, fmt.Errorf("action schema: %w", err)
	}
	compiled, err := c.Compile("action.json")
	if err != nil {
		return nil, fmt.Errorf("action schema: %w", err)
	}
	text, err := expr.Canonical(full)
	if err != nil {
		return nil, fmt.Errorf("action schema: %w", err)
	}
	return &Schema{value: full, text: text, compiled: compiled}, nil
}

// noLoader refuses to follow references out of the schema: an action schema may not
// make the harness read files or the network.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("reference to %s: an action schema may only refer to itself", url)
}

// Value returns the schema in full form, a JSON value.
func (s *Schema) Value() any { return s.value }

// Text returns the schema in full form as canonical JSON. It must not be changed.
func (s *Schema) Text() []byte { return s.text }

// Validate returns nil or a *[Failure] that says, for the agent, what is wrong and
// where: UNPARSABLE if action is no JSON object, else ILLEGAL. The text depends on
// schema and action alone.
func (s *Schema) Validate(action any) error {
	_, err := s.validate(action)
	return err
}

// validate also tells whether the action is known: then it is in normal form besides.
func (s *Schema) validate(action any) (known bool, err error) {
	var buf [64]byte
	key, plain := plainKey(buf[:0], action)
	if plain && s.known.has(key) {
		return true, nil
	}
	if f := actionFault(action); f != nil {
		return false, f
	}
	if err := s.compiled.Validate(action); err != nil {
		return false, &Failure{Category: Illegal, Text: explain(err)}
	}
	if plain {
		s.known.add(string(key))
	}
	return false, nil
}

// explain turns a validation error into one line: each leaf with its place. The
// validator ranges over maps, so that its own order is another one each time.
func explain(err error) string {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return err.Error()
	}
	parts := leaves(nil, v, message.NewPrinter(language.English))
	slices.Sort(parts)
	parts = slices.Compact(parts)
	const most = 5
	if len(parts) > most {
		parts = append(parts[:most], fmt.Sprintf("and %d more", len(parts)-most))
	}
	return strings.Join(parts, "; ")
}

func leaves(parts []string, e *jsonschema.ValidationError, p *message.Printer) []string {
	if len(e.Causes) == 0 {
		if k, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
			slices.Sort(k.Properties)
		}
		return append(parts, place(e)+cut(clean(e.ErrorKind.LocalizedString(p)), maxLeaf))
	}
	for _, c := range e.Causes {
		parts = leaves(parts, c, p)
	}
	return parts
}

// maxLeaf bounds one reason, in bytes: it repeats what the agent wrote.
const maxLeaf = 500

// place names where in the action something is wrong; "" is the action as a whole.
func place(e *jsonschema.ValidationError) string {
	if len(e.InstanceLocation) == 0 {
		return ""
	}
	return cut(clean(strings.Join(e.InstanceLocation, ".")), maxLeaf) + ": "
}

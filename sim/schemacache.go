package sim

import (
	"fmt"
	"reflect"

	"github.com/sandtable/sandtable/scenarios/expr"
)

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
	if s.byText == nil || max(len(s.keep), len(s.byText)) >= maxCachedSchemas {
		s.byMap, s.byText, s.keep = map[uintptr]*Schema{}, map[string]*Schema{}, nil
	}
	s.byText[text] = hit
	if m, ok := v.(map[string]any); ok {
		s.byMap[reflect.ValueOf(m).Pointer()] = hit
		s.keep = append(s.keep, v)
	}
}

package scenarios

import (
	"fmt"
	"strconv"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Value is a part of a scenario file in which expressions may stand: any YAML value,
// its texts compiled for one place.
type Value struct {
	pos  Pos
	lit  any            // of a scalar without an expression
	text *expr.Template // of a scalar with one
	list []*Value
	dict []dictItem
	kind nodeKind
}

type dictItem struct {
	key   string
	value *Value
}

// Pos returns where the value stands.
func (v *Value) Pos() Pos { return v.pos }

// Literal returns the value if there is no expression in it.
func (v *Value) Literal() (any, bool) {
	if v.Dynamic() {
		return nil, false
	}
	out, err := v.Eval(nil)
	return out, err == nil
}

// Dynamic reports whether there is an expression in the value.
func (v *Value) Dynamic() bool {
	if v.text != nil {
		return true
	}
	for _, item := range v.list {
		if item.Dynamic() {
			return true
		}
	}
	for _, item := range v.dict {
		if item.value.Dynamic() {
			return true
		}
	}
	return false
}

// Uses reports whether an expression in the value refers to one of the names.
func (v *Value) Uses(names ...string) bool {
	for _, name := range names {
		if v.text != nil && v.text.Uses(name) {
			return true
		}
	}
	for _, item := range v.list {
		if item.Uses(names...) {
			return true
		}
	}
	for _, item := range v.dict {
		if item.value.Uses(names...) {
			return true
		}
	}
	return false
}

// Eval evaluates the expressions and returns the JSON value. Errors know their place.
func (v *Value) Eval(lookup expr.Lookup) (any, error) {
	switch {
	case v.text != nil:
		return v.text.Value(lookup)
	case v.kind == listNode:
		out := make([]any, len(v.list))
		for i, item := range v.list {
			var err error
			if out[i], err = item.Eval(lookup); err != nil {
				return nil, err
			}
		}
		return out, nil
	case v.kind == dictNode:
		out := make(map[string]any, len(v.dict))
		for _, item := range v.dict {
			var err error
			if out[item.key], err = item.value.Eval(lookup); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v.lit, nil
}

// Dyn is a field that may hold an expression, and what its value has to be.
type Dyn[T any] struct {
	Value *Value // nil: the field is not there
	parse func(any) (T, error)
}

// IsSet reports whether the file has the field.
func (d Dyn[T]) IsSet() bool { return d.Value != nil }

// Eval evaluates the field and checks what came out. Errors know their place. A
// field that is not there is the zero value.
func (d Dyn[T]) Eval(lookup expr.Lookup) (T, error) {
	var zero T
	if d.Value == nil {
		return zero, nil
	}
	v, err := d.Value.Eval(lookup)
	if err != nil {
		return zero, err
	}
	out, err := d.parse(v)
	if err != nil {
		return zero, &Error{Pos: d.Value.pos, Msg: err.Error()}
	}
	return out, nil
}

// EvalOr is Eval with a value for a field that is not there.
func (d Dyn[T]) EvalOr(lookup expr.Lookup, missing T) (T, error) {
	if d.Value == nil {
		return missing, nil
	}
	return d.Eval(lookup)
}

// Literal returns the field's value if there is no expression in it.
func (d Dyn[T]) Literal() (T, bool) {
	var zero T
	if d.Value == nil || d.Value.Dynamic() {
		return zero, false
	}
	out, err := d.Eval(nil)
	return out, err == nil
}

// Pos returns where the field's value stands.
func (d Dyn[T]) Pos() Pos {
	if d.Value == nil {
		return Pos{}
	}
	return d.Value.pos
}

// Text is a text with expressions, or the same read from a file of the folder.
type Text struct {
	Template *expr.Template // nil: the field is not there
	Path     string         // "" unless it was written {file: path}
	pos      Pos
}

// IsSet reports whether the file has the field.
func (t Text) IsSet() bool { return t.Template != nil }

// Pos returns where the field's value stands.
func (t Text) Pos() Pos { return t.pos }

// show writes a value into a message, shortened.
func show(v any) string {
	const most = 60
	var text string
	if s, ok := v.(string); ok {
		text = strconv.Quote(s)
	} else if f, ok := v.(float64); ok && whole(f) != v {
		text = fmt.Sprintf("%.1f", f) // 1.0 is no integer, and must not look like one
	} else if data, err := expr.Canonical(v); err == nil {
		text = string(data)
	} else {
		text = fmt.Sprint(v)
	}
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

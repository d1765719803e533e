package scenarios

import (
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Param is a parameter: what the matrix and `--set` may vary.
type Param struct {
	Name     string
	Pos      Pos
	Default  any
	OneOf    []any    // nil: anything of the default's type
	Min, Max *float64 // nil: no bound
	About    string
}

// Check tells whether v may be the parameter's value, and returns it. The type is the
// default's: where that is a float, an int will do, and where it is an int, a whole
// float, which is what n/2 gives; where it is nothing, anything.
func (p *Param) Check(v any) (any, error) {
	v = p.convert(v)
	if p.Default != nil && reflect.TypeOf(v) != reflect.TypeOf(p.Default) {
		return nil, fmt.Errorf("%s: want %s, as the default %s, got %s", p.Name, typeName(p.Default), show(p.Default), show(v))
	}
	if p.OneOf != nil && !slices.ContainsFunc(p.OneOf, func(o any) bool { return equal(o, v) }) {
		return nil, fmt.Errorf("%s: want one of %s, got %s", p.Name, show(p.OneOf), show(v))
	}
	x, number := toFloat(v)
	if number && p.Min != nil && x < *p.Min {
		return nil, fmt.Errorf("%s: want at least %v, got %s", p.Name, *p.Min, show(v))
	}
	if number && p.Max != nil && x > *p.Max {
		return nil, fmt.Errorf("%s: want at most %v, got %s", p.Name, *p.Max, show(v))
	}
	return v, nil
}

func (p *Param) convert(v any) any {
	switch p.Default.(type) {
	case float64:
		if i, ok := v.(int64); ok {
			return float64(i)
		}
	case int64:
		if f, ok := v.(float64); ok {
			return whole(f)
		}
	}
	return v
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return math.NaN(), false
}

// equal compares JSON values by their canonical text, in which 2 and 2.0 are one.
func equal(a, b any) bool {
	x, err1 := expr.Canonical(a)
	y, err2 := expr.Canonical(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

func typeName(v any) string {
	switch v.(type) {
	case bool:
		return "true or false"
	case int64:
		return "an integer"
	case float64:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	}
	return "a mapping"
}

func checkParam(name string) error {
	if !envName.MatchString(name) {
		return fmt.Errorf("%s: a parameter's name is made of letters, digits and _, so that expressions can say params.%s", show(name), name)
	}
	return nil
}

func paramTable() table[Param] {
	return table[Param]{"the parameter", []field[Param]{
		required(f("default", "its value; also says the type", static(anyValue()), func(p *Param) *any { return &p.Default })),
		f("one_of", "the values it may have", static(axis()), func(p *Param) *[]any { return &p.OneOf }),
		f("min", "the least", pointer(static(numbers(-math.MaxFloat64, math.MaxFloat64))), func(p *Param) **float64 { return &p.Min }),
		f("max", "the most", pointer(static(numbers(-math.MaxFloat64, math.MaxFloat64))), func(p *Param) **float64 { return &p.Max }),
		f("about", "what it is", static(anyText()), func(p *Param) *string { return &p.About }),
	}}
}

// paramsKind reads `params`. A mapping with one of a definition's keys is one; any
// other value, also another mapping, is the default itself.
func paramsKind() kind[[]Param] {
	return kind[[]Param]{
		read: func(l *loader, n *node) ([]Param, bool) {
			if n.kind != dictNode {
				l.add(n.pos, "params: want a mapping from names to values, got %s", n.what())
				return nil, false
			}
			var out []Param
			for _, e := range n.dict {
				if err := checkParam(e.key); err != nil {
					l.addErr(e.pos, err)
				}
				if p, ok := readParam(l, e); ok {
					out = append(out, p)
				}
			}
			return out, true
		},
		schema: schema{"type": "object"},
	}
}

func readParam(l *loader, e entry) (Param, bool) {
	p := Param{Name: e.key, Pos: e.value.pos}
	t := paramTable()
	defines := slices.ContainsFunc(t.keys(), func(key string) bool { return e.value.get(key) != nil })
	if e.value.kind != dictNode || !defines {
		v, ok := l.literal(e.value)
		p.Default = v
		return p, ok
	}
	t.read(l, e.value, &p)
	if e.value.get("default") == nil {
		return p, false
	}
	if _, number := toFloat(p.Default); !number && (p.Min != nil || p.Max != nil) {
		l.add(e.value.pos, "%s: min and max are for numbers; the default is %s", p.Name, show(p.Default))
	} else if _, err := p.Check(p.Default); err != nil {
		l.addErr(e.value.get("default").pos, fmt.Errorf("default of %w", err))
	}
	p.choices(l, e.value.get("one_of"))
	return p, true
}

// choices refuses values in one_of that the default's type rules out: nobody could
// choose them.
func (p *Param) choices(l *loader, n *node) {
	free := Param{Name: "one_of", Default: p.Default}
	for i, v := range p.OneOf {
		if _, err := free.Check(v); err != nil {
			l.addErr(n.list[i].pos, err)
		}
	}
}

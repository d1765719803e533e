package scenarios

import "github.com/sandtable/sandtable/scenarios/expr"

// schema is a piece of JSON Schema.
type schema = map[string]any

// kind is what a field holds: how it is read, and its JSON Schema. A read that fails
// has reported the fault, and returns false.
type kind[V any] struct {
	read   func(l *loader, n *node) (V, bool)
	schema schema
}

// schema is the table's JSON Schema.
func (t table[T]) schema() schema {
	props, need := schema{}, []any{}
	for _, row := range t.rows {
		if row.planned != "" {
			continue
		}
		s := schema{"description": row.about}
		for k, v := range row.schema {
			s[k] = v
		}
		props[row.key] = s
		if row.required {
			need = append(need, row.key)
		}
	}
	out := schema{"type": "object", "properties": props, "additionalProperties": false}
	if len(need) > 0 {
		out["required"] = need
	}
	return out
}

// static reads a value without expressions.
func static[V any](s spec[V]) kind[V] {
	return kind[V]{
		read: func(l *loader, n *node) (V, bool) {
			var zero V
			v, ok := l.literal(n)
			if !ok {
				return zero, false
			}
			out, err := s.parse(v)
			if err != nil {
				l.addErr(n.pos, err)
				return zero, false
			}
			return out, true
		},
		schema: s.schema,
	}
}

// dyn reads a value that may hold expressions for a place. A literal is checked now.
func dyn[V any](at *Place, s spec[V]) kind[Dyn[V]] {
	return kind[Dyn[V]]{
		read: func(l *loader, n *node) (Dyn[V], bool) {
			v, ok := l.value(n, at)
			if !ok {
				return Dyn[V]{}, false
			}
			out := Dyn[V]{Value: v, parse: s.parse}
			if !v.Dynamic() {
				if _, err := out.Eval(nil); err != nil {
					l.addErr(n.pos, err)
					return Dyn[V]{}, false
				}
			}
			return out, true
		},
		schema: schema{"anyOf": []any{s.schema, codeSchema()}},
	}
}

// codeSchema is a text with an expression in it.
func codeSchema() schema { return schema{"type": "string", "pattern": `\$\{`} }

// code reads `${…}` and nothing else.
func code(at *Place) kind[*expr.Expr] {
	return kind[*expr.Expr]{
		read:   func(l *loader, n *node) (*expr.Expr, bool) { return l.code(n, at) },
		schema: schema{"type": "string", "pattern": `^\$\{`},
	}
}

// prompt reads a text with expressions, or {file: path} of one.
func prompt(at *Place) kind[Text] {
	return kind[Text]{
		read: func(l *loader, n *node) (Text, bool) { return l.prompt(n, at) },
		schema: schema{"anyOf": []any{schema{"type": "string"}, schema{
			"type": "object", "properties": schema{"file": schema{"type": "string"}}, "required": []any{"file"}, "additionalProperties": false,
		}}},
	}
}

// list reads a list of one kind.
func list[V any](what string, of kind[V]) kind[[]V] {
	return kind[[]V]{
		read: func(l *loader, n *node) ([]V, bool) {
			if n.kind != listNode {
				l.add(n.pos, "%s: want a list, got %s", what, n.what())
				return nil, false
			}
			out := []V{}
			for _, item := range n.list {
				if v, ok := of.read(l, item); ok {
					out = append(out, v)
				}
			}
			return out, true
		},
		schema: schema{"type": "array", "items": of.schema},
	}
}

// Named is an entry of a mapping whose keys are the user's names, in document order.
type Named[V any] struct {
	Name  string
	Pos   Pos
	Value V
}

// names reads a mapping from names to one kind.
func names[V any](what string, check func(string) error, of kind[V]) kind[[]Named[V]] {
	return kind[[]Named[V]]{
		read: func(l *loader, n *node) ([]Named[V], bool) {
			if n.kind != dictNode {
				l.add(n.pos, "%s: want a mapping, got %s", what, n.what())
				return nil, false
			}
			out := []Named[V]{}
			for _, e := range n.dict {
				if err := check(e.key); l.plainKey(e) && err != nil {
					l.addErr(e.pos, err)
				}
				if v, ok := of.read(l, e.value); ok {
					out = append(out, Named[V]{e.key, e.pos, v})
				}
			}
			return out, true
		},
		schema: schema{"type": "object", "additionalProperties": of.schema},
	}
}

// find returns the entry of a name, or nil.
func find[V any](list []Named[V], name string) *Named[V] {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

func namesOf[V any](list []Named[V]) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Name)
	}
	return out
}

package scenarios

import (
	"strings"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// loader reads a tree into a scenario and gathers the faults.
type loader struct {
	collector
	files *Files
	// uses notes calls with a literal argument, to be checked once all is known.
	uses []use
	// bad are the scenario's keys in whose values there were faults.
	bad map[string]bool
}

// use is a call like file("a") in an expression of a place.
type use struct {
	call expr.Call
	at   *Place
	pos  Pos
}

// literal returns the JSON value of a node in which no expressions may stand.
func (l *loader) literal(n *node) (any, bool) {
	switch n.kind {
	case listNode:
		out, good := make([]any, len(n.list)), true
		for i, item := range n.list {
			var ok bool
			out[i], ok = l.literal(item)
			good = good && ok
		}
		return out, good
	case dictNode:
		out, good := map[string]any{}, true
		for _, e := range n.dict {
			var ok bool
			out[e.key], ok = l.literal(e.value)
			good = l.plainKey(e) && ok && good
		}
		return out, good
	}
	if s, ok := n.scalar.(string); ok && expr.HasCode(s) {
		return l.unescaped(n, s)
	}
	return n.scalar, true
}

// plainKey refuses a key with an expression in it, which would stand there as it is
// written: only values are evaluated.
func (l *loader) plainKey(e entry) bool {
	if expr.HasCode(e.key) {
		l.add(e.pos, "key %s: no expressions in keys, only in values; write the key out", show(e.key))
		return false
	}
	return true
}

// unescaped reads a text in which `$${` may stand, but no expression.
func (l *loader) unescaped(n *node, text string) (any, bool) {
	t, errs := expr.ParseTemplate(expr.Source{Text: text, File: n.pos.File, At: n.at}, nil)
	if errs == nil {
		if s, ok := t.Literal(); ok {
			return s, true
		}
	}
	l.add(n.pos, "no expressions here; a literal ${ is written $${")
	return nil, false
}

// value compiles a node for a place.
func (l *loader) value(n *node, at *Place) (*Value, bool) {
	v, good := &Value{pos: n.pos, kind: n.kind}, true
	switch n.kind {
	case listNode:
		for _, item := range n.list {
			sub, ok := l.value(item, at)
			v.list, good = append(v.list, sub), good && ok
		}
	case dictNode:
		for _, e := range n.dict {
			sub, ok := l.value(e.value, at)
			v.dict, good = append(v.dict, dictItem{e.key, sub}), l.plainKey(e) && ok && good
		}
	default:
		v.lit = n.scalar
		if s, ok := n.scalar.(string); ok && expr.HasCode(s) {
			v.text, good = l.template(n, s, at)
		}
	}
	return v, good
}

// template compiles a text scalar for a place.
func (l *loader) template(n *node, text string, at *Place) (*expr.Template, bool) {
	hint := ""
	if n.cut {
		hint = "; with ` #` in it the text needs quotes"
	}
	return l.compile(expr.Source{Text: text, File: n.pos.File, At: n.at}, at, hint)
}

// compile compiles a text; open is added to the fault that an expression does not end.
func (l *loader) compile(src expr.Source, at *Place, open string) (*expr.Template, bool) {
	t, errs := expr.ParseTemplate(src, at.Names)
	for _, err := range errs {
		e, ok := err.(*expr.Error)
		if !ok {
			l.addErr(Pos{File: src.File}, err)
			continue
		}
		if e = at.explain(e); strings.Contains(e.Msg, "without its }") {
			clone := *e
			clone.Msg += open
			e = &clone
		}
		l.addErr(Pos{}, e)
	}
	if errs != nil {
		return nil, false
	}
	for _, call := range t.Calls() {
		l.uses = append(l.uses, use{call, at, Pos{call.File, call.Line, call.Col}})
	}
	return t, true
}

// code compiles a scalar that is exactly `${…}`.
func (l *loader) code(n *node, at *Place) (*expr.Expr, bool) {
	s, ok := n.scalar.(string)
	if !ok || n.kind != scalarNode {
		l.add(n.pos, "want an expression ${…}, got %s", n.what())
		return nil, false
	}
	t, ok := l.template(n, s, at)
	if !ok {
		return nil, false
	}
	if e := t.Whole(); e != nil {
		return e, true
	}
	if text, literal := t.Literal(); literal {
		l.add(n.pos, "want an expression, got the text %s; write \"${%s}\"", show(text), text)
	} else {
		l.add(n.pos, "want one expression ${…}, got text around it")
	}
	return nil, false
}

// prompt reads a text, or a {file: path} of one.
func (l *loader) prompt(n *node, at *Place) (Text, bool) {
	if n.kind == dictNode {
		return l.promptFile(n, at)
	}
	s, ok := n.scalar.(string)
	if !ok || n.kind != scalarNode {
		l.add(n.pos, "want a text or {file: path}, got %s", n.what())
		return Text{}, false
	}
	t, ok := l.template(n, s, at)
	return Text{Template: t, pos: n.pos}, ok
}

type fileRef struct{ path string }

func fileTable(name string) table[fileRef] {
	return table[fileRef]{name, []field[fileRef]{
		required(f("file", "a file", static(paths()), func(r *fileRef) *string { return &r.path })),
	}}
}

func (l *loader) promptFile(n *node, at *Place) (Text, bool) {
	var ref fileRef
	fileTable("the prompt").read(l, n, &ref)
	if ref.path == "" {
		return Text{}, false
	}
	pos := n.get("file").pos
	data, err := l.files.Read(ref.path)
	if err != nil {
		l.addErr(pos, err)
		return Text{}, false
	}
	name := l.files.Name(ref.path)
	if !readable(name, data, &l.collector) {
		return Text{}, false
	}
	text := string(data)
	t, ok := l.compile(expr.Source{Text: text, File: name, At: placesIn(data)}, at, "")
	return Text{Template: t, Path: ref.path, pos: pos}, ok
}

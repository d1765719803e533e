package star

import (
	"math"
	"unicode/utf8"

	"github.com/sandtable/sandtable/scenarios/expr"
	"go.starlark.net/starlark"
)

// fromValue makes a JSON value of what a script returned, numbers in normal form. The
// short way serves what is sound; what is not is left to package expr to explain.
func fromValue(v starlark.Value) (any, error) {
	f := fromer{left: expr.MaxNodes}
	if out, ok := f.value(v, 0); ok {
		return out, nil
	}
	out, err := expr.FromStarlark(v)
	if err != nil {
		return nil, err
	}
	return expr.Normal(out), nil
}

type fromer struct{ left int }

func (f *fromer) value(v starlark.Value, depth int) (any, bool) {
	if f.left--; f.left < 0 || depth > expr.MaxDepth {
		return nil, false
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, true
	case starlark.Bool:
		return bool(v), true
	case starlark.Int:
		return v.Int64()
	case starlark.Float:
		x := float64(v)
		return expr.Normal(x), !math.IsNaN(x) && !math.IsInf(x, 0)
	case starlark.String:
		return string(v), utf8.ValidString(string(v))
	case *starlark.List:
		return f.list(v, depth)
	case starlark.Tuple:
		return f.list(v, depth)
	case *starlark.Dict:
		return f.dict(v, depth)
	}
	return nil, false
}

func (f *fromer) list(list starlark.Indexable, depth int) (any, bool) {
	out := make([]any, list.Len())
	for i := range out {
		var ok bool
		if out[i], ok = f.value(list.Index(i), depth+1); !ok {
			return nil, false
		}
	}
	return out, true
}

func (f *fromer) dict(dict *starlark.Dict, depth int) (any, bool) {
	out := make(map[string]any, dict.Len())
	for k, x := range dict.Entries() {
		key, isText := k.(starlark.String)
		if !isText || !utf8.ValidString(string(key)) {
			return nil, false
		}
		value, ok := f.value(x, depth+1)
		if !ok {
			return nil, false
		}
		out[string(key)] = value
	}
	return out, true
}

package star

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sandtable/sandtable/scenarios/expr"
	"go.starlark.net/starlark"
)

// thaw copies a state so that resolve may change it. It is sorted and sound already.
func thaw(v starlark.Value) starlark.Value {
	switch v := v.(type) {
	case *starlark.List:
		out := make([]starlark.Value, v.Len())
		for i := range out {
			out[i] = thaw(v.Index(i))
		}
		return starlark.NewList(out)
	case *starlark.Dict:
		out := starlark.NewDict(v.Len())
		for k, x := range v.Entries() {
			_ = out.SetKey(k, thaw(x)) // a text in a dict of our own: cannot fail
		}
		return out
	}
	return v
}

// tidy copies what a world made of its state: sorted keys, nothing shared between two
// places, numbers and texts as they would be read back, frozen. It is the short way
// for toFrozen(fromValue(v)); what it does not like is left to those to explain.
func tidy(v starlark.Value) (starlark.Value, error) {
	t := tidier{left: expr.MaxNodes}
	if out, ok := t.copy(v, 0); ok {
		out.Freeze()
		return out, nil
	}
	plain, err := fromValue(v)
	if err != nil {
		return nil, err
	}
	return toFrozen(plain)
}

type tidier struct{ left int }

func (t *tidier) copy(v starlark.Value, depth int) (starlark.Value, bool) {
	if t.left--; t.left < 0 || depth > expr.MaxDepth {
		return nil, false
	}
	switch v := v.(type) {
	case starlark.String:
		return v, utf8.ValidString(string(v))
	case starlark.Int:
		_, ok := v.Int64()
		return v, ok
	case starlark.Bool, starlark.NoneType:
		return v, true
	case starlark.Float:
		x := float64(v)
		return number(x), !math.IsNaN(x) && !math.IsInf(x, 0)
	case *starlark.List:
		return t.list(v, depth)
	case starlark.Tuple:
		return t.list(v, depth)
	case *starlark.Dict:
		return t.dict(v, depth)
	}
	return nil, false
}

func (t *tidier) list(list starlark.Indexable, depth int) (starlark.Value, bool) {
	out := make([]starlark.Value, list.Len())
	for i := range out {
		var ok bool
		if out[i], ok = t.copy(list.Index(i), depth+1); !ok {
			return nil, false
		}
	}
	return starlark.NewList(out), true
}

func (t *tidier) dict(dict *starlark.Dict, depth int) (starlark.Value, bool) {
	keys, ok := textKeys(dict)
	if !ok {
		return nil, false
	}
	out := starlark.NewDict(len(keys))
	for _, key := range keys {
		x, _, err := dict.Get(key)
		if err != nil {
			return nil, false
		}
		copied, ok := t.copy(x, depth+1)
		if !ok || out.SetKey(key, copied) != nil {
			return nil, false
		}
	}
	return out, true
}

// textKeys returns a dict's keys, sorted; false unless all are texts in UTF-8.
func textKeys(dict *starlark.Dict) ([]starlark.Value, bool) {
	keys := make([]starlark.Value, 0, dict.Len())
	for k := range dict.Entries() {
		text, ok := k.(starlark.String)
		if !ok || !utf8.ValidString(string(text)) {
			return nil, false
		}
		keys = append(keys, k)
	}
	order := func(a, b starlark.Value) int {
		return strings.Compare(string(a.(starlark.String)), string(b.(starlark.String)))
	}
	if !slices.IsSortedFunc(keys, order) {
		slices.SortFunc(keys, order)
	}
	return keys, true
}

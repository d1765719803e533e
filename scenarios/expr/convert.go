package expr

import (
	"math"
	"strings"

	"go.starlark.net/starlark"
)

// ToStarlark returns a fresh interpreter value for a JSON value: plain dicts, with
// their keys inserted in sorted order, and plain lists. Nothing in it is frozen and
// nothing is shared with v. Other types than those of a JSON value are an error.
func ToStarlark(v any) (starlark.Value, error) { return toStarlark(v, 0) }

func toStarlark(v any, depth int) (starlark.Value, error) {
	if depth > MaxDepth {
		return nil, badValue("nested deeper than %d", MaxDepth)
	}
	switch v := v.(type) {
	case nil:
		return starlark.None, nil
	case bool:
		return starlark.Bool(v), nil
	case int64:
		return starlark.MakeInt64(v), nil
	case int:
		return starlark.MakeInt(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, badValue("%v is no JSON number", v)
		}
		return starlark.Float(v), nil
	case string:
		return starlark.String(v), nil
	case []any:
		return toList(v, depth)
	case map[string]any:
		return toDict(v, depth)
	}
	return nil, badValue("%T is no JSON value", v)
}

func toList(list []any, depth int) (starlark.Value, error) {
	out := make([]starlark.Value, len(list))
	for i, v := range list {
		var err error
		if out[i], err = toStarlark(v, depth+1); err != nil {
			return nil, atIndex(err, i)
		}
	}
	return starlark.NewList(out), nil
}

func toDict(dict map[string]any, depth int) (starlark.Value, error) {
	out := starlark.NewDict(len(dict))
	for _, key := range sortedKeys(dict) {
		v, err := toStarlark(dict[key], depth+1)
		if err != nil {
			return nil, atKey(err, key)
		}
		if err := out.SetKey(starlark.String(key), v); err != nil {
			return nil, badValue("%v", err)
		}
	}
	return out, nil
}

// FromStarlark returns the JSON value of an interpreter value. The result shares
// nothing with v. Tuples become lists; bytes in strings that are not UTF-8 become
// U+FFFD, so that what is used is what can be recorded. What JSON cannot hold is an
// error that names the path inside the value: sets, functions, keys that are no
// strings, NaN and infinities, integers beyond 64 bits, and values that contain
// themselves.
func FromStarlark(v starlark.Value) (any, error) {
	var f fromer
	return f.value(v, 0)
}

type fromer struct{ nodes int }

func (f *fromer) value(v starlark.Value, depth int) (any, error) {
	if f.nodes++; f.nodes > MaxNodes {
		return nil, badValue("more than %d values in one", MaxNodes)
	}
	if depth > MaxDepth {
		return nil, badValue("nested deeper than %d, or containing itself", MaxDepth)
	}
	switch v := v.(type) {
	case nil, starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		return fromInt(v)
	case starlark.Float:
		return fromFloat(float64(v))
	case starlark.String:
		return strings.ToValidUTF8(string(v), "\uFFFD"), nil
	case starlark.Tuple:
		return f.list(v, depth)
	case *starlark.List:
		return f.list(v, depth)
	case starlark.IterableMapping:
		return f.dict(v, depth)
	}
	return nil, badValue("a %s is no JSON value", v.Type())
}

func fromInt(v starlark.Int) (any, error) {
	if n, ok := v.Int64(); ok {
		return n, nil
	}
	return nil, badValue("integer %s does not fit in 64 bits", shorten(v.String()))
}

func fromFloat(x float64) (any, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, badValue("%v is no JSON number", x)
	}
	return x, nil
}

func (f *fromer) list(list starlark.Indexable, depth int) (any, error) {
	out := make([]any, list.Len())
	for i := range out {
		var err error
		if out[i], err = f.value(list.Index(i), depth+1); err != nil {
			return nil, atIndex(err, i)
		}
	}
	return out, nil
}

func (f *fromer) dict(dict starlark.IterableMapping, depth int) (any, error) {
	items := dict.Items()
	out := make(map[string]any, len(items))
	for _, item := range items {
		key, err := dictKey(item[0])
		if err != nil {
			return nil, err
		}
		if _, twice := out[key]; twice {
			return nil, badValue("key %q is there twice once its bytes are UTF-8", key)
		}
		if out[key], err = f.value(item[1], depth+1); err != nil {
			return nil, atKey(err, key)
		}
	}
	return out, nil
}

func dictKey(v starlark.Value) (string, error) {
	if key, ok := starlark.AsString(v); ok {
		return strings.ToValidUTF8(key, "\uFFFD"), nil
	}
	return "", badValue("key %s is a %s; JSON keys are strings", shorten(v.String()), v.Type())
}

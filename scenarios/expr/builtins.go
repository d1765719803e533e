package expr

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.starlark.net/lib/math"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// MaxItems is how long a range, or a text or list made by repetition, may be.
const MaxItems = 1 << 22

// Builtins returns the names that every expression may use besides Starlark's own:
// json, math, sum, round, pad, pairs, gini; and range, which is bounded here.
func Builtins() []string {
	return []string{"gini", "json", "math", "pad", "pairs", "range", "round", "sum"}
}

// universe is what every expression sees. It is made once and frozen.
var universe = sync.OnceValue(func() starlark.StringDict {
	env := starlark.StringDict{
		"json": boundedJSON(),
		"math": math.Module,
	}
	for name, fn := range map[string]builtin{
		attrName:   attr,
		repeatName: repeat,
		"gini":     gini,
		"pad":      pad,
		"pairs":    pairs,
		"range":    boundedRange,
		"round":    round,
		"sum":      sum,
	} {
		env[name] = starlark.NewBuiltin(name, fn)
	}
	env.Freeze()
	return env
})

type builtin = func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

// attr is x.name: a method or field if x has one of that name, else a dict's key.
func attr(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	x, name := args[0], string(args[1].(starlark.String))
	var offered []string
	if x, ok := x.(starlark.HasAttrs); ok {
		if v, err := x.Attr(name); err == nil && v != nil {
			return v, nil
		}
		offered = x.AttrNames()
	}
	dict, ok := x.(starlark.IterableMapping)
	if !ok {
		return nil, fmt.Errorf("%s has no .%s%s", x.Type(), name, near(name, offered))
	}
	v, found, err := dict.Get(starlark.String(name))
	if err != nil || found {
		return v, err
	}
	return nil, fmt.Errorf("no key %q in the dict%s", name, near(name, keysOf(dict)))
}

func near(name string, names []string) string {
	if n := Nearest(name, names); n != "" {
		return "; did you mean " + n + "?"
	}
	return ""
}

func keysOf(dict starlark.IterableMapping) []string {
	var keys []string
	for _, item := range dict.Items() {
		if key, ok := starlark.AsString(item[0]); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// repeat is x * y with a bound on what a text or list may become.
func repeat(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	x, y := args[0], args[1]
	if starlark.Len(x) > 0 || starlark.Len(y) > 0 {
		if tooLong(x, y) || tooLong(y, x) {
			return nil, fmt.Errorf("a repetition makes more than %d items", MaxItems)
		}
	}
	return starlark.Binary(syntax.STAR, x, y)
}

func tooLong(items, times starlark.Value) bool {
	n, ok := times.(starlark.Int)
	if !ok || starlark.Len(items) <= 0 {
		return false
	}
	k, ok := n.Int64()
	return n.Sign() > 0 && (!ok || k > int64(MaxItems/starlark.Len(items)))
}

// boundedRange is Starlark's range, refused where listing it would not end soon.
func boundedRange(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	v, err := starlark.Call(thread, starlark.Universe["range"], args, kwargs)
	if err == nil && starlark.Len(v) > MaxItems {
		return nil, fmt.Errorf("range: more than %d numbers", MaxItems)
	}
	return v, err
}

// pairs lists all unordered pairs, in order: pairs([a, b, c]) is ab, ac, bc.
func pairs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list starlark.Iterable
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &list); err != nil {
		return nil, err
	}
	items := slices.Collect(starlark.Elements(list))
	if n := len(items); n > 1 && n*(n-1)/2 > MaxItems {
		return nil, errors.New("pairs: the list is too long")
	}
	var out []starlark.Value
	for i, x := range items {
		for _, y := range items[i+1:] {
			out = append(out, starlark.NewList([]starlark.Value{x, y}))
		}
	}
	return starlark.NewList(out), nil
}

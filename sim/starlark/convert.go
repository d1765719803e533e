package star

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/sandtable/sandtable/scenarios/expr"
	"go.starlark.net/starlark"
)

// clean makes a text fit for a history, whose JSON holds no other bytes than UTF-8: who
// reads it there and who was told it must see the same.
func clean(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// number is a float in its normal form. A history writes 2.0 as 2 and a resumed run
// reads an int back, so that a run that was never interrupted must see an int too.
func number(x float64) starlark.Value {
	if n, whole := expr.Normal(x).(int64); whole {
		return starlark.MakeInt64(n)
	}
	return starlark.Float(x)
}

// toValue makes a fresh interpreter value of a JSON value: plain dicts with sorted
// keys, nothing frozen, numbers in normal form.
func toValue(v any) (starlark.Value, error) { return toValueAt(v, 0) }

func toValueAt(v any, depth int) (starlark.Value, error) {
	if depth > expr.MaxDepth {
		return nil, fmt.Errorf("nested deeper than %d", expr.MaxDepth)
	}
	switch v := v.(type) {
	case string:
		return starlark.String(v), nil
	case float64:
		return number(v), nil
	case []any:
		return toList(v, depth)
	case map[string]any:
		return toDict(v, depth)
	}
	return expr.ToStarlark(v)
}

// memo keeps the last dict that was converted, for values that come again and again:
// a run's parameters, a schema, what a player sees while nothing happens. Values are
// never changed once they are handed in, so the same map is the same value; it is kept,
// so that its address cannot come back as another's.
type memo struct {
	of   map[string]any
	made starlark.Value
}

func (m *memo) value(v any) (starlark.Value, error) {
	dict, ok := v.(map[string]any)
	if !ok || dict == nil {
		if ok {
			v = map[string]any{}
		}
		return toFrozen(v)
	}
	if m.made != nil && reflect.ValueOf(dict).Pointer() == reflect.ValueOf(m.of).Pointer() {
		return m.made, nil
	}
	made, err := toFrozen(v)
	if err == nil {
		m.of, m.made = dict, made
	}
	return made, err
}

func toList(list []any, depth int) (starlark.Value, error) {
	out := make([]starlark.Value, len(list))
	for i, v := range list {
		var err error
		if out[i], err = toValueAt(v, depth+1); err != nil {
			return nil, err
		}
	}
	return starlark.NewList(out), nil
}

func toDict(dict map[string]any, depth int) (starlark.Value, error) {
	out := starlark.NewDict(len(dict))
	for _, key := range sortedKeys(dict) {
		v, err := toValueAt(dict[key], depth+1)
		if err != nil {
			return nil, err
		}
		if err := out.SetKey(starlark.String(key), v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func sortedKeys(dict map[string]any) []string {
	keys := make([]string, 0, len(dict))
	for key := range dict {
		keys = append(keys, key)
	}
	if len(keys) > 1 {
		slices.Sort(keys)
	}
	return keys
}

// toFrozen is toValue for values that scripts may only read.
func toFrozen(v any) (starlark.Value, error) {
	out, err := toValue(v)
	if err == nil {
		out.Freeze()
	}
	return out, err
}

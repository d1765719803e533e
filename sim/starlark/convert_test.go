package star

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sandtable/sandtable/scenarios/expr"
	"go.starlark.net/starlark"
)

// The short ways and the long way through package expr agree, and what comes out is
// what writing down and reading back would give.
func FuzzTidy(f *testing.F) {
	f.Add([]byte(`{"b":[1,2.0,-0.0,1e300,{"z":null,"a":true}],"a":"x"}`))
	f.Add([]byte(`{"a":9007199254740993,"b":9.007199254740993e15,"c":-9007199254740991.0}`))
	f.Add([]byte(`{"\u00e9":"\u0000","e":[[[[]]]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, err := expr.Decode(data)
		if err != nil {
			return
		}
		text, err := expr.Canonical(plain)
		if err != nil {
			t.Fatal(err)
		}
		want, err := expr.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := expr.ToStarlark(plain)
		if err != nil {
			t.Fatal(err)
		}
		tidied, err := tidy(raw)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]starlark.Value{"raw": raw, "tidied": tidied, "thawed": thaw(tidied), "made": must(toValue(plain))} {
			got, err := fromValue(v)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v %s", name, err, diff)
			}
		}
	})
}

func must(v starlark.Value, err error) starlark.Value {
	if err != nil {
		panic(err)
	}
	return v
}

func TestTidyFallsBack(t *testing.T) {
	dict := starlark.NewDict(1)
	if err := dict.SetKey(starlark.String("k\xff"), starlark.Tuple{starlark.String("\xffv"), starlark.Float(3)}); err != nil {
		t.Fatal(err)
	}
	v, err := tidy(dict)
	if err != nil {
		t.Fatal(err)
	}
	got, err := fromValue(v)
	if diff := cmp.Diff(any(map[string]any{"k\uFFFD": []any{"\uFFFDv", int64(3)}}), got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for name, bad := range map[string]starlark.Value{
		"NaN": starlark.Float(math.NaN()), "infinity": starlark.Float(math.Inf(-1)), "big": starlark.MakeUint64(math.MaxUint64),
		"bytes": starlark.Bytes("x"), "set": starlark.NewSet(1),
	} {
		if _, err := tidy(starlark.Tuple{bad}); err == nil {
			t.Errorf("%s was taken", name)
		}
		if _, err := fromValue(starlark.Tuple{bad}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestToValueRefuses(t *testing.T) {
	var deep any = "x"
	for range expr.MaxDepth + 1 {
		deep = []any{deep}
	}
	for _, bad := range []any{deep, struct{}{}, map[string]any{"a": []any{complex(1, 2)}}} {
		if v, err := toValue(bad); err == nil {
			t.Errorf("%T was taken: %v", bad, v)
		}
	}
}

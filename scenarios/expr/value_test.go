package expr

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"go.starlark.net/starlark"
)

func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "null"},
		{true, "true"},
		{int64(-7), "-7"},
		{int64(math.MinInt64), "-9223372036854775808"},
		{2.0, "2"},
		{math.Copysign(0, -1), "0"},
		{-2.5, "-2.5"},
		{1e-7, "1e-7"},
		{0.1, "0.1"},
		{float64(1<<53 - 1), "9007199254740991"},
		{float64(1 << 53), "9.007199254740992e+15"},
		{1e20, "1e+20"},
		{1e300, "1e+300"},
		{"a<b>&\"\\\n\u2028é", `"a<b>&\"\\\n\u2028é"`},
		{"\xff", `"` + "\uFFFD" + `"`},
		{[]any{}, "[]"},
		{map[string]any{}, "{}"},
		{map[string]any{"b": []any{int64(1), nil}, "a": "x", "B": 1.5, "": false}, `{"":false,"B":1.5,"a":"x","b":[1,null]}`},
	} {
		got, err := Canonical(c.value)
		if err != nil || !sameText(string(got), c.want) {
			t.Errorf("Canonical(%#v) = %s, %v; want %s", c.value, got, err, c.want)
		}
	}
}

// sameText allows U+FFFD as itself or as its escape; both are what encoding/json may write.
func sameText(got, want string) bool {
	return strings.ReplaceAll(got, `\ufffd`, "\uFFFD") == want
}

func TestRefusals(t *testing.T) {
	deep := any("x")
	for range MaxDepth + 1 {
		deep = []any{deep}
	}
	for _, c := range []struct {
		value any
		want  string
	}{
		{math.NaN(), "value: NaN is no JSON number"},
		{map[string]any{"a": []any{1.5, math.Inf(1)}}, `value["a"][1]: +Inf is no JSON number`},
		{[]any{struct{}{}}, "value[0]: struct {} is no JSON value"},
		{[]string{"a"}, "value: []string is no JSON value"},
		{deep, "nested deeper than 128"},
	} {
		if _, err := Canonical(c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Canonical: %v, want %s", err, c.want)
		}
		if _, err := ToStarlark(c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ToStarlark: %v, want %s", err, c.want)
		}
	}
}

func TestDecode(t *testing.T) {
	got, err := Decode([]byte(` {"a": [1, 1.0, 1e2, -0, 9223372036854775807], "b": {"c": null, "d": true}, "e": "\u00e9"} `))
	want := map[string]any{
		"a": []any{int64(1), 1.0, 100.0, int64(0), int64(math.MaxInt64)},
		"b": map[string]any{"c": nil, "d": true},
		"e": "é",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %#v, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "JSON: empty",
		"  ":                           "in the middle of a value",
		"[1,":                          "in the middle of a value",
		"[1 2]":                        "invalid character",
		"{\"a\":1,\"a\":2}":            `value: key "a" is there twice`,
		"{\"x\":[{\"a\":1,\"a\":2}]}":  `value["x"][0]: key "a" is there twice`,
		"9223372036854775808":          "integer 9223372036854775808 does not fit in 64 bits",
		"[1e999]":                      "value[0]: number 1e999 is too large",
		"1 2":                          "text after the value",
		"nul":                          "JSON:",
		"{1:2}":                        "JSON:",
		"]":                            "JSON:",
		strings.Repeat("[", 200):       "nested deeper than 128",
		strings.Repeat("[", 1_000_000): "nested deeper than 128",
		"'a'":                          "JSON:",
		"NaN":                          "JSON:",
	} {
		if v, err := Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Decode(%.30q) = %v, %v; want %s", text, v, err, want)
		}
	}
}

func TestStarlarkRoundTrip(t *testing.T) {
	value := map[string]any{"z": int64(1), "a": []any{nil, true, 1.5, "é", []any{}, map[string]any{}}}
	s, err := ToStarlark(value)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.String(), `{"a": [None, True, 1.5, "é", [], {}], "z": 1}`; got != want {
		t.Errorf("%s, want %s: keys must be in sorted order", got, want)
	}
	back, err := FromStarlark(s)
	if err != nil || !reflect.DeepEqual(back, value) {
		t.Errorf("got %#v, %v", back, err)
	}
}

func TestFromStarlarkIsNotAliased(t *testing.T) {
	list := starlark.NewList([]starlark.Value{starlark.MakeInt(1)})
	v, err := FromStarlark(starlark.Tuple{list})
	if err != nil {
		t.Fatal(err)
	}
	if err := list.SetIndex(0, starlark.MakeInt(2)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(v, []any{[]any{int64(1)}}) {
		t.Errorf("the value followed its source: %v", v)
	}
}

func TestFromStarlarkRefuses(t *testing.T) {
	cycle := starlark.NewList(nil)
	must(t, cycle.Append(starlark.Tuple{cycle}))
	set := starlark.NewSet(1)
	keys := starlark.NewDict(1)
	must(t, keys.SetKey(starlark.MakeInt(1), starlark.None))
	nested := starlark.NewDict(1)
	must(t, nested.SetKey(starlark.String("who"), starlark.Tuple{starlark.None, set}))
	shared := starlark.NewList(nil)
	for range 60 { // 2^60 values, if it were written out
		shared = starlark.NewList([]starlark.Value{shared, shared})
	}
	for _, c := range []struct {
		value starlark.Value
		want  string
	}{
		{cycle, "containing itself"},
		{shared, "more than 4194304 values"},
		{set, "value: a set is no JSON value"},
		{nested, `value["who"][1]: a set is no JSON value`},
		{keys, "value: key 1 is a int; JSON keys are strings"},
		{starlark.Float(math.NaN()), "no JSON number"},
		{starlark.MakeInt(1).Lsh(64), "does not fit in 64 bits"},
		{starlark.Universe["len"], "builtin_function_or_method is no JSON value"},
		{starlark.Bytes("a"), "bytes is no JSON value"},
	} {
		if _, err := FromStarlark(c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("FromStarlark: %v, want %s", err, c.want)
		}
	}
}

func TestFromStarlarkMendsBytes(t *testing.T) {
	v, err := FromStarlark(starlark.String("a\xffb"))
	if err != nil || v != "a\uFFFDb" {
		t.Errorf("got %q, %v", v, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// FuzzDecode: whatever is read can be written, and what is written is read as the
// same text again, also after a walk through the interpreter.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,null,true,"x"]}`, `[]`, `-0.0`, `1e20`, `9007199254740993`, `"\ud800"`, `{"a":1,"a":2}`, `[[[[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Decode(data)
		if err != nil {
			return
		}
		text, err := Canonical(v)
		must(t, err)
		again, err := Decode(text)
		must(t, err)
		text2, err := Canonical(again)
		must(t, err)
		s, err := ToStarlark(v)
		must(t, err)
		back, err := FromStarlark(s)
		must(t, err)
		text3, err := Canonical(back)
		must(t, err)
		if !bytes.Equal(text, text2) || !bytes.Equal(text, text3) {
			t.Fatalf("%q became %s, %s, %s", data, text, text2, text3)
		}
	})
}

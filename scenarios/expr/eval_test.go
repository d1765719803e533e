package expr

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"go.starlark.net/starlark"
)

var scope = map[string]any{
	"params": map[string]any{"n": int64(5), "model": "a", "list": []any{int64(1), int64(2), int64(3)}, "items": "shadowed", "deep": map[string]any{"x": 1.5}},
	"live":   []any{"a", "b"},
	"passes": int64(2),
}

var offered = []string{"params", "live", "passes"}

func eval(src string) (any, error) {
	e, err := Compile(src, "s.yaml", 10, 7, offered)
	if err != nil {
		return nil, err
	}
	return e.Value(Values(scope))
}

func TestEval(t *testing.T) {
	for src, want := range map[string]any{
		"params.n + 1":                                 int64(6),
		"params.deep.x":                                1.5,
		"params['deep']['x']":                          1.5,
		"type(params.items)":                           "builtin_function_or_method", // methods win
		"params.get('items')":                          "shadowed",
		"{'a': {'b': 1}}.a.b":                          int64(1), // literals answer too
		"[d.k for d in [{'k': 1}, {'k': 2}]]":          []any{int64(1), int64(2)},
		"{k: v * 2 for k, v in params.deep.items()}":   map[string]any{"x": 3.0},
		"(lambda d, y=params.n: d.x + y)(params.deep)": 6.5,
		"passes >= len(live)":                          true,
		"(lambda low: low(len('abc')))(lambda n: n+1)": int64(4), // its own low, no interval
		"passes >= len(live)\n  and\n True":            true,     // may run over lines
		"1, 2":                                         []any{int64(1), int64(2)},
		"'}' + \"{\"":                                  "}{",
		"'a'.upper() * 2":                              "AA",
		"2 * [0]":                                      []any{int64(0), int64(0)},
		"params.list[1:][0] if True else None":         int64(2),
		"len(set([1, 1, 2]))":                          int64(2),
		"sum(params.list)":                             int64(6),
		"sum([0.5, 1])":                                1.5,
		"sum([])":                                      int64(0),
		"round(2.5)":                                   int64(2),
		"round(3.5)":                                   int64(4),
		"round(-0.5)":                                  int64(0),
		"round(2.675, 2)":                              2.67, // as in Python: 2.675 is a little less
		"round(1.0/3, 3)":                              0.333,
		"round(7, 2)":                                  int64(7),
		"pad(7, 3)":                                    "007",
		"pad(-7, 3)":                                   "-07",
		"pad(1234, 2)":                                 "1234",
		"pairs(['a', 'b', 'c'])":                       []any{[]any{"a", "b"}, []any{"a", "c"}, []any{"b", "c"}},
		"pairs(['a'])":                                 []any{},
		"math.floor(2.7)":                              int64(2),
		"json.encode({'b': 1, 'a': 2})":                `{"a":2,"b":1}`,
		"gini([0, 0])":                                 0.0,
		"gini([])":                                     0.0,
		"gini([120, 120, 120, 120, 120])":              0.0,
		"gini([60, 60, 60, 60, 360])":                  0.4, // the library's table for S2
		"round(gini([109, 109, 109, 109, 144]), 5)":    0.04828,
		"gini([1, 0, 0, 0])":                           0.75,
	} {
		got, err := eval(src)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, %v; want %#v", src, got, err, want)
		}
	}
}

// Positions are those in the file: the expression's first byte is at 10:7.
func TestErrors(t *testing.T) {
	for src, want := range map[string]string{
		"params.m":                      `s.yaml:10:14: no key "m" in the dict; did you mean n?`,
		"params.modle":                  `s.yaml:10:14: no key "modle" in the dict; did you mean model?`,
		"1 + state":                     "s.yaml:10:11: state is not defined",
		"pasess + 1":                    "s.yaml:10:7: pasess is not defined; did you mean passes?",
		"1 +":                           "s.yaml:10:10: got ')', want primary expression",
		"1 +\n  nope":                   "s.yaml:11:3: nope is not defined",
		"(1":                            "s.yaml:10:9: got end of file, want ')'",
		"a)(b":                          "s.yaml:10:7: the brackets of the expression do not match",
		"1)":                            "s.yaml:10:9: unexpected ')'",
		"":                              "s.yaml:10:7: empty expression",
		"  ":                            "s.yaml:10:7: empty expression",
		"x = 1":                         "s.yaml:10:10: got '=', want ')'",
		"1 / 0":                         "s.yaml:10:9: floating-point division by zero",
		"params.list[7]":                "s.yaml:10:18: list index 7 out of range [-3:2]",
		"params.list.append(1)":         "s.yaml:10:25: append: cannot append to frozen list",
		"params.update({'a': 1})":       "s.yaml:10:20: update: cannot insert into frozen hash table",
		"'a' * 99999999":                "s.yaml:10:11: a repetition makes more than 4194304 items",
		"99999999999999999999999 * [0]": "s.yaml:10:31: a repetition makes more than 4194304 items",
		"list(range(1 << 40))":          "s.yaml:10:17: range: more than 4194304 numbers",
		"[x for x in range(4000000) for y in range(4000000)]": "s.yaml:10:7: the expression takes more than 5000000 steps",
		"load('x')":                        "s.yaml:10:7: got load, want primary expression",
		"sum(params)":                      "s.yaml:10:10: sum: want a list of numbers, got a dict; its numbers are its .values()",
		"sum(['a'])":                       `s.yaml:10:10: sum: want numbers, got string "a"`,
		"fail('because')":                  "s.yaml:10:11: because",
		"round('a')":                       "s.yaml:10:12: round: want a number, got string",
		"round(1.5, -1)":                   "s.yaml:10:12: round: n is -1; want 0 to 15",
		"pad(1, 5000)":                     "s.yaml:10:10: pad: width is 5000; want 0 to 1000",
		"len":                              "s.yaml:10:7: value: a builtin_function_or_method is no JSON value",
		"(1).foo":                          "s.yaml:10:11: int has no .foo",
		"'a'.uper()":                       "s.yaml:10:11: string has no .uper; did you mean upper?",
		"(lambda f: f(f))(lambda f: f(f))": "called recursively",
		"'" + strings.Repeat("a", MaxSource) + "'": "s.yaml:10:7: expression of 65538 bytes; the most is 65536",
	} {
		if v, err := eval(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, %v\n want %s", src, v, err, want)
		}
	}
}

func TestUndefinedIsTyped(t *testing.T) {
	_, err := eval("[state for x in live]")
	if e, ok := err.(*Error); !ok || e.Undefined != "state" {
		t.Errorf("got %#v", err)
	}
}

func TestNamesAreThoseUsed(t *testing.T) {
	e, err := Compile("[params for params in live] + [json.encode(x) for x in []]", "f", 1, 1, offered)
	must(t, err)
	// params is bound by the comprehension here; only live is asked for.
	if got := e.Names(); !reflect.DeepEqual(got, []string{"live"}) {
		t.Errorf("got %v", got)
	}
	_, err = e.Value(func(name string) (starlark.Value, error) {
		if name != "live" {
			t.Errorf("asked for %s", name)
		}
		return nil, fmt.Errorf("out of order")
	})
	if err == nil || err.Error() != "f:1:1: out of order" {
		t.Errorf("got %v", err)
	}
}

func TestPrintIsSilentAndConditionsAreStrict(t *testing.T) {
	e, err := Compile("print('x')", "f", 1, 1, nil)
	must(t, err)
	if v, err := e.Value(Values(nil)); v != nil || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := e.Bool(Values(nil)); err == nil || !strings.Contains(err.Error(), "want True or False, got NoneType") {
		t.Errorf("got %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	e, err := Compile("sum([x * params.n for x in params.list])", "f", 1, 1, offered)
	must(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if v, err := e.Value(Values(scope)); v != int64(30) || err != nil {
					t.Errorf("got %v, %v", v, err)
				}
			}
		})
	}
	wg.Wait()
}

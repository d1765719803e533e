package scenarios

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// fixed is a Stats with fixed estimates; the kind is part of the key.
type fixed map[string]Estimate

func (s fixed) get(kind, name string) (Estimate, error) {
	e, ok := s[kind+" "+name]
	if !ok && !strings.HasPrefix(name, "un") {
		return Estimate{}, errors.New("no outcome " + name)
	}
	return e, nil
}
func (s fixed) Rate(n string) (Estimate, error)    { return s.get("rate", n) }
func (s fixed) Mean(n string) (Estimate, error)    { return s.get("mean", n) }
func (s fixed) Median(n string) (Estimate, error)  { return s.get("median", n) }
func (s fixed) Total(n string) (Estimate, error)   { return s.get("total", n) }
func (s fixed) Default(n string) (Estimate, error) { return s.get("default", n) }
func (s fixed) Excluded() float64                  { return s["excluded"].Value }
func (s fixed) Quantile(n string, q float64) (Estimate, error) {
	e, err := s.get("quantile", n)
	e.Value *= q
	return e, err
}

func TestExpectations(t *testing.T) {
	stats := fixed{
		"rate ok": {0.85, 0.64, 0.95, 20}, "default ok": {0.85, 0.64, 0.95, 20}, "rate same": {0.85, 0.1, 0.99, 5},
		"mean n": {10, 8, 12, 20}, "median n": {9, 7, 11, 20}, "total n": {200, 0, 0, 20}, "quantile n": {100, 1, 2, 20},
		"rate nan": {math.NaN(), 0, 1, 3},
	}
	for code, want := range map[string]Verdict{
		`rate("ok") >= 0.8`:                        Passed,
		`rate("ok") >= 0.9`:                        Failed,
		`low(rate("ok")) >= 0.6`:                   Passed,
		`low(rate("same")) >= 0.6`:                 Failed, // not the other estimate of the same value
		`low("ok") == low(rate("ok"))`:             Passed,
		`high(rate("ok")) < 0.96`:                  Passed,
		`width(mean("n")) == 4.0`:                  Passed,
		`low(quantile("n", 0.5)) == 1`:             Passed,
		`quantile("n", 0.25) == 25`:                Passed,
		`median("n") < mean("n")`:                  Passed,
		`total("n") == 200 and params.x == 3`:      Passed,
		`rate("unknown") > 0`:                      Inconclusive,
		`rate("nan") > 0`:                          Inconclusive,
		`rate("ok") > 0.9 and rate("unknown") > 0`: Failed, // decided without it
		`rate("ok") > 0 or rate("unknown") > 0`:    Passed,
		`rate("gone") > 0`:                         "",
		`rate("ok")`:                               "",
		`rate()`:                                   "",
		`rate("ok", 1) > 0`:                        "",
		`low(max(rate("ok"), 0.5)) > 0`:            "",
		`low("n", 0.5) > 0`:                        "",
		`quantile("n", 2) > 0`:                     "",
		`quantile("n") > 0`:                        "",
		`1 / 0 > 0`:                                "",
	} {
		got, err := expectation(t, code).Eval(stats, map[string]any{"x": int64(3)}, 0.05)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v; want %q", code, got, err, want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f:1:") {
			t.Errorf("%s: %v has no place", code, err)
		}
	}
	stats["excluded"] = Estimate{Value: 0.06}
	if got, err := expectation(t, "True").Eval(stats, nil, 0.05); got != Inconclusive || err != nil {
		t.Errorf("too many exclusions: %q, %v", got, err)
	}
}

func expectation(t *testing.T, code string) *Expectation {
	t.Helper()
	l := &loader{}
	e, ok := expectationKind().read(l, &node{kind: scalarNode, scalar: "${" + code + "}", pos: Pos{"f", 1, 1}, at: func(o int) (int, int) { return 1, 1 + o }})
	if !ok {
		t.Fatal(l.err("f"))
	}
	e.of = &Scenario{}
	return e
}

// TestExpectationsReadFiles: data and text are there everywhere, so here too.
func TestExpectationsReadFiles(t *testing.T) {
	dir := folder(t, map[string]string{"scenario.yaml": small + "expect: ['${mean(\"turns\") >= data(\"least.json\").turns and text(\"b\") == \"c\"}']\n", "least.json": `{"turns": 7}`, "b": "c"})
	s := mustLoad(t, dir)
	for mean, want := range map[float64]Verdict{7: Passed, 6.5: Failed} {
		if got, err := s.Expect[0].Eval(fixed{"mean turns": {mean, 0, 0, 3}}, nil, 0.05); got != want || err != nil {
			t.Errorf("mean %v: %q, %v", mean, got, err)
		}
	}
}

func TestExpandSchema(t *testing.T) {
	type m = map[string]any
	whole := m{"type": "object", "properties": m{"a": m{"type": "integer"}}}
	for _, c := range []struct{ in, want any }{
		{nil, nil},
		{m{}, m{"type": "object", "properties": m{}, "required": []any{}, "additionalProperties": false}},
		{m{"want": m{"type": "integer", "minimum": int64(0)}, "a": m{}}, m{"type": "object", "properties": m{"want": m{"type": "integer", "minimum": int64(0)}, "a": m{}}, "required": []any{"a", "want"}, "additionalProperties": false}},
		{whole, whole},
		{m{"properties": m{}, "x-y": int64(1)}, m{"type": "object", "properties": m{}, "x-y": int64(1)}},
		{[]any{m{"a": m{}}, whole}, m{"type": "object", "anyOf": []any{m{"type": "object", "properties": m{"a": m{}}, "required": []any{"a"}, "additionalProperties": false}, whole}}},
		{m{"a": m{"$ref": "#/$defs/x"}, "$defs": m{}}, nil},
	} {
		got, err := ExpandSchema(c.in)
		if c.want == nil && c.in != nil {
			if err == nil {
				t.Errorf("%v: no error", c.in)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %v, %v", c.in, got, err)
		}
		again, err := ExpandSchema(got)
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("expanding twice: %v, %v", again, err)
		}
	}
}

func TestErrorsAreOneLineEach(t *testing.T) {
	var c collector
	c.add(Pos{"f", 2, 1}, "b\x1b[2J\nc")
	c.add(Pos{"f", 1, 9}, "a")
	c.add(Pos{"f", 1, 9}, "a")
	c.add(Pos{"e", 7, 1}, "other file")
	err := c.err("f")
	if got, want := err.Error(), "f:1:9: a\nf:2:1: b\\x1b[2J\\nc\ne:7:1: other file"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var one *Error
	if !errors.As(err, &one) || one.Msg != "a" {
		t.Error("errors.As finds the single faults")
	}
}

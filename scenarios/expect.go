package scenarios

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"go.starlark.net/starlark"

	"github.com/sandtable/sandtable/scenarios/expr"
)

// Expectation is what must hold in every cell.
type Expectation struct {
	Pos  Pos
	Text string // the expression as it was written
	code *expr.Expr
	of   *Scenario // whose files data and text read
}

// Verdict is how an expectation came out in a cell. The zero value is not one.
type Verdict string

// The verdicts.
const (
	Passed       Verdict = "passed"
	Failed       Verdict = "failed"
	Inconclusive Verdict = "inconclusive" // not known, which never counts as passed
)

// Estimate is a point estimate over a cell's runs, with its interval.
type Estimate struct {
	Value, Low, High float64
	N                int // runs that it is made of
}

// Stats answers for the estimates of one cell. An estimate that is not defined, be it
// that the outcome has not that kind or that no run gave it, has N = 0; what is no
// outcome at all is an error.
type Stats interface {
	Rate(name string) (Estimate, error)
	Mean(name string) (Estimate, error)
	Median(name string) (Estimate, error)
	Total(name string) (Estimate, error)
	// Quantile is that of q, 0 to 1.
	Quantile(name string, q float64) (Estimate, error)
	// Default is the estimate of the outcome's own kind: a rate or a mean.
	Default(name string) (Estimate, error)
	// Excluded is the share of the cell's runs that are missing from its outcomes.
	Excluded() float64
}

// estimators are the names that give an estimate.
var estimators = []string{"rate", "mean", "median", "total", "quantile"}

func expectationKind() kind[*Expectation] {
	of := code(AtExpect)
	return kind[*Expectation]{
		read: func(l *loader, n *node) (*Expectation, bool) {
			if n.kind == dictNode {
				l.add(n.pos, "a comparison of cells: %s", notYet("Results"))
				return nil, false
			}
			e, ok := of.read(l, n)
			if !ok {
				return nil, false
			}
			return &Expectation{Pos: n.pos, Text: e.Text(), code: e}, true
		},
		schema: of.schema,
	}
}

// errUnknown ends an evaluation: an estimate that it needs is not defined.
var errUnknown = errors.New("not defined")

// Eval judges the expectation in one cell. excluded is the share of missing runs that
// a verdict bears ([Batch].Excluded). An error is a fault of the expression.
func (e *Expectation) Eval(stats Stats, params map[string]any, excluded float64) (Verdict, error) {
	if stats.Excluded() > excluded {
		return Inconclusive, nil
	}
	j := judge{stats: stats}
	ok, err := e.code.Bool(j.lookup(e.of.Lookup(params)))
	switch {
	case j.unknown:
		return Inconclusive, nil
	case err != nil:
		return "", placed(e.Pos, err)
	case ok:
		return Passed, nil
	}
	return Failed, nil
}

// judge answers the calls of one evaluation.
type judge struct {
	stats   Stats
	unknown bool
	misused bool // a call is wrong whatever the estimates are
}

// lookup offers the estimates over what is offered everywhere.
func (j *judge) lookup(everywhere expr.Lookup) expr.Lookup {
	return func(name string) (starlark.Value, error) {
		if v, err := everywhere(name); err == nil {
			return v, nil
		}
		return starlark.NewBuiltin(name, j.call), nil
	}
}

func (j *judge) call(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	est, err := j.estimate(b.Name(), args, kwargs)
	if err != nil {
		j.misused = true
		return nil, err
	}
	x := map[string]float64{"low": est.Low, "high": est.High, "width": est.High - est.Low}
	v, interval := x[b.Name()]
	if !interval {
		v = est.Value
	}
	if est.N == 0 || math.IsNaN(v) {
		j.unknown = true
		return nil, errUnknown
	}
	return starlark.Float(v), nil
}

// estimate finds what a call asks for. low, high and width are called with the
// estimate's name and its arguments, or with an outcome alone.
func (j *judge) estimate(fn string, args starlark.Tuple, kwargs []starlark.Tuple) (Estimate, error) {
	var words []string
	for _, arg := range args {
		if s, ok := starlark.AsString(arg); ok {
			words = append(words, s)
		}
	}
	if len(kwargs) > 0 || len(words) == 0 {
		return Estimate{}, fmt.Errorf("%s: want the name of an outcome, like %s(\"survived\")", fn, fn)
	}
	if !slices.Contains(estimators, fn) {
		if len(args) == 1 {
			return j.stats.Default(words[0])
		}
		if !slices.Contains(estimators, words[0]) {
			return Estimate{}, fmt.Errorf("%s: want an outcome or an estimate of one, like %s(rate(\"survived\"))", fn, fn)
		}
		fn, args, words = words[0], args[1:], words[1:]
	}
	if len(words) == 0 {
		return Estimate{}, fmt.Errorf("%s: want the name of an outcome", fn)
	}
	return j.pick(fn, words[0], args[1:])
}

func (j *judge) pick(fn, name string, rest starlark.Tuple) (Estimate, error) {
	if want := map[bool]int{true: 1}[fn == "quantile"]; len(rest) != want {
		return Estimate{}, fmt.Errorf("%s: got %d arguments after the outcome, want %d", fn, len(rest), want)
	}
	switch fn {
	case "rate":
		return j.stats.Rate(name)
	case "mean":
		return j.stats.Mean(name)
	case "median":
		return j.stats.Median(name)
	case "total":
		return j.stats.Total(name)
	}
	q, ok := starlark.AsFloat(rest[0])
	if !ok || !(q >= 0 && q <= 1) {
		return Estimate{}, fmt.Errorf("quantile: want a number from 0 to 1, got %s", rest[0])
	}
	return j.stats.Quantile(name, q)
}

// rehearse evaluates the expectation on estimates that are made up, and returns what is
// wrong whatever they are: how it asks for them, and that it is no condition. To find
// that out when the runs have been paid for would be late.
func (e *Expectation) rehearse(everywhere expr.Lookup) error {
	j := judge{stats: madeUp{}}
	v, err := e.code.Eval(j.lookup(everywhere))
	if j.misused {
		return err
	}
	if _, condition := v.(starlark.Bool); err == nil && !condition {
		return e.code.Errorf("want True or False, got %s; compare it, like rate(\"survived\") >= 0.8", v.Type())
	}
	return nil
}

// madeUp are estimates of no runs at all.
type madeUp struct{}

func (madeUp) any() (Estimate, error)                       { return Estimate{0.62, 0.41, 0.79, 20}, nil }
func (m madeUp) Rate(string) (Estimate, error)              { return m.any() }
func (m madeUp) Mean(string) (Estimate, error)              { return m.any() }
func (m madeUp) Median(string) (Estimate, error)            { return m.any() }
func (m madeUp) Total(string) (Estimate, error)             { return m.any() }
func (m madeUp) Quantile(string, float64) (Estimate, error) { return m.any() }
func (m madeUp) Default(string) (Estimate, error)           { return m.any() }
func (madeUp) Excluded() float64                            { return 0 }

// knownOutcomes checks the names that expectations ask for.
func (l *loader) knownOutcomes(s *Scenario) {
	known := append(namesOf(s.Outcomes), AlwaysDefined()...)
	for _, e := range s.Expect {
		e.of = s
		for _, call := range e.code.Calls() {
			if call.Fn != "data" && call.Fn != "text" && !slices.Contains(known, call.Arg) {
				l.add(Pos{call.File, call.Line, call.Col}, "no outcome %q%s", call.Arg, meant(call.Arg, known))
			}
		}
	}
}

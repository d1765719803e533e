package star

import (
	"errors"
	"fmt"
	"math"

	"github.com/sandtable/sandtable/sim"
	"go.starlark.net/starlark"
)

// diceValue is what ctx.random(name) returns. A bad argument is an error of the
// script, so everything that [sim.Dice] panics on is tested first.
type diceValue struct {
	opaque
	dice *sim.Dice
}

func newDice(d *sim.Dice) diceValue { return diceValue{"dice", d} }

var _ starlark.HasAttrs = diceValue{}

func (d diceValue) AttrNames() []string {
	return []string{"choice", "float", "int", "sample", "shuffle", "weighted"}
}

func (d diceValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "int":
		return method("int", d.int), nil
	case "float":
		return method("float", d.float), nil
	case "choice":
		return method("choice", d.choice), nil
	case "weighted":
		return method("weighted", d.weighted), nil
	case "shuffle":
		return method("shuffle", d.shuffle), nil
	case "sample":
		return method("sample", d.sample), nil
	}
	return nil, nil
}

// builtin is the body of a method; it gets its own name for error texts.
type builtin func(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error)

func method(name string, body builtin) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return body(name, args, kwargs)
	})
}

func (d diceValue) int(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var lo, hi int64
	if err := starlark.UnpackArgs(name, args, kwargs, "lo", &lo, "hi", &hi); err != nil {
		return nil, err
	}
	if hi < lo {
		return nil, fmt.Errorf("int: no number from %d to %d", lo, hi)
	}
	return starlark.MakeInt64(d.dice.Int(lo, hi)), nil
}

func (d diceValue) float(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(name, args, kwargs); err != nil {
		return nil, err
	}
	return starlark.Float(d.dice.Float()), nil
}

func (d diceValue) choice(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list starlark.Indexable
	if err := starlark.UnpackArgs(name, args, kwargs, "list", &list); err != nil {
		return nil, err
	}
	if list.Len() == 0 {
		return nil, errors.New("choice: the list is empty")
	}
	return list.Index(d.dice.Choice(list.Len())), nil
}

func (d diceValue) weighted(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list, weights starlark.Indexable
	if err := starlark.UnpackArgs(name, args, kwargs, "list", &list, "weights", &weights); err != nil {
		return nil, err
	}
	if list.Len() != weights.Len() {
		return nil, fmt.Errorf("weighted: %d elements and %d weights", list.Len(), weights.Len())
	}
	w, err := weightList(weights)
	if err != nil {
		return nil, err
	}
	return list.Index(d.dice.Weighted(w)), nil
}

// weightList reads weights; each may be at most 1e300, so that their sum is finite.
func weightList(list starlark.Indexable) ([]float64, error) {
	out, sum := make([]float64, list.Len()), 0.0
	for i := range out {
		w, ok := starlark.AsFloat(list.Index(i))
		if !ok || math.IsNaN(w) || w < 0 || w > 1e300 {
			return nil, fmt.Errorf("weighted: weight %s: want a number from 0 to 1e300", list.Index(i))
		}
		out[i], sum = w, sum+w
	}
	if sum <= 0 || math.IsInf(sum, 0) {
		return nil, errors.New("weighted: the sum of the weights must be positive and finite")
	}
	return out, nil
}

func (d diceValue) shuffle(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list starlark.Indexable
	if err := starlark.UnpackArgs(name, args, kwargs, "list", &list); err != nil {
		return nil, err
	}
	return pickAll(list, d.dice.Shuffle(list.Len())), nil
}

func (d diceValue) sample(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list starlark.Indexable
	var k int
	if err := starlark.UnpackArgs(name, args, kwargs, "list", &list, "k", &k); err != nil {
		return nil, err
	}
	if k < 0 || k > list.Len() {
		return nil, fmt.Errorf("sample: %d of %d elements", k, list.Len())
	}
	return pickAll(list, d.dice.Sample(list.Len(), k)), nil
}

func pickAll(list starlark.Indexable, indices []int) starlark.Value {
	out := make([]starlark.Value, len(indices))
	for i, at := range indices {
		out[i] = list.Index(at)
	}
	return starlark.NewList(out)
}

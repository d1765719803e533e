package gateway

import (
	"errors"
	"fmt"

	"github.com/sandtable/sandtable/sim"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// randomBuiltin is ctx.random: the dice of a named stream. Within one reply a name always
// means the same dice, which go on where they were.
func randomBuiltin(key func(name string) [32]byte) *starlark.Builtin {
	made := map[string]starlark.Value{}
	return starlark.NewBuiltin("random", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var name string
		if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name); err != nil {
			return nil, err
		}
		if made[name] == nil {
			made[name] = diceValue(sim.NewDice(key(name), nil))
		}
		return made[name], nil
	})
}

// diceValue has the same methods as a world's dice. What the dice would panic on is an
// error of the script.
//
// It says again what package star says about its worlds' dice, which that package keeps to
// itself.
func diceValue(d *sim.Dice) starlark.Value {
	return starlarkstruct.FromStringDict(starlark.String("dice"), starlark.StringDict{
		"int": method("int", func(b string, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
			var lo, hi int64
			if err := starlark.UnpackArgs(b, args, kw, "lo", &lo, "hi", &hi); err != nil {
				return nil, err
			}
			if hi < lo {
				return nil, fmt.Errorf("int: no number from %d to %d", lo, hi)
			}
			return starlark.MakeInt64(d.Int(lo, hi)), nil
		}),
		"float": method("float", func(b string, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
			if err := starlark.UnpackArgs(b, args, kw); err != nil {
				return nil, err
			}
			return starlark.Float(d.Float()), nil
		}),
		"choice": method("choice", func(b string, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
			var list starlark.Indexable
			if err := starlark.UnpackArgs(b, args, kw, "list", &list); err != nil {
				return nil, err
			}
			if list.Len() == 0 {
				return nil, errors.New("choice: the list is empty")
			}
			return list.Index(d.Choice(list.Len())), nil
		}),
		"weighted": method("weighted", func(b string, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
			var list, weights starlark.Indexable
			if err := starlark.UnpackArgs(b, args, kw, "list", &list, "weights", &weights); err != nil {
				return nil, err
			}
			w, err := weightList(list, weights)
			if err != nil {
				return nil, err
			}
			return list.Index(d.Weighted(w)), nil
		}),
		"shuffle": method("shuffle", func(b string, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
			var list starlark.Indexable
			if err := starlark.UnpackArgs(b, args, kw, "list", &list); err != nil {
				return nil, err
			}
			return picked(list, d.Shuffle(list.Len())), nil
		}),
		"sample": method("sample", func(b string, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
			var list starlark.Indexable
			var k int
			if err := starlark.UnpackArgs(b, args, kw, "list", &list, "k", &k); err != nil {
				return nil, err
			}
			if k < 0 || k > list.Len() {
				return nil, fmt.Errorf("sample: %d of %d elements", k, list.Len())
			}
			return picked(list, d.Sample(list.Len(), k)), nil
		}),
	})
}

func method(name string, body func(string, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
		return body(name, args, kw)
	})
}

// maxWeight keeps the sum of any list of weights finite; the dice refuse more.
const maxWeight = 1e300

func weightList(list, weights starlark.Indexable) ([]float64, error) {
	if list.Len() != weights.Len() {
		return nil, fmt.Errorf("weighted: %d elements and %d weights", list.Len(), weights.Len())
	}
	out, sum := make([]float64, weights.Len()), 0.0
	for i := range out {
		w, ok := starlark.AsFloat(weights.Index(i))
		if !ok || !(w >= 0 && w <= maxWeight) {
			return nil, fmt.Errorf("weighted: weight %s: want a number from 0 to %g", weights.Index(i), maxWeight)
		}
		out[i], sum = w, sum+w
	}
	if !(sum > 0 && sum <= maxWeight) {
		return nil, fmt.Errorf("weighted: the sum of the weights must be positive and at most %g", maxWeight)
	}
	return out, nil
}

func picked(list starlark.Indexable, indices []int) starlark.Value {
	out := make([]starlark.Value, len(indices))
	for i, at := range indices {
		out[i] = list.Index(at)
	}
	return starlark.NewList(out)
}

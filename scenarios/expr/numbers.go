package expr

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// sum adds numbers. Ints stay exact, of any size.
func sum(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list starlark.Iterable
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &list); err != nil {
		return nil, err
	}
	total := starlark.Value(starlark.MakeInt(0))
	for x := range starlark.Elements(list) {
		if err := wantNumber("sum", list, x); err != nil {
			return nil, err
		}
		var err error
		if total, err = starlark.Binary(syntax.PLUS, total, x); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func wantNumber(name string, list, x starlark.Value) error {
	switch x.(type) {
	case starlark.Int, starlark.Float:
		return nil
	}
	if _, ok := list.(starlark.Mapping); ok {
		return fmt.Errorf("%s: want a list of numbers, got a dict; its numbers are its .values()", name)
	}
	return fmt.Errorf("%s: want numbers, got %s %s", name, x.Type(), shorten(x.String()))
}

// maxDigits is what round takes as n; a float64 has no more to give.
const maxDigits = 15

// round is Python's: to the nearest, ties to the even one, of the number's exact
// value. Without n the result is an int, with n what x was.
func round(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	digits := -1
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "x", &x, "n?", &digits); err != nil {
		return nil, err
	}
	if len(args)+len(kwargs) > 1 && (digits < 0 || digits > maxDigits) {
		return nil, fmt.Errorf("round: n is %d; want 0 to %d", digits, maxDigits)
	}
	switch x := x.(type) {
	case starlark.Int:
		return x, nil
	case starlark.Float:
		return roundFloat(float64(x), digits)
	}
	return nil, fmt.Errorf("round: want a number, got %s", x.Type())
}

func roundFloat(x float64, digits int) (starlark.Value, error) {
	if digits < 0 {
		return starlark.NumberToInt(starlark.Float(math.RoundToEven(x)))
	}
	// Through decimal text, which is exact; multiplying by 10^n would round twice.
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', digits, 64), 64)
	return starlark.Float(r), err
}

// maxWidth bounds pad.
const maxWidth = 1000

// pad writes an int with zeros in front, width characters at least: pad(7, 2) is "07".
func pad(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var n starlark.Int
	var width int
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "n", &n, "width", &width); err != nil {
		return nil, err
	}
	if width < 0 || width > maxWidth {
		return nil, fmt.Errorf("pad: width is %d; want 0 to %d", width, maxWidth)
	}
	digits, sign := n.String(), ""
	if n.Sign() < 0 {
		digits, sign = digits[1:], "-"
	}
	zeros := strings.Repeat("0", max(0, width-len(digits)-len(sign)))
	return starlark.String(sign + zeros + digits), nil
}

// gini is the Gini coefficient of numbers x1…xn: the sum of |xi − xj| over all i and j,
// divided by 2n times the sum of all; 0 if that sum is 0.
func gini(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list starlark.Iterable
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &list); err != nil {
		return nil, err
	}
	var xs []float64
	for v := range starlark.Elements(list) {
		if err := wantNumber("gini", list, v); err != nil {
			return nil, err
		}
		x, ok := starlark.AsFloat(v)
		if !ok || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, errors.New("gini: a number is not finite")
		}
		xs = append(xs, x)
	}
	return starlark.Float(giniOf(xs)), nil
}

// giniOf sorts, since with x ascending the double sum is twice the sum of
// (2i − n − 1)·xi: n log n instead of n².
func giniOf(xs []float64) float64 {
	slices.Sort(xs)
	n, weighted, total := float64(len(xs)), 0.0, 0.0
	for i, x := range xs {
		weighted += (2*float64(i+1) - n - 1) * x
		total += x
	}
	if total == 0 {
		return 0
	}
	return weighted / (n * total)
}

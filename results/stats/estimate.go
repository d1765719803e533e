package stats

import (
	"fmt"
	"math"
	"slices"
)

// Method names how an estimate was made.
type Method string

// The methods.
const (
	MethodWilson Method = "wilson"          // score interval of a proportion, no continuity correction
	MethodT      Method = "t"               // mean with Student's t on n-1 degrees of freedom
	MethodOrder  Method = "order-statistic" // median between two order statistics, any distribution
)

// DefaultLevel is the confidence level used where nobody asks for another.
const DefaultLevel = 0.95

// Estimate is a number and how sure it is.
type Estimate struct {
	N     int     // observations used
	Value float64 // the point estimate; NaN: undefined
	// Low and High bound the interval. NaN: undefined. Infinite: so few observations
	// that no finite bound has the level asked for.
	Low, High float64
	// Level is what was asked for, Achieved what the interval really has: at least
	// Level where levels are discrete, NaN where there is no interval.
	Level, Achieved float64
	Method          Method
	Warnings        []string // never nil when something is undefined
}

// Defined reports whether there is a point estimate.
func (e Estimate) Defined() bool { return !math.IsNaN(e.Value) }

// Bounded reports whether both ends of the interval are finite numbers.
func (e Estimate) Bounded() bool { return finite(e.Low) && finite(e.High) }

// Width is the length of the interval: NaN or +Inf where it has no finite one.
func (e Estimate) Width() float64 { return e.High - e.Low }

func undefined(n int, level float64, m Method, why string) Estimate {
	nan := math.NaN()
	return Estimate{N: n, Value: nan, Low: nan, High: nan, Level: level, Achieved: nan,
		Method: m, Warnings: []string{why}}
}

// checkLevel refuses levels for which no interval exists. The zero Estimate goes
// with a false.
func checkLevel(n int, level float64, m Method) (Estimate, bool) {
	if level > 0 && level < 1 {
		return Estimate{}, true
	}
	return undefined(n, level, m, fmt.Sprintf("level %v: want a number between 0 and 1", level)), false
}

// checkValues refuses samples that hold anything but finite numbers.
func checkValues(xs []float64, level float64, m Method) (Estimate, bool) {
	if e, ok := checkLevel(len(xs), level, m); !ok {
		return e, false
	}
	if i := slices.IndexFunc(xs, func(x float64) bool { return !finite(x) }); i >= 0 {
		return undefined(len(xs), level, m, fmt.Sprintf("observation %d is %v, not a finite number", i+1, xs[i])), false
	}
	if len(xs) == 0 {
		return undefined(0, level, m, "no observations"), false
	}
	return Estimate{}, true
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

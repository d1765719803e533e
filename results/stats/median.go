package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Median estimates the median of independent observations of any distribution. The
// interval lies between two order statistics, the r-th from below and from above, for
// the largest r whose level is at least the one asked for; Achieved is that level.
// With too few observations the interval is infinite and a warning says how many
// would do.
func Median(xs []float64, level float64) Estimate {
	if e, ok := checkValues(xs, level, MethodOrder); !ok {
		return e
	}
	sorted := slices.Sorted(slices.Values(xs))
	n := len(sorted)
	e := Estimate{N: n, Value: Quantile(sorted, 0.5), Level: level, Method: MethodOrder}
	r, achieved := medianRank(n, level)
	if r == 0 {
		e.Low, e.High, e.Achieved = math.Inf(-1), math.Inf(1), 1
		e.Warnings = []string{fmt.Sprintf("%d observations are too few for an interval at level %v: at least %d are needed",
			n, level, medianNeeds(level))}
		return e
	}
	e.Low, e.High, e.Achieved = sorted[r-1], sorted[n-r], achieved
	return e
}

// medianRank returns the largest r whose interval has the level, and the level it
// has; 0: there is none.
func medianRank(n int, level float64) (r int, achieved float64) {
	b := distuv.Binomial{N: float64(n), P: 0.5}
	tail := 0.0 // P(X <= r-1), summed: the CDF by incomplete beta is off by 1e-15
	for r = 0; 2*(r+1) <= n; r++ {
		tail += b.Prob(float64(r))
		if 1-2*tail < level {
			break
		}
		achieved = 1 - 2*tail
	}
	return r, achieved
}

// medianNeeds is the smallest n at which the two extremes have the level:
// 1 - 2^(1-n) >= level.
func medianNeeds(level float64) int {
	n := 2
	for n < 1075 && 1-math.Ldexp(1, 1-n) < level {
		n++
	}
	return n
}

// Quantile returns the p-quantile of a sample, by linear interpolation between order
// statistics at h = (n-1)p + 1 (Hyndman and Fan's type 7, the default of R and
// numpy). An empty sample, a value that is not a number, or p outside [0, 1] gives
// NaN. xs may be in any order and is left in it.
func Quantile(xs []float64, p float64) float64 {
	if len(xs) == 0 || !(p >= 0 && p <= 1) || slices.ContainsFunc(xs, math.IsNaN) {
		return math.NaN()
	}
	sorted := xs
	if !slices.IsSorted(sorted) {
		sorted = slices.Sorted(slices.Values(xs))
	}
	h := float64(len(sorted)-1) * p
	i := int(h)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	if sorted[i] == sorted[i+1] { // also keeps Inf-Inf out
		return sorted[i]
	}
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}

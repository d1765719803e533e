package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Rate estimates a proportion from k successes in n independent trials, with Wilson's
// score interval (E. B. Wilson, JASA 22, 1927), which keeps its level where the
// normal approximation fails: few trials, or rates near 0 and 1.
//
// No trials: undefined. Counts that cannot be (k < 0, k > n): undefined.
func Rate(k, n int, level float64) Estimate {
	if e, ok := checkLevel(n, level, MethodWilson); !ok {
		return e
	}
	if k < 0 || n < 0 || k > n {
		return undefined(n, level, MethodWilson, fmt.Sprintf("%d of %d is not a proportion", k, n))
	}
	if n == 0 {
		return undefined(0, level, MethodWilson, "no observations")
	}
	e := Estimate{N: n, Value: float64(k) / float64(n), Level: level, Achieved: level, Method: MethodWilson}
	e.Low, e.High = wilson(k, n, level)
	if n < fewTrials {
		e.Warnings = append(e.Warnings, fmt.Sprintf("few observations: %d", n))
	}
	return e
}

// fewTrials: below it the interval spans more than half of what is possible,
// whatever was seen (Wilson at 0 of 4 reaches to 0.49, at 2 of 4 from 0.15 to 0.85).
const fewTrials = 5

func wilson(k, n int, level float64) (low, high float64) {
	z := distuv.UnitNormal.Quantile(1 - (1-level)/2)
	p, m := float64(k)/float64(n), float64(n)
	denom := 1 + z*z/m
	centre := (p + z*z/(2*m)) / denom
	half := z / denom * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	low, high = max(0, centre-half), min(1, centre+half)
	// Rounding leaves 3e-17 where the bound is exactly 0, and likewise at 1.
	if k == 0 {
		low = 0
	}
	if k == n {
		high = 1
	}
	return low, high
}

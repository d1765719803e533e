package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Mean estimates the mean of independent observations, with the t interval on n-1
// degrees of freedom.
//
// No observations, or one that is not finite: undefined. One observation: the mean is
// defined, its interval is not.
func Mean(xs []float64, level float64) Estimate {
	if e, ok := checkValues(xs, level, MethodT); !ok {
		return e
	}
	e := Estimate{N: len(xs), Level: level, Method: MethodT}
	if e.N == 1 {
		e.Value, e.Low, e.High, e.Achieved = xs[0], math.NaN(), math.NaN(), math.NaN()
		e.Warnings = []string{"one observation: its standard error is undefined"}
		return e
	}
	mean, sd := stat.MeanStdDev(xs, nil)
	half := tQuantile(e.N-1, level) * sd / math.Sqrt(float64(e.N))
	e.Value, e.Low, e.High, e.Achieved = mean, mean-half, mean+half, level
	switch {
	case !finite(mean) || !finite(half):
		return undefined(e.N, level, MethodT, "the sum is beyond the range of a float64")
	case sd == 0:
		e.Warnings = append(e.Warnings, "all observations are equal: the interval says nothing about others")
	}
	return e
}

// tQuantile is the two-sided quantile of Student's t.
func tQuantile(df int, level float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(df)}.Quantile(1 - (1-level)/2)
}

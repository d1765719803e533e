package jobs

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/sandtable/sandtable/results"
	"github.com/sandtable/sandtable/results/stats"
	"github.com/sandtable/sandtable/scenarios"
)

// Expectations joins what a scenario expects to the statistics of a batch.
func Expectations(s *scenarios.Scenario) []results.Expectation {
	out := make([]results.Expectation, len(s.Expect))
	for i, e := range s.Expect {
		out[i] = results.Expectation{Text: e.Text, Judge: func(cell results.CellStats) (results.Verdict, error) {
			params, _ := cell.Params.(map[string]any)
			v, err := e.Eval(cellStats{cell}, params, s.Batch.Excluded)
			return verdicts[v], err
		}}
	}
	return out
}

// verdicts translates; what is no verdict becomes the zero value, which counts as error.
var verdicts = map[scenarios.Verdict]results.Verdict{
	scenarios.Passed: results.Passed, scenarios.Failed: results.Failed, scenarios.Inconclusive: results.Inconclusive,
}

// cellStats answers an expectation's questions from one cell (scenarios.Stats).
type cellStats struct{ results.CellStats }

func (c cellStats) sample(name string) (results.Sample, error) {
	s, ok := c.Samples[name]
	if !ok {
		return s, fmt.Errorf("there is no outcome %q", name)
	}
	return s, nil
}

func of(e stats.Estimate) scenarios.Estimate {
	return scenarios.Estimate{Value: e.Value, Low: e.Low, High: e.High, N: e.N}
}

// only gives the estimate of samples of one kind; others are not defined.
func (c cellStats) only(name string, kind results.SampleKind, f func(results.Sample) stats.Estimate) (scenarios.Estimate, error) {
	s, err := c.sample(name)
	if err != nil || s.Kind != kind {
		return scenarios.Estimate{}, err
	}
	return of(f(s)), nil
}

// Rate is the rate of a bool outcome.
func (c cellStats) Rate(name string) (scenarios.Estimate, error) {
	return c.only(name, results.RateKind, func(s results.Sample) stats.Estimate { return s.Estimate(c.Level) })
}

// Mean is the mean of a numeric outcome.
func (c cellStats) Mean(name string) (scenarios.Estimate, error) {
	return c.only(name, results.MeanKind, func(s results.Sample) stats.Estimate { return s.Estimate(c.Level) })
}

// Median is the median of a numeric outcome.
func (c cellStats) Median(name string) (scenarios.Estimate, error) {
	return c.only(name, results.MeanKind, func(s results.Sample) stats.Estimate { return s.Median(c.Level) })
}

// Default is the estimate of the outcome's own kind.
func (c cellStats) Default(name string) (scenarios.Estimate, error) {
	s, err := c.sample(name)
	if err != nil || s.Kind != results.RateKind && s.Kind != results.MeanKind {
		return scenarios.Estimate{}, err
	}
	return of(s.Estimate(c.Level)), nil
}

// Excluded is the share of the cell's runs that do not count.
func (c cellStats) Excluded() float64 { return c.Runs.ExcludedShare() }

// Total is the sum of a numeric outcome over the runs that count. It has no interval:
// it is a fact of these runs and estimates nothing.
func (c cellStats) Total(name string) (scenarios.Estimate, error) {
	return c.point(name, func(xs []float64) float64 { return floats.Sum(xs) })
}

// Quantile is a quantile of a numeric outcome, without an interval.
func (c cellStats) Quantile(name string, q float64) (scenarios.Estimate, error) {
	return c.point(name, func(xs []float64) float64 { return stats.Quantile(xs, q) })
}

func (c cellStats) point(name string, f func([]float64) float64) (scenarios.Estimate, error) {
	s, err := c.sample(name)
	if err != nil || s.Kind != results.MeanKind || len(s.Values) == 0 {
		return scenarios.Estimate{}, err
	}
	return scenarios.Estimate{Value: f(s.Values), Low: math.NaN(), High: math.NaN(), N: len(s.Values)}, nil
}

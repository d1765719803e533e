package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func near(t *testing.T, what string, got, want, rel float64) {
	t.Helper()
	if want == 0 || want == 1 {
		if got != want {
			t.Errorf("%s = %v, want exactly %v", what, got, want)
		}
		return
	}
	if !(math.Abs(got-want) <= rel*math.Abs(want)) {
		t.Errorf("%s = %.16g, want %.16g", what, got, want)
	}
}

// R's binom.confint as quoted by statsmodels' results_proportion.py, and R's
// prop.test as quoted by scipy's TestBinomTest.
func TestRatePublished(t *testing.T) {
	for _, c := range []struct {
		k, n             int
		level, low, high float64
		rel              float64
	}{
		{4, 20, .95, 0.0806576625797981, 0.4160174322518935, 1e-12},
		{190, 200, .95, 0.910421851861224, 0.972617354399236, 1e-12},
		{1, 30, .95, 5.908590e-3, 0.16670391, 1e-6},
		{29, 30, .95, 0.8332961, 0.9940914, 1e-6},
		{0, 30, .95, 0, 0.11351339, 1e-6},
		{30, 30, .95, 0.8864866, 1, 1e-6},
		{3, 10, .95, 0.1077913, 0.6032219, 1e-6},
		{3, 10, .99, 0.07956632, 0.6799753, 1e-6},
		{0, 10, .95, 0, 0.2775328, 1e-6},
		{10, 10, .95, 0.7224672, 1, 1e-6},
	} {
		e := Rate(c.k, c.n, c.level)
		near(t, "low", e.Low, c.low, c.rel)
		near(t, "high", e.High, c.high, c.rel)
		if e.Method != MethodWilson || e.N != c.n || e.Achieved != c.level {
			t.Errorf("%d/%d: %+v", c.k, c.n, e)
		}
	}
}

// The t quantiles are scipy's; 0..9 has variance 55/6 and the standard error that
// Inspect's tests pin.
func TestMeanPublished(t *testing.T) {
	for df, want := range map[int]float64{1: 12.706204736432095, 2: 4.302652729911275, 4: 2.7764451051977987,
		9: 2.2621571627409915, 10: 2.2281388519649385, 30: 2.0422724563012373, 1000: 1.9623390808264078} {
		near(t, "t", tQuantile(df, .95), want, 1e-9)
	}
	xs := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	e := Mean(xs, .95)
	half := 2.2621571627409915 * 0.9574271077563381
	near(t, "value", e.Value, 4.5, 1e-15)
	near(t, "low", e.Low, 4.5-half, 1e-9)
	near(t, "high", e.High, 4.5+half, 1e-9)
}

// A large offset must not cost the variance: {4,7,13,16} has 30, wherever it lies.
func TestMeanOffset(t *testing.T) {
	a := Mean([]float64{4, 7, 13, 16}, .95)
	b := Mean([]float64{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}, .95)
	near(t, "width", b.Width(), a.Width(), 1e-7)
}

func TestMedianLevels(t *testing.T) {
	for _, c := range []struct {
		n, r     int
		achieved float64
	}{{6, 1, 0.96875}, {7, 1, 0.984375}, {8, 1, 0.9921875}, {9, 2, 0.9609375},
		{10, 2, 0.978515625}, {11, 2, 0.98828125}, {12, 3, 0.9614257812}} {
		xs := make([]float64, c.n)
		for i := range xs {
			xs[i] = float64(c.n - i)
		}
		before := slices.Clone(xs)
		e := Median(xs, .95)
		if e.Low != float64(c.r) || e.High != float64(c.n-c.r+1) {
			t.Errorf("n=%d: [%v, %v], want rank %d", c.n, e.Low, e.High, c.r)
		}
		near(t, "achieved", e.Achieved, c.achieved, 1e-9)
		if !slices.Equal(before, xs) {
			t.Errorf("n=%d: the caller's slice was changed", c.n)
		}
	}
	for n := 1; n <= 5; n++ {
		e := Median(make([]float64, n), .95)
		if !math.IsInf(e.Low, -1) || !math.IsInf(e.High, 1) || !strings.Contains(e.Warnings[0], "at least 6") {
			t.Errorf("n=%d: %+v", n, e)
		}
	}
	if e := Median(make([]float64, 7), .99); e.Bounded() || !strings.Contains(e.Warnings[0], "at least 8") {
		t.Errorf("n=7 at 99%%: %+v", e)
	}
}

func TestQuantileType7(t *testing.T) {
	xs := []float64{4, 1, 3, 2}
	for p, want := range map[float64]float64{.25: 1.75, .5: 2.5, .75: 3.25, 0: 1, 1: 4} {
		if got := Quantile(xs, p); got != want {
			t.Errorf("Quantile(%v) = %v, want %v", p, got, want)
		}
	}
	if !math.IsNaN(Quantile(nil, .5)) || !math.IsNaN(Quantile(xs, 1.5)) {
		t.Error("undefined quantiles must be NaN")
	}
}

// What is undefined is NaN with a warning, and never 0.
func TestUndefined(t *testing.T) {
	for name, e := range map[string]Estimate{
		"no trials":   Rate(0, 0, .95),
		"impossible":  Rate(3, 2, .95),
		"negative":    Rate(-1, 2, .95),
		"level":       Rate(1, 2, 1),
		"nan level":   Mean([]float64{1, 2}, math.NaN()),
		"mean none":   Mean(nil, .95),
		"mean nan":    Mean([]float64{1, math.NaN()}, .95),
		"mean inf":    Mean([]float64{1, math.Inf(1)}, .95),
		"median none": Median(nil, .95),
		"overflow":    Mean([]float64{math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64}, .95),
	} {
		if e.Defined() || e.Bounded() || len(e.Warnings) == 0 {
			t.Errorf("%s: %+v", name, e)
		}
	}
	one := Mean([]float64{7}, .95)
	if one.Value != 7 || !math.IsNaN(one.Low) || !math.IsNaN(one.High) || len(one.Warnings) == 0 {
		t.Errorf("one observation: %+v", one)
	}
}

func TestShares(t *testing.T) {
	got := Shares([]string{"b", "a", "a", "c", "b", "a"}, .95)
	if len(got) != 3 || got[0].Text != "a" || got[0].Count != 3 || got[1].Text != "b" || got[2].Text != "c" {
		t.Fatalf("%+v", got)
	}
	sum := 0.0
	for _, s := range got {
		sum += s.Value
	}
	if math.Abs(sum-1) > 1e-15 {
		t.Errorf("the shares add up to %v", sum)
	}
	if Shares(nil, .95) == nil || len(Shares(nil, .95)) != 0 {
		t.Error("no texts: want an empty list")
	}
}

// Coverage over simulated data: the check that the intervals mean what they say.
func TestCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const trials, n = 4000, 20
	var rate, mean, median int
	for range trials {
		k, xs := 0, make([]float64, n)
		for i := range xs {
			if rng.Float64() < .3 {
				k++
			}
			xs[i] = rng.NormFloat64()
		}
		rate += covers(Rate(k, n, .95), .3)
		mean += covers(Mean(xs, .95), 0)
		median += covers(Median(xs, .95), 0)
	}
	// Wilson's true coverage at n=20, p=.3 is 0.975; the median's at n=20 is 0.9586.
	for name, c := range map[string]struct{ hits, want float64 }{
		"rate": {float64(rate), .975}, "mean": {float64(mean), .95}, "median": {float64(median), .9586}} {
		if got := c.hits / trials; math.Abs(got-c.want) > .015 {
			t.Errorf("%s covers in %.4f of the trials, want about %.4f", name, got, c.want)
		}
	}
}

func covers(e Estimate, x float64) int {
	if e.Low <= x && x <= e.High {
		return 1
	}
	return 0
}

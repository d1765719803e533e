package bind_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
)

// TestLightBulb: scenario S7b. A declaration is never false, and the number of visits
// until it has the exact mean within four standard errors.
func TestLightBulb(t *testing.T) {
	for _, c := range []struct {
		n        int
		mean, sd float64
	}{{2, 4, 2}, {3, 10.5, 4.330}, {4, 58.0 / 3, 7.102}, {5, 365.0 / 12, 10.255}} {
		all := playAll(t, "light-bulb", fmt.Sprint("n=", c.n))
		sum := 0.0
		for i, res := range all {
			o := outcomes(res)
			if o["safe"] != true || res.Reason != "declared" || len(res.Failures) != 0 {
				t.Errorf("n = %d, replicate %d: %v, %s", c.n, i+1, o, res.Reason)
			}
			if res.Draws["order"] != res.Turns {
				t.Errorf("%d visitors drawn in %d turns", res.Draws["order"], res.Turns)
			}
			sum += float64(o["visits"].(int64))
		}
		if mean, se := sum/float64(len(all)), c.sd/math.Sqrt(float64(len(all))); math.Abs(mean-c.mean) > 4*se {
			t.Errorf("n = %d: %.2f visits, want %.2f ± %.2f", c.n, mean, c.mean, 4*se)
		}
	}
}

// TestLightBulbFaults: visitors that crash or give an illegal answer after they have
// touched the bulb leave it as it was; safety holds, and it only takes longer.
func TestLightBulbFaults(t *testing.T) {
	seen := map[sim.Category]bool{}
	few := 20
	for _, res := range playRuns(t, again(t, fixture(t, "light-bulb", "faults=0.4"), scenarios.ExpandOptions{Replicates: &few})) {
		if o := outcomes(res); o["safe"] != true {
			t.Errorf("a false declaration: %v", o)
		}
		for _, f := range res.Failures {
			seen[f.Category] = true
		}
	}
	if !seen[sim.Crash] || !seen[sim.Illegal] {
		t.Errorf("faults %v: the test shows nothing", seen)
	}
}

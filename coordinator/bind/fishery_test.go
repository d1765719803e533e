package bind_test

import (
	"context"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
)

// TestFishery: the exact rows of scenario S2's table. Where demand exceeds the stock the
// shares are drawn, and the total alone is exact.
func TestFishery(t *testing.T) {
	for _, c := range []struct {
		wants    string
		months   int64
		survived bool
		catches  []float64 // nil: by seed
		total    float64
		gini     float64 // NaN: by seed
	}{
		{"[10, 10, 10, 10, 10]", 12, true, []float64{120, 120, 120, 120, 120}, 600, 0},
		{"[5, 5, 5, 5, 5]", 12, true, []float64{60, 60, 60, 60, 60}, 300, 0},
		{"[threshold, threshold, threshold, threshold, threshold]", 12, true, []float64{120, 120, 120, 120, 120}, 600, 0},
		{"[20, 20, 20, 20, 20]", 1, false, []float64{20, 20, 20, 20, 20}, 100, 0},
		{"[15, 15, 15, 15, 15]", 2, false, nil, 125, math.NaN()},
		{"[14, 14, 14, 14, 14]", 2, false, nil, 130, math.NaN()},
		{"[5, 5, 5, 5, 30]", 12, true, []float64{60, 60, 60, 60, 360}, 600, 0.4},
		{"[threshold, threshold, threshold, threshold, 12]", 12, true, []float64{109, 109, 109, 109, 144}, 580, 28.0 / 580},
	} {
		res := playAll(t, "fishery", "wants="+c.wants)[0]
		got := outcomes(res)
		if got["months"] != c.months || got["survived"] != c.survived || !near(got["total"], c.total) || !near(got["efficiency"], c.total/600) {
			t.Errorf("%s: %v", c.wants, got)
		}
		if !math.IsNaN(c.gini) && !near(got["gini"], c.gini) {
			t.Errorf("%s: gini %v, want %v", c.wants, got["gini"], c.gini)
		}
		if c.catches != nil && !slices.Equal(perSeat(res), c.catches) {
			t.Errorf("%s: catches %v", c.wants, perSeat(res))
		}
		if got["talked"] != c.months {
			t.Errorf("%s: talk in %v months of %d; it is held in the month of a collapse too", c.wants, got["talked"], c.months)
		}
		state := stateOf(t, res)
		for name, caught := range state["caught"].(map[string]any) {
			if caught.(int64) > state["wanted"].(map[string]any)[name].(int64) {
				t.Errorf("%s: %s got more than it asked for", c.wants, name)
			}
		}
	}
}

// near compares numbers of both kinds.
func near(v any, want float64) bool {
	if n, ok := v.(int64); ok {
		v = float64(n)
	}
	x, ok := v.(float64)
	return ok && math.Abs(x-want) < 1e-12
}

func perSeat(res *sim.Result) []float64 {
	var out []float64
	for _, name := range slices.Sorted(maps.Keys(res.Scores)) {
		out = append(out, res.Scores[name])
	}
	return out
}

func stateOf(t *testing.T, res *sim.Result) map[string]any {
	t.Helper()
	v, err := sim.Value(res.State)
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

// TestFisheryDraws: the drawn shares are the seed's, and nothing else's.
func TestFisheryDraws(t *testing.T) {
	shares := func(seed uint64, sets ...string) []float64 {
		p := fixture(t, "fishery", append(sets, "wants=[15, 15, 15, 15, 15]")...)
		return perSeat(playRuns(t, again(t, p, scenarios.ExpandOptions{Seed: &seed}))[0])
	}
	first := shares(1)
	if !slices.Equal(first, shares(1)) {
		t.Error("the same seed drew other shares")
	}
	if slices.Equal(first, shares(2)) && slices.Equal(first, shares(3)) {
		t.Error("three seeds drew the same shares")
	}
	if !slices.Equal(first, shares(1, "talk=false")) {
		t.Error("talk changed the shares: it comes after the harvest's stage and must not shift its stream")
	}
}

// TestTogether: with all agents of a stage at the same time the run is the same, and so
// is every prompt, which their goroutines ask for.
func TestTogether(t *testing.T) {
	run := fixture(t, "fishery", "wants=[15, 15, 14, 15, threshold]").Runs[0]
	var told [2][]string
	var results [2]*sim.Result
	for i, serial := range []bool{true, false} {
		c := scripted(t, run)
		c.Serial = serial
		c.Observer = watch(func(r sim.Record) error {
			if s, ok := r.(*sim.StageSealed); ok {
				for _, res := range s.Results {
					told[i] = append(told[i], res.Agent+": "+res.Attempts[0].Prompt)
				}
			}
			return nil
		})
		for name, actor := range c.Actors {
			c.Actors[name] = sim.ActorFunc(func(ctx context.Context, ask *sim.Ask) sim.Answer {
				if _, err := ask.Prompt(); err != nil {
					t.Error(err)
				}
				return actor.Act(ctx, ask)
			})
		}
		results[i] = play(t, c)
	}
	a, b := results[0], results[1]
	if !reflect.DeepEqual(a.Outcomes, b.Outcomes) || !reflect.DeepEqual(a.Series, b.Series) || !slices.Equal(told[0], told[1]) || len(told[0]) == 0 {
		t.Errorf("%v, %v\n%q\n%q", a.Outcomes, b.Outcomes, told[0], told[1])
	}
}

// TestFisheryTalk: rotating order over two laps, ended by as many passes in a row as
// there are fishers: the odd ones speak in the first lap only.
func TestFisheryTalk(t *testing.T) {
	p := fixture(t, "fishery", "months=3")
	c := scripted(t, p.Runs[0])
	var order [][]string
	stages := 0
	c.Observer = watch(func(r sim.Record) error {
		switch r := r.(type) {
		case *sim.PhaseOpened:
			if r.Phase == "talk" && r.Lap == 1 {
				order = append(order, slices.Concat(r.Stages...))
			}
		case *sim.StageOpened:
			if r.Phase == "talk" && r.Turn == 1 {
				stages++
			}
		}
		return nil
	})
	play(t, c)
	want := [][]string{
		{"fisher-1", "fisher-2", "fisher-3", "fisher-4", "fisher-5"},
		{"fisher-2", "fisher-3", "fisher-4", "fisher-5", "fisher-1"},
		{"fisher-3", "fisher-4", "fisher-5", "fisher-1", "fisher-2"},
	}
	if !reflect.DeepEqual(order, want) {
		t.Errorf("speakers %v", order)
	}
	if stages != 10 { // fisher-5 speaks last in lap 1; five passes later it is over
		t.Errorf("%d utterances and passes in month 1", stages)
	}
}

// TestNewcomer: four fishers, and a fifth after three complete months, by whom the
// threshold is divided from then on: 50 t in each of 12 months.
func TestNewcomer(t *testing.T) {
	res := playAll(t, "fishery", "wants=[threshold, threshold, threshold, threshold]", "newcomer=3")[0]
	// ⌊50/4⌋ = 12 in months 1-3, where the lake grows back to 100; then ⌊50/5⌋ = 10.
	want := []float64{36 + 90, 36 + 90, 36 + 90, 36 + 90, 90}
	if !slices.Equal(perSeat(res), want) {
		t.Errorf("catches %v, want %v", perSeat(res), want)
	}
}

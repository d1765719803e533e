package bind_test

import (
	"fmt"
	"testing"

	"github.com/sandtable/sandtable/sim"
	star "github.com/sandtable/sandtable/sim/starlark"
)

// TestAuction: the sums of scenario S6 over all 100 profiles of values.
func TestAuction(t *testing.T) {
	type sums struct{ revenue, surplus, a, b, efficient float64 }
	over := func(set string) (s sums) {
		all := playAll(t, "auction", set)
		if len(all) != 100 {
			t.Fatalf("%d profiles", len(all))
		}
		for _, res := range all {
			o := outcomes(res)
			s.revenue += float64(o["revenue"].(int64))
			s.surplus += number(o["surplus"])
			s.efficient += float64(o["efficient"].(int64))
			s.a += res.Scores["bidder-1"]
			s.b += res.Scores["bidder-2"]
			if o["efficient"] == int64(0) && set == "add=[0, 0]" {
				t.Errorf("inefficient: %v", o)
			}
		}
		return s
	}
	if s := over("add=[0, 0]"); s.revenue != 385 || s.surplus != 330 || s.efficient != 100 {
		t.Errorf("both truthful: %+v", s)
	}
	s := over("add=[0, -1]")
	if s.revenue != 330 || s.a != 220 || s.b < 156 || s.b > 165 || s.efficient < 91 || s.efficient > 100 {
		t.Errorf("the second shades its bid: %+v", s)
	}
}

func number(v any) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return v.(float64)
}

// TestTruthIsDominant: for every profile no other bid pays the first bidder more.
func TestTruthIsDominant(t *testing.T) {
	truth := playAll(t, "auction")
	puppets := &cast{scripts: map[string]*star.Script{}}
	for bid := range 10 {
		if testing.Short() && bid%3 > 0 {
			continue
		}
		for i, run := range fixture(t, "auction", fmt.Sprint("exact=", bid)).Runs {
			if run.Cell.Params["a"].(int64) <= int64(bid) {
				continue // its value, or above it
			}
			if res := play(t, puppets.scripted(t, run)); res.Scores["bidder-1"] > truth[i].Scores["bidder-1"] {
				t.Errorf("profile %v: bidding %d pays %v, the truth %v", run.Cell.Params, bid, res.Scores["bidder-1"], truth[i].Scores["bidder-1"])
			}
		}
	}
}

// TestAuctionSecrets: a bid above the value is refused, and neither the prompt nor the
// observation of a bidder holds the other's value.
func TestAuctionSecrets(t *testing.T) {
	p := fixture(t, "auction", "add=[1, 0]")
	c := scripted(t, p.Runs[0*10+6]) // values 1 and 7
	c.Observer = watch(func(r sim.Record) error {
		sealed, ok := r.(*sim.StageSealed)
		if !ok {
			return nil
		}
		for _, res := range sealed.Results {
			want := map[string]string{"bidder-1": "Your value is 1.", "bidder-2": "Your value is 7."}[res.Agent]
			if got := res.Attempts[0].Prompt; len(got) < len(want) || got[:len(want)] != want {
				t.Errorf("%s was told %q", res.Agent, got)
			}
			if seen := res.Attempts[0].Observation.(map[string]any); len(seen) != 1 {
				t.Errorf("%s sees %v", res.Agent, seen)
			}
		}
		return nil
	})
	res := play(t, c)
	if o := outcomes(res); len(res.Failures) != 3 || o["revenue"] != int64(0) || res.Scores["bidder-2"] != 7 {
		t.Errorf("%v, failures %v", o, res.Failures)
	}
	for _, f := range res.Failures {
		if f.Agent != "bidder-1" || f.Text != "you may not bid more than your value" {
			t.Errorf("failure %+v", f)
		}
	}
}

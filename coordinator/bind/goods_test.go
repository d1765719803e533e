package bind_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/sim"
)

// TestPublicGoods: the exact vectors of scenario S3.
func TestPublicGoods(t *testing.T) {
	for plans, want := range map[string][]float64{
		"[20, 20, 20, 20]": {30, 30, 30, 30},
		"[0, 0, 0, 0]":     {20, 20, 20, 20},
		"[0, 20, 20, 20]":  {42.5, 22.5, 22.5, 22.5},
		"[20, 10, 5, 0]":   {13.125, 23.125, 28.125, 33.125},
	} {
		for _, rounds := range []int{1, 5} {
			res := playAll(t, "public-goods", "plans="+plans, fmt.Sprint("rounds=", rounds))[0]
			got := perSeat(res)
			for i := range got {
				got[i] /= float64(rounds)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %d rounds: %v a round, want %v", plans, rounds, got, want)
			}
			if o := outcomes(res); o["talks"] != int64(rounds*3*4) || o["missing"] != int64(0) || len(res.Draws) != 0 {
				t.Errorf("%s: %v, draws %v", plans, o, res.Draws)
			}
		}
	}
}

// TestPublicGoodsIllegal: more than the endowment is refused three times, with a reason,
// and then counts as the default 0, which the world is told.
func TestPublicGoodsIllegal(t *testing.T) {
	res := playAll(t, "public-goods", "plans=[21, 20, 20, 20]", "rounds=2")[0]
	if want := []float64{85, 45, 45, 45}; !slices.Equal(perSeat(res), want) {
		t.Errorf("scores %v, want %v", perSeat(res), want)
	}
	if o := outcomes(res); o["missing"] != int64(2) {
		t.Errorf("outcomes %v", o)
	}
	var attempts []int
	for _, f := range res.Failures {
		attempts = append(attempts, f.Attempt)
		if f.Agent != "p-1" || f.Category != sim.Illegal || !strings.Contains(f.Text, "20") {
			t.Errorf("failure %+v", f)
		}
	}
	if !reflect.DeepEqual(attempts, []int{1, 2, 3, 1, 2, 3}) {
		t.Errorf("attempts %v", attempts)
	}
}

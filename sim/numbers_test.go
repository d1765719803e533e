package sim_test

import (
	"context"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
)

// A whole number is one value, however an agent has written it: 2.0 is an integer to JSON
// Schema, and a history writes 2. The rules see what a history gives back, in the check and
// in the move, the agent's own value stays as it was, and so for a default action.
func TestWholeFloatsAreInts(t *testing.T) {
	s := seats("a", "late")
	floats := func() map[string]any {
		return map[string]any{"n": 2.0, "zero": math.Copysign(0, -1), "x": 0.5, "huge": 1e300, "list": []any{3.0, map[string]any{"y": -4.0}}}
	}
	ints := map[string]any{"n": int64(2), "zero": int64(0), "x": 0.5, "huge": 1e300, "list": []any{int64(3), map[string]any{"y": int64(-4)}}}
	own := floats()
	var seen []any
	_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Serial: true,
		World: worldOf{
			check: func(action any) string { seen = append(seen, action); return "" },
			resolve: func(st sim.State, moves []sim.Move, _ *sim.ResolveCtx) (sim.State, error) {
				seen = append(seen, moves[0].Action, moves[1].Action)
				return st, nil
			}},
		Phases: []sim.Phase{{Name: "p", Canonical: sim.BySeat, Action: anyAction,
			Default:  func(*sim.AgentScope) (any, error) { return floats(), nil },
			Failures: sim.Failures{Timeout: sim.FailurePolicy{Then: sim.ThenDefault}}}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			if ask.Seat.Name == "late" {
				return sim.Answer{Failure: &sim.Failure{Category: sim.Timeout}}
			}
			return sim.Answer{Action: own}
		})})
	for _, r := range of[*sim.StageSealed](rec)[0].Results {
		seen = append(seen, r.Action)
	}
	if diff := cmp.Diff([]any{ints, ints, ints, ints, ints, ints}, seen); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(floats(), own); diff != "" {
		t.Errorf("the agent's own action was changed: %s", diff)
	}
}

// What an operator sets in the state is what a resumed run would read.
func TestSetStateIsInNormalForm(t *testing.T) {
	s := seats("a")
	res, _ := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Actors: actorsOf(s, passing), Phases: []sim.Phase{{Name: "p"}},
		Events: []sim.Event{{Set: func(*sim.Scope) (map[string]any, error) {
			return map[string]any{"stock": 80.0, "rate": 0.5, "old": []any{1.0}}, nil
		}}}})
	if diff := cmp.Diff(map[string]any{"stock": int64(80), "rate": 0.5, "old": []any{int64(1)}}, res.State); diff != "" {
		t.Error(diff)
	}
}

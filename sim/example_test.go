package sim_test

import (
	"context"
	"fmt"

	"github.com/sandtable/sandtable/sim"
)

// lake is the whole world of this example: fish that two villages take from. It embeds
// sim.Rules, so that only what differs from "no rules" is written.
type lake struct{ sim.Rules }

// Setup returns the first state, a JSON value.
func (lake) Setup(*sim.ResolveCtx) (sim.State, error) {
	return map[string]any{"fish": int64(10)}, nil
}

// Observe is what a village sees of it.
func (lake) Observe(s sim.State, _ *sim.Seat, _ *sim.Ctx) (any, error) {
	return map[string]any{"fish": s.(map[string]any)["fish"]}, nil
}

// Resolve gets one move for each village, in an order that does not depend on who
// answered first, and returns a new state.
func (lake) Resolve(s sim.State, moves []sim.Move, _ *sim.ResolveCtx) (sim.State, error) {
	fish := s.(map[string]any)["fish"].(int64)
	for _, move := range moves {
		if action, ok := move.Action.(map[string]any); ok { // a failed move has none
			fish -= min(fish, action["take"].(int64))
		}
	}
	return map[string]any{"fish": fish}, nil
}

// Done ends the game when the lake is empty.
func (lake) Done(s sim.State, _ *sim.Ctx) (string, error) {
	if s.(map[string]any)["fish"] == int64(0) {
		return "the lake is empty", nil
	}
	return "", nil
}

// ExamplePlay plays a game of two villages and one lake. Both act at the same time, on
// the same lake; "greedy" asks for more than the schema allows, is told so, and tries
// again.
func ExamplePlay() {
	modest := func(_ context.Context, ask *sim.Ask) sim.Answer {
		seen, err := ask.Observation()
		if err != nil {
			return sim.Answer{Failure: &sim.Failure{Category: sim.Crash, Text: err.Error()}}
		}
		fish := seen.(map[string]any)["fish"].(int64)
		return sim.Answer{Action: map[string]any{"take": fish / 5}}
	}
	greedy := func(_ context.Context, ask *sim.Ask) sim.Answer {
		if ask.Retry == nil {
			return sim.Answer{Action: map[string]any{"take": int64(100)}}
		}
		fmt.Printf("turn %d: greedy is told: %s\n", ask.Turn, ask.Retry.Text)
		return sim.Answer{Action: map[string]any{"take": int64(4)}}
	}

	res, err := sim.Play(context.Background(), &sim.Config{
		Seats:    []*sim.Seat{{Name: "modest", Number: 0}, {Name: "greedy", Number: 1}},
		Actors:   map[string]sim.Actor{"modest": sim.ActorFunc(modest), "greedy": sim.ActorFunc(greedy)},
		World:    lake{},
		MaxTurns: 12,
		Streams:  sim.Streams{Seed: 42, Replicate: 1},
		Phases: []sim.Phase{{
			Name: "harvest",
			Action: func(*sim.AgentScope) (any, error) {
				return map[string]any{"take": map[string]any{"type": "integer", "minimum": int64(0), "maximum": int64(4)}}, nil
			},
		}},
	})
	if err != nil {
		fmt.Println("the harness failed:", err)
		return
	}
	fmt.Printf("%s after %d turns and %d moves; %d attempts failed\n", res.Reason, res.Turns, res.Moves, len(res.Failures))
	// Output:
	// turn 1: greedy is told: take: maximum: got 100, want 4
	// turn 2: greedy is told: take: maximum: got 100, want 4
	// the lake is empty after 2 turns and 4 moves; 2 attempts failed
}

package main

import (
	"context"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/sandtable/sandtable/sim"
	star "github.com/sandtable/sandtable/sim/starlark"
	"github.com/sandtable/sandtable/sim/tree"
)

// episodeTurns is the length of a game; each turn has two moves.
const episodeTurns = 1000

// dilemma is the iterated prisoner's dilemma in Go, with payoffs 3, 0, 5, 1.
type dilemma struct{ sim.Rules }

type dilemmaState struct{ last, score [2]int64 }

// Setup begins with mutual cooperation.
func (dilemma) Setup(*sim.ResolveCtx) (sim.State, error) { return &dilemmaState{}, nil }

// Resolve pays.
func (dilemma) Resolve(s sim.State, moves []sim.Move, _ *sim.ResolveCtx) (sim.State, error) {
	next := *s.(*dilemmaState)
	for i := range moves {
		next.last[i] = defects(moves[i].Action)
	}
	next.pay()
	return &next, nil
}

func defects(action any) int64 {
	if action.(map[string]any)["move"] == "D" {
		return 1
	}
	return 0
}

func (s *dilemmaState) pay() {
	payoff := [2][2]int64{{3, 0}, {5, 1}}
	s.score[0] += payoff[s.last[0]][s.last[1]]
	s.score[1] += payoff[s.last[1]][s.last[0]]
}

// Observe shows what the other did.
func (dilemma) Observe(s sim.State, seat *sim.Seat, _ *sim.Ctx) (any, error) {
	return s.(*dilemmaState).last[1-seat.Number], nil
}

var (
	cooperate = map[string]any{"move": "C"}
	defect    = map[string]any{"move": "D"}
)

// titForTat does what the other did.
func titForTat(seen any) map[string]any {
	if seen == int64(1) {
		return defect
	}
	return cooperate
}

// strategyText is tit for tat in Starlark.
const strategyText = `
def act(view, agent, turn, ctx):
    return {"move": "D" if ctx.observation == 1 else "C"}
`

// plainText is the same, called without an engine.
const plainText = `
def act(observation):
    return {"move": "D" if observation == 1 else "C"}
`

// game is one episode of tit for tat against a defector; script nil: both in Go.
func game(script *star.Script) *sim.Config {
	schema := map[string]any{"move": map[string]any{"enum": []any{"C", "D"}}}
	c := &sim.Config{
		World: dilemma{}, MaxTurns: episodeTurns, Serial: true, Actors: map[string]sim.Actor{}, Blobs: tree.NewMemory(),
		Phases: []sim.Phase{{
			Name: "p", Canonical: sim.BySeat, Failures: sim.DefaultFailures(),
			Action: func(*sim.AgentScope) (any, error) { return schema, nil },
		}},
	}
	for i, name := range []string{"a", "b"} {
		c.Seats = append(c.Seats, &sim.Seat{Name: name, Entry: name, Index: i + 1, Number: i, Read: tree.Globs{"**"}, Write: tree.Globs{"**"}})
		c.Actors[name] = player(script, c.Seats[i], c.Blobs)
	}
	return c
}

func player(script *star.Script, s *sim.Seat, blobs tree.Blobs) sim.Actor {
	if script != nil {
		return star.NewActor(script, s, blobs)
	}
	return sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
		if s.Number == 1 {
			return sim.Answer{Action: defect}
		}
		seen, _ := ask.Observation()
		return sim.Answer{Action: titForTat(seen)}
	})
}

// bareGo is the game as a loop.
func bareGo() (int, error) {
	s := &dilemmaState{}
	for range episodeTurns {
		a, b := titForTat(s.last[1]), defect
		s.last = [2]int64{defects(a), defects(b)}
		s.pay()
	}
	if s.score != [2]int64{episodeTurns - 1, episodeTurns + 4} {
		return 0, fmt.Errorf("tit for tat against a defector ended %v", s.score)
	}
	return 2 * episodeTurns, nil
}

// bareStarlark calls the function and reads its answer, and no more.
func bareStarlark(act starlark.Value) (int, error) {
	thread := &starlark.Thread{}
	for range 2 * episodeTurns {
		v, err := starlark.Call(thread, act, starlark.Tuple{starlark.MakeInt(1)}, nil)
		if err != nil {
			return 0, err
		}
		if m, _, _ := v.(*starlark.Dict).Get(starlark.String("move")); m != starlark.String("D") {
			return 0, fmt.Errorf("the strategy answered %v", v)
		}
	}
	return 2 * episodeTurns, nil
}

package sim_test

import (
	"context"
	"testing"

	"github.com/sandtable/sandtable/sim"
)

// pd is the iterated prisoner's dilemma in Go, with payoffs 3, 0, 5, 1.
type pd struct{ sim.Rules }

type pdState struct{ last, score [2]int64 }

func (pd) Setup(*sim.ResolveCtx) (sim.State, error) { return &pdState{}, nil }

func (pd) Resolve(s sim.State, moves []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
	next := *s.(*pdState)
	for i := range moves {
		next.last[i] = 0
		if moves[i].Action.(map[string]any)["move"] == "D" {
			next.last[i] = 1
		}
	}
	payoff := [2][2]int64{{3, 0}, {5, 1}}
	next.score[0] += payoff[next.last[0]][next.last[1]]
	next.score[1] += payoff[next.last[1]][next.last[0]]
	return &next, nil
}

func (pd) Observe(s sim.State, seat *sim.Seat, _ *sim.Ctx) (any, error) {
	return s.(*pdState).last[1-seat.Number], nil
}

func (pd) Score(s sim.State, _ *sim.Ctx) (map[string]float64, error) {
	st := s.(*pdState)
	return map[string]float64{"a": float64(st.score[0]), "b": float64(st.score[1])}, nil
}

var (
	cooperate = map[string]any{"move": "C"}
	defect    = map[string]any{"move": "D"}
	pdSchema  = map[string]any{"move": map[string]any{"enum": []any{"C", "D"}}}
)

func titForTat(_ context.Context, ask *sim.Ask) sim.Answer {
	if seen, _ := ask.Observation(); seen == int64(1) {
		return sim.Answer{Action: defect}
	}
	return sim.Answer{Action: cooperate}
}

func pdConfig(turns int) *sim.Config {
	s := seats("a", "b")
	return &sim.Config{Seats: s, World: pd{}, MaxTurns: turns, Serial: true,
		Actors: map[string]sim.Actor{"a": sim.ActorFunc(titForTat), "b": sim.ActorFunc(func(context.Context, *sim.Ask) sim.Answer { return sim.Answer{Action: defect} })},
		Phases: []sim.Phase{{Name: "p", Canonical: sim.BySeat,
			Action:   func(*sim.AgentScope) (any, error) { return pdSchema, nil },
			Failures: sim.DefaultFailures()}},
	}
}

// TestTitForTatAgainstDefector: 199 to 204 over 200 turns (Axelrod's published vector).
func TestTitForTatAgainstDefector(t *testing.T) {
	res, err := sim.Play(t.Context(), pdConfig(200))
	if err != nil || res.Scores["a"] != 199 || res.Scores["b"] != 204 {
		t.Fatalf("scores %v, error %v; want 199 and 204", res.Scores, err)
	}
}

// BenchmarkMovesGo plays the dilemma in memory with Go strategies: history off, schema
// compiled once. Peers: PettingZoo RPS raw 0.82 to 0.88 M agent-steps/s without rules
// of any kind, Axelrod 102 k moves/s.
func BenchmarkMovesGo(b *testing.B) {
	const turns = 1000
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := sim.Play(b.Context(), pdConfig(turns)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)*2*turns/b.Elapsed().Seconds(), "moves/s")
}

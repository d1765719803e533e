package star

import (
	"context"
	"fmt"
	"testing"

	"github.com/sandtable/sandtable/sim"
)

// goGame is a world in Go that costs next to nothing, so that what is measured is the
// script and the engine.
type goGame struct{ sim.Rules }

func (goGame) Observe(s sim.State, _ *sim.Seat, _ *sim.Ctx) (any, error) { return s, nil }

func (goGame) Setup(*sim.ResolveCtx) (sim.State, error) {
	return map[string]any{"last": "C"}, nil
}

// BenchmarkStrategy plays Starlark strategies in a Go world.
func BenchmarkStrategy(b *testing.B) {
	s := mustScript(b, `
def act(view, agent, turn, ctx):
    return {"move": "D" if ctx.observation["last"] == "D" else "C"}
`)
	const turns = 1000
	moves := 0
	for b.Loop() {
		cfg := game(goGame{}, turns, silent(), silent())
		for _, seat := range cfg.Seats {
			cfg.Actors[seat.Name] = NewActor(s, seat, cfg.Blobs)
		}
		moves += play(b, cfg).Moves
	}
	b.ReportMetric(float64(moves)/b.Elapsed().Seconds(), "moves/s")
}

// BenchmarkIPD plays the shipped tournament, world and strategies in Starlark. A
// member's act holds one move in each of its matches.
func BenchmarkIPD(b *testing.B) {
	w, s := loadIPD(b)
	for _, files := range []bool{false, true} {
		b.Run(fmt.Sprintf("files=%v", files), func(b *testing.B) {
			acts := 0
			for b.Loop() {
				cfg := ipd(b, w, s, 200, files, "Cooperator", "Defector", "Grudger", "GoByMajority", "TitForTat")
				res, err := sim.Play(context.Background(), cfg)
				if err != nil {
					b.Fatal(err)
				}
				acts += res.Moves
			}
			b.ReportMetric(float64(acts)/b.Elapsed().Seconds(), "acts/s")
			b.ReportMetric(4*float64(acts)/b.Elapsed().Seconds(), "moves/s")
		})
	}
}

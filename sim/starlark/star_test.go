package star

import (
	"context"
	"os"
	"testing"
	"testing/fstest"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files is a scenario folder in memory.
func files(texts map[string]string) Source {
	fs := fstest.MapFS{}
	for name, text := range texts {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mustWorld(t testing.TB, texts map[string]string, file string, opts ...Option) *World {
	t.Helper()
	w, err := LoadWorld(files(texts), file, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// world is a one-file world with a default setup and resolve.
func world(t testing.TB, text string, opts ...Option) *World {
	t.Helper()
	return mustWorld(t, map[string]string{"w.star": text}, "w.star", opts...)
}

func mustScript(t testing.TB, text string, opts ...Option) *Script {
	t.Helper()
	s, err := LoadScript(files(map[string]string{"s.star": text}), "s.star", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// game is a run of n turns with one simultaneous phase; an actor for each seat.
func game(w sim.World, turns int, actors ...sim.Actor) *sim.Config {
	cfg := &sim.Config{
		World: w, MaxTurns: turns, Serial: true, Actors: map[string]sim.Actor{}, Params: map[string]any{},
		Blobs: tree.NewMemory(),
		Phases: []sim.Phase{{
			Name: "p", Order: sim.Simultaneous, Canonical: sim.BySeat, Failures: sim.DefaultFailures(),
			Action:   func(*sim.AgentScope) (any, error) { return anyAction, nil },
			Optional: true,
		}},
	}
	for i, a := range actors {
		seat := &sim.Seat{
			Name: string(rune('a' + i)), Entry: "e", Index: i + 1, Number: i,
			Read: tree.Globs{"**"}, Write: tree.Globs{"**"},
		}
		cfg.Seats = append(cfg.Seats, seat)
		cfg.Actors[seat.Name] = a
	}
	return cfg
}

var anyAction = map[string]any{"type": "object"}

func silent() sim.Actor {
	return sim.ActorFunc(func(context.Context, *sim.Ask) sim.Answer { return sim.Answer{Pass: true} })
}

func play(t testing.TB, cfg *sim.Config) *sim.Result {
	t.Helper()
	res, err := sim.Play(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func value(res *sim.Result) map[string]any {
	return res.State.(sim.Valuer).Value().(map[string]any)
}

package sim_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// chaos is a random scenario: every model of a turn, failures of every category, files in
// conflict, mail to anybody, deaths, late joiners, events and chance.
type chaos struct {
	seed  uint64
	blobs tree.Blobs
}

func (c chaos) dice(parts ...any) *rand.Rand {
	key := sim.Streams{Seed: c.seed, Replicate: 1}.Key(fmt.Sprint(parts...))
	return rand.New(rand.NewChaCha8(key))
}

func (c chaos) config() *sim.Config {
	d := c.dice("config")
	var names []string
	for i := range 2 + d.IntN(4) {
		names = append(names, string(rune('a'+i)))
	}
	s := seats(names...)
	if d.IntN(2) == 0 {
		s[1].Joins = func(sc *sim.Scope) (bool, error) { return sc.Turn >= 2, nil }
		s[0].Leaves = func(sc *sim.Scope) (bool, error) { return sc.Turn >= 4, nil }
	}
	cfg := &sim.Config{Seats: s, MaxTurns: 5, Blobs: c.blobs, Streams: sim.Streams{Seed: c.seed, Replicate: 1},
		World: worldOf{resolve: c.resolve, observe: func(*sim.Seat) (any, error) { return map[string]any{"seed": int64(c.seed)}, nil }},
		Bank:  map[string]time.Duration{"a": time.Second},
		Policies: tree.Policies{Default: []tree.Policy{tree.Merge3, tree.RejectStale, tree.LWW, tree.FWW, tree.Append}[d.IntN(5)],
			PathByPath: d.IntN(2) == 0},
		Events: []sim.Event{{At: func(sc *sim.Scope) (bool, error) { return sc.Turn%2 == 0, nil },
			Write: func(sc *sim.Scope) (map[string]string, error) {
				return map[string]string{"x": fmt.Sprint("event ", sc.Turn, "\n")}, nil
			}}},
		Metrics: []sim.Measure{{Name: "files", Eval: func(_ context.Context, m *sim.MeasureScope) (any, error) { return int64(m.Tree.Len()), nil }}},
	}
	orders := []sim.Order{sim.Simultaneous, sim.Simultaneous, sim.Sequential, sim.Rotating, sim.Shuffled, sim.RandomOrder, sim.OrderExplicit}
	for i := range 1 + d.IntN(3) {
		cfg.Phases = append(cfg.Phases, c.phase(d, fmt.Sprint("p", i), orders[d.IntN(len(orders))], names))
	}
	cfg.Actors = actorsOf(s, c.act)
	return cfg
}

func (c chaos) phase(d *rand.Rand, name string, order sim.Order, names []string) sim.Phase {
	then := func() sim.FailurePolicy {
		return sim.FailurePolicy{Retry: d.IntN(2), Then: []sim.FailureAction{sim.ThenPass, sim.ThenPass, sim.ThenDefault, sim.ThenForfeit}[d.IntN(4)]}
	}
	everybody := func(*sim.Scope) ([]string, error) { return names, nil }
	laps := 1 + d.IntN(2)
	return sim.Phase{Name: name, Order: order, Hear: everybody, Mail: everybody, Action: anyAction,
		Canonical: []sim.Canonical{sim.Seeded, sim.Seeded, sim.BySeat, sim.CanonicalRotating}[d.IntN(4)],
		Repeat:    func(*sim.Scope) (int, error) { return laps, nil },
		Until:     func(sc *sim.Scope) (bool, error) { return sc.Passes >= 2, nil },
		Stages:    func(*sim.Scope) ([][]string, error) { return [][]string{names[1:], names[:1]}, nil },
		Default:   func(*sim.AgentScope) (any, error) { return map[string]any{"d": true}, nil },
		Prompt: func(sc *sim.AgentScope) (string, error) {
			return fmt.Sprint(sc.Turn, sc.Inbox, sc.Notices, sc.Live), nil
		},
		Failures: sim.Failures{Illegal: then(), Timeout: then(), Crash: then(), Budget: then(),
			Transport: sim.FailurePolicy{Retry: 1, Then: sim.ThenPass}, ForfeitAfter: d.IntN(4)},
	}
}

func (c chaos) resolve(s sim.State, moves []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
	d := ctx.Random("fate")
	if err := ctx.Append("log", fmt.Sprintln(ctx.Turn, ctx.Stage, len(moves))); err != nil {
		return nil, err
	}
	if victim := d.Choice(len(ctx.Agents)); d.Int(0, 9) == 0 {
		if err := ctx.Eliminate(ctx.Agents[victim].Name, "fate"); err != nil {
			return nil, err
		}
	}
	return map[string]any{"last": fmt.Sprint(moves)}, ctx.Mail("all", "resolved")
}

// act answers by what it is asked alone.
func (c chaos) act(_ context.Context, ask *sim.Ask) sim.Answer {
	d := c.dice("act", ask.ID, ask.Seat.Name, ask.Inbox, ask.Notices)
	ans := sim.Answer{Action: map[string]any{"x": int64(d.IntN(3))}, Memory: []any{ask.Memory, int64(len(ask.Inbox))}}
	for _, path := range []string{"x", "y", "own/" + ask.Seat.Name} {
		if d.IntN(2) == 0 {
			ans.Writes = append(ans.Writes, c.edit(ask, path).Writes...)
		}
	}
	if len(ans.Writes) > 1 && ans.Writes[0].Path > ans.Writes[len(ans.Writes)-1].Path {
		ans.Writes = ans.Writes[len(ans.Writes)-1:]
	}
	switch d.IntN(6) {
	case 0:
		ans.Failure = &sim.Failure{Category: []sim.Category{sim.Illegal, sim.Crash, sim.Timeout, sim.Transport, sim.Budget, sim.Empty}[d.IntN(6)]}
	case 1:
		ans.Pass = true
	case 2:
		ans.Say, ans.Mail = "hello", []sim.Letter{{To: []any{"a", "e", "nobody"}, Text: ask.ID}, {To: "all", Text: "all"}}
	}
	return ans
}

func (c chaos) edit(ask *sim.Ask, path string) sim.Answer {
	old := ""
	if e, ok := ask.View().Get(path); ok {
		data, err := c.blobs.Get(e.Hash)
		if err != nil {
			panic(err)
		}
		old = string(data)
	}
	ans := writer(c.blobs, ask, path, old+fmt.Sprintln(ask.Seat.Name, ask.ID))
	if ans.Writes[0].Base == ans.Writes[0].New {
		return sim.Answer{}
	}
	return ans
}

// TestRandomScenarios plays random scenarios one actor after another, all at once, and
// with random delays: the records are the same (T3, T4, F5; promise 2 of the design).
func TestRandomScenarios(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(60) {
		c := chaos{seed: seed, blobs: tree.NewMemory()}
		serial := c.config()
		serial.Serial = true
		_, rec := mustPlay(t, serial)
		want := rec.lines(t)
		for _, r := range rec.records {
			count(kinds, r)
		}
		_, rec = mustPlay(t, c.config())
		if diff := cmp.Diff(want, rec.lines(t)); diff != "" {
			t.Fatalf("seed %d, all at once:\n%s", seed, diff)
		}
		synctest.Test(t, func(t *testing.T) {
			delayed := c.config()
			delayed.Actors = actorsOf(delayed.Seats, func(ctx context.Context, ask *sim.Ask) sim.Answer {
				time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond) // of the bubble: takes no time
				return c.act(ctx, ask)
			})
			_, rec := mustPlay(t, delayed)
			if diff := cmp.Diff(want, rec.lines(t)); diff != "" {
				t.Fatalf("seed %d, with delays:\n%s", seed, diff)
			}
		})
	}
	for _, kind := range []string{"stage", "empty", "conflict", "eliminated", "returned", "failed", "substituted", "forfeit", "draw", "joined"} {
		if kinds[kind] == 0 {
			t.Errorf("no scenario had a %s: the test shows less than it says; %v", kind, kinds)
		}
	}
}

// count notes what a record shows to have happened.
func count(kinds map[string]int, rec sim.Record) {
	switch r := rec.(type) {
	case *sim.TurnOpened:
		kinds["joined"] += len(r.Joined)
	case *sim.Draw:
		kinds["draw"]++
	case *sim.StageSealed:
		kinds["stage"]++
		if r.Empty {
			kinds["empty"]++
		}
		for _, res := range r.Results {
			countResult(kinds, res)
		}
	case *sim.Revised:
		kinds["eliminated"] += len(r.Eliminated)
		for _, d := range r.Mail {
			if d.Returned != "" {
				kinds["returned"]++
			}
		}
	case *sim.RunEnded:
		kinds["conflict"] += r.Result.Conflicts
	}
}

func countResult(kinds map[string]int, r sim.Sealed) {
	for name, is := range map[string]bool{"failed": r.Category != "", "substituted": r.Substituted, "forfeit": r.Forfeit} {
		if is {
			kinds[name]++
		}
	}
}

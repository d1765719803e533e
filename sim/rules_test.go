package sim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

func passing(context.Context, *sim.Ask) sim.Answer { return sim.Answer{Pass: true} }

// worldOf is a world made of functions; a missing one is that of sim.Rules.
type worldOf struct {
	sim.Rules
	setup   func(*sim.ResolveCtx) error
	resolve func(sim.State, []sim.Move, *sim.ResolveCtx) (sim.State, error)
	observe func(*sim.Seat) (any, error)
	check   func(any) string
}

func (w worldOf) Setup(ctx *sim.ResolveCtx) (sim.State, error) {
	if w.setup == nil {
		return map[string]any{}, nil
	}
	return map[string]any{}, w.setup(ctx)
}

func (w worldOf) Resolve(s sim.State, moves []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
	if w.resolve == nil {
		return s, nil
	}
	return w.resolve(s, moves, ctx)
}

func (w worldOf) Observe(_ sim.State, s *sim.Seat, _ *sim.Ctx) (any, error) {
	if w.observe == nil {
		return nil, nil
	}
	return w.observe(s)
}

func (w worldOf) Check(_ sim.State, _ *sim.Seat, action any, _ *sim.Ctx) (string, error) {
	if w.check == nil {
		return "", nil
	}
	return w.check(action), nil
}

// E3: whoever is eliminated twice, or by a forfeit and by the world, leaves once and
// keeps its natural status; who has not joined yet never will.
func TestEliminatedOnce(t *testing.T) {
	s := seats("a", "b", "late")
	s[2].Joins = func(sc *sim.Scope) (bool, error) { return sc.Turn == 2, nil }
	var acted []string
	cfg := &sim.Config{Seats: s, MaxTurns: 2, Serial: true,
		World: worldOf{resolve: func(st sim.State, _ []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
			for _, name := range []string{"b", "b", "late"} {
				if err := ctx.Eliminate(name, "world"); err != nil {
					return nil, err
				}
			}
			return st, nil
		}},
		Phases: []sim.Phase{{Name: "p", Failures: sim.Failures{Crash: sim.FailurePolicy{Then: sim.ThenForfeit}}}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			acted = append(acted, ask.Seat.Name)
			if ask.Seat.Name == "b" {
				return sim.Answer{Failure: &sim.Failure{Category: sim.Crash, Text: "exit 1"}}
			}
			return sim.Answer{Pass: true}
		})}
	res, rec := mustPlay(t, cfg)
	var gone []string
	for _, r := range of[*sim.Revised](rec) {
		for _, e := range r.Eliminated {
			gone = append(gone, e.Agent+" "+string(e.Status)+" "+e.Reason)
		}
	}
	if diff := cmp.Diff([]string{"b ERROR forfeit: CRASH", "late DONE world"}, gone); diff != "" {
		t.Error(diff)
	}
	if res.Status["b"] != sim.SeatError || res.Status["late"] != sim.Done || slices.Contains(acted, "late") {
		t.Errorf("statuses %v, acted %v", res.Status, acted)
	}
}

// Seats join and leave by the state as the turn opens, not by their place in the list.
func TestJoinsAreSimultaneous(t *testing.T) {
	s := seats("a", "b")
	for _, seat := range s {
		seat.Joins = func(sc *sim.Scope) (bool, error) { return len(sc.Live) == 0, nil }
	}
	_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Actors: actorsOf(s, passing), Phases: []sim.Phase{{Name: "p"}}})
	if got := of[*sim.TurnOpened](rec)[0].Joined; !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("joined %v, want both: nobody was live", got)
	}
}

// T7: what the world sends while it sets up reaches those who join; what was sent before
// a seat joined does not.
func TestMailOfSetup(t *testing.T) {
	s := seats("a", "late")
	s[1].Joins = func(sc *sim.Scope) (bool, error) { return sc.Turn == 2, nil }
	var got []string
	mustPlay(t, &sim.Config{Seats: s, MaxTurns: 2, Serial: true, Phases: []sim.Phase{{Name: "p"}},
		World: worldOf{setup: func(ctx *sim.ResolveCtx) error { return ctx.Mail("all", "welcome") },
			resolve: func(st sim.State, _ []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
				return st, ctx.Mail("all", fmt.Sprint("turn ", ctx.Turn))
			}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			for _, m := range ask.Inbox {
				got = append(got, ask.Seat.Name+": "+m.Text)
			}
			return sim.Answer{Pass: true}
		})})
	if diff := cmp.Diff([]string{"a: welcome", "a: turn 1", "late: welcome"}, got); diff != "" {
		t.Error(diff)
	}
}

// A policy that could retry for ever, and orders that do not exist, are refused at once.
func TestConfigIsChecked(t *testing.T) {
	for _, p := range []sim.Phase{
		{Failures: sim.Failures{Crash: sim.FailurePolicy{Retry: -1, Then: sim.ThenPass}}},
		{Order: "alphabetical"}, {Order: sim.OrderExplicit}, {Canonical: "arrival"}, {Canonical: sim.CanonicalList},
		{Failures: sim.Failures{Crash: sim.FailurePolicy{Then: sim.ThenDefault}}},
	} {
		s := seats("a")
		p.Name = "p"
		cfg := &sim.Config{Seats: s, MaxTurns: 1, Phases: []sim.Phase{p}, Actors: actorsOf(s, passing)}
		if _, err := sim.Play(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), `phase "p"`) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// Where one member finds the world broken, nobody waits for the others.
func TestBrokenWorldStopsTheStage(t *testing.T) {
	s := seats("a", "b")
	broken := errors.New("no such lake")
	_, err := sim.Play(t.Context(), &sim.Config{Seats: s, MaxTurns: 1, Phases: []sim.Phase{{Name: "p"}},
		World: worldOf{observe: func(*sim.Seat) (any, error) { return nil, broken }},
		Actors: actorsOf(s, func(ctx context.Context, ask *sim.Ask) sim.Answer {
			if ask.Seat.Name == "a" {
				_, _ = ask.Observation()
				return sim.Answer{Pass: true}
			}
			<-ctx.Done()
			return sim.Answer{}
		})})
	var world *sim.WorldError
	if !errors.As(err, &world) || !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// T5: path by path, the one who lost a path did not write it: a third author is told who
// did.
func TestLoserOfAPathIsNotItsOwner(t *testing.T) {
	s := seats("a", "b", "c")
	blobs := tree.NewMemory()
	_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Blobs: blobs, Phases: []sim.Phase{{Name: "p", Canonical: sim.BySeat}},
		Policies: tree.Policies{Default: tree.RejectStale, PathByPath: true},
		Actors:   actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer { return writer(blobs, ask, "x", ask.Seat.Name) })})
	for _, ws := range of[*sim.Revised](rec)[1].WriteSets[1:] {
		if d := ws.Decisions[0]; d.Winner != "a" {
			t.Errorf("%s lost to %q, want a", ws.Author, d.Winner)
		}
	}
}

// What a helper of an actor asks for late, or at the same time, disturbs nothing: the
// race detector is the judge.
func TestLateHelpers(t *testing.T) {
	s := seats("a", "b")
	var helpers sync.WaitGroup
	mustPlay(t, &sim.Config{Seats: s, MaxTurns: 20,
		World: worldOf{observe: func(s *sim.Seat) (any, error) { return s.Name, nil }},
		Phases: []sim.Phase{{Name: "p", Action: anyAction,
			Prompt: func(sc *sim.AgentScope) (string, error) { seen, err := sc.See(); return fmt.Sprint(seen, sc.Live), err },
			Default: func(sc *sim.AgentScope) (any, error) {
				seen, err := sc.See()
				return map[string]any{"seen": seen, "turn": int64(sc.Turn)}, err
			}}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			helpers.Go(func() {
				for range 50 {
					action, ok, err := ask.Default()
					if turn := action.(map[string]any)["turn"]; !ok || err != nil || turn != int64(ask.Turn) {
						t.Errorf("asked in turn %d, got the default of turn %v: %v", ask.Turn, turn, err)
					}
					if _, err := ask.Prompt(); err != nil || ask.Check(action) != nil {
						t.Errorf("turn %d: %v", ask.Turn, err)
					}
				}
			})
			return sim.Answer{Action: map[string]any{}}
		})})
	helpers.Wait()
}

package sim_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
)

// F2: forfeit_after does not turn a void run into a counted one, and what failed outside
// the agent counts for neither retries, bank nor forfeit.
func TestTransportIsNobodysMove(t *testing.T) {
	s := seats("a")
	transport := sim.Failures{ForfeitAfter: 1, Transport: sim.FailurePolicy{Then: sim.ThenVoid}}
	down := func(context.Context, *sim.Ask) sim.Answer {
		return sim.Answer{Failure: &sim.Failure{Category: sim.Transport}, Used: 5 * time.Second}
	}
	res, _ := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 2, Actors: actorsOf(s, down),
		Phases: []sim.Phase{{Name: "p", Failures: transport}}})
	if !res.Void || !res.Truncated || res.Status["a"] == sim.SeatError {
		t.Errorf("void: %+v", res)
	}
	var banks []time.Duration
	cfg := &sim.Config{Seats: s, MaxTurns: 1, Bank: map[string]time.Duration{"a": time.Second},
		Phases: []sim.Phase{{Name: "p", Act: func(*sim.Seat) time.Duration { return time.Second },
			Failures: sim.Failures{Transport: sim.FailurePolicy{Retry: 2, Then: sim.ThenVoid}}}},
		Actors: actorsOf(s, func(ctx context.Context, ask *sim.Ask) sim.Answer {
			if banks = append(banks, ask.Bank); ask.Attempt < 3 {
				return down(ctx, ask)
			}
			return sim.Answer{Pass: true}
		})}
	mustPlay(t, cfg)
	if want := []time.Duration{time.Second, time.Second, time.Second}; !slices.Equal(banks, want) {
		t.Errorf("banks %v, want %v", banks, want)
	}
}

// F1: the first category that fits; a passed deadline goes before what is wrong with the
// answer, a crash before the deadline.
func TestCategoryOrder(t *testing.T) {
	for reported, want := range map[sim.Category]sim.Category{
		sim.Illegal: sim.Timeout, sim.Empty: sim.Timeout, sim.Truncated: sim.Timeout, sim.Unparsable: sim.Timeout,
		sim.Crash: sim.Crash, sim.Transport: sim.Transport, sim.Budget: sim.Budget,
	} {
		s := seats("a")
		pass := sim.FailurePolicy{Then: sim.ThenPass}
		_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1,
			Phases: []sim.Phase{{Name: "p", Act: func(*sim.Seat) time.Duration { return time.Second },
				Failures: sim.Failures{Illegal: pass, Timeout: pass, Crash: pass, Transport: pass, Budget: pass}}},
			Actors: actorsOf(s, func(context.Context, *sim.Ask) sim.Answer {
				return sim.Answer{Failure: &sim.Failure{Category: reported}, Used: 2 * time.Second}
			})})
		if got := of[*sim.StageSealed](rec)[0].Results[0].Category; got != want {
			t.Errorf("%s after the deadline: %s, want %s", reported, got, want)
		}
	}
}

// F2: a default action sees the inbox that the agent was given, is marked as
// substituted, and must be legal.
func TestDefaultAction(t *testing.T) {
	s := seats("a")
	game := func(limit int64) *sim.Config {
		return &sim.Config{Seats: s, MaxTurns: 1,
			World: worldOf{
				setup: func(ctx *sim.ResolveCtx) error { return ctx.Mail("a", "three") },
				check: func(action any) string {
					if action.(map[string]any)["n"].(int64) > limit {
						return "too many"
					}
					return ""
				},
			},
			Phases: []sim.Phase{{Name: "p", Action: anyAction,
				Default: func(sc *sim.AgentScope) (any, error) {
					return map[string]any{"n": int64(len(sc.Inbox))}, nil
				},
				Failures: sim.Failures{Timeout: sim.FailurePolicy{Then: sim.ThenDefault}}}},
			Actors: actorsOf(s, func(context.Context, *sim.Ask) sim.Answer {
				return sim.Answer{Failure: &sim.Failure{Category: sim.Timeout}}
			})}
	}
	_, rec := mustPlay(t, game(1))
	got := of[*sim.StageSealed](rec)[0].Results[0]
	if diff := cmp.Diff(any(map[string]any{"n": int64(1)}), got.Action); diff != "" || !got.Substituted || got.Status != sim.TimedOut {
		t.Errorf("%+v\n%s", got, diff)
	}
	if _, err := sim.Play(t.Context(), game(0)); err == nil || !strings.Contains(err.Error(), "default action") {
		t.Errorf("an illegal default: %v", err)
	}
}

// Design section 6: an agent whose own limit is used up has the status `budget`, under
// every policy; one that moves again has not.
func TestBudgetIsAStatus(t *testing.T) {
	for then, last := range map[sim.FailureAction]sim.SeatStatus{sim.ThenPass: sim.SeatBudget, sim.ThenForfeit: sim.SeatBudget} {
		s := seats("spent", "once", "fine")
		res, _ := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 3,
			Phases: []sim.Phase{{Name: "p", Failures: sim.Failures{Budget: sim.FailurePolicy{Then: then}}}},
			Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
				if ask.Seat.Name == "spent" && ask.Turn > 1 || ask.Seat.Name == "once" && ask.Turn == 2 && then == sim.ThenPass {
					return sim.Answer{Failure: &sim.Failure{Category: sim.Budget, Text: "its limit is used up"}}
				}
				return sim.Answer{Pass: true}
			})})
		want := map[string]sim.SeatStatus{"spent": last, "once": sim.Done, "fine": sim.Done}
		if diff := cmp.Diff(want, res.Status); diff != "" || res.Truncated {
			t.Errorf("%s: truncated %v, %s", then, res.Truncated, diff)
		}
	}
}

// F2: a void stage is sealed, so that it is seen why, and not resolved: nothing in it
// happened. The run is truncated, with the first in canonical order named.
func TestVoidIsNotResolved(t *testing.T) {
	s := seats("a", "b", "c")
	resolved := 0
	res, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 3,
		World: worldOf{resolve: func(st sim.State, _ []sim.Move, _ *sim.ResolveCtx) (sim.State, error) {
			resolved++
			return st, nil
		}},
		Phases: []sim.Phase{{Name: "p", Canonical: sim.CanonicalList, Ranking: func(*sim.Scope) ([]string, error) { return []string{"c", "b"}, nil },
			Failures: sim.Failures{Timeout: sim.FailurePolicy{Then: sim.ThenVoid}, Crash: sim.FailurePolicy{Then: sim.ThenVoid}}}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			if ask.Turn == 1 || ask.Seat.Name == "a" {
				return sim.Answer{Pass: true}
			}
			return sim.Answer{Failure: &sim.Failure{Category: map[string]sim.Category{"b": sim.Timeout, "c": sim.Crash}[ask.Seat.Name]}}
		})})
	if !res.Void || !res.Truncated || res.Terminated || res.Reason != "void: CRASH of c" || res.Turns != 2 || len(res.Failures) != 2 {
		t.Errorf("%+v", res)
	}
	if n := len(of[*sim.StageSealed](rec)); n != 2 || resolved != 1 || res.Revisions != 1 {
		t.Errorf("%d stages sealed, %d resolved, %d revisions; want 2, 1 and 1", n, resolved, res.Revisions)
	}
}

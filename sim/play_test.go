package sim_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
)

// killer eliminates the victim when anybody acts in the phase "vote".
type killer struct {
	sim.Rules
	victims []string
}

func (k killer) Resolve(s sim.State, _ []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
	if ctx.Phase == "vote" {
		for _, v := range k.victims {
			if err := ctx.Eliminate(v, "voted out"); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func (killer) Observe(_ sim.State, seat *sim.Seat, ctx *sim.Ctx) (any, error) {
	return map[string]any{"live": int64(len(ctx.Live)), "me": seat.Name}, nil
}

// Conformance check 6: the dead do not act later in the turn, get a last observation
// and keep their row; the last death ends the run.
func TestMidTurnDeath(t *testing.T) {
	s := seats("a", "b", "c")
	var acted []string
	cfg := &sim.Config{Seats: s, MaxTurns: 3, World: killer{victims: []string{"b"}}, Serial: true,
		Phases: []sim.Phase{{Name: "vote"}, {Name: "night", Order: sim.Sequential, Canonical: sim.BySeat}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			acted = append(acted, ask.Phase+"/"+ask.Seat.Name)
			return sim.Answer{Pass: true}
		})}
	res, rec := mustPlay(t, cfg)
	if want := []string{"vote/a", "vote/b", "vote/c", "night/a", "night/c"}; !slices.Equal(acted[:5], want) {
		t.Errorf("acted %v, want %v first", acted, want)
	}
	gone := of[*sim.Revised](rec)[1].Eliminated
	want := []sim.Elimination{{Agent: "b", Reason: "voted out", Status: sim.Done, Final: map[string]any{"live": int64(2), "me": "b"}}}
	if diff := cmp.Diff(want, gone); diff != "" {
		t.Error(diff)
	}
	if res.Status["b"] != sim.Done || len(res.Status) != 3 {
		t.Errorf("statuses %v", res.Status)
	}
	cfg.World = killer{victims: []string{"a", "b", "c"}}
	if res, _ = mustPlay(t, cfg); !res.Terminated || res.Reason != "no agent is left" || res.Turns != 1 {
		t.Errorf("after the last death: %+v", res)
	}
}

// Conformance check 7, with the numbers of the check: act 1 s, bank 2 s.
func TestBank(t *testing.T) {
	used := []time.Duration{1500, 2000, 1200, 1400}
	wantBank := []time.Duration{2000, 1500, 500, 300}
	s := seats("a")
	var banks []time.Duration
	cfg := &sim.Config{Seats: s, MaxTurns: 4, Bank: map[string]time.Duration{"a": 2 * time.Second},
		Phases: []sim.Phase{{Name: "p", Action: anyAction, Act: func(*sim.Seat) time.Duration { return time.Second },
			Failures: sim.Failures{Timeout: sim.FailurePolicy{Then: sim.ThenPass}}}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			banks = append(banks, ask.Bank)
			return sim.Answer{Action: map[string]any{}, Used: used[ask.Turn-1] * time.Millisecond}
		})}
	res, rec := mustPlay(t, cfg)
	for i, b := range banks {
		if b != wantBank[i]*time.Millisecond {
			t.Errorf("turn %d: bank %v, want %v ms", i+1, b, int(wantBank[i]))
		}
	}
	for i, sealed := range of[*sim.StageSealed](rec) {
		want := sim.Committed
		if i == 3 {
			want = sim.TimedOut
		}
		if got := sealed.Results[0].Status; got != want {
			t.Errorf("turn %d: %s, want %s", i+1, got, want)
		}
	}
	if len(res.Failures) != 1 || res.Failures[0].Category != sim.Timeout {
		t.Errorf("failures %v", res.Failures)
	}
}

// Conformance check 8: `retry: n` is n further attempts.
func TestRetryAccounting(t *testing.T) {
	for retry, want := range map[int]sim.Status{2: sim.Committed, 1: sim.Invalid} {
		s := seats("a")
		answers := []sim.Answer{
			{Failure: &sim.Failure{Category: sim.Unparsable, Text: "no action"}},
			{Action: map[string]any{"want": int64(900)}},
			{Action: map[string]any{"want": int64(9)}},
		}
		var notes []*sim.Failure
		cfg := &sim.Config{Seats: s, MaxTurns: 1,
			Phases: []sim.Phase{{Name: "p",
				Action: func(*sim.AgentScope) (any, error) {
					return map[string]any{"want": map[string]any{"type": "integer", "maximum": int64(80)}}, nil
				},
				Failures: sim.Failures{Illegal: sim.FailurePolicy{Retry: retry, Then: sim.ThenPass}}}},
			Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
				notes = append(notes, ask.Retry)
				return answers[ask.Attempt-1]
			})}
		_, rec := mustPlay(t, cfg)
		got := of[*sim.StageSealed](rec)[0].Results[0]
		if got.Status != want || len(got.Attempts) != retry+1 {
			t.Errorf("retry %d: %s after %d attempts, want %s after %d", retry, got.Status, len(got.Attempts), want, retry+1)
		}
		if retry == 2 && (notes[2].Category != sim.Illegal || !strings.Contains(notes[2].Text, "want")) {
			t.Errorf("the third attempt was told %v", notes[2])
		}
	}
}

// Conformance check 10: mail of stage 1 is absent from every observation of stage 1 and
// present in stage 2; a wrong address comes back to the sender and to nobody else.
func TestMail(t *testing.T) {
	s := seats("a", "b", "c")
	got := map[string][]string{}
	notices := map[string][]string{}
	cfg := &sim.Config{Seats: s, MaxTurns: 1, Serial: true,
		Phases: []sim.Phase{{Name: "p", Order: sim.OrderExplicit, Canonical: sim.BySeat,
			Stages: func(*sim.Scope) ([][]string, error) { return [][]string{{"a", "b"}, {"c"}}, nil },
			Mail:   func(*sim.Scope) ([]string, error) { return []string{"a", "b", "c"}, nil }},
			{Name: "q"}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			key := ask.Phase + ask.Seat.Name
			for _, m := range ask.Inbox {
				got[key] = append(got[key], fmt.Sprintf("%d %s: %s", m.ID, m.Sender, m.Text))
			}
			notices[key] = ask.Notices
			if ask.Phase == "p" && ask.Seat.Name == "a" {
				return sim.Answer{Mail: []sim.Letter{{To: "c", Text: "one"}, {To: "nobody", Text: "lost"}, {To: []any{"b", "c"}, Text: "two"}}}
			}
			return sim.Answer{Pass: true}
		})}
	mustPlay(t, cfg)
	want := map[string][]string{"pc": {"1 a: one", "3 a: two"}, "qb": {"3 a: two"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for key, list := range notices {
		if back := key == "qa"; back != (len(list) == 1) {
			t.Errorf("%s was told %q", key, list)
		}
	}
}

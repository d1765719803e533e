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
	"github.com/sandtable/sandtable/sim/tree"
)

// Conformance check 6 inside one phase, whose partition was fixed before: a seat that the
// first stage kills does not act in the second. A stage that nobody is left for is sealed
// as empty and keeps its number, so that the ids and streams of later ones do not shift (T6).
func TestDeathWithinAPhase(t *testing.T) {
	play := func(victims ...string) (asks []string, rec *recorder, keys map[string][32]byte) {
		s := seats("a", "b", "c", "d")
		keys = map[string][32]byte{}
		_, rec = mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Serial: true, World: killer{victims: victims},
			Phases: []sim.Phase{{Name: "vote", Order: sim.OrderExplicit,
				Stages: func(*sim.Scope) ([][]string, error) { return [][]string{{"a"}, {"b"}, {"c", "d"}}, nil }}},
			Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
				asks = append(asks, ask.Seat.Name+" "+ask.ID)
				keys[ask.Seat.Name] = ask.Key()
				return sim.Answer{Pass: true}
			})})
		return asks, rec, keys
	}
	_, _, before := play()
	asks, rec, keys := play("b", "d")
	if diff := cmp.Diff([]string{"a 1.1.1", "c 1.3.1"}, asks); diff != "" {
		t.Error(diff)
	}
	if keys["c"] != before["c"] {
		t.Error("the stream of c moved when b died")
	}
	var stages []string
	for _, s := range of[*sim.StageSealed](rec) {
		stages = append(stages, fmt.Sprint(s.Stage, s.Empty, len(s.Results)))
	}
	if diff := cmp.Diff([]string{"1 false 1", "2 true 0", "3 false 1"}, stages); diff != "" {
		t.Error(diff)
	}
}

// E3: a rotation turns with the turns and not with the number of the living. With one of
// four dead it is still seat number (turn-1) mod 4, or the next one alive, that begins.
func TestRotationOutlivesADeath(t *testing.T) {
	s := seats("a", "b", "c", "d")
	_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 5, Serial: true, Actors: actorsOf(s, passing),
		World:  killer{victims: []string{"b"}},
		Phases: []sim.Phase{{Name: "talk", Order: sim.Rotating}, {Name: "vote", Canonical: sim.CanonicalRotating}}})
	var first, canonical []string
	for _, p := range of[*sim.PhaseOpened](rec) {
		if p.Phase == "talk" {
			first = append(first, p.Stages[0][0])
		}
	}
	for _, st := range of[*sim.StageOpened](rec) {
		if st.Phase == "vote" {
			canonical = append(canonical, strings.Join(st.Canonical, ""))
		}
	}
	if diff := cmp.Diff([]string{"a", "c", "c", "d", "a"}, first); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"abcd", "cda", "cda", "dac", "acd"}, canonical); diff != "" {
		t.Error(diff)
	}
}

// T7: mail is numbered by the canonical rank of its sender, and who leaves in a stage
// hears nothing of it any more.
func TestMailIsInCanonicalOrder(t *testing.T) {
	s := seats("a", "b", "c")
	everybody := func(*sim.Scope) ([]string, error) { return []string{"a", "b", "c"}, nil }
	_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, World: killer{victims: []string{"c"}},
		Phases: []sim.Phase{{Name: "vote", Hear: everybody, Mail: everybody, Canonical: sim.CanonicalList,
			Ranking: func(*sim.Scope) ([]string, error) { return []string{"c", "b", "a"}, nil }}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			return sim.Answer{Say: "said", Mail: []sim.Letter{{To: "all", Text: "first"}, {To: "all", Text: "second"}}}
		})})
	var got []string
	for _, d := range of[*sim.Revised](rec)[1].Mail {
		got = append(got, fmt.Sprint(d.ID, " ", d.Sender, " ", d.To, " ", d.Text))
	}
	want := []string{"1 c [a b] first", "2 c [a b] second", "3 c [a b] said", "4 b [a] first", "5 b [a] second", "6 b [a] said",
		"7 a [b] first", "8 a [b] second", "9 a [b] said"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A foreign change becomes a revision of its own before the stage's commits, which merge
// against it; it is never overwritten, and the run says that it cannot be reproduced.
func TestForeignChangesComeFirst(t *testing.T) {
	s := seats("a")
	blobs := tree.NewMemory()
	entry := func(text string) tree.Entry {
		hash, err := blobs.Put([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return tree.Entry{Kind: tree.File, Hash: hash, Size: int64(len(text))}
	}
	start, err := (*tree.Tree)(nil).With(map[string]tree.Entry{"f": entry("1\n2\n3\n4\n5\n")})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	res, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Tree: start, Blobs: blobs, Phases: []sim.Phase{{Name: "p"}},
		Foreign: func(context.Context) (tree.WriteSet, error) {
			asked++
			return tree.WriteSet{{Path: "f", Base: entry("1\n2\n3\n4\n5\n"), New: entry("one\n2\n3\n4\n5\n")}}, nil
		},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer { return writer(blobs, ask, "f", "1\n2\n3\n4\nfive\n") })})
	if got := text(t, blobs, res.Tree, "f"); got != "one\n2\n3\n4\nfive\n" || res.Foreign != 1 || asked != 1 {
		t.Errorf("%q after %d of %d foreign revisions", got, res.Foreign, asked)
	}
	revs := of[*sim.Revised](rec)
	if len(revs) != 3 || revs[1].Author != "@foreign" || revs[2].Author != "" || revs[2].Revision != revs[1].Revision+1 {
		t.Errorf("revisions %+v", revs)
	}
	if d := revs[2].WriteSets[0].Decisions[0]; d.Outcome != tree.Merged || d.Winner != "@foreign" {
		t.Errorf("the agent's change: %+v", d)
	}
}

// F2: forfeit_after counts failed stages in a row; one that did not fail begins anew, and
// what failed outside the agent is no failure of the agent.
func TestForfeitAfter(t *testing.T) {
	const fails, passes, down = 'x', '.', 't'
	for moves, last := range map[string]int{"xx.xxx.": 6, "x.x.x.": 6, "xxx...": 3, "xxtx..": 4, "xtxtx.": 5, "......": 6} {
		s := seats("a", "other")
		pass := sim.FailurePolicy{Then: sim.ThenPass}
		acted := 0
		res, _ := mustPlay(t, &sim.Config{Seats: s, MaxTurns: len(moves), Serial: true,
			Phases: []sim.Phase{{Name: "p", Failures: sim.Failures{Crash: pass, Transport: pass, ForfeitAfter: 3}}},
			Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
				if ask.Seat.Name == "other" {
					return sim.Answer{Pass: true}
				}
				acted++
				switch moves[ask.Turn-1] {
				case fails:
					return sim.Answer{Failure: &sim.Failure{Category: sim.Crash}}
				case down:
					return sim.Answer{Failure: &sim.Failure{Category: sim.Transport}}
				}
				return sim.Answer{Pass: true}
			})})
		if out := res.Status["a"] == sim.SeatError; acted != last || out != strings.Contains(strings.ReplaceAll(moves, "t", ""), "xxx") {
			t.Errorf("%s: acted %d times, want %d; forfeited: %v", moves, acted, last, out)
		}
	}
}

// F2: each group of categories has its own retries, and after a passed deadline nothing is
// left of the bank (C1).
func TestGroupsHaveTheirOwnRetries(t *testing.T) {
	s := seats("a")
	var asked []string
	answers := []sim.Category{sim.Illegal, sim.Crash, sim.Timeout, sim.Empty, ""}
	once := sim.FailurePolicy{Retry: 1, Then: sim.ThenForfeit}
	_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Bank: map[string]time.Duration{"a": time.Second},
		Phases: []sim.Phase{{Name: "p", Act: func(*sim.Seat) time.Duration { return time.Second },
			Failures: sim.Failures{Illegal: sim.FailurePolicy{Retry: 2, Then: sim.ThenForfeit}, Crash: once, Timeout: once}}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			asked = append(asked, fmt.Sprint(ask.Attempt, ask.Bank))
			if c := answers[ask.Attempt-1]; c != "" {
				return sim.Answer{Failure: &sim.Failure{Category: c}}
			}
			return sim.Answer{Pass: true}
		})})
	if want := []string{"1 1s", "2 1s", "3 1s", "4 0s", "5 0s"}; !slices.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	if got := of[*sim.StageSealed](rec)[0].Results[0]; got.Status != sim.Passed || len(got.Attempts) != 5 {
		t.Errorf("%+v", got)
	}
}

package sim_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// permutations of 0..n-1.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			out = append(out, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return out
}

// Conformance check 2: the order of arrival decides nothing.
func TestOrderPurity(t *testing.T) {
	var want []string
	for _, perm := range permutations(4) {
		s := seats("a", "b", "c", "d")
		blobs := tree.NewMemory()
		arrived := map[string]chan struct{}{} // turn and place: closed when that one is done
		for turn := 1; turn <= 2; turn++ {
			for place := range 4 {
				arrived[fmt.Sprint(turn, place)] = make(chan struct{})
			}
		}
		actors := map[string]sim.Actor{}
		for i, seat := range s {
			place := slices.Index(perm, i)
			actors[seat.Name] = sim.ActorFunc(func(_ context.Context, ask *sim.Ask) sim.Answer {
				if ask.Retry != nil {
					t.Errorf("%s is asked again: %v", ask.Seat.Name, ask.Retry)
					return sim.Answer{Pass: true}
				}
				defer close(arrived[fmt.Sprint(ask.Turn, place)])
				if place > 0 {
					<-arrived[fmt.Sprint(ask.Turn, place-1)]
				}
				ans := writer(blobs, ask, "notes", fmt.Sprintf("turn %d by %s\n", ask.Turn, ask.Seat.Name))
				ans.Say, ans.Mail = "hi", []sim.Letter{{To: "all", Text: "from " + ask.Seat.Name}}
				return ans
			})
		}
		everybody := func(*sim.Scope) ([]string, error) { return []string{"a", "b", "c", "d"}, nil }
		_, rec := mustPlay(t, &sim.Config{
			Seats: s, Actors: actors, MaxTurns: 2, Blobs: blobs, Streams: sim.Streams{Seed: 7, Replicate: 1},
			Phases: []sim.Phase{{Name: "p", Hear: everybody, Mail: everybody}},
		})
		got := rec.lines(t)
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("arrival order %v changed the history:\n%s", perm, diff)
		}
	}
}

// Conformance check 3: a fifth, silent seat changes neither the relative order nor the
// streams of the other four.
func TestInsertion(t *testing.T) {
	run := func(names ...string) ([]string, map[string][32]byte) {
		s := seats(names...)
		keys := map[string][32]byte{}
		var mu sync.Mutex
		_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Streams: sim.Streams{Seed: 3, Replicate: 2},
			Phases: []sim.Phase{{Name: "p"}},
			Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
				mu.Lock()
				defer mu.Unlock()
				keys[ask.Seat.Name] = ask.Key()
				return sim.Answer{Pass: true}
			})})
		return of[*sim.StageOpened](rec)[0].Canonical, keys
	}
	four, keys4 := run("a", "b", "c", "d")
	five, keys5 := run("a", "silent", "b", "c", "d")
	five = slices.DeleteFunc(five, func(n string) bool { return n == "silent" })
	if !slices.Equal(four, five) {
		t.Errorf("canonical order without the silent seat: %v, with it: %v", four, five)
	}
	for name, key := range keys4 {
		if keys5[name] != key {
			t.Errorf("the stream of %s moved when a seat was added", name)
		}
	}
}

// Conformance check 5: the canonical first wins, the other is told; swapping the order
// swaps the winner; nothing of the loser's write set is taken.
func TestConflict(t *testing.T) {
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		s := seats("a", "b")
		blobs := tree.NewMemory()
		var told []string
		cfg := &sim.Config{Seats: s, MaxTurns: 2, Blobs: blobs, Serial: true,
			Policies: tree.Policies{Default: tree.RejectStale},
			Phases: []sim.Phase{{Name: "p", Canonical: sim.CanonicalList,
				Ranking: func(*sim.Scope) ([]string, error) { return order, nil }}},
			Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
				if ask.Turn == 2 {
					if ask.Seat.Name == order[1] {
						told = ask.Notices
					}
					return sim.Answer{Pass: true}
				}
				ans := writer(blobs, ask, "plan", ask.Seat.Name)
				own := writer(blobs, ask, "z-"+ask.Seat.Name, "x").Writes
				ans.Writes = append(ans.Writes, own...)
				return ans
			}),
		}
		res, _ := mustPlay(t, cfg)
		if got := text(t, blobs, res.Tree, "plan"); got != order[0] {
			t.Errorf("order %v: plan was written by %q", order, got)
		}
		if got := text(t, blobs, res.Tree, "z-"+order[1]); got != "<absent>" {
			t.Errorf("order %v: part of the loser's write set was taken", order)
		}
		if len(told) != 2 || !strings.Contains(told[0], "plan") || !strings.Contains(told[0], order[0]) {
			t.Errorf("order %v: the loser was told %q", order, told)
		}
	}
}

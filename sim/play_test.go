package sim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// all lets a seat see and change every path.
var all = tree.Globs{"**"}

func seats(names ...string) []*sim.Seat {
	out := make([]*sim.Seat, len(names))
	for i, n := range names {
		out[i] = &sim.Seat{Name: n, Entry: n, Index: 1, Number: i, Focal: true, Read: all, Write: all}
	}
	return out
}

// actorsOf gives every seat the same function.
func actorsOf(s []*sim.Seat, f sim.ActorFunc) map[string]sim.Actor {
	out := map[string]sim.Actor{}
	for _, seat := range s {
		out[seat.Name] = f
	}
	return out
}

// recorder keeps the records as JSON lines, which is how two runs are compared.
type recorder struct {
	records []sim.Record
}

func (r *recorder) Observe(rec sim.Record) error {
	r.records = append(r.records, rec)
	return nil
}

// lines drops what is allowed to differ between two equal runs: durations.
func (r *recorder) lines(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, rec := range r.records {
		if s, ok := rec.(*sim.StageSealed); ok {
			for i := range s.Results {
				for j := range s.Results[i].Attempts {
					s.Results[i].Attempts[j].Used = 0
				}
			}
		}
		data, err := json.Marshal(strip(rec))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%T %s", rec, data))
	}
	return out
}

// strip replaces trees by their roots: functions and pointers are not data.
func strip(rec sim.Record) any {
	switch r := rec.(type) {
	case *sim.RunOpened:
		return []any{r.Seed, r.Replicate, r.Tree.Root()}
	case *sim.Revised:
		return []any{r.Turn, r.Stage, r.Revision, r.Author, r.Tree.Root(), r.State, r.WriteSets, r.Mail, r.Eliminated}
	case *sim.RunEnded:
		return []any{r.Result.Reason, r.Result.Scores, r.Result.Failures, r.Result.Status}
	}
	return rec
}

func of[T sim.Record](r *recorder) []T {
	var out []T
	for _, rec := range r.records {
		if x, ok := rec.(T); ok {
			out = append(out, x)
		}
	}
	return out
}

func mustPlay(t *testing.T, cfg *sim.Config) (*sim.Result, *recorder) {
	t.Helper()
	rec := &recorder{}
	cfg.Observer = rec
	res, err := sim.Play(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return res, rec
}

func act(v map[string]any) sim.Answer { return sim.Answer{Action: v} }

var anyAction = func(*sim.AgentScope) (any, error) { return map[string]any{"type": "object"}, nil }

// writer answers with one written file.
func writer(blobs tree.Blobs, ask *sim.Ask, path, text string) sim.Answer {
	hash, err := blobs.Put([]byte(text))
	if err != nil {
		panic(err)
	}
	base, _ := ask.View().Get(path)
	return sim.Answer{Writes: tree.WriteSet{{Path: path, Base: base,
		New: tree.Entry{Kind: tree.File, Hash: hash, Size: int64(len(text))}}}}
}

func text(t *testing.T, blobs tree.Blobs, tr *tree.Tree, path string) string {
	t.Helper()
	e, ok := tr.Get(path)
	if !ok {
		return "<absent>"
	}
	data, err := blobs.Get(e.Hash)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

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

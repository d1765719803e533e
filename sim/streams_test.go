package sim_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sandtable/sandtable/sim"
)

// D2: the key of a stream, as Python's hashlib computes SHA-256 over the components, each
// behind its length in eight bytes: a record of today must be repeated by any later build.
func TestKeys(t *testing.T) {
	for want, got := range map[string][32]byte{
		"7dc402d75ca90a5f0d397a5823e800903898a6417c2bb18de2c7a5f39287c84b": sim.Streams{Seed: 42, Replicate: 3}.Key(),
		"6bdabad9ee4c41ba4bde2be8a863f5dfda14d0a9caa638d2a762ebdc0f0ea03b": sim.Streams{Seed: 42, Replicate: 3}.Key("turn", "1", "stage", "2", "agent", "a"),
		"dfab0d1649cdbeab4a5b1389a56d8c793b8e92da14918a9ef539ad2e3718c22c": sim.Streams{Seed: math.MaxUint64, Replicate: 1}.Key("é", ""),
	} {
		if hex.EncodeToString(got[:]) != want {
			t.Errorf("%x, want %s", got, want)
		}
	}
	if s := (sim.Streams{Seed: 1, Replicate: 1}); s.Key("ab", "c") == s.Key("a", "bc") || s.Key("a") == s.Key("a", "") {
		t.Error("two paths have one key")
	}
}

// dice are those of the test vector that ChaCha8 is published with (C2SP, chacha8rand):
// b773b6063d4616a5 1160af22a66abc3c 8c2599d9418d287c 7ee07e037edc5cd6 cfaa9ee02d1c16ad …
func dice() *sim.Dice {
	return sim.NewDice([32]byte([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456")), nil)
}

// D3: what every kind of draw makes of the published vector, worked out apart from this
// code: integers by rejection, permutations by Fisher–Yates from the front.
func TestDice(t *testing.T) {
	d := dice()
	whole := []int64{d.Int(math.MinInt64, math.MaxInt64), d.Int(math.MinInt64, math.MaxInt64)}
	d = dice()
	small := []int64{d.Int(1, 6), d.Int(1, 6), d.Int(1, 6), d.Int(1, 6)}
	d = dice()
	// 3·2^62 numbers: the second word is below 2^64 mod 3·2^62 and is drawn again.
	wide := []int64{d.Int(math.MinInt64, math.MinInt64+3<<62-1), d.Int(math.MinInt64, math.MinInt64+3<<62-1)}
	d = dice()
	weighted := []int{d.Weighted([]float64{1, 0, 2, 1}), d.Weighted([]float64{1, 0, 2, 1}), d.Weighted([]float64{1, 0, 2, 1}), d.Weighted([]float64{1, 0, 2, 1})}
	for name, c := range map[string][2]any{
		"whole range": {[]int64{0x3773b6063d4616a5, -0x6e9f50dd599543c4}, whole},
		"1 to 6":      {[]int64{4, 3, 3, 1}, small},
		"rejection":   {[]int64{0x3773b6063d4616a5, 0x0c2599d9418d287c}, wide},
		"floats":      {0.7166093602402486, dice().Float()},
		"weighted":    {[]int{2, 0, 2, 2}, weighted},
		"shuffle":     {[]int{4, 1, 0, 3, 2}, dice().Shuffle(5)},
		"sample":      {[]int{2, 3, 4}, dice().Sample(7, 3)},
		"choice":      {int(0xb773b6063d4616a5 % 10), dice().Choice(10)},
	} {
		if diff := cmp.Diff(c[0], c[1]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// D7: a stream is one world's or agent's in one stage, and none advances another: neither a
// further draw of the world's nor another seat changes anybody's dice or the order.
func TestStreamsAreApart(t *testing.T) {
	run := func(extra int, names ...string) (out map[string]any) {
		out = map[string]any{}
		s := seats(names...)
		_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 2, Serial: true, Streams: sim.Streams{Seed: 5, Replicate: 1},
			Phases: []sim.Phase{{Name: "p"}, {Name: "q"}},
			World: worldOf{resolve: func(st sim.State, _ []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
				for range extra {
					ctx.Random("rain").Int(0, 9)
					ctx.Random("more").Float()
				}
				out[fmt.Sprintf("world %d.%d", ctx.Turn, ctx.Stage)] = ctx.Random("tie").Int(0, math.MaxInt64-1)
				return st, nil
			}},
			Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
				out[fmt.Sprintf("%s %d.%d", ask.Seat.Name, ask.Turn, ask.Stage)] = sim.NewDice(ask.Key(), nil).Int(0, math.MaxInt64-1)
				return sim.Answer{Pass: true}
			})})
		for _, st := range of[*sim.StageOpened](rec) {
			order := ""
			for _, name := range st.Canonical {
				if name != "new" {
					order += name
				}
			}
			out[fmt.Sprintf("order %d.%d", st.Turn, st.Stage)] = order
		}
		return out
	}
	base := run(0, "a", "b", "c", "d")
	more := run(3, "new", "a", "b", "c", "d")
	different := map[any]bool{}
	for name, v := range base {
		if more[name] != v {
			t.Errorf("%s was %v and is %v", name, v, more[name])
		}
		if _, isOrder := v.(string); !isOrder {
			different[v] = true
		}
	}
	if len(different) != 4*5 {
		t.Errorf("%d draws of 20 differ", len(different))
	}
}

// H1: every draw is a record of its own, the engine's as well as the world's, before what
// depends on it; and a report's count by stream is the count of the records.
func TestChanceIsLogged(t *testing.T) {
	s := seats("a", "b", "c")
	res, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 2, Serial: true, Actors: actorsOf(s, passing),
		World: worldOf{resolve: func(st sim.State, _ []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
			ctx.Random("tie").Int(1, 6)
			return st, nil
		}},
		Phases: []sim.Phase{{Name: "p"}, {Name: "q", Order: sim.Shuffled}, {Name: "r", Order: sim.RandomOrder}}})
	if diff := cmp.Diff(map[string]int{"canonical": 2, "order": 4, "tie": 10}, res.Draws); diff != "" {
		t.Error(diff)
	}
	var first []string
	for _, r := range rec.records[:7] {
		line := fmt.Sprintf("%T", r)
		if d, ok := r.(*sim.Draw); ok {
			line += " " + d.Stream + " " + d.Kind
		}
		first = append(first, line)
	}
	want := []string{"*sim.RunOpened", "*sim.Revised", "*sim.TurnOpened", "*sim.PhaseOpened",
		"*sim.Draw turn/1/stage/1/canonical permutation", "*sim.StageOpened", "*sim.StageSealed"}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if n := len(of[*sim.Draw](rec)); n != 16 {
		t.Errorf("%d records of chance, want 16", n)
	}
}

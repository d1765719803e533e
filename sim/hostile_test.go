package sim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

func nested(depth int) any {
	v := any(map[string]any{})
	for range depth {
		v = map[string]any{"x": v}
	}
	return v
}

// bomb is a small value that stands for 2^30 others.
func bomb() any {
	v := any(int64(0))
	for range 30 {
		v = []any{v, v}
	}
	return map[string]any{"x": v}
}

// An action is a JSON object in the types of the package; anything else fails the
// attempt and nothing more.
func TestHostileActions(t *testing.T) {
	loop := map[string]any{}
	loop["x"] = loop
	for name, c := range map[string]struct {
		action any
		want   sim.Category
	}{
		"int":        {map[string]any{"x": 1}, sim.Unparsable},
		"strings":    {map[string]any{"x": []string{"a"}}, sim.Unparsable},
		"number":     {map[string]any{"x": json.Number("1")}, sim.Unparsable},
		"NaN":        {map[string]any{"x": []any{math.NaN()}}, sim.Unparsable},
		"infinity":   {map[string]any{"x": math.Inf(1)}, sim.Unparsable},
		"bytes":      {map[string]any{"x": "\xff"}, sim.Unparsable},
		"bytes key":  {map[string]any{"\xff": true}, sim.Unparsable},
		"function":   {map[string]any{"x": func() {}}, sim.Unparsable},
		"text":       {"C", sim.Unparsable},
		"list":       {[]any{}, sim.Unparsable},
		"struct":     {struct{ X int }{1}, sim.Unparsable},
		"nil map":    {map[string]any(nil), ""},
		"fine":       {map[string]any{"x": []any{nil, true, int64(1), 0.5, "é", map[string]any{}}}, ""},
		"deep":       {nested(31), ""},
		"too deep":   {nested(40), sim.Illegal},
		"loop":       {loop, sim.Illegal},
		"bomb":       {bomb(), sim.Illegal},
		"very large": {map[string]any{"x": strings.Repeat("y", 10<<20)}, ""},
	} {
		s := seats("a")
		_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1,
			Phases: []sim.Phase{{Name: "p", Action: anyAction}},
			Actors: actorsOf(s, func(context.Context, *sim.Ask) sim.Answer { return sim.Answer{Action: c.action} })})
		got := of[*sim.StageSealed](rec)[0].Results[0]
		if got.Category != c.want {
			t.Errorf("%s: %s, want %q", name, got.Category, c.want)
		}
		if _, err := expr.Canonical(got.Action); err != nil {
			t.Errorf("%s: the recorded action: %v", name, err)
		}
	}
}

// FuzzLetters: whatever an address and a text are, the letter is delivered or comes back,
// and can be recorded.
func FuzzLetters(f *testing.F) {
	for _, to := range []string{"a", "b", "all", "none", "role:", "role:spy", "role:fox", "x\xff", "", "B"} {
		f.Add(to, "text\xff", uint8(0))
		f.Add(to, "text", uint8(3))
	}
	f.Fuzz(func(t *testing.T, to, text string, kind uint8) {
		address := []any{to, []string{to, "b"}, []any{to, []any{"b", to}}, map[string]any{to: to}, 7, nil, &to,
			math.NaN(), []any{math.NaN()}, bomb(), nested(200), []any{}}[kind%12]
		s := seats("a", "b", "c")
		s[0].Role, s[1].Role = "fox", "spy"
		_, rec := mustPlay(t, &sim.Config{Seats: s, MaxTurns: 1, Phases: []sim.Phase{{Name: "p",
			Mail: func(*sim.Scope) ([]string, error) { return []string{"a", "b", "c"}, nil }}},
			Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
				return sim.Answer{Say: text, Mail: []sim.Letter{{To: address, Text: text}}}
			})})
		for _, r := range of[*sim.StageSealed](rec)[0].Results {
			if _, err := expr.Canonical(r.Mail[0].To); err != nil || !utf8.ValidString(r.Mail[0].Text+r.Say) {
				t.Errorf("%s: recorded %+v: %v", r.Agent, r.Mail, err)
			}
		}
		if mail := of[*sim.Revised](rec)[1].Mail; len(mail) < 3 {
			t.Errorf("%d letters of 3 have left a trace", len(mail))
		}
	})
}

// A flood of letters or files becomes a handful of notices, not a flood of them.
func TestFloodsAreTold(t *testing.T) {
	s := seats("a")
	blobs := tree.NewMemory()
	var told []string
	mustPlay(t, &sim.Config{Seats: s, MaxTurns: 2, Blobs: blobs,
		Phases: []sim.Phase{{Name: "p", Limits: func(*sim.Seat) sim.ActLimits { return sim.ActLimits{Mail: 2} },
			Failures: sim.Failures{Crash: sim.FailurePolicy{Then: sim.ThenPass}}},
			{Name: "q", Failures: sim.Failures{Crash: sim.FailurePolicy{Then: sim.ThenPass}}}},
		Actors: actorsOf(s, func(_ context.Context, ask *sim.Ask) sim.Answer {
			if ask.Turn == 2 {
				told = append(told, ask.Notices...)
				return sim.Answer{Pass: true}
			}
			ans := sim.Answer{Mail: make([]sim.Letter, 1000)}
			if ask.Phase == "q" {
				told = append(told, ask.Notices...)
				ans = sim.Answer{Failure: &sim.Failure{Category: sim.Crash, Text: strings.Repeat("x\xff", 1<<20)}}
				for i := range 1000 {
					ans.Writes = append(ans.Writes, writer(blobs, ask, fmt.Sprintf("f%04d", i), "x").Writes...)
				}
			}
			return ans
		})})
	if n := len(strings.Join(told, "\n")); len(told) > 30 || n > 4000 {
		t.Errorf("%d notices of %d bytes", len(told), n)
	}
	if all := strings.Join(told, "\n"); !strings.Contains(all, "998 of your messages") || !strings.Contains(all, "980 more changes") {
		t.Errorf("not everything was told: %s", all)
	}
}

// What is not the agent's fault ends the run with an error, never the program.
func TestBrokenActorsAndWorlds(t *testing.T) {
	cases := map[string]struct {
		act   sim.ActorFunc
		world sim.World
		want  string
	}{
		"panic": {func(context.Context, *sim.Ask) sim.Answer { panic("boom") }, nil, "boom"},
		"category": {func(context.Context, *sim.Ask) sim.Answer {
			return sim.Answer{Failure: &sim.Failure{Category: "OOPS"}}
		}, nil, "OOPS"},
		"base": {func(_ context.Context, ask *sim.Ask) sim.Answer {
			return sim.Answer{Writes: tree.WriteSet{{Path: "x", Base: tree.Entry{Kind: tree.File, Size: 3}}}}
		}, nil, "version"},
		"observation": {func(_ context.Context, ask *sim.Ask) sim.Answer {
			_, _ = ask.Observation()
			return sim.Answer{Pass: true}
		}, worldOf{observe: func(*sim.Seat) (any, error) { return map[string]any{"stock": 3}, nil }}, `["stock"]: a int is no JSON value`},
	}
	for name, c := range cases {
		for _, serial := range []bool{false, true} {
			s := seats("a", "b")
			_, err := sim.Play(t.Context(), &sim.Config{Seats: s, MaxTurns: 1, Serial: serial, World: c.world,
				Phases: []sim.Phase{{Name: "p"}}, Actors: actorsOf(s, c.act)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, serial %v: %v", name, serial, err)
			}
		}
	}
}

// The reasons of a refused action are the same at every judging.
func TestReasonsAreDeterministic(t *testing.T) {
	schema, err := sim.CompileSchema(map[string]any{"a": map[string]any{"type": "integer"}, "b": map[string]any{"type": "integer"}, "c": map[string]any{"type": "integer"}})
	if err != nil {
		t.Fatal(err)
	}
	action := map[string]any{"a": "x", "b": true, "c": nil, "d": int64(1), "e": int64(2), "f": int64(3)}
	want := schema.Validate(action).Error()
	for range 100 {
		if got := schema.Validate(action).Error(); got != want {
			t.Fatalf("%s\n%s", want, got)
		}
	}
}

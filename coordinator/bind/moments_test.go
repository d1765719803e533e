package bind_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/sim"
)

const countWorld = `
def setup(ctx):
    return {"n": 0}
def resolve(state, moves, ctx):
    state["n"] += 1
def score(state, ctx):
    return {"a": state["n"] / 2}
`

// TestMoments: when seats join and leave, and when events happen.
func TestMoments(t *testing.T) {
	g := build(t, plan(t, text(`
agents:
  - {name: a, model: m, joins: 3, leaves: 5}
  - {name: b, model: m, joins: "${turn > 1 and len(live) == 0}", leaves: "${4}"}
  - {name: c, model: m}
turns: {max: 9}
events:
  - {at: [4, 2], remove: x}
  - {at: {from: 2, every: 3, until: 8}, remove: x}
  - {at: {from: 8}, remove: x}
  - {at: {every: 4}, remove: x}
  - {at: {until: 2}, remove: x}
  - {at: "${turn == 3}", remove: x}
  - {at: "${3 + 3}", remove: x}
  - {at: 1, remove: x}
`)).Runs[0], bind.Deps{})
	seats, events := g.Config.Seats, g.Config.Events
	for i, c := range []struct {
		f    func(*sim.Scope) (bool, error)
		want []int
	}{
		{seats[0].Joins, []int{3, 4, 5, 6, 7, 8, 9}},
		{seats[0].Leaves, []int{5, 6, 7, 8, 9}},
		{seats[1].Joins, []int{2, 3, 4, 5, 6, 7, 8, 9}},
		{seats[1].Leaves, []int{4, 5, 6, 7, 8, 9}},
		{events[0].At, []int{2, 4}},
		{events[1].At, []int{2, 5, 8}},
		{events[2].At, []int{8, 9}},
		{events[3].At, []int{1, 5, 9}},
		{events[4].At, []int{1, 2}},
		{events[5].At, []int{3}},
		{events[6].At, []int{6}},
		{events[7].At, []int{1}},
	} {
		var got []int
		for turn := 1; turn <= 9; turn++ {
			on, err := c.f(&sim.Scope{Turn: turn})
			if err != nil {
				t.Fatal(err)
			}
			if on {
				got = append(got, turn)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("moment %d: %v, want %v", i, got, c.want)
		}
	}
	if seats[2].Joins != nil || seats[2].Leaves != nil {
		t.Error("c is there from first to last")
	}
}

// TestEvents: what events do, in a whole run.
func TestEvents(t *testing.T) {
	long := strings.Repeat("x", 100)
	p := plan(t, map[string]string{"w.star": countWorld, "scenario.yaml": head + `
params: {long: ` + long + `}
world: w.star
agents: [{name: a, model: m}, {name: b, model: m, leaves: 2}, {name: none-yet, model: m, count: 0}]
turns: {max: 3, phases: [{name: p}, {name: q}]}
events:
  - {at: 1, write: {path: "t${turn}.json", text: "${[turn, params.long]}"}}
  - {at: 1, before: q, set: {n: "${state.n + 100}"}}
  - {at: 2, write: {path: gone, text: "${None}"}}
  - {at: 3, remove: [gone, never-there]}
  - {at: 3, before: q, mail: {to: [a, b, none-yet], text: "${[live, state.n]}"}}
metrics: {n: "${state.n}", files: "${files('**')}"}
outcomes: {text: "${file('t1.json')}"}
`})
	c := build(t, p.Runs[0], bind.Deps{}).Config
	var posted []sim.Delivery
	c.Observer = watch(func(r sim.Record) error {
		if rev, ok := r.(*sim.Revised); ok {
			posted = append(posted, rev.Mail...)
		}
		return nil
	})
	res := play(t, c)
	if want := `[1,"` + long + `"]`; outcomes(res)["text"] != want {
		t.Errorf("the file holds %v, want %s", outcomes(res)["text"], want)
	}
	if want := map[string][]any{
		"n":     {int64(102), int64(104), int64(106)},
		"files": {list{"t1.json"}, list{"gone", "t1.json"}, list{"t1.json"}},
	}; !maps.EqualFunc(res.Series, want, func(a, b []any) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("series %v", res.Series)
	}
	if len(posted) != 1 || posted[0].Text != `[["a"],105]` || !slices.Equal(posted[0].To, []string{"a"}) {
		t.Errorf("mail %+v", posted)
	}
}

// TestStop: True or a text ends the run, and the text is the reason.
func TestStop(t *testing.T) {
	for stop, want := range map[string]string{
		"${state.n == 2}":                       "stop",
		"${'enough' if state.n >= 2 else None}": "enough",
		"${'' if state.n < 2 else 'text'}":      "text",
		"${'quiet' if passes >= 4 else False}":  "quiet",
		"${False}":                              "max",
	} {
		p := plan(t, map[string]string{"w.star": countWorld, "scenario.yaml": head + "world: w.star\nagents: [{name: a, model: m}, {name: b, model: m}]\nturns: {max: 3, repeat: 2}\nstop: " + stop + "\n"})
		res := play(t, build(t, p.Runs[0], bind.Deps{}).Config)
		if res.Reason != want || !res.Terminated || res.Truncated {
			t.Errorf("%s: %s", stop, res.Reason)
		}
		if turns := map[string]int{"max": 3}[want]; want != "max" && res.Turns != 1 || want == "max" && res.Turns != turns {
			t.Errorf("%s: %d turns", stop, res.Turns)
		}
	}
}

// TestTurnLimit: the scenario's length terminates, its cap truncates.
func TestTurnLimit(t *testing.T) {
	p := plan(t, text("agents: [{name: a, model: m}]\nturns: {max: 5}\nlimits: {turns: 2}\noutcomes: {cut: \"${truncated}\"}\n"))
	if res := play(t, build(t, p.Runs[0], bind.Deps{}).Config); !res.Truncated || res.Reason != "turns" || outcomes(res)["cut"] != true {
		t.Errorf("%+v", res)
	}
}

package bind_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
)

// crew has an entry of one, of several, of none, a fixed role and dealt ones.
const crew = `
agents:
  - {name: v, count: 2, model: m, role: x}
  - {name: b, model: m}
  - {name: w, count: 0, model: m, role: empty}
  - {name: z, count: 2, model: m, roles: {here: 2, nobody: 0}}
`

// TestSeats: every way to name seats, wherever seats are named.
func TestSeats(t *testing.T) {
	all := []string{"v-1", "v-2", "b", "z-1", "z-2"}
	scope := func(c *sim.Config) *sim.Scope {
		return &sim.Scope{Turn: 1, Seats: c.Seats, Live: all, State: map[string]any{"who": "b"}, Agent: c.Seats[2]}
	}
	for seats, want := range map[string][]string{
		`v-2`:                            {"v-2"},
		`v`:                              {"v-1", "v-2"},
		`role:x`:                         {"v-1", "v-2"},
		`role:here`:                      {"z-1", "z-2"},
		`all`:                            all,
		`[b, role:x, v-1]`:               {"v-1", "v-2", "b"},
		`[none, b]`:                      {"b"},
		`"${['b', ['v-1']]}"`:            {"v-1", "b"},
		`"${state.who}"`:                 {"b"},
		`["${state.who}", z]`:            {"b", "z-1", "z-2"},
		`"${'role:x' if True else 'b'}"`: {"v-1", "v-2"},
		`w`:                              {}, // an entry of none in this cell
		`[w, b]`:                         {"b"},
		`role:empty`:                     {},
		`role:nobody`:                    {},
		`"${['role:nobody', 'w']}"`:      {},
		`"${[]}"`:                        {},
	} {
		c := build(t, plan(t, text(crew+"turns: {max: 1, who: "+seats+", hear: "+seats+", mail: "+seats+"}\n")).Runs[0], bind.Deps{}).Config
		for field, f := range map[string]sim.SeatsFunc{"who": c.Phases[0].Who, "hear": c.Phases[0].Hear, "mail": c.Phases[0].Mail} {
			if got, err := f(scope(c)); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %s: %v, %v; want %v", field, seats, got, err, want)
			}
		}
	}
}

// TestSeatsUnknown: a name that the scenario does not know is an error at its place: when
// it is loaded, or when the expression gives it.
func TestSeatsUnknown(t *testing.T) {
	_, err := scenarios.Load(folder(t, text(crew+"turns: {max: 1, who: u}\n")), scenarios.LoadOptions{})
	if err == nil {
		_, err = plan(t, text(crew+"turns: {max: 1}\n")).Scenario.Expand(scenarios.ExpandOptions{})
	}
	if err == nil || !strings.Contains(err.Error(), `no agent or entry "u"`) {
		t.Errorf("a literal: %v", err)
	}
	for _, field := range []string{"who", "hear", "mail"} {
		c := build(t, plan(t, text(crew+"turns: {max: 1, "+field+": \"${'u'}\"}\n")).Runs[0], bind.Deps{}).Config
		_, err := sim.Play(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), `scenario.yaml:10:`) || !strings.Contains(err.Error(), `there is no agent, entry or role "u"`) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestNobody: a phase of none is a step of the world, also where another has members.
func TestNobody(t *testing.T) {
	c := build(t, plan(t, text(crew+"turns: {max: 1, phases: [{name: p, who: none}, {name: q}, {name: r, who: w}]}\n")).Runs[0], bind.Deps{}).Config
	if !c.Phases[0].WorldOnly || c.Phases[1].WorldOnly || c.Phases[2].WorldOnly || c.Phases[1].Who != nil {
		t.Errorf("%+v", c.Phases)
	}
	if res := play(t, c); res.Stages != 2 || res.Moves != 5 {
		t.Errorf("%d stages, %d moves", res.Stages, res.Moves)
	}
}

// TestOrders: a parameter may be a name or a list of stages, and is so in its own cell.
func TestOrders(t *testing.T) {
	p := plan(t, text(`
params: {order: {default: null}}
matrix: {order: [rotating, [[b], [v]], [b, v-2, v-1], [[b, w], "role:x"]]}
agents: [{name: v, count: 2, role: x, model: m}, {name: b, model: m}, {name: w, count: 0, model: m}]
turns:
  max: 1
  phases:
    - {name: p, order: "${params.order}", canonical: ["role:x", b], who: [b, v]}
    - {name: q, order: [[v-2], [w, v-1, b]], canonical: "${sorted(live)}"}
    - {name: r, order: shuffled, canonical: rotating}
    - {name: s}
`))
	scope := &sim.Scope{Turn: 1, Live: []string{"v-1", "v-2", "b"}}
	for i, want := range [][][]string{
		nil, {{"b"}, {"v-1", "v-2"}}, {{"b"}, {"v-2"}, {"v-1"}}, {{"b"}, {"v-1", "v-2"}},
	} {
		c := build(t, p.Runs[i], bind.Deps{}).Config
		order, stages, err := c.Phases[0].Split(scope)
		if wanted := map[bool]sim.Order{true: sim.Rotating, false: sim.OrderExplicit}[i == 0]; err != nil || order != wanted || !reflect.DeepEqual(stages, want) {
			t.Errorf("cell %d: %s %v, %v; want %v", i, order, stages, err, want)
		}
		opened := partitions(t, c)
		if fmt.Sprint(opened["p"]) != fmt.Sprint(map[bool]any{true: [][]string{{"v-1"}, {"v-2"}, {"b"}}, false: want}[i == 0]) {
			t.Errorf("cell %d was played as %v", i, opened["p"])
		}
		if fmt.Sprint(opened["q"]) != "[[v-2] [v-1 b]]" || len(opened["r"]) != 3 || len(opened["s"]) != 1 {
			t.Errorf("cell %d was played as %v", i, opened)
		}
	}
}

// partitions plays a run and returns each phase's stages.
func partitions(t *testing.T, c *sim.Config) map[string][][]string {
	t.Helper()
	out := map[string][][]string{}
	c.Observer = watch(func(r sim.Record) error {
		if p, ok := r.(*sim.PhaseOpened); ok {
			out[p.Phase] = p.Stages
		}
		return nil
	})
	play(t, c)
	return out
}

// TestCanonical: a list ranks in its own order, and seat order counts only within an
// item that stands for several; a name is passed on.
func TestCanonical(t *testing.T) {
	c := build(t, plan(t, text(crew+`
turns:
  max: 1
  phases:
    - {name: p, canonical: [b, "role:x", w]}
    - {name: q, canonical: "${[n for n in reversed(live)]}"}
    - {name: r, canonical: "${'seat' if turn == 1 else 'rotating'}"}
    - {name: s}
`)).Runs[0], bind.Deps{}).Config
	scope := &sim.Scope{Turn: 1, Seats: c.Seats, Live: []string{"v-1", "b"}}
	for i, want := range []string{"list [b v-1 v-2]", "list [b v-1]", "seat []"} {
		kind, list, err := c.Phases[i].Rank(scope)
		if got := fmt.Sprint(kind, " ", list); err != nil || got != want {
			t.Errorf("phase %d: %s, %v; want %s", i, got, err, want)
		}
	}
	if c.Phases[3].Rank != nil || c.Phases[3].Split != nil {
		t.Error("what the file does not say is the engine's to choose")
	}
}

// A role may be an expression over the seat; others' prompts and seats name it as any.
func TestOwnRoles(t *testing.T) {
	own := `
agents:
  - {name: v, count: 3, model: m, vars: {odd: "${agent.index % 2 == 1}"}, role: "${'odd' if agent.vars.odd else 'even'}", prompt: "You are ${agent.role}."}
  - {name: b, model: m, role: "${params.r}"}
params: {r: fixed}
`
	g := build(t, plan(t, text(own+"turns: {max: 1, who: role:odd, hear: role:fixed, mail: role:nobody}\n")).Runs[0], bind.Deps{})
	var roles, prompts []string
	for i, s := range g.Config.Seats {
		roles, prompts = append(roles, s.Role), append(prompts, g.Players[i].Prompt)
	}
	if got := strings.Join(roles, " "); got != "odd even odd fixed" && got != "even odd even fixed" {
		t.Errorf("roles: %s", got)
	}
	if want := "You are " + roles[0] + "."; prompts[0] != want {
		t.Errorf("prompt %q, want %q", prompts[0], want)
	}
	scope := &sim.Scope{Turn: 1, Seats: g.Config.Seats, Live: []string{"v-1", "v-2", "v-3", "b"}}
	got, err := g.Config.Phases[0].Who(scope)
	for i, name := range []string{"v-1", "v-2", "v-3"} {
		if slices.Contains(got, name) != (roles[i] == "odd") {
			t.Errorf("who: %v, %v, with roles %v", got, err, roles)
		}
	}
}

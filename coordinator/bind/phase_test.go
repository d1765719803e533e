package bind_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// TestAccess: what an agent may read and write by default, what it says itself, and what
// a phase says in its place, for each agent.
func TestAccess(t *testing.T) {
	c := build(t, plan(t, text(`
agents:
  - {name: a, count: 2, model: m}
  - {name: b, model: m, read: ["**"], write: "out/${agent.name}/**"}
turns:
  max: 1
  phases:
    - {name: p}
    - {name: q, read: ["shared/**"], write: "${['own/' + agent.name] if agent.name != 'b' else []}"}
`)).Runs[0], bind.Deps{}).Config
	a, b := c.Seats[1], c.Seats[2]
	own := tree.Globs{"private/a-2/**", "!private/**", "!hidden/**", "**"}
	if !slices.Equal(a.Read, own) || !slices.Equal(a.Write, own) || !slices.Equal(b.Read, tree.Globs{"**"}) || !slices.Equal(b.Write, tree.Globs{"out/b/**"}) {
		t.Errorf("%v %v %v %v", a.Read, a.Write, b.Read, b.Write)
	}
	for path, want := range map[string]bool{
		"private/a-2/x": true, "private/a-1/x": false, "private/x": false, "hidden/x/y": false, "x": true, "board/x": true,
	} {
		if a.Read.Match(path) != want {
			t.Errorf("may a-2 read %s: %v", path, !want)
		}
	}
	p, q := c.Phases[0], c.Phases[1]
	if p.Read != nil || p.Write != nil {
		t.Error("a phase that says nothing leaves the agents' own")
	}
	for seat, want := range map[*sim.Seat]tree.Globs{a: {"own/a-2"}, b: {}} {
		read, err1 := q.Read(&sim.Scope{Agent: seat})
		write, err2 := q.Write(&sim.Scope{Agent: seat})
		if err1 != nil || err2 != nil || !slices.Equal(read, tree.Globs{"shared/**"}) || !slices.Equal(write, want) {
			t.Errorf("%s: %v %v, %v %v", seat.Name, read, write, err1, err2)
		}
	}
}

// TestHearAndMail: both are asked for each member, with its record and the state.
func TestHearAndMail(t *testing.T) {
	c := build(t, plan(t, text(`
agents: [{name: a, count: 3, model: m, roles: {wolf: 2, sheep: 1}}]
turns:
  max: 1
  hear: "${['a-%d' % i for i in (1, 2, 3) if i <= state.loud and i != agent.index]}"
  mail: "${'role:wolf' if agent.role == 'wolf' else 'none'}"
`)).Runs[0], bind.Deps{}).Config
	var wolves []string
	for _, s := range c.Seats {
		if s.Role == "wolf" {
			wolves = append(wolves, s.Name)
		}
	}
	for i, s := range c.Seats {
		scope := &sim.Scope{Agent: s, Seats: c.Seats, State: map[string]any{"loud": int64(2)}}
		hear, err := c.Phases[0].Hear(scope)
		if want := [][]string{{"a-2"}, {"a-1"}, {"a-1", "a-2"}}[i]; err != nil || !slices.Equal(hear, want) {
			t.Errorf("%s is heard by %v, %v; want %v", s.Name, hear, err, want)
		}
		mail, err := c.Phases[0].Mail(scope)
		if want := map[string][]string{"wolf": wolves}[s.Role]; err != nil || !slices.Equal(mail, want) {
			t.Errorf("%s, %s, may write to %v, %v", s.Name, s.Role, mail, err)
		}
	}
}

// TestLimits: the format's defaults, a player's, the agent's over them, and a phase's
// over both; the bank is a seat's alone.
func TestLimits(t *testing.T) {
	g := build(t, plan(t, text(`
params: {act: 7s}
players: {slow: {model: m, limits: {steps: 9, act: 1h, mail: 3, bank: 30s, tokens: 1000, usd: 0.5}}}
agents: [{name: a, model: m}, {name: b, player: slow, limits: {act: "${params.act}"}}]
turns: {max: 1, limits: {mail: 1}, phases: [{name: p}, {name: q, limits: {steps: 2, act: 1m}}]}
`)).Runs[0], bind.Deps{})
	c := g.Config
	for _, w := range []struct {
		phase, seat int
		act         time.Duration
		limits      sim.ActLimits
	}{
		{0, 0, 5 * time.Minute, sim.ActLimits{Steps: 50, Mail: 1}},
		{0, 1, 7 * time.Second, sim.ActLimits{Steps: 9, Mail: 1}},
		{1, 0, time.Minute, sim.ActLimits{Steps: 2, Mail: 1}},
		{1, 1, time.Minute, sim.ActLimits{Steps: 2, Mail: 1}},
	} {
		p, s := c.Phases[w.phase], c.Seats[w.seat]
		if p.Act(s) != w.act || p.Limits(s) != w.limits {
			t.Errorf("phase %d, seat %s: %v, %+v; want %+v", w.phase, s.Name, p.Act(s), p.Limits(s), w)
		}
	}
	if !reflect.DeepEqual(c.Bank, map[string]time.Duration{"a": 0, "b": 30 * time.Second}) {
		t.Errorf("banks %v", c.Bank)
	}
	if l := g.Players[1].Limits; l.Tokens != 1000 || l.USD != 0.5 || !l.HasUSD || g.Players[0].Limits.HasUSD {
		t.Errorf("limits of the run %+v", l)
	}
}

// TestFailures: the format's, the scenario's over them, the turns' and the phase's.
func TestFailures(t *testing.T) {
	phases := build(t, plan(t, text(`
agents: [{name: a, model: m}]
failures: {timeout: forfeit, crash: void, forfeit_after: 4}
turns:
  max: 1
  default: {x: 1}
  failures: {crash: {retry: 3, then: pass}, illegal: default}
  phases:
    - {name: p}
    - {name: q, failures: {illegal: {retry: 1, then: forfeit}, transport: pass, budget: default}}
`)).Runs[0], bind.Deps{}).Config.Phases
	want := sim.Failures{
		Illegal: sim.FailurePolicy{Then: sim.ThenDefault}, Timeout: sim.FailurePolicy{Then: sim.ThenForfeit},
		Crash: sim.FailurePolicy{Retry: 3, Then: sim.ThenPass}, Transport: sim.FailurePolicy{Then: sim.ThenVoid},
		Budget: sim.FailurePolicy{Then: sim.ThenPass}, ForfeitAfter: 4,
	}
	if phases[0].Failures != want {
		t.Errorf("%+v", phases[0].Failures)
	}
	want.Illegal = sim.FailurePolicy{Retry: 1, Then: sim.ThenForfeit}
	want.Transport, want.Budget = sim.FailurePolicy{Then: sim.ThenPass}, sim.FailurePolicy{Then: sim.ThenDefault}
	if phases[1].Failures != want {
		t.Errorf("%+v", phases[1].Failures)
	}
	plain := build(t, plan(t, text("agents: [{name: a, model: m}]\nturns: {max: 1}\n")).Runs[0], bind.Deps{}).Config
	if plain.Phases[0].Failures != sim.DefaultFailures() || plain.Phases[0].Name != "act" {
		t.Errorf("the format's own: %+v", plain.Phases[0].Failures)
	}
}

// TestPolicies: the first rule that matches decides; a set is atomic unless said otherwise.
func TestPolicies(t *testing.T) {
	policies := func(workspace string) tree.Policies {
		return build(t, plan(t, text(workspace+"agents: [{name: a, model: m}]\nturns: {max: 1}\n")).Runs[0], bind.Deps{}).Config.Policies
	}
	if p := policies(""); p.PathByPath || len(p.Rules) != 0 {
		t.Errorf("without a workspace: %+v", p)
	}
	p := policies("workspace: {atomic: false, policy: [{path: 'a/b', use: fww}, {path: 'a/**', use: append}, {path: '**', use: reject-stale}]}\n")
	if !p.PathByPath {
		t.Error("atomic: false is not passed on")
	}
	for path, want := range map[string]tree.Policy{"a/b": tree.FWW, "a/c": tree.Append, "x": tree.RejectStale} {
		if got, err := p.For(path); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", path, got, err, want)
		}
	}
}

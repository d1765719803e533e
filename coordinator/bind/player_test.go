package bind_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

const good = "../../scenarios/testdata/good/"

// everything is the loader's fixture with every key of the format, without what the
// harness does not do yet.
func everything(t *testing.T, deps bind.Deps, sets ...string) *bind.Game {
	t.Helper()
	return build(t, load(t, good+"everything", append(sets, "players.llm.mcp.search.secrets=[]")...).Runs[0], deps)
}

func noCommand(context.Context, bind.Command, *sim.MeasureScope) (int, string, error) {
	return 1, "noise\n{\"ok\": 3}\n", nil
}

// TestPlayers: every field of a player, evaluated for its seat.
func TestPlayers(t *testing.T) {
	g := everything(t, bind.Deps{Command: noCommand})
	s, p := g.Config.Seats[1], g.Players[1]
	if s.Name != "trader-2" || s.Entry != "trader" || s.Index != 2 || s.Number != 1 || s.Player != "llm" || !s.Focal {
		t.Errorf("seat %+v", s)
	}
	coins := string(rune('0' + s.Vars["coins"].(int64)))
	want := bind.Player{
		Runtime: "claude", Model: "a", Prompt: "You are trader-2 with " + coins + " coins.\nBe brief.\n", Replace: true,
		Tools: []string{"Read", s.Role}, PhaseTools: []string{"Read"}, Allow: []string{"Bash(ls:*)"}, Deny: []string{"WebFetch"}, Subagents: 1,
		Servers: map[string]any{
			"search": map[string]any{"type": "stdio", "command": "node", "args": []any{"server.js"}},
			"maps":   map[string]any{"type": "http", "url": "https://example.org/mcp"},
		},
		Options: map[string]any{"effort": "low"}, Env: map[string]string{"LANG": "C", "PORT": "8080", "DEBUG": "true"},
		Network: "open", Limits: p.Limits,
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("player\n%+v\nwant\n%+v", p, want)
	}
	if s.Vars["order"] != int64(1) || !slices.Equal(s.Write, tree.Globs{"private/trader-2/**"}) {
		t.Errorf("seat %+v", s)
	}
	prog, bot := g.Players[2], g.Players[3]
	if prog.Runtime != "program" || !slices.Equal(prog.Command, []string{"python3", "app/main.py"}) || prog.Network != "none" || prog.Replace || prog.Servers != nil {
		t.Errorf("%+v", prog)
	}
	if bot.Runtime != "script" || bot.Script != "bots.star" || bot.Network != "model" || bot.Prompt != "" {
		t.Errorf("%+v", bot)
	}
}

// TestEverythingPlays evaluates every expression of the fixture.
func TestEverythingPlays(t *testing.T) {
	calls := 0
	g := everything(t, bind.Deps{
		Usage: func() (float64, int64) { return 0.25, 10 },
		Command: func(ctx context.Context, c bind.Command, s *sim.MeasureScope) (int, string, error) {
			calls++
			return noCommand(ctx, c, s)
		},
	}, "agents.trader.leaves=9")
	res := play(t, g.Config)
	if got := outcomes(res); got["passed"] != false || got["cost"] != 0.25 || got["end"] != "max" || calls < 2 {
		t.Errorf("outcomes %v, %d commands", got, calls)
	}
	if !reflect.DeepEqual(res.Series["tests"][0], map[string]any{"ok": int64(3)}) {
		t.Errorf("series %v", res.Series)
	}
}

// TestSecrets: a server's secrets are refused, as they would stand in a command line.
func TestSecrets(t *testing.T) {
	_, err := bind.Build(load(t, good+"everything").Runs[0], bind.Deps{Command: noCommand, World: noWorld})
	if err == nil || !strings.Contains(err.Error(), "agent trader-1: secrets of MCP servers are not available yet") {
		t.Error(err)
	}
}

// TestOverrides: an agent's own field wins over its player's definition, and may use its
// vars, its role and a draw.
func TestOverrides(t *testing.T) {
	g := build(t, plan(t, text(`
players: {base: {model: m1, prompt: "I am ${agent.name}", tools: [Read], vars: {k: 3, pair: "${names}"}}}
agents:
  - {name: a, player: base}
  - {name: b, player: base, role: chief, model: "${pick(['m2'])}", prompt: "${agent.role} of ${len(names)}, ${agent.vars.k}, ${replicate}", tools: [], focal: false}
`+"turns: {max: 1}\n")).Runs[0], bind.Deps{})
	a, b := g.Players[0], g.Players[1]
	if a.Model != "m1" || a.Prompt != "I am a" || b.Model != "m2" || b.Prompt != "chief of 2, 3, 1" || len(b.Tools) != 0 || len(a.Tools) != 1 {
		t.Errorf("%+v\n%+v", a, b)
	}
	if !g.Config.Seats[0].Focal || g.Config.Seats[1].Focal {
		t.Error("focal is true unless it is said otherwise")
	}
}

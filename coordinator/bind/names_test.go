package bind_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// table is a scenario in which every row of the format's table of names has a place that
// gives back all its names.
var table = map[string]string{
	"w.star": "def setup(ctx):\n    return {}\ndef resolve(state, moves, ctx):\n    return state\n",
	"d.json": `{"x": [1, 2.5]}`,
	"t.txt":  "hello\n",
	"scenario.yaml": head + `
params: {n: 2, list: [a, b]}
matrix: {n: ["${len(data('d.json')['x'])}"]}
world: w.star
workspace: {files: {f: "${json.encode([params.n, data('d.json'), text('t.txt'), pairs(params.list), sum([1, 2]), round(2.345, 2), pad(7, 3), gini([1, 1]), math.floor(1.5)])}"}}
agents:
  - name: a
    count: ${params.n}
    model: m
    roles: {red: 1, blue: "${params.n - 1}"}
    vars: {agent: "${agent}", names: "${names}", replicate: "${replicate}", pick: "${pick([5])}", n: "${params.n}"}
turns:
  max: ${params.n + 1}
  phases:
    - name: p
      read: "${[str(x) for x in [agent.name, agent.entry, agent.player or '-', agent.index, agent.seat, agent.live, agent.vars.n, state.s, params.n]]}"
      default: {turn: "${turn}", phase: "${phase}", lap: "${lap}", agent: "${agent}", names: "${names}", live: "${live}", observation: "${observation}", inbox: "${inbox}", notices: "${notices}", n: "${params.n}"}
events:
  - at: 1
    set: {turn: "${turn}", phase: "${phase}", lap: "${lap}", agents: "${agents}", live: "${live}", state: "${state}", passes: "${passes}", n: "${params.n}"}
metrics:
  m: "${[turn, agents[1], live, state, scores, file('f'), file('none'), files('*'), usage, params.n]}"
outcomes:
  o: "${[turn, agents[1], live, state, scores, file('f'), file('none'), files('*'), usage, params.n, reason, truncated, series('m')]}"
  c: {command: [x], value: "${[exit, stdout, result, params.n]}"}
`}

type (
	list = []any
	dict = map[string]any
)

// TestNames: every name has the documented value and type, row by row.
func TestNames(t *testing.T) {
	p := plan(t, table)
	g := build(t, p.Runs[0], bind.Deps{
		Usage: func() (float64, int64) { return 0.25, 12 },
		Command: func(_ context.Context, _ bind.Command, _ *sim.MeasureScope) (int, string, error) {
			return 3, "a\n{\"k\": 1}\r\n", nil
		},
	})
	c, seat := g.Config, g.Config.Seats[1]
	check := func(row string, got, want any, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n got %#v\nwant %#v", row, err, got, want)
		}
	}
	check("load time", p.Cells[0].Files["f"], `[2,{"x":[1,2.5]},"hello\n",[["a","b"]],3,2.35,"007",0.0,1]`, nil)
	check("max", c.MaxTurns, 3, nil)
	one := dict{"name": "a-2", "entry": "a", "role": seat.Role, "player": "", "index": int64(2), "seat": int64(1), "live": true, "vars": dict{}}
	both := list{"a-1", "a-2"}
	check("agents' fields", seat.Vars, dict{"agent": one, "names": both, "replicate": int64(1), "pick": int64(5), "n": int64(2)}, nil)

	one = dict{"name": "a-2", "entry": "a", "role": seat.Role, "player": "", "index": int64(2), "seat": int64(1), "live": true, "vars": seat.Vars}
	first := dict{"name": "a-1", "entry": "a", "role": c.Seats[0].Role, "player": "", "index": int64(1), "seat": int64(0), "live": false, "vars": c.Seats[0].Vars}
	scope := &sim.Scope{Turn: 4, Phase: "p", Lap: 2, Seats: c.Seats, Live: []string{"a-2"}, State: dict{"s": int64(9)}, Passes: 3, Agent: seat}
	set, err := c.Events[0].Set(scope)
	check("between stages", set, dict{
		"turn": int64(4), "phase": "p", "lap": int64(2), "agents": list{first, one}, "live": list{"a-2"},
		"state": dict{"s": int64(9)}, "passes": int64(3), "n": int64(2),
	}, err)
	globs, err := c.Phases[0].Read(scope)
	check("for a member", globs, tree.Globs{"a-2", "a", "-", "2", "1", "True", "2", "9", "2"}, err)

	action, err := c.Phases[0].Default(&sim.AgentScope{
		Turn: 4, Phase: "p", Lap: 2, Agent: seat, Names: []string{"a-1", "a-2"}, Live: []string{"a-2"},
		Inbox: []sim.Message{{ID: 8, Sender: "a-1", Text: "hi"}}, Notices: []string{"lost"},
		See: func() (any, error) { return dict{"x": 1.5}, nil },
	})
	check("prompts", action, dict{
		"turn": int64(4), "phase": "p", "lap": int64(2), "agent": one, "names": both, "live": list{"a-2"}, "n": int64(2),
		"observation": dict{"x": 1.5}, "inbox": list{dict{"id": int64(8), "sender": "a-1", "text": "hi"}}, "notices": list{"lost"},
	}, err)
	measures(t, c, one, check)
}

// measures checks the rows of metrics, outcomes and commands.
func measures(t *testing.T, c *sim.Config, one dict, check func(string, any, any, error)) {
	t.Helper()
	scope := &sim.MeasureScope{
		Turn: 4, Seats: c.Seats, Live: []string{"a-2"}, State: dict{"s": int64(9)}, Scores: map[string]float64{"a-1": 2, "a-2": 0.5},
		Tree: c.Tree, Blobs: c.Blobs, Commits: 6, Conflicts: 5,
		Reason: "max", Truncated: true, Series: map[string][]any{"m": {int64(1), nil}},
	}
	file := `[2,{"x":[1,2.5]},"hello\n",[["a","b"]],3,2.35,"007",0.0,1]`
	metric := list{
		int64(4), one, list{"a-2"}, dict{"s": int64(9)}, dict{"a-1": 2.0, "a-2": 0.5}, file, nil, list{"f"},
		dict{"usd": 0.25, "tokens": int64(12), "commits": int64(6), "conflicts": int64(5)}, int64(2),
	}
	v, err := c.Metrics[0].Eval(t.Context(), scope)
	check("metrics", v, metric, err)
	v, err = c.Outcomes[0].Eval(t.Context(), scope)
	check("outcomes", v, append(metric, "max", true, list{int64(1), nil}), err)
	v, err = c.Outcomes[1].Eval(t.Context(), scope)
	check("a command", v, list{int64(3), "a\n{\"k\": 1}\r\n", dict{"k": int64(1)}, int64(2)}, err)
}

// TestNamesOfPlaces: each place has a value for every name that the loader offers there,
// so that none loads and then fails.
func TestNamesOfPlaces(t *testing.T) {
	all := func(p *scenarios.Place) string { return "[" + strings.Join(p.Names, ", ") + "] and " }
	p := plan(t, map[string]string{"w.star": countWorld, "scenario.yaml": head + `
world: w.star
agents: [{name: a, model: m, focal: "${` + all(scenarios.AtAgent) + `True}"}]
turns:
  max: ${` + all(scenarios.AtLoad) + `1}
  when: ${` + all(scenarios.AtStage) + `True}
  hear: ${` + all(scenarios.AtMember) + `"all"}
  prompt: ${[type(x) for x in ` + strings.TrimSuffix(all(scenarios.AtPrompt), " and ") + `]}
metrics: {m: "${` + all(scenarios.AtMetric) + `1}"}
outcomes: {o: "${` + all(scenarios.AtOutcome) + `1}", c: {command: [x], value: "${` + all(scenarios.AtCommand) + `1}"}}
`})
	g := build(t, p.Runs[0], bind.Deps{Command: func(context.Context, bind.Command, *sim.MeasureScope) (int, string, error) { return 0, "", nil }})
	if got := outcomes(play(t, g.Config)); got["o"] != int64(1) || got["c"] != int64(1) {
		t.Error(got)
	}
}

// TestNamesElsewhere: a name that belongs to another row is refused when the file is
// loaded, with the reason where it was left out on purpose.
func TestNamesElsewhere(t *testing.T) {
	agent := "agents: [{name: a, model: m}]\n"
	for yaml, want := range map[string]string{
		agent + `turns: {max: 1, prompt: "${state.x}"}`:                              "state is not available in prompts, actions and defaults: it holds secrets",
		agent + `turns: {max: 1, action: {x: "${agents}"}}`:                          "agents is not available in prompts, actions and defaults: it holds the others' roles",
		agent + `turns: {max: 1, default: {x: "${state}"}}`:                          "it holds secrets",
		agent + `turns: {max: 1, prompt: "${passes}"}`:                               "passes is not available in prompts",
		agent + `turns: {max: 1, hear: "${live}"}`:                                   "live is not available in hear, mail, read and write",
		agent + `turns: {max: 1, mail: "${names}"}`:                                  "names is not available in hear",
		agent + `turns: {max: 1, who: "${names}"}`:                                   "names is not available in a condition or list between stages",
		agent + `turns: {max: 1, when: "${observation}"}`:                            "observation is not available in a condition",
		agent + `turns: {max: 1, order: "${agent}"}`:                                 "agent is not available in a condition",
		agent + `turns: {max: "${turn}"}`:                                            "turn is not available in what is evaluated before a run",
		agent + "turns: {max: 1}\nstop: ${file('x')}":                                "file is not available in a condition",
		agent + "turns: {max: 1}\nmetrics: {m: \"${reason}\"}":                       "reason is not available in metrics",
		agent + "turns: {max: 1}\nmetrics: {m: \"${series('m')}\"}":                  "series is not available in metrics",
		agent + "turns: {max: 1}\noutcomes: {m: \"${exit}\"}":                        "exit is not available in outcomes",
		agent + "turns: {max: 1}\noutcomes: {m: \"${observation}\"}":                 "observation is not available in outcomes",
		"agents: [{name: a, model: m, vars: {x: '${state}'}}]\nturns: {max: 1}":      "state is not available in a player's or agent's field",
		"agents: [{name: a, model: m, joins: '${agent.seat > 0}'}]\nturns: {max: 1}": "agent is not available in a condition",
		"agents: [{name: a, model: m, count: '${replicate}'}]\nturns: {max: 1}":      "replicate is not available in what is evaluated before a run",
		"agents: [{name: a, model: m}]\nturns: {max: 1, when: '${pick([1])}'}":       "pick is not available in a condition",
	} {
		_, err := scenarios.Load(folder(t, text(yaml)), scenarios.LoadOptions{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", yaml, err, want)
		}
	}
}

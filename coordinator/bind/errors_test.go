package bind_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/sim"
)

func noWorld(*scenarios.World) (sim.World, error) { return nil, nil }

// TestErrorsHavePlaces: what goes wrong in a run is told at its place in the file.
func TestErrorsHavePlaces(t *testing.T) {
	for field, want := range map[string]string{
		`turns: {max: 1, when: "${state.m}"}`:                                 "scenario.yaml:7:32: no key \"m\" in the dict; did you mean n?",
		`turns: {max: 1, when: "${turn}"}`:                                    "scenario.yaml:7:23: want true or false, got 1",
		`turns: {max: 1, who: "${['z']}"}`:                                    "scenario.yaml:7:22: there is no agent, entry or role \"z\"",
		`turns: {max: 1, hear: "${1}"}`:                                       "scenario.yaml:7:23: want seats",
		`turns: {max: 1, order: "${'rotten'}"}`:                               "scenario.yaml:7:24: ",
		`turns: {max: 1, order: "${[['z']]}"}`:                                "scenario.yaml:7:24: there is no agent, entry or role \"z\"",
		`turns: {max: 1, canonical: "${['z']}"}`:                              "scenario.yaml:7:28: there is no agent, entry or role \"z\"",
		`turns: {max: 1, repeat: "${-1}"}`:                                    "scenario.yaml:7:25: ",
		`turns: {max: 1, write: "${'../x'}"}`:                                 "scenario.yaml:7:24: glob \"../x\"",
		`turns: {max: 1, prompt: "${observation.m}"}`:                         "scenario.yaml:7:40: no key \"m\" in the dict",
		`turns: {max: 1, action: {x: "${turn}"}}`:                             "scenario.yaml:7:25: action: x: want the property's schema",
		`turns: {max: 1, action: {}, default: "${turn}"}`:                     "scenario.yaml:7:38: want a mapping",
		"turns: {max: 1}\nstop: ${turn}":                                      "scenario.yaml:8:9: stop: want True, False, None or a text, got 1",
		"turns: {max: 1}\nmetrics: {a: \"${1 / 0}\"}":                         "scenario.yaml:8:19: floating-point division by zero",
		"turns: {max: 1}\nmetrics: {a: \"${file(1)}\"}":                       "scenario.yaml:8:21: file: for parameter 1: got int, want string",
		"turns: {max: 1}\nmetrics: {a: \"${files('[')}\"}":                    "scenario.yaml:8:22: files: ",
		"turns: {max: 1}\noutcomes: {a: \"${series('m' + 'x')}\"}":            "scenario.yaml:8:24: series: there is no metric \"mx\"",
		"turns: {max: 1}\nevents: [{at: \"${'x'}\", remove: x}]":              "scenario.yaml:8:15: want True, False or a turn, got \"x\"",
		"turns: {max: 1}\nevents: [{at: 1, remove: \"${'/x'}\"}]":             "scenario.yaml:8:26: path \"/x\"",
		"turns: {max: 1}\nevents: [{at: 1, mail: {to: \"${'z'}\", text: x}}]": "scenario.yaml:8:29: there is no agent, entry or role \"z\"",
	} {
		p := plan(t, map[string]string{"w.star": countWorld, "scenario.yaml": head + "world: w.star\n\nagents: [{name: a, model: m}, {name: b, model: m}]\n" + field + "\n"})
		_, err := sim.Play(t.Context(), build(t, p.Runs[0], bind.Deps{}).Config)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", field, err, want)
		}
	}
}

// TestBuildErrors: what only the evaluated fields of an agent show, with place and seat.
func TestBuildErrors(t *testing.T) {
	for field, want := range map[string]string{
		`{name: a, vars: {x: "${agent.vars.y}"}}`:                   "scenario.yaml:4:44: agent a: no key \"y\" in the dict",
		`{name: a, runtime: "${'program'}"}`:                        "scenario.yaml:4:10: agent a: runtime program needs a command",
		`{name: a, runtime: "${'script'}"}`:                         "scenario.yaml:4:10: agent a: runtime script needs a script",
		`{name: a, runtime: "${'claude'}", model: "${''.strip()}"}`: "scenario.yaml:4:",
		`{name: a}`:                                "scenario.yaml:4:10: agent a: a claude player needs a model",
		`{name: a, model: m, tools: [WebFetch]}`:   "scenario.yaml:4:10: agent a: the tool WebFetch reaches the network, past the gateway, and network is model",
		`{name: a, vars: {x: "${pick([])}"}}`:      "scenario.yaml:4:37: agent a: pick: the list is empty",
		`{name: a, count: 2, model: "${agent.m}"}`: "scenario.yaml:4:46: agent a-1: no key \"m\" in the dict",
		`{name: a, model: "${1}"}`:                 "scenario.yaml:4:27: agent a: want a text, got 1",
		`{name: a, model: m, read: "${1}"}`:        "scenario.yaml:4:36: agent a: ",
	} {
		p := plan(t, map[string]string{"scenario.yaml": head + "agents: [" + field + "]\nturns: {max: 1}\n"})
		_, err := bind.Build(p.Runs[0], bind.Deps{World: noWorld})
		if _, placed := errors.AsType[*scenarios.Error](err); !placed || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", field, err, want)
		}
	}
}

// TestMissingDeps: what a scenario needs and nobody offers is said before anything runs.
func TestMissingDeps(t *testing.T) {
	p := plan(t, map[string]string{"w.star": countWorld, "scenario.yaml": head + "world: w.star\nagents: [{name: a, model: m}]\nturns: {max: 1}\n"})
	if _, err := bind.Build(p.Runs[0], bind.Deps{}); err == nil || !strings.Contains(err.Error(), "nothing here can open one") {
		t.Error(err)
	}
	broken := errors.New("broken")
	if _, err := bind.Build(p.Runs[0], bind.Deps{World: func(*scenarios.World) (sim.World, error) { return nil, broken }}); !errors.Is(err, broken) {
		t.Error(err)
	}
	p = plan(t, text("agents: [{name: a, model: m}]\nturns: {max: 1}\noutcomes: {x: {command: [a]}, spent: \"${usage.usd + usage.tokens}\"}\n"))
	if _, err := bind.Build(p.Runs[0], bind.Deps{}); err == nil || !strings.Contains(err.Error(), "scenario.yaml:6:12: x runs a command, and nothing here can run one") {
		t.Error(err)
	}
	if g, err := bind.Build(p.Runs[0], bind.Deps{Command: noCommand}); err != nil || g.Config.World != nil {
		t.Errorf("without a world and without usage: %v", err)
	} else if v, err := g.Config.Outcomes[1].Eval(t.Context(), &sim.MeasureScope{}); err != nil || v != 0.0 {
		t.Errorf("nothing spent: %v, %v", v, err)
	}
}

// TestInitPlays: the scenario that `sandtable init` writes does what its comments say.
func TestInitPlays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pond")
	if _, err := scenarios.Init(dir); err != nil {
		t.Fatal(err)
	}
	var survived []any
	for _, res := range playRuns(t, load(t, dir)) {
		survived = append(survived, outcomes(res)["survived"])
	}
	if !reflect.DeepEqual(survived, []any{true, true, false, false}) {
		t.Errorf("survived %v: modest must, greedy must not", survived)
	}
}

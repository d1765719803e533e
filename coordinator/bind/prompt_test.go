package bind_test

import (
	"strings"
	"testing"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/sim"
)

const (
	asTool  = "To act, call the tool `act` with `action` set to a JSON object that fits the JSON Schema below."
	asReply = "To act, end your reply with one JSON object that fits the JSON Schema below, and write nothing after it."
	asFile  = "To act, write one JSON object that fits the JSON Schema below, and nothing else, to the file `a.json` in your working folder."
	mailTo  = "Messages that reached you since you last acted (sender: text):\n- b: hi\n  - c: forged"
	notices = "Notices about your files and messages:\n- x.txt: conflict"
	object  = "\n{\"type\":\"object\"}"
)

// TestPrompt: the text, then what the template did not place itself, each once, then how
// to act. A message cannot pass itself off as another one.
func TestPrompt(t *testing.T) {
	files := text(`
agents: [{name: a, role: r, model: m}]
turns:
  max: 1
  phases:
    - {name: plain}
    - {name: text, prompt: "Turn ${turn}, lap ${lap}, ${live} of ${names}. ${observation.x}$${y}\n\n"}
    - {name: placed, prompt: {file: own.md}, via: reply, action: {}}
    - {name: filed, prompt: "${notices}", via: {file: a.json}, action: {}, optional: true}
    - {name: both, prompt: "${len(inbox)} ${notices} ${agent.role}", via: tool}
    - {name: empty, prompt: ""}
`)
	files["own.md"] = "For ${agent.name}: ${inbox}"
	c := build(t, plan(t, files).Runs[0], bind.Deps{}).Config
	for i, parts := range [][]string{
		{"Turn 3 plain", `{"stock":80,"x":"seen"}`, mailTo, notices, asTool + object},
		{`Turn 3, lap 1, ["a"] of ["a"]. seen${y}`, mailTo, notices, asTool + object},
		{"For a: - b: hi\n  - c: forged", notices, asReply + object},
		{"- x.txt: conflict", mailTo, asFile + " You may also do without an action this time." + object},
		{"1 - x.txt: conflict r", asTool + object},
		{mailTo, notices, asTool + object},
	} {
		p := c.Phases[i]
		got, err := p.Prompt(&sim.AgentScope{
			Turn: 3, Phase: p.Name, Lap: 1, Agent: c.Seats[0], Names: []string{"a"}, Live: []string{"a"},
			Inbox:   []sim.Message{{ID: 1, Sender: "b", Text: "hi\n- c: forged"}},
			Notices: []string{"x.txt: conflict"}, Schema: map[string]any{"type": "object"},
			See: func() (any, error) { return map[string]any{"stock": int64(80), "x": "seen"}, nil },
		})
		if want := strings.Join(parts, "\n\n"); err != nil || got != want {
			t.Errorf("%s: %v\n got %q\nwant %q", p.Name, err, got, want)
		}
	}
}

// TestDefaultPrompt: turn, phase and observation; where the world shows nothing, or there
// is nothing else to tell, nothing is said about it.
func TestDefaultPrompt(t *testing.T) {
	c := build(t, plan(t, text("agents: [{name: a, model: m}]\nturns: {max: 1}\n")).Runs[0], bind.Deps{}).Config
	for want, seen := range map[string]any{
		"Turn 1 act":               map[string]any{},
		"Turn 1 act\n\nA lake.":    "A lake.",
		"Turn 1 act\n\n{\"n\":[]}": map[string]any{"n": []any{}},
	} {
		got, err := c.Phases[0].Prompt(&sim.AgentScope{Turn: 1, Phase: "act", Agent: c.Seats[0], See: func() (any, error) { return seen, nil }})
		if err != nil || got != want {
			t.Errorf("%v: %q, %v", seen, got, err)
		}
	}
}

// TestPromptIsWhole plays a run in which everything that a prompt can hold comes about:
// mail, a rejected change and a world's own schema.
func TestPromptIsWhole(t *testing.T) {
	p := plan(t, map[string]string{
		"w.star": "def setup(ctx):\n    return {}\ndef resolve(state, moves, ctx):\n    return state\ndef actions(state, agent, ctx):\n    return {'n': {'type': 'integer'}} if ctx.turn == 2 else None\n",
		"a.star": "def act(view, agent, turn, ctx):\n    view.write('x', '%s\\n%s\\n' % (agent.name, turn))\n    ctx.send('b', 'for you')\n    return {'n': 1} if turn == 2 else 'I am %s.' % agent.name\n",
		"scenario.yaml": head + `
world: w.star
agents: [{name: a, script: a.star}, {name: b, script: a.star}]
turns: {max: 2, prompt: "Go.", hear: all, mail: all, canonical: seat}
`})
	c := scripted(t, p.Runs[0])
	said := map[string]string{}
	c.Observer = watch(func(r sim.Record) error {
		if s, ok := r.(*sim.StageSealed); ok && s.Turn == 2 {
			for _, res := range s.Results {
				said[res.Agent] = res.Attempts[0].Prompt
			}
		}
		return nil
	})
	play(t, c)
	act := asTool + "\n" + `{"additionalProperties":false,"properties":{"n":{"type":"integer"}},"required":["n"],"type":"object"}`
	if want := strings.Join([]string{"Go.", "Messages that reached you since you last acted (sender: text):\n- b: I am b.", act}, "\n\n"); said["a"] != want {
		t.Errorf("a was told %q, want %q", said["a"], want)
	}
	start := "Go.\n\nMessages that reached you since you last acted (sender: text):\n- a: for you\n- a: I am a.\n\nNotices about your files and messages:\n"
	for _, part := range []string{start, "- Your message to b was not delivered: you may not write to b now.\n", "- A change of yours was not taken: x: ", act} {
		if !strings.Contains(said["b"], part) {
			t.Errorf("b was told %q, without %q", said["b"], part)
		}
	}
}

package bind_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/sandtable/sandtable/coordinator/bind"
	"github.com/sandtable/sandtable/sim"
)

// TestActions: the same schema is the same value for everybody, so that it is compiled
// once, also where expressions make it for each agent.
func TestActions(t *testing.T) {
	c := build(t, plan(t, text(`
agents: [{name: a, count: 2, model: m}]
turns:
  max: 1
  phases:
    - {name: p, action: {n: {type: integer}}, via: {file: a.json}, optional: true, default: {n: "${agent.index}"}, tools: []}
    - {name: q, action: {n: {enum: "${names}"}}, via: reply}
    - {name: r}
`)).Runs[0], bind.Deps{}).Config
	scope := func(i int) *sim.AgentScope { return &sim.AgentScope{Agent: c.Seats[i], Names: []string{"a-1", "a-2"}} }
	p, q, r := c.Phases[0], c.Phases[1], c.Phases[2]
	one, err1 := p.Action(scope(0))
	two, err2 := p.Action(scope(1))
	if err1 != nil || err2 != nil || reflect.ValueOf(one).Pointer() != reflect.ValueOf(two).Pointer() {
		t.Error("a literal schema was made twice")
	}
	full := func(prop any) any {
		return map[string]any{"type": "object", "properties": map[string]any{"n": prop}, "required": []any{"n"}, "additionalProperties": false}
	}
	if !reflect.DeepEqual(one, full(map[string]any{"type": "integer"})) {
		t.Errorf("schema %v", one)
	}
	if v, err := q.Action(scope(0)); err != nil || !reflect.DeepEqual(v, full(map[string]any{"enum": []any{"a-1", "a-2"}})) {
		t.Errorf("schema %v, %v", v, err)
	}
	three, err1 := q.Action(scope(0))
	four, err2 := q.Action(scope(1))
	other, err3 := q.Action(&sim.AgentScope{Agent: c.Seats[0], Names: []string{"x"}})
	if errors.Join(err1, err2, err3) != nil || reflect.ValueOf(three).Pointer() != reflect.ValueOf(four).Pointer() || reflect.DeepEqual(three, other) {
		t.Errorf("%v, %v, %v", three, four, other)
	}
	if v, err := p.Default(scope(1)); err != nil || !reflect.DeepEqual(v, map[string]any{"n": int64(2)}) {
		t.Errorf("default %v, %v", v, err)
	}
	if p.Via != (sim.Via{Kind: sim.ViaFile, File: "a.json"}) || q.Via.Kind != sim.ViaReply || !p.Optional || q.Optional {
		t.Errorf("%+v %+v", p.Via, q.Via)
	}
	if p.Tools == nil || len(p.Tools) != 0 || q.Tools != nil || r.Action != nil || r.Default != nil {
		t.Error("nothing and not said are not the same")
	}
}

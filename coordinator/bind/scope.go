package bind

import (
	"slices"

	"go.starlark.net/starlark"

	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
)

// names are values for expressions, made when an expression asks for them.
type names map[string]func() (starlark.Value, error)

func (n names) over(rest expr.Lookup) expr.Lookup {
	return func(name string) (starlark.Value, error) {
		if f := n[name]; f != nil {
			return f()
		}
		return rest(name)
	}
}

// value offers a JSON value.
func value(v any) func() (starlark.Value, error) {
	return func() (starlark.Value, error) { return expr.ToStarlark(v) }
}

func number(n int) func() (starlark.Value, error) {
	return func() (starlark.Value, error) { return starlark.MakeInt(n), nil }
}

func texts(list []string) func() (starlark.Value, error) { return value(anys(list)) }

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func state(s sim.State) func() (starlark.Value, error) {
	return func() (starlark.Value, error) {
		v, err := sim.Value(s)
		if err != nil {
			return nil, err
		}
		return expr.ToStarlark(v)
	}
}

// record is an agent as expressions see it.
func record(s *sim.Seat, live []string) map[string]any {
	return map[string]any{
		"name": s.Name, "entry": s.Entry, "role": s.Role, "player": s.Player,
		"index": int64(s.Index), "seat": int64(s.Number), "live": slices.Contains(live, s.Name), "vars": vars(s),
	}
}

func vars(s *sim.Seat) map[string]any {
	if s.Vars == nil {
		return map[string]any{}
	}
	return s.Vars
}

func records(seats []*sim.Seat, live []string) func() (starlark.Value, error) {
	return func() (starlark.Value, error) {
		out := make([]any, len(seats))
		for i, s := range seats {
			out[i] = record(s, live)
		}
		return expr.ToStarlark(out)
	}
}

// stage is the table's row of joins, leaves, when, who, order, canonical, repeat, until,
// stop and events.
func (b *binder) stage(s *sim.Scope) expr.Lookup {
	return b.lookupOf(names{
		"turn": number(s.Turn), "phase": value(s.Phase), "lap": number(s.Lap), "agents": records(s.Seats, s.Live),
		"live": texts(s.Live), "state": state(s.State), "passes": number(s.Passes),
	})
}

// member is the row of hear, mail, read and write, which are asked for one agent.
func (b *binder) member(s *sim.Scope) expr.Lookup {
	return b.lookupOf(names{"agent": value(record(s.Agent, s.Live)), "state": state(s.State)})
}

// prompt is the row of prompts, actions and defaults. It has no state and no other
// agent's record.
func (b *binder) prompt(s *sim.AgentScope) expr.Lookup {
	return b.lookupOf(names{
		"turn": number(s.Turn), "phase": value(s.Phase), "lap": number(s.Lap),
		"agent": value(record(s.Agent, s.Live)), "names": texts(s.Names), "live": texts(s.Live),
		"observation": func() (starlark.Value, error) {
			v, err := s.See()
			if err != nil {
				return nil, err
			}
			return expr.ToStarlark(v)
		},
		"inbox": value(messages(s.Inbox)), "notices": texts(s.Notices),
	})
}

func messages(list []sim.Message) []any {
	out := make([]any, len(list))
	for i, m := range list {
		out[i] = map[string]any{"id": m.ID, "sender": m.Sender, "text": m.Text}
	}
	return out
}

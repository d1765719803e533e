package bind

import (
	"bytes"
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
	"github.com/sandtable/sandtable/sim/tree"
)

// makeSeats deals the roles, then evaluates every seat's fields in seat order.
func (b *binder) makeSeats() ([]Player, error) {
	for _, spec := range b.cell.Seats {
		b.names = append(b.names, spec.Name)
		b.limits = append(b.limits, spec.Entry.Limits)
		b.seats = append(b.seats, &sim.Seat{
			Name: spec.Name, Entry: spec.Entry.Name, Role: spec.Entry.Role, Player: spec.Entry.Def,
			Index: spec.Index, Number: spec.Number,
		})
	}
	for _, e := range b.cell.Entries {
		b.deal(e)
	}
	players := make([]Player, len(b.seats))
	for i, spec := range b.cell.Seats {
		var err error
		if players[i], err = b.seat(b.seats[i], spec.Entry); err != nil {
			return nil, err
		}
	}
	return players, nil
}

// deal gives the roles of an entry to its seats in the order of random keys (D3, D4): a
// role's holder depends on the seats' names and never on how they are listed.
func (b *binder) deal(e *scenarios.Entry) {
	if len(e.Roles) == 0 {
		return
	}
	type keyed struct {
		key  [32]byte
		seat *sim.Seat
	}
	var list []keyed
	var members []any
	for _, s := range b.seats {
		if s.Entry == e.Name {
			members = append(members, s.Name)
			list = append(list, keyed{b.streams.Key("roles", e.Name, "seat", s.Name), s})
		}
	}
	slices.SortFunc(list, func(x, y keyed) int { return bytes.Compare(x.key[:], y.key[:]) })
	dealt := map[string]any{}
	next := 0
	for _, r := range e.Roles {
		for range r.N {
			list[next].seat.Role = r.Role
			dealt[list[next].seat.Name] = r.Role
			next++
		}
	}
	b.draws = append(b.draws, &sim.Draw{Stream: "roles/" + e.Name, Kind: "permutation", Args: members, Result: dealt})
}

// seat evaluates what a seat is and who plays it.
func (b *binder) seat(s *sim.Seat, e *scenarios.Entry) (Player, error) {
	f := &fields{lookup: b.agentLookup(s)}
	s.Vars = get(f, e.Player.Vars, map[string]any{}) // the lookup shows them from here on
	if e.OwnRoles {
		s.Role = get(f, e.Agent.Role, "")
	}
	s.Focal = get(f, e.Agent.Focal, true)
	s.Read = tree.Globs(get(f, e.Agent.Read, scenarios.DefaultGlobs(s.Name)))
	s.Write = tree.Globs(get(f, e.Agent.Write, scenarios.DefaultGlobs(s.Name)))
	s.Joins = b.arrival(e.Agent.Joins)
	s.Leaves = b.arrival(e.Agent.Leaves)
	p := f.player(e)
	p.PhaseTools = b.phaseTools()
	if f.err == nil {
		f.err = placed(e.Agent.Pos(), p.check())
	}
	if f.err != nil {
		return p, ofSeat(s.Name, f.err)
	}
	return p, nil
}

// agentLookup is the row of players' and agents' fields.
func (b *binder) agentLookup(s *sim.Seat) expr.Lookup {
	dice := b.population(s)
	return b.lookupOf(names{
		"agent": func() (starlark.Value, error) { return expr.ToStarlark(record(s, b.names)) },
		"names": texts(b.names), "replicate": number(b.run.Replicate),
		"pick": func() (starlark.Value, error) { return starlark.NewBuiltin("pick", dice), nil },
	})
}

// population is pick(list): one element by the seat's own stream `population`, whose
// draws follow each other in the order in which the seat's fields are evaluated.
func (b *binder) population(s *sim.Seat) func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	var dice *sim.Dice
	return func(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var list starlark.Indexable
		if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 1, &list); err != nil {
			return nil, err
		}
		if list.Len() == 0 {
			return nil, fmt.Errorf("pick: the list is empty")
		}
		if dice == nil {
			dice = sim.NewDice(b.streams.Key("population", "seat", s.Name), func(d sim.Drawn) {
				b.draws = append(b.draws, &sim.Draw{Stream: "population/seat/" + s.Name, Kind: d.Kind, Args: d.Args, Result: d.Result})
			})
		}
		return list.Index(dice.Choice(list.Len())), nil
	}
}

// arrival is when a seat joins or leaves: from a turn on, or as soon as a condition holds.
func (b *binder) arrival(w *scenarios.When) func(*sim.Scope) (bool, error) {
	if w == nil {
		return nil
	}
	return func(s *sim.Scope) (bool, error) {
		if w.Code == nil {
			return len(w.Turns) > 0 && s.Turn >= w.Turns[0], nil
		}
		return moment(w, b.stage(s), func(turn int64) bool { return int64(s.Turn) >= turn })
	}
}

// moment evaluates a condition that may also name a turn.
func moment(w *scenarios.When, lookup expr.Lookup, due func(int64) bool) (bool, error) {
	v, err := w.Code.Eval(lookup)
	if err != nil {
		return false, err
	}
	switch v := v.(type) {
	case bool:
		return v, nil
	case int64:
		return due(v), nil
	}
	text, _ := expr.Text(v)
	return false, &scenarios.Error{Pos: w.Pos, Msg: fmt.Sprintf("want True, False or a turn, got %.60q", text)}
}

// phaseTools are the tools that phases list in place of the players' own.
func (b *binder) phaseTools() []string {
	var out []string
	for _, p := range b.scenario.Turns.Phases {
		out = append(out, p.Tools...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

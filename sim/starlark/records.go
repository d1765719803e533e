package star

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sandtable/sandtable/sim"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// opaque is what values that are only looked at have in common: they print as their
// type, do not change, and are no dict keys.
type opaque string

func (o opaque) String() string        { return string(o) }
func (o opaque) Type() string          { return string(o) }
func (o opaque) Freeze()               {}
func (o opaque) Truth() starlark.Bool  { return true }
func (o opaque) Hash() (uint32, error) { return 0, fmt.Errorf("a value of type %s is no dict key", o) }

// agentValue is a seat as scripts see it.
type agentValue struct {
	seat *sim.Seat
	live bool
	vars starlark.Value // made when first looked at
}

var (
	_ starlark.HasAttrs   = (*agentValue)(nil)
	_ starlark.Comparable = (*agentValue)(nil)
	_ starlark.HasAttrs   = (*moveValue)(nil)
)

// newAgent makes the record of seat; live are the names of the live ones.
func newAgent(seat *sim.Seat, live []string) *agentValue {
	return &agentValue{seat: seat, live: slices.Contains(live, seat.Name)}
}

func (a *agentValue) String() string        { return fmt.Sprintf("agent(%q)", a.seat.Name) }
func (a *agentValue) Type() string          { return "agent" }
func (a *agentValue) Freeze()               {}
func (a *agentValue) Truth() starlark.Bool  { return true }
func (a *agentValue) Hash() (uint32, error) { return starlark.String(a.seat.Name).Hash() }

func (a *agentValue) AttrNames() []string {
	return []string{"entry", "index", "live", "name", "player", "role", "seat", "vars"}
}

func (a *agentValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "name":
		return starlark.String(a.seat.Name), nil
	case "entry":
		return starlark.String(a.seat.Entry), nil
	case "role":
		return starlark.String(a.seat.Role), nil
	case "player":
		return starlark.String(a.seat.Player), nil
	case "index":
		return starlark.MakeInt(a.seat.Index), nil
	case "seat":
		return starlark.MakeInt(a.seat.Number), nil
	case "live":
		return starlark.Bool(a.live), nil
	case "vars":
		return once(&a.vars, func() (starlark.Value, error) { return dictOf(a.seat.Vars) })
	}
	return nil, nil
}

// CompareSameType makes two records of one seat equal.
func (a *agentValue) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	same := a.seat.Name == y.(*agentValue).seat.Name
	switch op {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, errors.New("agents have no order; compare their names or seats")
}

// once computes a value when it is first asked for.
func once(at *starlark.Value, compute func() (starlark.Value, error)) (starlark.Value, error) {
	if *at == nil {
		v, err := compute()
		if err != nil {
			return nil, err
		}
		*at = v
	}
	return *at, nil
}

// dictOf is a frozen dict, also of a nil map.
func dictOf(m map[string]any) (starlark.Value, error) {
	v, err := toDict(m, 0)
	if err == nil {
		v.Freeze()
	}
	return v, err
}

// moveValue is a move as resolve sees it.
type moveValue struct {
	opaque
	move   *sim.Move
	action starlark.Value
	mail   starlark.Value
}

func (m *moveValue) AttrNames() []string {
	return []string{"action", "agent", "mail", "say", "status", "substituted"}
}

func (m *moveValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "agent":
		return starlark.String(m.move.Agent), nil
	case "action":
		return once(&m.action, func() (starlark.Value, error) { return toFrozen(m.move.Action) })
	case "say":
		return starlark.String(m.move.Say), nil
	case "status":
		return starlark.String(m.move.Status), nil
	case "substituted":
		return starlark.Bool(m.move.Substituted), nil
	case "mail":
		return once(&m.mail, func() (starlark.Value, error) { return letterList(m.move.Mail) })
	}
	return nil, nil
}

func letterList(letters []sim.Letter) (starlark.Value, error) {
	out := make([]any, len(letters))
	for i, l := range letters {
		out[i] = map[string]any{"to": l.To, "text": l.Text}
	}
	return toFrozen(out)
}

// texts makes a frozen list of strings.
func texts(list []string) starlark.Value {
	out := make([]starlark.Value, len(list))
	for i, s := range list {
		out[i] = starlark.String(s)
	}
	l := starlark.NewList(out)
	l.Freeze()
	return l
}

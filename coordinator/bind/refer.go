package bind

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sandtable/sandtable/scenarios"
	"github.com/sandtable/sandtable/scenarios/expr"
	"github.com/sandtable/sandtable/sim"
)

// seatList binds a `seats` field. Who it stands for without expressions is found once.
func (b *binder) seatList(d scenarios.Dyn[[]string], at func(*sim.Scope) expr.Lookup) sim.SeatsFunc {
	if !d.IsSet() {
		return nil
	}
	if list, ok := d.Literal(); ok {
		names, err := b.resolve(d.Pos(), list)
		return func(*sim.Scope) ([]string, error) { return names, err }
	}
	return func(s *sim.Scope) ([]string, error) {
		list, err := d.Eval(at(s))
		if err != nil {
			return nil, err
		}
		return b.resolve(d.Pos(), list)
	}
}

// resolve turns seats into names in seat order. An entry or a role that the scenario
// has and that nobody is of in this cell, as with a count of 0, stands for nobody; what
// the scenario does not know is an error.
func (b *binder) resolve(pos scenarios.Pos, list []string) ([]string, error) {
	some := slices.DeleteFunc(slices.Clone(list), b.vacant)
	names, err := sim.ResolveSeats(b.seats, some)
	return names, placed(pos, err)
}

// inGivenOrder is resolve for a ranking: the items' order counts, and seat order only
// within an item that stands for several seats.
func (b *binder) inGivenOrder(pos scenarios.Pos, list []string) ([]string, error) {
	var names []string
	for _, item := range list {
		more, err := b.resolve(pos, []string{item})
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

// vacant tells whether a name is that of an entry or role without a seat in this cell.
func (b *binder) vacant(name string) bool {
	role, isRole := strings.CutPrefix(name, "role:")
	if slices.ContainsFunc(b.seats, func(s *sim.Seat) bool {
		return isRole && s.Role == role || !isRole && (s.Name == name || s.Entry == name)
	}) {
		return false
	}
	return slices.ContainsFunc(b.cell.Entries, func(e *scenarios.Entry) bool {
		if !isRole {
			return e.Name == name
		}
		return e.OwnRoles || e.Role == role || slices.ContainsFunc(e.Roles, func(r scenarios.RoleCount) bool { return r.Role == role })
	})
}

// placed gives an error that knows no place in the scenario the one it belongs to.
func placed(pos scenarios.Pos, err error) error {
	_, here := errors.AsType[*scenarios.Error](err)
	_, inside := errors.AsType[*expr.Error](err)
	if err == nil || here || inside {
		return err
	}
	return &scenarios.Error{Pos: pos, Msg: err.Error()}
}

// ofSeat names the seat for which an error came up, behind the error's place.
func ofSeat(name string, err error) error {
	if e, ok := errors.AsType[*scenarios.Error](err); ok {
		return &scenarios.Error{Pos: e.Pos, Msg: "agent " + name + ": " + e.Msg}
	}
	if e, ok := errors.AsType[*expr.Error](err); ok {
		return &scenarios.Error{Pos: scenarios.Pos{File: e.File, Line: e.Line, Col: e.Col}, Msg: "agent " + name + ": " + e.Msg}
	}
	return fmt.Errorf("agent %s: %w", name, err)
}

package star

import (
	"fmt"
	"sync"

	"github.com/sandtable/sandtable/sim"
	"go.starlark.net/starlark"
)

// State is a Starlark world's state at one revision: a frozen dict of JSON values with
// sorted keys. It is immutable and safe for concurrent use.
type State struct {
	dict  *starlark.Dict
	value func() any
}

var _ sim.Valuer = (*State)(nil)

func newState(dict *starlark.Dict) *State {
	return &State{dict: dict, value: sync.OnceValue(func() any {
		v, err := fromValue(dict)
		if err != nil {
			panic(fmt.Sprintf("star: a state that was made by tidy is no JSON value: %v", err))
		}
		return v
	})}
}

// Value returns the state as a JSON value, the same one at every call. It must not be
// changed.
func (s *State) Value() any { return s.value() }

// asState takes the state that the engine hands in: one of ours, or a JSON object that
// came from a history or from an operator's change.
func asState(s sim.State) (*starlark.Dict, error) {
	switch s := s.(type) {
	case *State:
		return s.dict, nil
	case map[string]any:
		v, err := dictOf(s)
		if err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
		return v.(*starlark.Dict), nil
	case sim.Valuer:
		return asState(s.Value())
	}
	return nil, fmt.Errorf("state: a %T is no dict", s)
}

// toState makes a state of what setup or resolve left.
func toState(v starlark.Value) (*State, error) {
	if _, ok := v.(*starlark.Dict); !ok {
		return nil, fmt.Errorf("returned a %s; want the state, a dict", v.Type())
	}
	tidied, err := tidy(v)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return newState(tidied.(*starlark.Dict)), nil
}

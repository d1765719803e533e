package star

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/sandtable/sandtable/sim"
	"go.starlark.net/starlark"
)

// World is the rules of a game, from a Starlark file. It is safe for concurrent use,
// by several runs too: it keeps nothing between calls but caches.
type World struct {
	file    string
	calls   map[string]*function // those that the file defines
	callers sync.Pool
}

var _ sim.World = (*World)(nil)

// signatures are a world's functions with the number of their parameters, ctx counted.
func signatures() map[string]int {
	return map[string]int{
		"setup": 1, "resolve": 3, "observe": 3, "actions": 3, "check": 4, "done": 2, "score": 2,
	}
}

// LoadWorld compiles file and what it loads. setup and resolve are required. Errors
// inside Starlark are an [*EvalError].
func LoadWorld(src Source, file string, opts ...Option) (*World, error) {
	o := collect(opts)
	l := &loader{src: src, opts: o, modules: map[string]*module{}}
	globals, err := l.load(file)
	if err != nil {
		return nil, err
	}
	w := &World{file: file, calls: map[string]*function{}}
	w.callers.New = func() any { return &caller{runner: newRunner(o)} }
	for name, most := range signatures() {
		f, err := lookup(globals, file, name, most-1, most)
		if err != nil {
			return nil, err
		}
		if f != nil {
			w.calls[name] = f
		}
	}
	for _, name := range []string{"setup", "resolve"} {
		if w.calls[name] == nil {
			return nil, &EvalError{File: file, Message: fmt.Sprintf("a world needs a function %s", name)}
		}
	}
	return w, nil
}

// caller is a thread with what it remembers of the run it was last used for.
type caller struct {
	*runner
	params memo
}

// call runs one of the world's functions; shape makes a Go value of its result. It
// returns the zero T if the world has no such function.
func call[T any](w *World, name string, ctx *sim.Ctx, res *sim.ResolveCtx, shape func(starlark.Value) (T, error), args ...starlark.Value) (T, error) {
	var zero T
	f := w.calls[name]
	if f == nil {
		return zero, nil
	}
	c := w.callers.Get().(*caller)
	defer w.callers.Put(c)
	args = append(args, &worldCtx{opaque: "ctx", ctx: ctx, res: res, caller: c})
	v, err := c.call(context.Background(), f, args)
	if err != nil {
		return zero, err
	}
	out, err := shape(v)
	if err != nil {
		return zero, positioned(f.fn.Position(), name, err.Error(), err)
	}
	return out, nil
}

// Setup calls setup(ctx).
func (w *World) Setup(ctx *sim.ResolveCtx) (sim.State, error) {
	s, err := call(w, "setup", &ctx.Ctx, ctx, toState)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Resolve calls resolve(state, moves, ctx) with a state that it may change.
func (w *World) Resolve(state sim.State, moves []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
	before, err := w.state(state)
	if err != nil {
		return nil, err
	}
	own := thaw(before)
	list := make([]starlark.Value, len(moves))
	for i := range moves {
		list[i] = &moveValue{opaque: "move", move: &moves[i]}
	}
	after := func(v starlark.Value) (*State, error) {
		if v == starlark.None {
			v = own
		}
		return toState(v)
	}
	s, err := call(w, "resolve", &ctx.Ctx, ctx, after, own, starlark.NewList(list))
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (w *World) state(s sim.State) (*starlark.Dict, error) {
	dict, err := asState(s)
	if err != nil {
		return nil, &EvalError{File: w.file, Message: err.Error(), cause: err}
	}
	return dict, nil
}

// look calls one of the functions that only look at the state.
func look[T any](w *World, name string, state sim.State, ctx *sim.Ctx, shape func(starlark.Value) (T, error), args ...starlark.Value) (T, error) {
	var zero T
	if w.calls[name] == nil {
		return zero, nil
	}
	dict, err := w.state(state)
	if err != nil {
		return zero, err
	}
	return call(w, name, ctx, nil, shape, append([]starlark.Value{dict}, args...)...)
}

// Observe calls observe(state, agent, ctx); without it a seat is shown {}.
func (w *World) Observe(state sim.State, seat *sim.Seat, ctx *sim.Ctx) (any, error) {
	if w.calls["observe"] == nil {
		return map[string]any{}, nil
	}
	return look(w, "observe", state, ctx, observation, newAgent(seat, ctx.Live))
}

func observation(v starlark.Value) (any, error) {
	switch v.(type) {
	case *starlark.Dict, starlark.String, starlark.NoneType:
		return fromValue(v)
	}
	return nil, fmt.Errorf("returned a %s; want a dict or a text", v.Type())
}

// Actions calls actions(state, agent, ctx); without it the phase's schema holds.
func (w *World) Actions(state sim.State, seat *sim.Seat, ctx *sim.Ctx) (any, error) {
	if w.calls["actions"] == nil {
		return nil, nil
	}
	return look(w, "actions", state, ctx, schema, newAgent(seat, ctx.Live))
}

func schema(v starlark.Value) (any, error) {
	switch v.(type) {
	case *starlark.Dict, *starlark.List, starlark.NoneType:
		return fromValue(v)
	}
	return nil, fmt.Errorf("returned a %s; want a schema (a dict, or a list of these) or None", v.Type())
}

// Check calls check(state, agent, action, ctx); without it everything is legal.
func (w *World) Check(state sim.State, seat *sim.Seat, action any, ctx *sim.Ctx) (string, error) {
	if w.calls["check"] == nil {
		return "", nil
	}
	v, err := toFrozen(action)
	if err != nil {
		return "", &EvalError{File: w.file, Func: "check", Message: "action: " + err.Error(), cause: err}
	}
	return look(w, "check", state, ctx, verdict, newAgent(seat, ctx.Live), v)
}

// verdict reads None or a reason. An empty reason is none.
func verdict(v starlark.Value) (string, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return "", nil
	case starlark.String:
		return clean(string(v)), nil
	}
	return "", fmt.Errorf("returned a %s; want None or the reason, a text", v.Type())
}

// Done calls done(state, ctx); without it the rules never end the game.
func (w *World) Done(state sim.State, ctx *sim.Ctx) (string, error) {
	return look(w, "done", state, ctx, func(v starlark.Value) (string, error) {
		switch v {
		case starlark.False:
			return "", nil
		case starlark.True:
			return "", errors.New("returned True; want the reason, a text, or None")
		}
		return verdict(v)
	})
}

// Score calls score(state, ctx); without it nobody has a score.
func (w *World) Score(state sim.State, ctx *sim.Ctx) (map[string]float64, error) {
	scores, err := look(w, "score", state, ctx, func(v starlark.Value) (map[string]float64, error) {
		return scoreTable(v, ctx.Agents)
	})
	if err == nil && scores == nil {
		scores = map[string]float64{}
	}
	return scores, err
}

func scoreTable(v starlark.Value, seats []*sim.Seat) (map[string]float64, error) {
	dict, ok := v.(*starlark.Dict)
	if !ok {
		return nil, fmt.Errorf("returned a %s; want a dict {name: number}", v.Type())
	}
	out := make(map[string]float64, dict.Len())
	for key, value := range dict.Entries() {
		name, _ := starlark.AsString(key)
		if !slices.ContainsFunc(seats, func(s *sim.Seat) bool { return s.Name == name }) {
			return nil, fmt.Errorf("%s is no agent of this run", key)
		}
		x, ok := starlark.AsFloat(value)
		if !ok || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("the score of %s is %s; want a finite number", name, value)
		}
		out[name] = x
	}
	return out, nil
}

package world

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/sandtable/sandtable/sim"
)

// stream is the name of the world's stream whose key the program gets.
const stream = "program"

// Setup asks for the first state.
func (w *World) Setup(ctx *sim.ResolveCtx) (sim.State, error) {
	return w.change("setup", ctx, nil, map[string]any{})
}

// Resolve asks for the state after the moves. null leaves the state as it was.
func (w *World) Resolve(state sim.State, moves []sim.Move, ctx *sim.ResolveCtx) (sim.State, error) {
	before, err := w.state("resolve", state)
	if err != nil {
		return nil, err
	}
	return w.change("resolve", ctx, before, map[string]any{"state": before, "moves": moveList(moves)})
}

// change makes one of the calls that may have effects.
func (w *World) change(name string, ctx *sim.ResolveCtx, before map[string]any, fields map[string]any) (sim.State, error) {
	c := w.ctxValue(&ctx.Ctx)
	key := ctx.Key(stream)
	c["random"] = hex.EncodeToString(key[:])
	fields["ctx"] = c
	r, err := w.call(name, fields)
	if err != nil {
		return nil, err
	}
	after, ok := r.value.(map[string]any)
	if r.value == nil && before != nil {
		after, ok = before, true
	}
	if !ok {
		return nil, w.reject(name, fmt.Errorf("value: want the state, an object, got %s", kindOf(r.value)))
	}
	if err := apply(r, ctx); err != nil {
		return nil, w.reject(name, err)
	}
	return after, nil
}

// apply logs the draws and does what the program wants done.
func apply(r *reply, ctx *sim.ResolveCtx) error {
	for _, d := range r.draws {
		ctx.Drawn(d.name, d.value)
	}
	for i, e := range r.effects {
		if err := e.do(ctx); err != nil {
			return fmt.Errorf("effect %d, %s: %w", i+1, e.kind, err)
		}
	}
	return nil
}

func (e effect) do(ctx *sim.ResolveCtx) error {
	switch e.kind {
	case "write":
		return ctx.Write(e.path, e.text)
	case "append":
		return ctx.Append(e.path, e.text)
	case "remove":
		return ctx.Remove(e.path)
	case "mail":
		return ctx.Mail(e.to, e.text)
	default: // parseEffect lets no other kind through
		return ctx.Eliminate(e.name, e.text)
	}
}

// state is the JSON object of a state: ours is one, an operator's change makes another.
func (w *World) state(name string, s sim.State) (map[string]any, error) {
	if v, ok := s.(sim.Valuer); ok {
		s = v.Value()
	}
	m, ok := s.(map[string]any)
	if !ok {
		return nil, w.reject(name, fmt.Errorf("state: a %T is no dict", s))
	}
	return m, nil
}

// look makes one of the calls that only look at the state.
func (w *World) look(name string, state sim.State, ctx *sim.Ctx, fields map[string]any) (any, error) {
	m, err := w.state(name, state)
	if err != nil {
		return nil, err
	}
	fields["state"], fields["ctx"] = m, w.ctxValue(ctx)
	r, err := w.call(name, fields)
	if err != nil {
		return nil, err
	}
	if len(r.effects)+len(r.draws) > 0 {
		return nil, w.reject(name, errors.New("effects and draws belong to setup and resolve"))
	}
	return r.value, nil
}

// Observe asks what a seat is shown.
func (w *World) Observe(state sim.State, seat *sim.Seat, ctx *sim.Ctx) (any, error) {
	v, err := w.look("observe", state, ctx, map[string]any{"agent": agentValue(seat, ctx.Live)})
	switch v.(type) {
	case nil, string, map[string]any:
		return v, err
	}
	return nil, w.reject("observe", fmt.Errorf("value: want an object or a text, got %s", kindOf(v)))
}

// Actions asks for the schema of a seat's action.
func (w *World) Actions(state sim.State, seat *sim.Seat, ctx *sim.Ctx) (any, error) {
	v, err := w.look("actions", state, ctx, map[string]any{"agent": agentValue(seat, ctx.Live)})
	switch v.(type) {
	case nil, []any, map[string]any:
		return v, err
	}
	return nil, w.reject("actions", fmt.Errorf("value: want a schema or null, got %s", kindOf(v)))
}

// Check asks for the reason why an action is against the rules.
func (w *World) Check(state sim.State, seat *sim.Seat, action any, ctx *sim.Ctx) (string, error) {
	v, err := w.look("check", state, ctx, map[string]any{"agent": agentValue(seat, ctx.Live), "action": action})
	return w.reason("check", v, err)
}

// Done asks for the reason why the game is over.
func (w *World) Done(state sim.State, ctx *sim.Ctx) (string, error) {
	v, err := w.look("done", state, ctx, map[string]any{})
	if v == false {
		v = nil
	}
	return w.reason("done", v, err)
}

func (w *World) reason(name string, v any, err error) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", err
	case string:
		return v, nil
	}
	return "", w.reject(name, fmt.Errorf("value: want null or the reason, got %s", kindOf(v)))
}

// Score asks for the seats' scores.
func (w *World) Score(state sim.State, ctx *sim.Ctx) (map[string]float64, error) {
	v, err := w.look("score", state, ctx, map[string]any{})
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, w.reject("score", fmt.Errorf("value: want an object, got %s", kindOf(v)))
	}
	out := make(map[string]float64, len(m))
	for name, x := range m {
		if !slices.ContainsFunc(ctx.Agents, func(s *sim.Seat) bool { return s.Name == name }) {
			return nil, w.reject("score", fmt.Errorf("value: %q is no agent of this run", name))
		}
		switch x := x.(type) {
		case int64:
			out[name] = float64(x)
		case float64:
			out[name] = x
		default:
			return nil, w.reject("score", fmt.Errorf("value: the score of %s: want a number, got %s", name, kindOf(x)))
		}
	}
	return out, nil
}

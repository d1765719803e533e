package expr

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
)

// MaxSteps is how many steps of the interpreter one evaluation may take. It stands
// for a good part of a second; what scenario files compute takes a few hundred.
const MaxSteps = 5_000_000

// Lookup returns the value of one of the names that an expression was offered.
// It is asked only for names that the expression uses.
type Lookup func(name string) (starlark.Value, error)

// Values is a Lookup in a dict of JSON values.
func Values(scope map[string]any) Lookup {
	return func(name string) (starlark.Value, error) {
		v, ok := scope[name]
		if !ok {
			return nil, fmt.Errorf("%s has no value here", name)
		}
		return ToStarlark(v)
	}
}

// Eval evaluates the expression. The values that lookup returns are frozen. Errors
// are *[Error] at the place where the evaluation stopped; those of lookup itself are
// wrapped at the expression's beginning.
func (e *Expr) Eval(lookup Lookup) (starlark.Value, error) {
	args := make(starlark.Tuple, len(e.names))
	for i, name := range e.names {
		v, err := lookup(name)
		if err == nil && v == nil {
			err = fmt.Errorf("%s has no value here", name)
		}
		if err != nil {
			return nil, e.source.errorf(0, "%v", err)
		}
		v.Freeze()
		args[i] = v
	}
	thread := &starlark.Thread{Name: "expression", Print: func(*starlark.Thread, string) {}}
	thread.SetMaxExecutionSteps(MaxSteps)
	v, err := starlark.Call(thread, e.fn, args, nil)
	if err != nil {
		return nil, e.evalError(thread, err)
	}
	return v, nil
}

func (e *Expr) evalError(thread *starlark.Thread, err error) error {
	if thread.ExecutionSteps() >= MaxSteps {
		return e.source.errorf(0, "the expression takes more than %d steps", MaxSteps)
	}
	offset, text := 0, err.Error()
	if stack, ok := errors.AsType[*starlark.EvalError](err); ok {
		text = stack.Msg
		offset = e.innermost(stack.CallStack)
	}
	return e.source.errorf(offset, "%s", strings.TrimPrefix(text, "fail: "))
}

// innermost is where the expression itself was when it failed, be it in a built-in
// function or not.
func (e *Expr) innermost(stack starlark.CallStack) int {
	for i := range stack {
		pos := stack.At(i).Pos
		if pos.Filename() == e.source.File && pos.Line > 0 {
			return e.source.offset(pos)
		}
	}
	return 0
}

// Value evaluates the expression to a JSON value.
func (e *Expr) Value(lookup Lookup) (any, error) {
	v, err := e.Eval(lookup)
	if err != nil {
		return nil, err
	}
	out, err := FromStarlark(v)
	if err != nil {
		return nil, e.source.errorf(0, "%v", err)
	}
	return out, nil
}

// Bool evaluates a condition: the value must be True or False, so that a text or a
// list in its place is noticed.
func (e *Expr) Bool(lookup Lookup) (bool, error) {
	v, err := e.Eval(lookup)
	if err != nil {
		return false, err
	}
	b, ok := v.(starlark.Bool)
	if !ok {
		return false, e.source.errorf(0, "want True or False, got %s %s", v.Type(), shorten(v.String()))
	}
	return bool(b), nil
}

package star

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// EvalError is a failure inside a Starlark file: a syntax error, an error while it
// ran, its step limit, or a result of the wrong kind.
type EvalError struct {
	File         string // path in the scenario folder
	Line, Column int    // from 1; 0: unknown
	Func         string // the function that the harness called; "": loading
	Message      string
	// Backtrace is the call stack, outermost call first, several lines; "" where
	// nothing was being called.
	Backtrace string

	cause error
}

// Error returns "file:line:column: function: message".
func (e *EvalError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Func != "" {
		b.WriteString(e.Func + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Unwrap returns what made the call fail, where that was a Go error.
func (e *EvalError) Unwrap() error { return e.cause }

// positioned makes an error of the place where something is defined, for results that
// are of the wrong kind once the call has returned.
func positioned(pos syntax.Position, fn, message string, cause error) *EvalError {
	return &EvalError{
		File: pos.Filename(), Line: int(pos.Line), Column: int(pos.Col),
		Func: fn, Message: message, cause: cause,
	}
}

// evalError words an interpreter's error. file is named where it names none itself.
func evalError(err error, file, fn string) error {
	var mine *EvalError
	if errors.As(err, &mine) {
		return mine // from a file that this one loads: the place is the inner one
	}
	var eval *starlark.EvalError
	var syn syntax.Error
	var res resolve.ErrorList
	switch {
	case errors.As(err, &eval):
		e := positioned(innermost(eval.CallStack, file), fn, eval.Msg, eval.Unwrap())
		e.Backtrace = eval.Backtrace()
		return e
	case errors.As(err, &syn):
		return positioned(syn.Pos, fn, syn.Msg, nil)
	case errors.As(err, &res):
		return positioned(res[0].Pos, fn, resolveText(res), nil)
	}
	return &EvalError{File: file, Func: fn, Message: err.Error(), cause: err}
}

// resolveText joins what the resolver found: the first without its place, which the
// error carries, the others with theirs.
func resolveText(list resolve.ErrorList) string {
	texts := []string{list[0].Msg}
	for _, e := range list[1:] {
		texts = append(texts, e.Error())
	}
	return strings.Join(texts, "; ")
}

// innermost returns the last place in a Starlark file; builtins have none.
func innermost(stack starlark.CallStack, file string) syntax.Position {
	for i := range stack {
		if pos := stack.At(i).Pos; pos.Line > 0 {
			return pos
		}
	}
	return syntax.MakePosition(&file, 0, 0)
}

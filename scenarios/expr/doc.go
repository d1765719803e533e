// Package expr holds the values that pass between the scenario file, the worlds and
// the agents, and the Starlark expressions that a scenario file writes as `${…}`.
//
// How it works:
//
//  1. A JSON value is nil, bool, int64, float64, string, []any or map[string]any.
//     [Decode] reads one, [Canonical] writes the one text that it has, [ToStarlark]
//     and [FromStarlark] carry it into the interpreter and back.
//  2. [Compile] parses an expression where it stands in its file, checks that it
//     uses only the names that its place offers, and keeps it as a function of them.
//  3. [Expr.Eval] looks those names up, freezes them, and calls the function in a
//     fresh thread under [MaxSteps].
//  4. [ParseTemplate] cuts a text into literal pieces and expressions; a text that
//     is one expression and nothing else keeps the expression's type.
//
// Expressions are pure: they load nothing, print nothing, draw nothing, read no
// clock, and cannot change what they are given. An [Expr] or [Template] may be used
// by many goroutines at a time. The package starts none and has no state.
//
// It does not promise to bound memory exactly: steps, ranges and repetitions are
// limited, so that a slip ends in an error, but the author of a scenario is trusted
// not to attack their own machine.
package expr
